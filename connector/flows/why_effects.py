"""Say what became of one effect, or what it waits for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.flows.send_effects import STOPPED
from connector.flows.why_words import DONE, WHAT, reason_words, sentence, time_words
from connector.model.effect import EffectState
from connector.storage.records import EffectRecord


@dataclass(frozen=True, slots=True)
class Standing:
    """What keeps effects of a shop back just now.

    Attributes:
        stopped: the kill switch is on. paused: the shop is not connected.
        resting_until: the shop's host is not called before.
    """

    stopped: bool
    paused: bool
    resting_until: datetime | None
    now: datetime
    timezone: str
    language: str

    def time(self, at: datetime) -> str:
        """Write a time in words."""
        return time_words(at, self.timezone, self.language)


@dataclass(frozen=True, slots=True)
class EffectAnswer:
    """What is said of one effect.

    Attributes:
        next_at: when it can change by itself. blocked: what has to change before, as the
            name of a sentence.
    """

    line: dict[str, Any]
    said: str
    next_at: datetime | None = None
    blocked: str = ""


def effect_answer(
    effect: EffectRecord, first: EffectRecord | None, standing: Standing
) -> EffectAnswer:
    """Say what became of an effect.

    Args: first: the effect it waits for, when it waits for one.
    """
    said, next_at, blocked = _said(effect, first, standing)
    planned = effect.planned
    line = {
        "key": planned.key,
        "step": planned.step,
        "kind": planned.kind.value,
        "state": effect.state.value,
        "reason": effect.reason,
        "due_at": _text(effect.due_at),
        "done_at": None if effect.done_at is None else _text(effect.done_at),
        "attempts": effect.attempts,
        "waits_for": planned.waits_for,
        "sentence": said,
        "next_at": None if next_at is None else _text(next_at),
    }
    return EffectAnswer(line, said, next_at, blocked)


def _said(
    effect: EffectRecord, first: EffectRecord | None, standing: Standing
) -> tuple[str, datetime | None, str]:
    language, due_at = standing.language, effect.due_at
    what = WHAT[effect.planned.kind][language]
    reason = reason_words(effect.reason, language)
    at = standing.time(due_at)

    def say(name: str, **values: str) -> str:
        return sentence(name, language, **{"what": what, "at": at, "reason": reason, **values})

    if effect.state is EffectState.DONE:
        done_at = standing.time(effect.done_at or due_at)
        return DONE[effect.planned.kind][language].format(at=done_at), None, ""
    if effect.state in {EffectState.SKIPPED, EffectState.DEAD}:
        return say(effect.state.value), None, ""
    if effect.state is EffectState.SENDING:
        return say("sending"), due_at, ""
    if standing.stopped:
        return say("switch"), None, "start"
    if standing.paused:
        return say("paused"), None, "connect"
    if effect.state is EffectState.UNKNOWN:
        return say("unknown"), due_at, ""
    if first is not None and first.state is not EffectState.DONE:
        before = WHAT[first.planned.kind][language]
        return say("behind", first=before), max(first.due_at, due_at), ""
    return _waits(effect, standing, say)


def _waits(effect: EffectRecord, standing: Standing, say: Any) -> tuple[str, datetime | None, str]:
    due_at = effect.due_at
    if due_at <= standing.now:
        resting = standing.resting_until
        if resting is not None:
            return say("rests", at=standing.time(resting)), resting, ""
        return say("soon"), due_at, ""
    if effect.reason.startswith("waits for the next hour"):
        return say("ceiling"), due_at, ""
    if effect.reason.startswith("waits for its hours"):
        return say("window"), due_at, ""
    if effect.reason and effect.reason != STOPPED:
        return say("retry"), due_at, ""
    return say("planned"), due_at, ""


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
