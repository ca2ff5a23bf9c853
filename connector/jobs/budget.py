"""Keep within the points that a platform gives us, and leave some for people."""

from dataclasses import dataclass
from typing import Final

# Kept back of the whole bucket: pages that a person waits for need some at once.
RESERVE: Final = 0.1
# When the platform tells no speed of filling, we ask again after this time.
_UNTOLD_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Level:
    """How full a bucket was.

    Attributes:
        available: points at the time `at`; maximum: points of a full bucket.
        restore: points that come back in a second.
        at: seconds of a clock that never goes back: points come back in real time.
    """

    available: float
    maximum: float
    restore: float
    at: float


class Budget:
    """The bucket of one shop; whoever uses it from threads holds a lock.

    The platform's own answers are the truth, for they hold what other processes
    used. Between two answers we count what comes back and what we have sent.
    """

    def __init__(self) -> None:
        self.level: Level | None = None

    def learn(self, level: Level) -> None:
        """Take what the platform told, unless something newer is known."""
        if self.level is None or level.at >= self.level.at:
            self.level = level

    def available(self, now_s: float) -> float | None:
        """Tell how many points there should be by now; None when nothing is known."""
        if self.level is None:
            return None
        passed_s = max(now_s - self.level.at, 0.0)
        return min(self.level.available + self.level.restore * passed_s, self.level.maximum)

    def wait_s(self, cost: float, now_s: float) -> float:
        """Tell how long to wait until a call of this cost leaves the reserve whole."""
        there = self.available(now_s)
        if there is None or self.level is None:
            return 0.0
        # A call that is larger than what is left beside the reserve waits for a full one.
        wanted = min(cost + self.level.maximum * RESERVE, self.level.maximum)
        if there >= wanted:
            return 0.0
        if self.level.restore <= 0:
            return _UNTOLD_S
        return (wanted - there) / self.level.restore

    def spend(self, cost: float, now_s: float) -> None:
        """Count a call that is sent now, until its answer tells more."""
        there = self.available(now_s)
        if there is not None and self.level is not None:
            left = max(there - cost, 0.0)
            self.level = Level(left, self.level.maximum, self.level.restore, now_s)
