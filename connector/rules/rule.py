"""The rule as frozen data: trigger, conditions, delay and actions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum
from typing import Any, Final

from connector.model.effect import EffectKind
from connector.model.event import OccurrenceKind
from connector.model.message import MessageClass
from connector.model.write import DiscountKind

LANGUAGES: Final = ("es", "en")
DEFAULT_MAX_AGE: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class LocalText:
    """One text in both languages; the same twice when it was written once.

    Attributes:
        only: the language it was written in, when that was one by name.
    """

    es: str
    en: str
    only: str = ""

    def of(self, locale: str) -> str:
        """Give the text for a locale like `es-ES`; English for all but Spanish."""
        return self.es if locale.lower().startswith("es") else self.en


class FieldType(StrEnum):
    """What kind of value a field has; it decides which operators fit."""

    TEXT = "text"
    TEXTS = "texts"
    NUMBER = "number"
    MONEY = "money"
    FLAG = "flag"
    TIME = "time"
    CHOICE = "choice"


class Operator(StrEnum):
    """How a field is compared with the value of a condition."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IN = "in"
    NOT_IN = "not_in"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    MATCHES = "matches"
    IS_SET = "is_set"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison; `value` is plain data as it stands in the rule."""

    __test__ = False  # pytest would take the name for a test of its own

    field: str
    type: FieldType
    op: Operator
    value: Any


@dataclass(frozen=True, slots=True)
class All:
    """Holds when each part holds; without parts always."""

    parts: "tuple[Condition, ...]" = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds when at least one part holds."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """Holds when the part does not."""

    part: "Condition"


Condition = Test | All | AnyOf | Not


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of the day in the shop's zone, `opens` included and `closes` not.

    A window that closes earlier than it opens goes over midnight.
    """

    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Delay:
    """How long after the occurrence the actions are due; see `due_at`.

    Attributes:
        after: elapsed time.
        working_days: days without weekends and holidays of the shop's country.
        at: the local time of day.
        window: local hours in which the actions may run.
    """

    after: timedelta = timedelta(0)
    working_days: int = 0
    at: time | None = None
    window: Window | None = None


class OncePer(StrEnum):
    """For what a rule acts at most once."""

    ORDER = "order"
    PARCEL = "parcel"
    REFUND = "refund"
    BUYER = "buyer"


@dataclass(frozen=True, slots=True)
class NoteAction:
    """Write a note on the order; `to_buyer` sends it by the shop's own mail."""

    text: LocalText
    to_buyer: bool = False
    kind: EffectKind = field(default=EffectKind.NOTE, init=False)


@dataclass(frozen=True, slots=True)
class TagAction:
    """Put labels on the order and take others off."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    kind: EffectKind = field(default=EffectKind.TAG, init=False)


@dataclass(frozen=True, slots=True)
class CouponAction:
    """Make a discount code.

    Attributes:
        value: percent, or an amount of the shop's currency, as decimal text; empty
            for free shipping.
        expires: how long it is valid, from the time the action is due.
        min_total: decimal text of the shop's currency.
    """

    discount: DiscountKind
    value: str = ""
    prefix: str = ""
    expires: timedelta = timedelta(days=30)
    uses: int = 1
    only_buyer: bool = True
    min_total: str | None = None
    kind: EffectKind = field(default=EffectKind.COUPON, init=False)


@dataclass(frozen=True, slots=True)
class StatusAction:
    """Set the order's status, in the platform's own word.

    Attributes:
        words: platform to word; the key `*` stands for every platform.
    """

    words: tuple[tuple[str, str], ...]
    kind: EffectKind = field(default=EffectKind.STATUS, init=False)

    def word(self, platform: str) -> str | None:
        """Give the word for a platform, None when the rule has none."""
        found = dict(self.words)
        return found.get(platform, found.get("*"))


@dataclass(frozen=True, slots=True)
class MessageAction:
    """Send the buyer a message, from a template or from the rule's own texts."""

    message_class: MessageClass
    channel: str = "email"
    template: str | None = None
    subject: LocalText | None = None
    body: LocalText | None = None
    kind: EffectKind = field(default=EffectKind.MESSAGE, init=False)


Action = NoteAction | TagAction | CouponAction | StatusAction | MessageAction


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, checked.

    Attributes:
        stop_if: what ends the rule while its actions wait, refunds apart.
        stop_on_full_refund: it ends when all the money went back; a part of it does not.
        max_age: an occurrence older than this fires nothing.
        source: the rule as plain data, as it was written.
    """

    id: str
    name: LocalText
    trigger: OccurrenceKind
    actions: tuple[Action, ...]
    once_per: OncePer
    stop_if: tuple[OccurrenceKind, ...]
    stop_on_full_refund: bool = True
    conditions: Condition = field(default=All())
    delay: Delay = Delay()
    max_age: timedelta = DEFAULT_MAX_AGE
    enabled: bool = False
    description: LocalText | None = None
    source: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False)


@dataclass(frozen=True, slots=True)
class RuleFile:
    """All rules of a file, in the order written."""

    rules: tuple[Rule, ...] = ()
