"""Give a host that keeps failing a rest, and try it again with one call."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

# Source: our own defaults; see docs/howto/operate.md.
FAILURES: Final = 5
WINDOW: Final = timedelta(seconds=60)
FIRST_REST: Final = timedelta(seconds=30)
LONGEST_REST: Final = timedelta(minutes=15)
# While one call tries the host, the others ask again after this time.
TRIAL_S: Final = 5.0


class BreakerState(StrEnum):
    """Whether calls to a host may begin."""

    CLOSED = "closed"
    OPEN = "open"
    """It failed too often: no call begins."""
    HALF_OPEN = "half_open"
    """The rest is over: one call tries it."""


@dataclass(frozen=True, slots=True)
class Rest:
    """A rest that a host was given.

    Attributes:
        until: its end. opens: rests in a row, from 1; each is twice as long.
    """

    until: datetime
    opens: int


class Breaker:
    """The breaker of one host; whoever uses it from threads holds a lock.

    Five failures open it, when none came more than a minute after the one before. A
    good answer takes one failure back, so that a host which fails now and then is not
    taken for a dead one, and one that only hangs (few calls a minute) is found too.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._last_failure_at: datetime | None = None
        self._rest: Rest | None = None
        self._trial = False

    @property
    def rest(self) -> Rest | None:
        """Give the rest that was not yet ended by a good call."""
        return self._rest

    def state(self, now: datetime) -> BreakerState:
        """Tell the state."""
        if self._rest is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._left(now) > 0 else BreakerState.HALF_OPEN

    def wait_s(self, now: datetime) -> float:
        """Tell how long no call may begin; 0 when one may."""
        if self._rest is None:
            return 0.0
        left = self._left(now)
        return TRIAL_S if left <= 0 and self._trial else left

    def begin(self, now: datetime) -> bool:
        """Begin a call that may begin; tell whether it is the one that tries the host."""
        if self.state(now) is BreakerState.HALF_OPEN:
            self._trial = True
            return True
        return False

    def succeeded(self, *, trial: bool) -> bool:
        """Note a good answer; tell whether that ended a rest."""
        if trial:
            self.close()
            return True
        if self._rest is None:
            self._failures = max(self._failures - 1, 0)
        return False

    def failed(self, now: datetime, *, trial: bool) -> bool:
        """Note a failure; tell whether a rest begins with it."""
        if trial:
            opens = self._rest.opens + 1 if self._rest else 1
            self._open(now, opens)
            return True
        if self._rest is not None:
            # A call from before the rest says nothing new.
            return False
        last = self._last_failure_at
        if last is None or not timedelta(0) <= now - last <= WINDOW:
            self._failures = 0
        self._failures += 1
        self._last_failure_at = now
        if self._failures < FAILURES:
            return False
        self._open(now, 1)
        return True

    def undecided(self, *, trial: bool) -> None:
        """Note a call that proves nothing: the next one tries."""
        if trial:
            self._trial = False

    def close(self) -> None:
        """Begin anew, as with a host that never failed."""
        self.__init__()  # type: ignore[misc]  # all of it is forgotten

    def adopt(self, rest: Rest | None) -> None:
        """Take over what another process learned."""
        if rest is None:
            self.close()
        else:
            self._rest, self._trial, self._failures = rest, False, 0

    def _open(self, now: datetime, opens: int) -> None:
        self._failures, self._trial = 0, False
        self._rest = Rest(now + length_of(opens), opens)

    def _left(self, now: datetime) -> float:
        """Tell the seconds left of the rest, never more than it was long."""
        if self._rest is None:
            return 0.0
        left = self._rest.until - now
        if left > length_of(self._rest.opens):
            # The clock was set back: the rest is not made longer by that.
            self._rest = Rest(now + length_of(self._rest.opens), self._rest.opens)
            left = length_of(self._rest.opens)
        return max(left.total_seconds(), 0.0)


def length_of(opens: int) -> timedelta:
    """Tell how long a rest is: each in a row twice as long as the one before."""
    doubled: int = 2 ** min(opens - 1, 20)
    return min(FIRST_REST * doubled, LONGEST_REST)
