"""What is kept about requests of people, and how their data is found and erased."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from connector.model.order import Order, OrderRef, ShopId
from connector.secret import Secret


class PrivacyKind(StrEnum):
    """What is asked for."""

    EXPORT = "export"
    """Hand a buyer's data to the owner of the shop."""
    ERASE_BUYER = "erase_buyer"
    ERASE_SHOP = "erase_shop"


@dataclass(frozen=True, slots=True)
class PrivacyRequest:
    """One request and what became of it; it names no person once it is done.

    Attributes:
        digest: of what was asked; the same request counts once in a shop.
        state: `open` or `done`. due_at: the last day that the platform or the law gives.
        subject: who asks, as JSON; export: the data to be handed over, as JSON. Both are
            sealed in the store and forgotten when the request is done.
        result: numbers, and why something was not done.
    """

    id: int
    shop_id: ShopId
    kind: PrivacyKind
    source: str
    digest: str
    received_at: datetime
    due_at: datetime
    state: str = "open"
    done_at: datetime | None = None
    subject: Secret | None = field(default=None, repr=False)
    export: Secret | None = field(default=None, repr=False)
    result: Mapping[str, Any] = field(default_factory=dict)


class PrivacyVerbs(Protocol):
    """What a transaction can do about the data of people."""

    def add_privacy_request(self, request: PrivacyRequest) -> PrivacyRequest | None:
        """Store a request (its number is given out here); None when it was there already."""
        ...

    def change_privacy_request(self, request: PrivacyRequest) -> None:
        """Replace what is stored of a request."""
        ...

    def privacy_request(self, number: int) -> PrivacyRequest | None:
        """Read one request."""
        ...

    def privacy_requests(
        self, shop_id: ShopId | None = None, *, state: str = ""
    ) -> Sequence[PrivacyRequest]:
        """Read requests, the first to be done first."""
        ...

    def buyers_of(self, keys: Sequence[str]) -> Sequence[int]:
        """Number the buyers who have one of the keys."""
        ...

    def orders_of_buyers(self, shop_id: ShopId, buyers: Sequence[int]) -> Sequence[OrderRef]:
        """Name the orders of buyers in one shop."""
        ...

    def bodies_of(
        self, shop_id: ShopId, *, after: int, limit: int
    ) -> Sequence[tuple[int, str, str, bytes]]:
        """Read kept deliveries of a shop: number, lane, state and body, lowest number first."""
        ...

    def rows_of_order(self, shop_id: ShopId, ref: OrderRef) -> Mapping[str, Sequence[Any]]:
        """Read everything that is stored about an order, as plain rows by table."""
        ...

    def is_erased(self, shop_id: ShopId, ref: OrderRef) -> bool:
        """Tell whether an order is kept without its buyer."""
        ...

    def erase_order(
        self,
        shop_id: ShopId,
        ref: OrderRef,
        order: Order | None,
        names: Mapping[str, str],
        *,
        reason: str,
        now: datetime,
    ) -> Mapping[str, int]:
        """Keep an order without its buyer, now and whenever it is told of again.

        Bodies, evaluations, messages, evidence and what effects would have said are
        deleted; open effects are skipped and waiting rows closed, whoever has claimed
        them. What keeps a rule from acting twice stays.

        Args: order: what is to be kept of it; None when it was never stored. names: of
            parcels, old to new: the number of a parcel leads to its buyer.
        Returns: how many rows of each kind were changed.
        """
        ...

    def erase_deliveries(self, numbers: Sequence[int], *, reason: str, now: datetime) -> int:
        """Forget the bodies of deliveries in whatever state, and close those that wait."""
        ...

    def forget_buyers(self, buyers: Sequence[int], keep: Mapping[int, Sequence[str]]) -> int:
        """Delete the keys of buyers but those given, and buyers who have none left."""
        ...

    def buyer_orders(self, buyers: Sequence[int]) -> Iterator[tuple[int, ShopId, Order]]:
        """Read the orders of buyers in all shops."""
        ...

    def erase_shop_rows(self, shop_id: ShopId, limit: int) -> int:
        """Delete at most so many rows of a shop, of any table but orders; 0 when none is left."""
        ...

    def erase_shop_orders(self, shop_id: ShopId, limit: int) -> tuple[int, Sequence[int]]:
        """Delete at most so many orders of a shop; tell how many, and of which buyers."""
        ...

    def close_erased_shop(self, shop_id: ShopId, *, hook_token: str) -> None:
        """Leave of a shop only its number, its platform and that it was removed."""
        ...
