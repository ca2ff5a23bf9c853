"""Let threads take turns, first come first served."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from connector.errors import StorageUnavailable


class Turns:
    """A lock that is handed on in the order in which it was asked for.

    Args: patience_s: seconds a thread waits for its turn before it gives up.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._holder: int | None = None

    @property
    def mine(self) -> bool:
        """Tell whether it is this thread's turn."""
        return self._holder == threading.get_ident()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn and keep it for the block.

        Raises: StorageUnavailable: it did not come in time. RuntimeError: this
            thread has it already and would wait for itself.
        """
        self._take()
        try:
            yield
        finally:
            self._hand_on()

    def _take(self) -> None:
        me = threading.get_ident()
        with self._guard:
            if self._holder == me:
                raise RuntimeError("a transaction was opened inside of a transaction")
            if self._holder is None:
                self._holder = me
                return
            ticket = threading.Lock()
            ticket.acquire()
            self._waiting.append(ticket)
        came = ticket.acquire(timeout=self._patience_s)
        with self._guard:
            # It may have come just after the waiting had ended.
            if came or ticket not in self._waiting:
                self._holder = me
                return
            self._waiting.remove(ticket)
        raise StorageUnavailable("other work keeps the database busy")

    def _hand_on(self) -> None:
        with self._guard:
            if self._waiting:
                # Not free in between: a newcomer cannot overtake.
                self._holder = 0
                self._waiting.popleft().release()
            else:
                self._holder = None
