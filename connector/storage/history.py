"""What a transaction can tell of the past: for simulations and for "why not"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from connector.model.event import OccurrenceKind
from connector.model.order import Order, OrderRef, ShopId
from connector.storage.records import OccurrenceRecord


@dataclass(frozen=True, slots=True)
class CountedOrder:
    """The newest known state of an order with its buyer's order count filled in.

    Attributes:
        buyer_id: None for a sale without a name.
    """

    order: Order
    buyer_id: int | None


class HistoryVerbs(Protocol):
    """What a transaction can tell of the past."""

    def happened_kinds(
        self, shop_id: ShopId, since: datetime, until: datetime
    ) -> Mapping[OccurrenceKind, int]:
        """Count by kind what happened in a span; what our own writes caused is left out."""
        ...

    def happened_numbers(
        self,
        shop_id: ShopId,
        since: datetime,
        until: datetime,
        kinds: Sequence[OccurrenceKind],
    ) -> Sequence[int]:
        """Number what happened in a span, in the order it happened, own writes left out.

        Returns: eight bytes each, so that a million of them is a small thing.
        """
        ...

    def happened(self, numbers: Sequence[int]) -> Sequence[OccurrenceRecord]:
        """Read some occurrences, in the order of their numbers as given."""
        ...

    def happened_to(
        self, shop_id: ShopId, refs: Sequence[OrderRef]
    ) -> Mapping[OrderRef, Sequence[OccurrenceRecord]]:
        """Read what happened to some orders, oldest number first."""
        ...

    def counted_orders(
        self, shop_id: ShopId, refs: Sequence[OrderRef]
    ) -> Mapping[OrderRef, CountedOrder]:
        """Read some orders, each with its buyer's order count; unknown ones are left out."""
        ...

    def evaluation_of(self, occurrence_id: int) -> Sequence[Mapping[str, Any]]:
        """Read what each rule decided about an occurrence, with the values it saw.

        Returns: rows as the export of evaluations gives them; none when nothing was asked.
        """
        ...

    def seen_of(self, numbers: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
        """Read what orders had when rules were asked: occurrence to field to value.

        Occurrences about which no rule was asked are left out.
        """
        ...

    def once_holder(self, shop_id: ShopId, rule_id: str, once_key: str) -> int | None:
        """Tell which occurrence took the one time a rule may act."""
        ...

    def refs_of_number(self, shop_id: ShopId, number: str) -> Sequence[OrderRef]:
        """Find orders by the number that people see; newest first."""
        ...

    def buyer_of(self, keys: Sequence[str]) -> int | None:
        """Find the buyer with one of the keys, strongest first; None makes none."""
        ...

    def orders_of_buyer(self, buyer_id: int, shop_id: ShopId, limit: int) -> Sequence[OrderRef]:
        """Name a buyer's orders in one shop, newest first."""
        ...
