"""Start the program within a fifth of a second: by forking one that has read its code.

Reading the code is what takes long at a start, and it is no state: a forked program opens
its own files and connections, as any other. It dies of a SIGKILL like any other, too.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_ROOT: Final = Path(__file__).parents[2]
_PRELOADED: Final = (
    "adapters.shops.shopify.adapter",
    "adapters.shops.woocommerce.adapter",
    "adapters.storage.postgresql",
    "webhooks.cli.main",
    "webhooks.serve",
)
_FOR_A_BROKER: Final = (
    "adapters.bells.celery.bell",
    "adapters.bells.celery.listener",
    "celery.apps.worker",
    "celery.concurrency.solo",
    "celery.worker.consumer",
    "kombu.transport.redis",
)
BROKER: Final = "POSTVENTA_BROKER_URL"


class Forked:
    """A program that was forked: no child of ours, watched by its descriptor."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._watched = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """Tell whether it has ended: 0 when it has, whatever it said."""
        return 0 if self._ended(0.0) else None

    def wait(self, timeout: float) -> int:
        """Wait for its end.

        Raises: TimeoutExpired: it still runs.
        """
        if not self._ended(timeout):
            raise subprocess.TimeoutExpired(f"program {self.pid}", timeout)
        return 0

    def _ended(self, timeout_s: float) -> bool:
        return bool(select.select([self._watched], [], [], timeout_s)[0])

    def __del__(self) -> None:
        os.close(self._watched)


class Nursery:
    """The process that all programs of an installation are forked from.

    Started with the first one. Args: options: of the launcher. env: while it reads the code;
    each program brings its own.
    """

    def __init__(self, options: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self._words = [sys.executable, "-m", "tests.faults.launch", *options, "--nursery", "--"]
        self._env = dict(env)
        self._log = log
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def fork(self, command: Sequence[str], env: Mapping[str, str], log: Path) -> Forked:
        """Start one more program, in a process group of its own."""
        wanted = {"command": list(command), "env": dict(env), "log": str(log)}
        with self._lock:
            if self._process is None:
                self._process = self._start()
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps(wanted).encode() + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        assert line, f"the nursery has ended: see {self._log}"
        return Forked(int(line))

    def close(self) -> None:
        """End; what was forked lives on."""
        with self._lock:
            if self._process is not None:
                self._process.kill()
                self._process.communicate()
                self._process = None

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as stream:
            return subprocess.Popen(  # noqa: S603 - our own program
                self._words,
                cwd=_ROOT,
                env=self._env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                start_new_session=True,
            )


def serve_forks() -> list[str]:
    """Fork a program for each line that comes in; returns in the forked ones only.

    Returns: the program's arguments.
    """
    _preload()
    # Whoever ends is not waited for by anybody.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin.buffer:
        wanted = json.loads(line)
        pid = os.fork()
        if pid == 0:
            return _begin(wanted)
        # Here as well: whoever is told of it may send a signal to its group at once.
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
    sys.exit(0)


def wait_for_the_word() -> None:
    """Read the code, then wait until a line comes in."""
    _preload()
    sys.stdin.readline()


def _preload() -> None:
    import gc
    from importlib import import_module

    for name in (*_PRELOADED, *(_FOR_A_BROKER if os.environ.get(BROKER) else ())):
        import_module(name)
    assert threading.active_count() == 1, "threads are not forked"
    gc.collect()
    # Their pages are shared with all that are forked.
    gc.freeze()


def _begin(wanted: Mapping[str, Any]) -> list[str]:
    os.setpgid(0, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(wanted["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for there, here in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(there, here)
    os.close(nothing)
    os.close(log)
    os.environ.clear()
    os.environ.update(wanted["env"])
    return list(wanted["command"])
