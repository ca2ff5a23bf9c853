"""What lists and timelines of the admin pages read, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from connector.model.order import OrderRef, OrderState, ShopId
from connector.storage.records import (
    DeliveryRecord,
    EffectRecord,
    MessageRecord,
    OccurrenceRecord,
    StoredOrder,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of a list ends: the next one begins after it."""

    at: datetime
    id: int


class EffectList(StrEnum):
    """The lists of effects that a person acts on."""

    SCHEDULED = "scheduled"
    """Planned, being sent, or to be looked up: what is still open, by its time."""
    DEAD = "dead"
    """Needs a person, newest first."""


@dataclass(frozen=True, slots=True)
class ShopStanding:
    """How much of a shop waits or failed; no number is larger than was asked for."""

    deliveries_waiting: int
    deliveries_dead: int
    effects_open: int
    effects_late: int
    effects_dead: int


class ListingVerbs(Protocol):
    """What a transaction can list."""

    def orders_page(
        self,
        shop_id: ShopId,
        *,
        state: OrderState | None = None,
        refs: Sequence[OrderRef] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: Place | None = None,
        limit: int,
    ) -> Sequence[tuple[Place, StoredOrder]]:
        """Read a page of orders, placed last first.

        Args: refs: only these. since, until: when they were placed.
        """
        ...

    def deliveries_of(self, shop_id: ShopId, lane: str, limit: int) -> Sequence[DeliveryRecord]:
        """Read the newest deliveries about an order, without their bodies, oldest first."""
        ...

    def occurrences_lately(self, shop_id: ShopId, limit: int) -> Sequence[OccurrenceRecord]:
        """Read what happened last in a shop, newest first; old times are not searched."""
        ...

    def messages_of(self, keys: Sequence[str]) -> Sequence[MessageRecord]:
        """Read the messages that effects sent, oldest first."""
        ...

    def effects_page(
        self, shop_id: ShopId, which: EffectList, *, after: Place | None = None, limit: int
    ) -> Sequence[tuple[Place, EffectRecord]]:
        """Read a page of one of the lists."""
        ...

    def standing_of_shop(self, shop_id: ShopId, *, late: datetime, most: int) -> ShopStanding:
        """Count what waits and what failed in a shop.

        Args: late: effects that were due before that count as late. most: is not counted
            any further.
        """
        ...

    def move_effect(self, shop_id: ShopId, key: str, due_at: datetime) -> bool:
        """Give an effect that is planned another time; False when it is not planned."""
        ...

    def cancel_effect(self, shop_id: ShopId, key: str, *, reason: str, now: datetime) -> bool:
        """Close an effect that is planned as skipped; False when it is not planned."""
        ...
