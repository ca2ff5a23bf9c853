"""Processes that are measured: start them, read their memory, end them."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
_PATIENCE_S: Final = 120.0
_END_S: Final = 30


class Child:
    """One process, and the file that holds what it says."""

    def __init__(self, command: list[str], variables: Mapping[str, str], log: Path) -> None:
        self.log = log
        clean = {name: text for name, text in os.environ.items() if "POSTVENTA_" not in name}
        with log.open("wb") as stream:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=clean | dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )

    def wait_for(self, text: str) -> str:
        """Wait until the process says something; give the rest of that line.

        Raises: RuntimeError: it ended or said nothing in time.
        """
        ends = time.monotonic() + _PATIENCE_S
        while time.monotonic() < ends:
            for line in self._said().splitlines():
                if text in line:
                    return line.partition(text)[2].strip()
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"no {text!r} from {self.log.stem}: {self._said()[-2000:]}")

    def rss_mb(self) -> float:
        """Read the memory it holds now."""
        return self._status("VmRSS")

    def peak_mb(self) -> float:
        """Read the most memory it has held."""
        return self._status("VmHWM")

    def ask_to_end(self) -> None:
        """Send the signal that a service manager sends."""
        self._process.terminate()

    def wait_end(self, patience_s: float) -> None:
        """Wait until it has ended.

        Raises: TimeoutExpired: it still runs.
        """
        self._process.wait(patience_s)

    def end(self) -> None:
        """Ask it to end and wait."""
        self.ask_to_end()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def _status(self, name: str) -> float:
        text = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in text.splitlines() if line.startswith(f"{name}:"))
        return int(line.split()[1]) / 1024


def module(name: str, *words: str) -> list[str]:
    """Give the command that runs a module of this package."""
    return [sys.executable, "-m", f"tools.bench.{name}", *words]


def program(*words: str) -> list[str]:
    """Give the command that runs `postventa`."""
    return [str(Path(sys.executable).with_name("postventa")), *words]


@contextmanager
def child(
    command: list[str], folder: Path, variables: Mapping[str, str] | None = None
) -> Iterator[Child]:
    """Run a process for the length of the block."""
    number = sum(1 for _ in folder.glob("child-*.log"))
    running = Child(command, variables or {}, folder / f"child-{number}.log")
    try:
        yield running
    finally:
        running.end()


@contextmanager
def slow_sync() -> Iterator[dict[str, str]]:
    """Build a library that makes each sync 2 ms slower; give the variables that use it.

    Gives nothing when there is no C compiler.
    """
    if shutil.which("cc") is None:
        yield {}
        return
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "slow_sync.so"
        source = Path(__file__).with_name("slow_sync.c")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
        yield {"LD_PRELOAD": str(library)}


def free_port() -> int:
    """Find a port nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
