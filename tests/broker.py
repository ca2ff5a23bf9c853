"""A Redis server of the tests' own: on a free port, in a folder that is removed."""

import shutil
import subprocess
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from tests.support import free_port, until


class Server(ABC):
    """A server that can be stopped and started again; used as a context manager."""

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start."""
        self.folder = Path(tempfile.mkdtemp(prefix="server"))
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop and remove the folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @abstractmethod
    def start(self) -> None:
        """Start the server and wait until it answers."""

    @abstractmethod
    def stop(self) -> None:
        """Kill the server."""


class Broker(Server):
    """A Redis server as a broker."""

    @property
    def url(self) -> str:
        """Give the address, as POSTVENTA_BROKER_URL takes it."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        program = shutil.which("redis-server")
        if program is None:
            raise RuntimeError("redis-server is missing: run `make broker`")
        self._process = subprocess.Popen(  # noqa: S603 - our own words only
            [
                *(program, "--port", str(self.port), "--bind", "127.0.0.1"),
                *("--dir", str(self.folder), "--save", "", "--appendonly", "no"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._answers, what="the broker's first answer")

    def stop(self) -> None:
        """Kill the server: nothing is kept."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=60)
            self._process = None

    def flush(self) -> None:
        """Throw away everything that the broker holds."""
        with redis.Redis(port=self.port) as client:
            client.flushall()

    def length(self, queue: str) -> int:
        """Count the messages of a queue that nobody has taken."""
        with redis.Redis(port=self.port) as client:
            return int(client.llen(queue))

    def double(self, queue: str, times: int) -> None:
        """Put every message into the queue so many times more."""
        with redis.Redis(port=self.port) as client:
            for message in client.lrange(queue, 0, -1):
                client.rpush(queue, *([message] * times))

    def hang_up(self) -> None:
        """Close the connections of all others."""
        with redis.Redis(port=self.port) as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def _answers(self) -> bool:
        try:
            with redis.Redis(port=self.port) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False
