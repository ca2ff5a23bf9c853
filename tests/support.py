"""What many tests need: a clock that stands, free ports, waiting for a condition."""

import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class FrozenClock:
    """A clock that only moves when told."""

    def __init__(self, at: datetime = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)) -> None:
        self._lock = threading.Lock()
        self._at = at

    def now(self) -> datetime:
        """Tell the time."""
        with self._lock:
            return self._at

    def move(self, **span: float) -> datetime:
        """Go on (or back) by a span, like `minutes=10`."""
        with self._lock:
            self._at += timedelta(**span)
            return self._at

    def set(self, at: datetime) -> None:
        """Go to a time."""
        with self._lock:
            self._at = at


def free_port() -> int:
    """Find a port nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(check: Callable[[], bool], *, within_s: float = 60, what: str = "") -> None:
    """Wait until a condition holds; the limit is generous, since machines differ."""
    ends = time.monotonic() + within_s
    while not check():
        assert time.monotonic() < ends, f"not seen within {within_s} s: {what}"
        time.sleep(0.02)
