"""The kill switch: one stored value that stops all effects of all processes."""

import threading
import time
from typing import Final

from connector.storage.port import Storage, Transaction

KILL_SWITCH: Final = "effects.stopped"
# Promised are five seconds; the look-up before every effect may be this old.
_FRESH_S: Final = 0.5


class Switch:
    """Knows whether effects are stopped, half a second late at most."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._lock = threading.Lock()
        self._stopped = False
        self._read_at: float | None = None

    def read(self, tx: Transaction) -> bool:
        """Tell it inside of a transaction, from the store itself."""
        return self._keep(bool(tx.value(KILL_SWITCH)))

    def is_on(self) -> bool:
        """Tell whether effects are stopped.

        Raises: StorageUnavailable: it cannot be known, so nothing may be done.
        """
        with self._lock:
            if self._read_at is not None and time.monotonic() - self._read_at < _FRESH_S:
                return self._stopped
        with self._storage.reading() as tx:
            return self.read(tx)

    def _keep(self, stopped: bool) -> bool:
        with self._lock:
            self._stopped, self._read_at = stopped, time.monotonic()
        return stopped
