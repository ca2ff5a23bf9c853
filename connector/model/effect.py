"""Effects: intended writes to the outside, and the record of why they came to be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from connector.model.order import OrderRef, ShopId


class EffectKind(StrEnum):
    """What an effect does; one for each action of a rule."""

    NOTE = "note"
    TAG = "tag"
    COUPON = "coupon"
    STATUS = "status"
    MESSAGE = "message"


class EffectState(StrEnum):
    """The life of an effect: planned, sending, then one of the rest."""

    PLANNED = "planned"
    SENDING = "sending"
    DONE = "done"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    """The write may have happened; it is looked up before anything else."""
    DEAD = "dead"
    """Needs a person; the reason says what to do."""


@dataclass(frozen=True, slots=True)
class PlannedEffect:
    """One write to the outside that a rule asks for.

    Attributes:
        key: unique; made of rule, occurrence and step.
        payload: the action's data, with its texts still to be rendered.
        waits_for: key of the effect that must be done first; a message waits for
            the code it names.
    """

    key: str
    shop_id: ShopId
    order_ref: OrderRef
    rule_id: str
    rule_version: int
    occurrence_id: int
    step: int
    kind: EffectKind
    payload: dict[str, Any]
    due_at: datetime
    waits_for: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ConditionSeen:
    """One condition with the value that was seen.

    Attributes:
        path: where it stands in the rule, like `all[1].not`.
        value: what the rule asks for; `seen`: what the order had.
    """

    path: str
    field: str
    op: str
    value: Any
    seen: Any
    held: bool


class Verdict(StrEnum):
    """What one rule decided about one occurrence."""

    MATCHED = "matched"
    NOT_MATCHED = "not_matched"
    ONCE_ALREADY = "once_already"
    OWN_WRITE = "own_write"
    TOO_OLD = "too_old"
    TEST_ORDER = "test_order"
    FAULT = "fault"
    """The rule could not be asked: a fault of ours, which is in the log."""


@dataclass(frozen=True, slots=True)
class AskedRules:
    """What a set of rules asks for, the same for every order until a rule changes.

    Attributes:
        name: a hash of the text, which is JSON: `[[[field, op, value], …], [[rule id,
            version, [[path, number of the test], …]], …]]`.
    """

    name: str
    text: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Why each rule of a set acted on one occurrence, or why not.

    Attributes:
        seen: what the order had in each field that the rules ask for, as plain data.
        answers: of each test of the set, in its order; empty when no rule was asked.
        verdicts: of each rule of the set, in its order.
    """

    shop_id: ShopId
    order_ref: OrderRef
    occurrence_id: int
    at: datetime
    asked: AskedRules
    seen: Mapping[str, Any] = field(repr=False)
    answers: Sequence[bool] = field(repr=False)
    verdicts: Sequence[Verdict]
