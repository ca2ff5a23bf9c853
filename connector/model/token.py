"""Keys to a shop that end and are renewed."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from connector.secret import Secret


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A key of a shop and, where there is one, what the next key is got with.

    Attributes:
        got_at: when the shop gave it. expires_at: when it ends, as far as it was told.
        refresh_until: when the refresh token ends.
        scope: rights as the shop wrote them, with commas between.
    """

    access: Secret = field(repr=False)
    got_at: datetime
    expires_at: datetime
    refresh: Secret | None = field(default=None, repr=False)
    refresh_until: datetime | None = None
    scope: str = ""


class TokenKeeper(Protocol):
    """Keeps the key of one shop, so that all processes have the same."""

    def now(self) -> datetime:
        """Tell the time by which keys are judged."""
        ...

    def read(self) -> AccessToken | None:
        """Give the key that is kept."""
        ...

    def renew(
        self,
        is_good: Callable[[AccessToken], bool],
        ask: Callable[[AccessToken | None], AccessToken],
    ) -> AccessToken:
        """Give a good key: the kept one, or a new one that is kept before it is used.

        Args: is_good: judges what is kept, once it is this caller's turn. ask: gets a new
            one from the shop; never run by two processes for one shop at the same time.
        Raises: TemporaryFailure: another process is at it and does not end. What `ask` raises.
        """
        ...


class MemoryKeeper:
    """Keeps a key for this object alone: before a shop is stored, and in tests."""

    def __init__(self) -> None:
        # Counted from here on, so that a clock that is set back makes no key younger.
        self._began, self._from = datetime.now(UTC), time.monotonic()
        self._lock = threading.Lock()
        self._kept: AccessToken | None = None

    def now(self) -> datetime:
        """Tell the time."""
        return self._began + timedelta(seconds=time.monotonic() - self._from)

    def read(self) -> AccessToken | None:
        """Give the key that is kept."""
        return self._kept

    def renew(
        self,
        is_good: Callable[[AccessToken], bool],
        ask: Callable[[AccessToken | None], AccessToken],
    ) -> AccessToken:
        """Give a good key, one thread at a time."""
        with self._lock:
            if self._kept is None or not is_good(self._kept):
                self._kept = ask(self._kept)
            return self._kept
