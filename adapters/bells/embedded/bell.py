"""A bell inside one process."""

import threading


class EmbeddedBell:
    """Wakes the threads that wait in this process."""

    def __init__(self) -> None:
        self._rung = threading.Event()

    def ring(self, shop_id: str) -> None:
        """Say that a shop has work."""
        del shop_id
        self._rung.set()

    def wait(self, timeout_s: float) -> bool:
        """Sleep until the bell rings or the time is over; tell whether it rang."""
        rang = self._rung.wait(timeout_s)
        self._rung.clear()
        return rang
