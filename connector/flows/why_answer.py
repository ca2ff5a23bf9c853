"""The parts of an answer to "why" and "why not"."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from connector.model.effect import EffectState

Line = dict[str, Any]

# What a person should look at first.
_FIRST: Final = (
    EffectState.DEAD,
    EffectState.UNKNOWN,
    EffectState.SENDING,
    EffectState.PLANNED,
    EffectState.SKIPPED,
)


@dataclass(slots=True)
class Next:
    """When an answer could change, and what is said of it."""

    said: str
    at: datetime | None = None

    def line(self) -> Line:
        """Give it as plain data."""
        at = None if self.at is None else self.at.isoformat().replace("+00:00", "Z")
        return {"at": at, "sentence": self.said}


@dataclass(slots=True)
class Told:
    """What is said about one rule and one thing that happened.

    Attributes:
        outcome: one word for programs. said: sentences for people.
    """

    outcome: str
    said: list[str]
    line: Line = field(default_factory=dict)
    next: Next | None = None


def outcome_of(states: Sequence[EffectState]) -> str:
    """Name the state of some effects that a person should look at first."""
    present = set(states)
    if present == {EffectState.DONE, EffectState.SKIPPED}:
        return "partly"
    return next((state.value for state in _FIRST if state in present), EffectState.DONE.value)


def soonest(told: Sequence[Told]) -> Line | None:
    """Give the next date of all; else what is said of the last one."""
    known = [one.next for one in told if one.next is not None]
    dated = [one for one in known if one.at is not None]
    if dated:
        return min(dated, key=lambda one: one.at or datetime.max.replace(tzinfo=UTC)).line()
    return known[-1].line() if known else None
