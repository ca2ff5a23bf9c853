"""What a pretend WooCommerce shop knows: its data and its clock."""

from __future__ import annotations

import itertools
import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable

STATUSES: Final = {
    "pending": "Pending payment",
    "processing": "Processing",
    "on-hold": "On hold",
    "completed": "Completed",
    "cancelled": "Cancelled",
    "refunded": "Refunded",
    "failed": "Failed",
    "checkout-draft": "Draft",
}
WRITABLE: Final = ["auto-draft", *STATUSES]
SYMBOLS: Final = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "MXN": "$", "CHF": "CHF"}
BILLING: Final = (
    "first_name",
    "last_name",
    "company",
    "address_1",
    "address_2",
    "city",
    "state",
    "postcode",
    "country",
    "email",
    "phone",
)
SHIPPING: Final = tuple(name for name in BILLING if name != "email")


@dataclass(slots=True)
class Line:
    """One line of goods, shipping or a fee; amounts include tax.

    Args:
        unit: price of one piece, tax included.
        off: discount of the whole line, tax included.
    """

    id: int
    name: str
    unit: Decimal
    quantity: int = 1
    sku: str | None = ""
    product_id: int = 0
    variation_id: int = 0
    off: Decimal = Decimal(0)
    method_id: str = ""
    meta: list[dict[str, Any]] = field(default_factory=list)

    @property
    def gross(self) -> Decimal:
        """Give the amount before the discount, tax included."""
        return self.unit * self.quantity


@dataclass(slots=True)
class Refund:
    """Money that went back; amounts are positive here."""

    id: int
    amount: Decimal
    reason: str
    at: datetime
    paid_back: bool
    lines: list[dict[str, Any]] = field(default_factory=list)
    shipping_lines: list[dict[str, Any]] = field(default_factory=list)
    tax_lines: list[dict[str, Any]] = field(default_factory=list)
    meta: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Note:
    """One entry in the notes of an order."""

    id: int
    text: str
    to_customer: bool
    author: str
    at: datetime


@dataclass(slots=True)
class Order:
    """An order as the shop keeps it; times are aware UTC seconds."""

    id: int
    status: str
    currency: str
    key: str
    created_at: datetime
    modified_at: datetime
    created_via: str
    paid_at: datetime | None = None
    completed_at: datetime | None = None
    customer_id: int = 0
    customer_note: str = ""
    payment_method: str = ""
    payment_method_title: str = ""
    transaction_id: str = ""
    status_before_trash: str = ""
    billing: dict[str, str] = field(default_factory=lambda: dict.fromkeys(BILLING, ""))
    shipping: dict[str, str] = field(default_factory=lambda: dict.fromkeys(SHIPPING, ""))
    meta: list[dict[str, Any]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    shipping_lines: list[Line] = field(default_factory=list)
    fee_lines: list[Line] = field(default_factory=list)
    coupons: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        """Give what the buyer pays, tax included, refunds not taken off."""
        goods = sum((line.gross - line.off for line in self.lines), Decimal(0))
        others = (line.gross for line in [*self.shipping_lines, *self.fee_lines])
        return goods + sum(others, Decimal(0))

    @property
    def refunded(self) -> Decimal:
        """Give the sum of all refunds."""
        return sum((refund.amount for refund in self.refunds), Decimal(0))


class Store:
    """Hold the data of one shop behind one lock."""

    def __init__(self, url: str, currency: str, timezone: str, decimals: int) -> None:
        """Open an empty shop.

        Args:
            url: home address without a slash at the end.
            currency: ISO code of the orders made here.
            timezone: name of the shop's zone, for its local times.
            decimals: digits after the point in every amount.
        """
        self.url = url
        self.currency = currency
        self.zone = ZoneInfo(timezone)
        self.timezone = timezone
        self.place = "ES:M"
        self.decimals = decimals
        self.gateway_s = 0.05  # paying back takes a while; another refund can slip in
        self.lock = threading.RLock()
        self.orders: dict[int, Order] = {}
        self.coupons: dict[int, dict[str, Any]] = {}
        self.products: dict[int, dict[str, Any]] = {}
        self.customers: dict[int, dict[str, Any]] = {}
        self.mails: list[dict[str, Any]] = []
        self.fire: Callable[[str, int], None] = _nobody
        self._posts = itertools.count(501)
        self._parts = itertools.count(1)

    def post_id(self) -> int:
        """Take an id of the row shared by orders, refunds and coupons."""
        return next(self._posts)

    def part_id(self) -> int:
        """Take an id for a line, a meta entry, a note or a customer."""
        return next(self._parts)

    @staticmethod
    def now() -> datetime:
        """Tell the time in whole seconds, as the shop stores it."""
        return datetime.now(UTC).replace(microsecond=0)

    def local(self, moment: datetime | None) -> str | None:
        """Write a moment in shop time without an offset."""
        if moment is None:
            return None
        return moment.astimezone(self.zone).strftime("%Y-%m-%dT%H:%M:%S")

    @staticmethod
    def gmt(moment: datetime | None) -> str | None:
        """Write a moment in UTC without an offset."""
        return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S")

    def text(self, amount: Decimal, decimals: int | None = None) -> str:
        """Write an amount with the shop's number of decimals."""
        places = self.decimals if decimals is None else decimals
        exact = Decimal(1).scaleb(-places)
        return f"{amount.quantize(exact, ROUND_HALF_UP):.{places}f}"

    def mail(self, kind: str, order: Order, subject: str, text: str = "") -> None:
        """Send a mail to the buyer, if the order has an address."""
        if order.billing["email"]:
            self.mails.append(
                {
                    "kind": kind,
                    "to": order.billing["email"],
                    "subject": subject,
                    "order": order.id,
                    "text": text,
                }
            )

    def add_note(
        self, order: Order, text: str, *, to_customer: bool = False, author: str = "WooCommerce"
    ) -> Note:
        """Write into the notes of an order; fires nothing."""
        note = Note(self.part_id(), text, to_customer, author, self.now())
        order.notes.append(note)
        if to_customer:
            subject = f"Note added to your order #{order.id}"
            self.mail("customer_note", order, subject, text)
        return note

    def touch(self, order: Order) -> None:
        """Save an order: the modified second moves, order.updated fires."""
        order.modified_at = self.now()
        self.fire("order.updated", order.id)

    @staticmethod
    def new_key() -> str:
        """Make up an order key."""
        return "wc_order_" + secrets.token_hex(7)[:13]


def _nobody(topic: str, number: int) -> None:
    del topic, number


def read_amount(value: object) -> Decimal:
    """Read an amount as the shop does: a comma counts, rubbish is 0.

    Source: recorded answers for "7,50", 7.5 and "abc", WooCommerce 10.2.4.
    """
    try:
        amount = Decimal(str(value).strip().replace(",", "."))
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() else Decimal(0)


def read_moment(value: str, zone: ZoneInfo) -> datetime | None:
    """Read a date or a moment; without offset it is in `zone`."""
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC).replace(microsecond=0)
