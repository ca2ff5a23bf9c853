"""What the pretend shop knows: orders, customers, discounts, hooks.

Long because the records refer to one another and are read side by side.

Amounts are integers of the shop currency's minor units; times are aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from webhooks.sandbox.shopify.money import Rate, share


@dataclass(slots=True)
class Address:
    """One postal address."""

    id: int
    first_name: str
    last_name: str
    address1: str
    city: str
    zip: str
    country_code: str
    province_code: str = ""
    address2: str | None = None
    company: str | None = None
    phone: str | None = None

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(slots=True)
class Customer:
    """One buyer with an account or a guest profile."""

    id: int
    email: str | None
    phone: str | None
    first_name: str
    last_name: str
    locale: str
    created_at: datetime
    updated_at: datetime
    address: Address
    marketing_state: str = "NOT_SUBSCRIBED"
    sms_state: str = "NOT_SUBSCRIBED"
    opt_in_level: str | None = "SINGLE_OPT_IN"
    consent_at: datetime | None = None
    tags: list[str] = field(default_factory=list)
    note: str | None = None
    orders_before: int = 0  # orders older than the sandbox

    @property
    def display_name(self) -> str:
        """What the admin pages print."""
        return f"{self.first_name} {self.last_name}".strip() or self.email or self.phone or ""


@dataclass(slots=True)
class Line:
    """One line of an order."""

    id: int
    product_id: int | None
    variant_id: int | None
    sku: str | None
    name: str
    quantity: int
    price_minor: int
    discount_minor: int = 0  # of the whole line
    requires_shipping: bool = True
    gift_card: bool = False
    attributes: list[dict[str, str]] = field(default_factory=list)
    added: bool = False  # by an edit after the sale
    removed: int = 0
    fulfilled: int = 0

    @property
    def current_quantity(self) -> int:
        """What is left after edits and refunds."""
        return self.quantity - self.removed

    @property
    def unfulfilled_quantity(self) -> int:
        """What is still to be shipped."""
        return max(0, self.current_quantity - self.fulfilled)

    @property
    def total_minor(self) -> int:
        """Line total after discounts."""
        return self.price_minor * self.quantity - self.discount_minor

    def part_minor(self, quantity: int) -> int:
        """Total after discounts of some units of the line."""
        return share(self.total_minor, quantity, self.quantity)


@dataclass(slots=True)
class Transaction:
    """One movement of money."""

    id: int
    kind: str
    status: str
    gateway: str
    amount_minor: int
    at: datetime
    parent_id: int | None = None


@dataclass(slots=True)
class RefundLine:
    """Units of a line given back."""

    id: int
    line_id: int
    quantity: int
    restock_type: str
    subtotal_minor: int


@dataclass(slots=True)
class Refund:
    """One refund of an order."""

    id: int
    at: datetime
    note: str | None
    lines: list[RefundLine]
    transaction_ids: list[int]
    amount_minor: int


@dataclass(slots=True)
class ShipmentEvent:
    """One status a carrier reported."""

    id: int
    status: str  # upper case
    happened_at: datetime
    created_at: datetime
    message: str | None = None
    city: str | None = None
    country: str | None = None
    zip: str | None = None
    estimated_at: datetime | None = None


@dataclass(slots=True)
class Fulfillment:
    """Lines that left in one parcel."""

    id: int
    name: str
    lines: list[tuple[int, int]]  # line id, quantity
    created_at: datetime
    updated_at: datetime
    status: str = "SUCCESS"
    tracking: list[dict[str, str | None]] = field(default_factory=list)
    events: list[ShipmentEvent] = field(default_factory=list)

    def latest(self, *statuses: str) -> ShipmentEvent | None:
        """Find the newest event, of the given statuses if any."""
        fitting = [e for e in self.events if not statuses or e.status in statuses]
        return max(fitting, key=lambda event: event.happened_at, default=None)


@dataclass(slots=True)
class Hold:
    """One reason not to ship yet."""

    id: int
    handle: str | None
    reason: str
    notes: str | None


@dataclass(slots=True)
class Return:
    """Goods a buyer sends back."""

    id: int
    name: str
    status: str
    lines: list[dict[str, Any]]  # id, fulfillment_line (fulfillment id, line id), quantity, note
    created_at: datetime
    decline: dict[str, str] | None = None
    approved_at: datetime | None = None


@dataclass(slots=True)
class Metafield:
    """One extra field of an owner."""

    id: int
    namespace: str
    key: str
    type: str
    value: str
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class Order:
    """One order of the pretend shop."""

    id: int
    number: int
    rate: Rate
    created_at: datetime
    updated_at: datetime
    processed_at: datetime
    customer_id: int | None
    lines: list[Line]
    shipping_id: int
    shipping_minor: int
    shipping_title: str
    email: str | None
    phone: str | None
    locale: str | None
    shipping_address: Address | None
    billing_address: Address | None
    tax_rate: Decimal
    test: bool = False
    accepts_marketing: bool = False
    note: str | None = None
    tags: list[str] = field(default_factory=list)
    attributes: list[dict[str, str]] = field(default_factory=list)
    discounts: list[dict[str, Any]] = field(default_factory=list)  # code, amount_minor, type
    gateway: str = "shopify_payments"
    transactions: list[Transaction] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    fulfillments: list[Fulfillment] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    closed_at: datetime | None = None
    edited_minor: int = 0
    edited: bool = False
    risk: str = "NONE"

    @property
    def name(self) -> str:
        """Number as people see it."""
        return f"#{self.number}"

    @property
    def lines_minor(self) -> int:
        """Sum of the lines as sold, before discounts."""
        return sum(line.price_minor * line.quantity for line in self.lines if not line.added)

    @property
    def discount_minor(self) -> int:
        """Sum of all discounts."""
        return sum(line.discount_minor for line in self.lines)

    @property
    def total_minor(self) -> int:
        """Total as sold; taxes are in the prices."""
        return self.lines_minor - self.discount_minor + self.shipping_minor

    @property
    def current_total_minor(self) -> int:
        """Total after edits and refunds."""
        return max(0, self.total_minor + self.edited_minor - self.refunded_minor)

    @property
    def tax_minor(self) -> int:
        """Tax contained in the total as sold."""
        return self.tax_in(self.total_minor)

    def tax_in(self, amount_minor: int) -> int:
        """Tax contained in an amount."""
        return share(amount_minor, self.tax_rate, 1 + self.tax_rate)

    def moved(self, *kinds: str) -> int:
        """Sum of the money moved by successful transactions."""
        return sum(
            item.amount_minor
            for item in self.transactions
            if item.kind in kinds and item.status == "SUCCESS"
        )

    @property
    def paid_minor(self) -> int:
        """Money received."""
        return self.moved("SALE", "CAPTURE")

    @property
    def refunded_minor(self) -> int:
        """Money given back."""
        return self.moved("REFUND")

    @property
    def outstanding_minor(self) -> int:
        """Money still owed."""
        if self.cancelled_at is not None:
            return 0
        return max(0, self.total_minor + self.edited_minor - self.paid_minor)

    @property
    def financial_status(self) -> str:
        """Where the money is, in the words of the GraphQL API."""
        paid, refunded = self.paid_minor, self.refunded_minor
        if paid and refunded >= paid:
            return "REFUNDED"
        if refunded:
            return "PARTIALLY_REFUNDED"
        if not paid:
            if self.total_minor == 0:
                return "PAID"
            if self.cancelled_at is not None:
                return "VOIDED"
            return "AUTHORIZED" if self.moved("AUTHORIZATION") else "PENDING"
        return "PARTIALLY_PAID" if self.outstanding_minor else "PAID"

    @property
    def fulfillment_status(self) -> str:
        """How far shipping is, in the words of the GraphQL API."""
        physical = [line for line in self.lines if line.requires_shipping]
        if not physical:
            return "FULFILLMENT_NOT_REQUIRED"
        shipped = any(line.fulfilled for line in physical)
        if not any(line.unfulfilled_quantity for line in physical):
            return "FULFILLED" if shipped else "UNFULFILLED"
        if self.holds:
            return "ON_HOLD"
        return "PARTIALLY_FULFILLED" if shipped else "UNFULFILLED"

    def line(self, line_id: int) -> Line | None:
        """Find a line by its id."""
        return next((line for line in self.lines if line.id == line_id), None)

    def transaction(self, transaction_id: int | None) -> Transaction | None:
        """Find a transaction by its id."""
        return next((item for item in self.transactions if item.id == transaction_id), None)


@dataclass(slots=True)
class Discount:
    """One discount code; `given` keeps the input it was made from."""

    id: int
    code: str
    title: str
    starts_at: datetime
    ends_at: datetime | None
    usage_limit: int | None
    once_per_customer: bool
    percentage: float | None
    amount_minor: int | None
    on_each_item: bool
    minimum_minor: int | None
    minimum_quantity: int | None
    customer_ids: list[int] | None  # None: everyone
    combines: dict[str, bool]
    tags: list[str]
    created_at: datetime
    updated_at: datetime
    used: int = 0
    off: bool = False

    def status(self, now: datetime) -> str:
        """Tell whether the code can be used now."""
        if self.off or (self.ends_at is not None and self.ends_at <= now):
            return "EXPIRED"
        return "SCHEDULED" if self.starts_at > now else "ACTIVE"


@dataclass(slots=True)
class Subscription:
    """One webhook subscription."""

    id: int
    topic: str  # as the enum, ORDERS_CREATE
    uri: str
    created_at: datetime
    updated_at: datetime
    name: str | None = None
    format: str = "JSON"
    filter: str | None = None
    include_fields: list[str] = field(default_factory=list)
    failures: int = 0


@dataclass(slots=True)
class Bulk:
    """One bulk operation."""

    id: int
    query: str
    created_at: datetime
    status: str = "CREATED"
    completed_at: datetime | None = None
    result: bytes = b""
    objects: int = 0
    roots: int = 0
    error: str | None = None
