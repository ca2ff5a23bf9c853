"""A RabbitMQ server of the tests' own: on a free port, in a folder that is removed."""

import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Final

from tests.broker import Server
from tests.support import free_port, until

# The program itself; the one on the path wants to be another user.
_PROGRAM: Final = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_START_S: Final = 180.0


class RabbitMq(Server):
    """A RabbitMQ server as a broker."""

    @property
    def url(self) -> str:
        """Give the address, as POSTVENTA_BROKER_URL takes it."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        if not _PROGRAM.exists():
            raise RuntimeError("rabbitmq-server is missing: run `make broker`")
        with (self.folder / "out").open("ab") as out:
            self._process = subprocess.Popen(  # noqa: S603 - our own words only
                [str(_PROGRAM)],
                cwd=self.folder,
                env={
                    "PATH": os.environ["PATH"],
                    # The cookie of Erlang's nodes lies there.
                    "HOME": str(self.folder),
                    "RABBITMQ_NODENAME": f"postventa{self.port}@localhost",
                    "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
                    "RABBITMQ_NODE_PORT": str(self.port),
                    "RABBITMQ_DIST_PORT": str(free_port()),
                    "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
                    "RABBITMQ_LOG_BASE": str(self.folder / "log"),
                    "RABBITMQ_PID_FILE": str(self.folder / "pid"),
                    "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
                },
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        until(self._answers, within_s=_START_S, what="the broker's first answer")

    def stop(self) -> None:
        """Kill the server: what is transient is gone."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=60)
            self._process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
                client.settimeout(5)
                client.sendall(b"AMQP\x00\x00\x09\x01")
                return client.recv(1) == b"\x01"
        except OSError:
            return False
