"""Faults that a pretend shop commits on demand."""

from __future__ import annotations

import random
import threading
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

MODES: Final = frozenset(
    {
        "drop_before",  # close the connection, nothing done
        "drop_after",  # do it, then close without an answer
        "reset_before",  # as drop_before, with a TCP reset
        "reset_after",  # as drop_after, with a TCP reset
        "cut_body",  # do it, then send half of the answer
        "status",  # nothing done, answer with `status`
        "status_500",
        "status_503",
        "status_429",
        "html_200",  # nothing done, a web page with 200
        "html_200_after",  # done, but answered with a web page
        "hang_before",  # nothing done, silence for hang_s, then closed
        "hang_after",  # done, silence for hang_s, then closed
    }
)
AFTER: Final = frozenset({"drop_after", "reset_after", "cut_body", "html_200_after", "hang_after"})


@dataclass(frozen=True, slots=True)
class Fault:
    """Describe one fault and the calls it hits.

    Args:
        mode: one of `MODES`.
        match: part of the call's label; empty hits every call.
        times: how often it strikes; None means always.
        status: status code of mode `status`; ignored by the others.
        retry_after_s: value of Retry-After; None sends no such header.
        hang_s: seconds of silence of the two hang modes.
        share: probability from 0 to 1 that a matching call is hit.
        body: body of mode `status`; None lets the shop choose one.
        content_type: content type of `body`.
    """

    mode: str
    match: str = ""
    times: int | None = 1
    status: int = 500
    retry_after_s: float | None = None
    hang_s: float = 30.0
    share: float = 1.0
    body: str | None = None
    content_type: str = "application/json"

    def __post_init__(self) -> None:
        """Refuse a mode or a number that means nothing."""
        if self.mode not in MODES:
            message = f"unknown fault mode {self.mode!r}; known: {sorted(MODES)}"
            raise ValueError(message)
        if not 0.0 <= self.share <= 1.0:
            message = f"share must be between 0 and 1, not {self.share}"
            raise ValueError(message)

    @property
    def acts(self) -> bool:
        """Tell whether the call is carried out before it goes wrong."""
        return self.mode in AFTER

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Fault:
        """Build a fault from JSON; unknown keys are refused."""
        unknown = set(data) - {item.name for item in fields(cls)}
        if unknown:
            message = f"unknown fault keys: {sorted(unknown)}"
            raise ValueError(message)
        return cls(**data)


class FaultList:
    """Hold the faults waiting for a call; safe across threads."""

    def __init__(self, seed: int = 7) -> None:
        """Start empty, with a repeatable random source for shares."""
        self._lock = threading.Lock()
        self._random = random.Random(seed)  # repeatable on purpose
        self._waiting: list[tuple[Fault, int | None]] = []

    def add(self, fault: Fault) -> None:
        """Queue a fault; older faults are tried first."""
        with self._lock:
            self._waiting.append((fault, fault.times))

    def clear(self) -> None:
        """Forget every fault."""
        with self._lock:
            self._waiting.clear()

    def pick(self, label: str) -> Fault | None:
        """Take the first fault that hits the call, and use it up.

        Args:
            label: "METHOD /path?query", or the GraphQL operation's name.
        """
        with self._lock:
            for index, (fault, left) in enumerate(self._waiting):
                if fault.match not in label:
                    continue
                if fault.share < 1.0 and self._random.random() >= fault.share:
                    continue
                if left is not None:
                    if left <= 1:
                        del self._waiting[index]
                    else:
                        self._waiting[index] = (fault, left - 1)
                return fault
        return None

    def as_json(self) -> list[dict[str, Any]]:
        """List the waiting faults, `times` being what is left."""
        with self._lock:
            return [{**asdict(fault), "times": left} for fault, left in self._waiting]
