"""The real program as child processes that can be killed, stopped and started again."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

import requests

from tests.faults.history import History
from tests.support import until

_ROOT: Final = Path(__file__).parents[2]
_START_S: Final = 300


def quiet_port() -> int:
    """Find a free port that no outgoing connection is ever given.

    While a killed server is away its port must stay free: clients of loopback draw
    theirs from 32768 upwards, and one could even connect to itself.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Program:
    """One `postventa serve` or `postventa worker`, with short waits.

    Args:
        command: its arguments.
        prefix: a program that runs it, like strace.
        options: of the launcher.
        ready: text on stderr after which it works.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: dict[str, str],
        folder: Path,
        history: History,
        options: Sequence[str] = (),
        ready: str,
    ) -> None:
        self.command = tuple(command)
        self.log = folder / f"{command[0]}.log"
        self._env = env
        self._history = history
        self._options = tuple(options)
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None
        self._stream: IO[bytes] | None = None
        self._from = 0

    @property
    def running(self) -> bool:
        """Tell whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Give the number of the process."""
        assert self._process is not None
        return self._process.pid

    def start(self, prefix: Sequence[str] = ()) -> None:
        """Start without waiting."""
        self._stream = self.log.open("ab")
        self._from = self.log.stat().st_size
        launcher = [sys.executable, "-m", "tests.faults.launch", *self._options, "--"]
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [*prefix, *launcher, *self.command],
            cwd=_ROOT,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=self._stream,
            stderr=self._stream,
            # A group of its own: a tracer in front of it dies with it.
            start_new_session=True,
        )
        self._history.write("start", command=self.command[0], under=list(prefix[:1]))

    def said(self) -> str:
        """Give what it wrote since its last start."""
        with self.log.open("rb") as text:
            text.seek(self._from)
            return text.read().decode(errors="replace")

    @property
    def is_ready(self) -> bool:
        """Tell whether it works."""
        return self._ready in self.said()

    def wait_ready(self) -> None:
        """Wait until it works; fails with its last words when it ended instead."""

        def works() -> bool:
            assert self.running, f"{self.command[0]} ended by itself: {self.said()[-2000:]}"
            return self.is_ready

        until(works, within_s=_START_S, what=f"{self.command[0]} to work")

    def kill(self) -> None:
        """End it at once, as a power cut of the process would."""
        if self._process is None:
            return
        self._history.write("kill", command=self.command[0], alive=self.running)
        self.signal(signal.SIGKILL)
        self.wait_end()

    def stop(self) -> None:
        """Ask it to end, and wait; it is killed when it does not listen."""
        if self._process is None:
            return
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            self._process.wait(90)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
        self.wait_end()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it and to what it runs under."""
        if self.running:
            os.killpg(self.pid, number)

    def wait_end(self) -> None:
        """Wait until the process is gone."""
        if self._process is not None:
            self._process.wait(90)
            # A wrapper like faketime may end before what it runs.
            ends = time.monotonic() + 30
            with contextlib.suppress(ProcessLookupError):
                while time.monotonic() < ends:
                    os.killpg(self.pid, 0)
                    time.sleep(0.02)
                os.killpg(self.pid, signal.SIGKILL)
        if self._stream is not None:
            self._stream.close()
        self._process = self._stream = None


def answers(url: str) -> bool:
    """Tell whether a server is ready for traffic."""
    try:
        return requests.get(url + "/readyz", timeout=10).status_code == 200
    except requests.RequestException:
        return False
