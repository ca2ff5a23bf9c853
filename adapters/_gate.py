"""The gate of an adapter that nobody gave one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class NoGate:
    """Lets every call through: for calls that a person waits for."""

    @contextmanager
    def call(self) -> Iterator[Callable[[int, float | None], None]]:
        """Begin at once."""
        yield lambda _status, _retry_after_s: None

    def pause(self, seconds: float) -> None:
        """Keep nobody from calling."""

    def afford_s(self, cost: float) -> float:
        """Tell that nothing has to be waited for."""
        del cost
        return 0.0

    def learn(self, available: float, maximum: float, restore: float) -> None:
        """Remember nothing."""
