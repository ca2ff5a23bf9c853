"""Keep the records of the pretend shop and hand out their ids."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from webhooks.sandbox.shopify.records import (
    Bulk,
    Customer,
    Discount,
    Fulfillment,
    Metafield,
    Order,
    Subscription,
)

BIG = 2**53  # above it a number loses digits in a double


def stamp(at: datetime | None) -> str | None:
    """Write a time as the GraphQL API does."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """Read an ISO time; one without an offset is UTC.

    Raises: ValueError: it is no time.
    """
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


class Store:
    """All records; whoever reads or changes them holds `lock`."""

    def __init__(self, *, currency: str, timezone: str, domain: str, name: str) -> None:
        """Start with an empty shop."""
        self.lock = threading.RLock()
        self.currency = currency
        self.timezone = timezone
        self.zone = ZoneInfo(timezone)
        self.domain = domain
        self.name = name
        self.shop_id = 548_380_009
        self.location_id = 70_001_001
        self.orders: dict[int, Order] = {}
        self.customers: dict[int, Customer] = {}
        self.discounts: dict[int, Discount] = {}
        self.subscriptions: dict[int, Subscription] = {}
        self.metafields: dict[str, list[Metafield]] = defaultdict(list)
        self.bulks: dict[int, Bulk] = {}
        self.jobs: dict[str, bool] = {}
        self.timeline: dict[int, list[dict[str, Any]]] = defaultdict(list)
        self.stock: dict[int, int] = {}
        self.gifts: list[dict[str, Any]] = []
        self.mails: list[dict[str, Any]] = []
        self.idempotent: dict[str, tuple[str, Any]] = {}
        self.emit: Callable[[str, dict[str, Any], str], None] = _nowhere
        self._last = 41_000_000_000
        self._number = 1000

    @staticmethod
    def now() -> datetime:
        """Tell the time; records carry whole seconds as the platform's do."""
        return datetime.now(UTC).replace(microsecond=0)

    def next_id(self) -> int:
        """Hand out an id that no other record has."""
        self._last += 7
        return self._last

    def next_order(self) -> tuple[int, int]:
        """Hand out an order's id and number.

        Every second id is above 2^53, as the platform allows: a reader that
        goes through a double meets another order, or none.
        """
        self._number += 1
        base = BIG + 820_000_000_000_000_000 if self._number % 2 == 0 else 6_100_000_000_000
        return base + self.next_id(), self._number

    def local(self, at: datetime | None) -> str | None:
        """Write a time as webhook bodies do: with the shop's offset."""
        return None if at is None else at.astimezone(self.zone).isoformat(timespec="seconds")

    def orders_of(self, customer_id: int) -> list[Order]:
        """List the orders of a customer."""
        return [order for order in self.orders.values() if order.customer_id == customer_id]

    def customer_by(self, email: str | None, phone: str | None) -> Customer | None:
        """Find a customer by e-mail or phone."""
        for customer in self.customers.values():
            if email and customer.email and customer.email.lower() == email.lower():
                return customer
            if not email and phone and customer.phone == phone:
                return customer
        return None

    def fulfillments(self) -> Iterator[tuple[Order, Fulfillment]]:
        """Walk over all fulfillments with their orders."""
        for order in self.orders.values():
            for fulfillment in order.fulfillments:
                yield order, fulfillment

    def fulfillment(self, fulfillment_id: int) -> tuple[Order, Fulfillment] | None:
        """Find a fulfillment and its order."""
        return next((pair for pair in self.fulfillments() if pair[1].id == fulfillment_id), None)

    def discount_by_code(self, code: str) -> Discount | None:
        """Find a discount; capitals make no difference."""
        wanted = code.strip().lower()
        return next((d for d in self.discounts.values() if d.code.lower() == wanted), None)

    def note_event(self, order: Order, text: str, author: str = "Shop") -> None:
        """Add a line to the timeline that the merchant sees."""
        self.timeline[order.id].append(
            {
                "id": self.next_id(),
                "text": text,
                "to_customer": False,
                "author": author,
                "at": stamp(self.now()),
            }
        )


def _nowhere(topic: str, body: dict[str, Any], order: str) -> None:
    del topic, body, order
