"""The rows of a shop's ledger, as frozen records, and the verbs about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from connector.model.order import OrderRef, ShopId


@dataclass(frozen=True, slots=True)
class MissedOrder:
    """A change of an order that no webhook told and that was pulled.

    Attributes:
        changed_at: when the shop changed it; found_at: when we saw it.
    """

    shop_id: ShopId
    order_ref: OrderRef
    changed_at: datetime
    found_at: datetime

    @property
    def delay_s(self) -> float:
        """Tell how long it was not known here; 0 when the shop's clock is ahead."""
        return max((self.found_at - self.changed_at).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True)
class LedgerDay:
    """The orders placed on one day of the shop's zone: its number and ours.

    Attributes:
        missing: orders of the shop that we did not hold at this look.
        unreadable: others that we do not hold, because they cannot be read; each is a
            dead letter.
    """

    shop_id: ShopId
    day: date
    shop_says: int
    we_hold: int
    missing: tuple[OrderRef, ...]
    checked_at: datetime
    unreadable: tuple[OrderRef, ...] = ()

    @property
    def agrees(self) -> bool:
        """Tell whether both hold the same orders."""
        return self.shop_says == self.we_hold and not self.missing


@dataclass(frozen=True, slots=True)
class WebhookRepair:
    """A webhook that was found off and was mended.

    Attributes:
        was: `disabled`, `paused`, `missing` or `wrong_address`; became: the state after.
        gap_since: from when on the shop was asked again.
    """

    shop_id: ShopId
    topic: str
    was: str
    became: str
    repaired_at: datetime
    gap_since: datetime


class LedgerVerbs(Protocol):
    """What a transaction can do about the ledger."""

    def orders_placed(
        self, shop_id: ShopId, since: datetime, until: datetime
    ) -> Sequence[OrderRef]:
        """Name the orders we hold that were placed in a span; deleted ones left out."""
        ...

    def add_missed(self, missed: MissedOrder) -> bool:
        """Write a mended miss down; False when the same change stands there already."""
        ...

    def missed_orders(self, shop_id: ShopId, since: datetime, limit: int) -> Sequence[MissedOrder]:
        """Read mended misses found since a time, newest first."""
        ...

    def put_ledger_day(self, line: LedgerDay) -> None:
        """Keep what was found for one day; it replaces what was found before."""
        ...

    def ledger_days(self, shop_id: ShopId, since: date) -> Sequence[LedgerDay]:
        """Read the days from one on, oldest first."""
        ...

    def add_webhook_repair(self, repair: WebhookRepair) -> None:
        """Write down that a webhook was found off and mended."""
        ...

    def webhook_repairs(
        self, shop_id: ShopId, since: datetime, limit: int
    ) -> Sequence[WebhookRepair]:
        """Read the repairs since a time, newest first."""
        ...
