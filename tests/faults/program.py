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
from typing import Final

import requests

from tests.faults.history import History
from tests.faults.nursery import Forked, Nursery
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
        name: of its log.
        options: of the launcher.
        nursery: where it is forked when nothing runs it; started anew without.
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
        name: str = "",
        nursery: Nursery | None = None,
    ) -> None:
        self.command = tuple(command)
        self.log = folder / f"{name or command[0]}.log"
        self._nursery = nursery
        self._env = env
        self._history = history
        self._options = tuple(options)
        self._ready = ready
        self._process: subprocess.Popen[bytes] | Forked | None = None
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
        """Start without waiting until it works.

        Args: prefix: a program that runs it, like strace.
        """
        self.log.touch()
        self._from = self.log.stat().st_size
        self._history.write("start", command=self.command[0], under=list(prefix[:1]))
        if isinstance(self._process, subprocess.Popen):
            # Held since `prepare`.
            assert self._process.stdin is not None
            with self._process.stdin as word:
                word.write(b"\n")
        elif self._nursery is not None and not prefix:
            self._process = self._nursery.fork(self.command, self._env, self.log)
        else:
            self._process = self._spawn(prefix, [])

    def prepare(self, prefix: Sequence[str]) -> None:
        """Let it read its code while others work; `start` lets it go on."""
        assert self._process is None
        self._process = self._spawn(prefix, ["--held"])

    def _spawn(self, prefix: Sequence[str], options: Sequence[str]) -> subprocess.Popen[bytes]:
        launcher = [sys.executable, "-m", "tests.faults.launch", *self._options, *options, "--"]
        with self.log.open("ab") as stream:
            return subprocess.Popen(  # noqa: S603 - our own program
                [*prefix, *launcher, *self.command],
                cwd=_ROOT,
                env=self._env,
                stdin=subprocess.PIPE if options else subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                # A group of its own: a tracer in front of it dies with it.
                start_new_session=True,
            )

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
        if self._process is not None:
            self.strike()
            self.wait_end()

    def strike(self) -> None:
        """Send the signal that nobody can catch, and do not wait."""
        self._history.write("kill", command=self.command[0], alive=self.running)
        self.signal(signal.SIGKILL)

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
            if isinstance(self._process, subprocess.Popen) and self._process.stdin is not None:
                self._process.stdin.close()
        self._process = None


def answers(url: str) -> bool:
    """Tell whether a server is ready for traffic."""
    try:
        return requests.get(url + "/readyz", timeout=10).status_code == 200
    except requests.RequestException:
        return False
