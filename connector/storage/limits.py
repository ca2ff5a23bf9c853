"""What bounds the damage: limits of hosts, ceilings, tries, retention, rebuilding."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from connector.model.event import OccurrenceKind
from connector.model.order import OrderRef, ShopId
from connector.storage.records import EffectRecord, RuleRecord, ShopRecord


class LimitKind(StrEnum):
    """What is known of a host; each kind has a row of its own."""

    BREAKER = "breaker"
    QUIET = "quiet"
    """The host asked for a pause."""
    BUDGET = "budget"
    """How many points of Shopify's bucket are left."""


@dataclass(frozen=True, slots=True)
class HostLimit:
    """What one process learned of a host, for all the others.

    Attributes:
        host: name and port.
        state: plain values; times in it are ISO 8601.
    """

    host: str
    kind: LimitKind
    changed_at: datetime
    state: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CeilingCount:
    """How much of one kind a shop did in one hour.

    Attributes:
        hour: its first moment. reached_at: when more was wanted than is allowed.
    """

    shop_id: ShopId
    kind: str
    hour: datetime
    used: int
    reached_at: datetime | None


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One try of an effect.

    Attributes:
        number: grows with every claim; gaps are claims that had only to wait.
        ended_at: None while it runs, and for ever when its process was killed.
        outcome: the state that came of it.
        detail: `error`, `looked_for`, `found`: what a person needs to judge it.
    """

    effect_key: str
    shop_id: ShopId
    number: int
    started_at: datetime
    ended_at: datetime | None = None
    outcome: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OwnWrite:
    """A change of status that was ours, and since when."""

    shop_id: ShopId
    order_ref: OrderRef
    kind: OccurrenceKind
    at: datetime


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """Where an answer of a shop is kept in the inbox.

    Attributes:
        cause: number of the delivery whose work asked for it; `effect` for others.
        topic: `order`, or `gone` when the shop had it no more.
    """

    id: int
    shop_id: ShopId
    lane: str
    topic: str
    cause: str
    at: datetime


class LimitVerbs(Protocol):
    """What a transaction can do about limits."""

    def host_limits(self, host: str | None = None) -> Sequence[HostLimit]:
        """Read what is known of one host, or of all."""
        ...

    def put_host_limit(self, limit: HostLimit) -> None:
        """Keep what was learned, unless something newer is known."""
        ...

    def take_below_ceiling(self, shop_id: ShopId, kind: str, hour: datetime, most: int) -> bool:
        """Count one more in this hour; False when that would be more than `most`."""
        ...

    def give_back(self, shop_id: ShopId, kind: str, hour: datetime) -> None:
        """Take one off the count: it was surely not done."""
        ...

    def ceiling_count(self, shop_id: ShopId, kind: str, hour: datetime) -> int:
        """Tell how much was counted in this hour."""
        ...

    def note_ceiling(self, shop_id: ShopId, kind: str, hour: datetime, now: datetime) -> bool:
        """Remember that a ceiling was reached; True for the first to see it."""
        ...

    def reached_ceilings(self, since: datetime) -> Sequence[CeilingCount]:
        """Read the ceilings reached in hours from `since` on, newest first."""
        ...

    def begin_attempts(self, effects: Sequence[EffectRecord], *, now: datetime) -> None:
        """Write down that claimed effects are tried."""
        ...

    def end_attempt(
        self,
        effect: EffectRecord,
        *,
        started_at: datetime,
        ended_at: datetime,
        outcome: str,
        detail: Mapping[str, Any],
    ) -> None:
        """Write down what came of a try."""
        ...

    def drop_attempt(self, effect: EffectRecord) -> None:
        """Forget a claim that was no try: it had only to wait."""
        ...

    def attempts_of(self, effect_key: str) -> Sequence[AttemptRecord]:
        """Read the tries of an effect, oldest first."""
        ...


class RetentionVerbs(Protocol):
    """What a transaction can do about what is not kept for ever."""

    def old_bodies(self, before: datetime, *, after: int, limit: int) -> Sequence[int]:
        """Number closed deliveries received before a time that still have a body."""
        ...

    def drop_bodies(self, numbers: Sequence[int]) -> int:
        """Forget the bodies of closed deliveries; their keys stay."""
        ...

    def delete_old_deliveries(self, before: datetime, limit: int) -> int:
        """Delete closed deliveries without body, received before a time; tell how many."""
        ...

    def delete_old_effects(self, before: datetime, limit: int) -> int:
        """Delete effects closed before a time, with tries and messages; tell how many.

        One stays while another of the same rule and occurrence is open or was closed
        later: that may wait for it, and a turn of which nothing came is given back
        only when it is known that nothing came of any.
        """
        ...

    def delete_old_evidence(self, before: datetime, limit: int) -> int:
        """Delete evaluations, tries of closed effects and messages; tell how many.

        Of each kind the `limit` oldest rows are looked at. What keeps a rule from
        acting twice (occurrences, turns of rules, effects) is not evidence.
        """
        ...

    def delete_old_ceilings(self, before: datetime) -> int:
        """Delete the counts of hours before a time; tell how many."""
        ...


class RebuildVerbs(Protocol):
    """What a rebuild reads and writes beside the usual."""

    def is_empty(self) -> bool:
        """Tell whether nothing was ever stored: no shop, delivery, order or effect."""
        ...

    def every_shop(self) -> Sequence[ShopRecord]:
        """Read all shops, removed ones too, oldest first."""
        ...

    def every_rule_version(self) -> Sequence[RuleRecord]:
        """Read all versions of all rules of all shops, oldest first."""
        ...

    def every_own_write(self) -> Sequence[OwnWrite]:
        """Read all changes of status that were ours, oldest first."""
        ...

    def delivery_numbers(self) -> Sequence[int]:
        """Number all deliveries in the order in which they were received."""
        ...

    def kept_answers(self) -> Sequence[KeptAnswer]:
        """List what shops answered when they were asked, oldest first."""
        ...

    def lanes_without_body(self) -> Sequence[tuple[ShopId, str]]:
        """Name the orders some of whose deliveries have no body any more."""
        ...

    def skip_planned(self, reason: str, *, now: datetime) -> int:
        """Close all effects that are planned as skipped; tell how many."""
        ...
