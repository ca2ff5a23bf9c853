"""The common order: one shape for every shop platform."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

from connector.model.customer import Address, Buyer
from connector.model.parcel import Parcel

ShopId = NewType("ShopId", str)
OrderRef = NewType("OrderRef", str)
JsonObject = dict[str, Any]


class OrderState(StrEnum):
    """Where an order stands; the platform's own word is kept beside it."""

    PENDING = "pending"
    ON_HOLD = "on_hold"
    PAID = "paid"
    PROCESSING = "processing"
    COMPLETED = "completed"
    CANCELED = "canceled"
    REFUNDED = "refunded"
    FAILED = "failed"
    DELETED = "deleted"
    UNKNOWN = "unknown"


class PaymentState(StrEnum):
    """What became of the money."""

    PENDING = "pending"
    AUTHORIZED = "authorized"
    PAID = "paid"
    PARTIALLY_PAID = "partially_paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"
    FAILED = "failed"
    UNKNOWN = "unknown"


class FulfillmentState(StrEnum):
    """What became of the goods, in the shop's own words."""

    UNFULFILLED = "unfulfilled"
    PARTIAL = "partial"
    FULFILLED = "fulfilled"
    RESTOCKED = "restocked"
    NOT_REQUIRED = "not_required"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LineItem:
    """One line of an order; `total_minor` is with tax and after discounts."""

    ref: str
    name: str
    quantity: int
    total_minor: int
    tax_minor: int = 0
    sku: str | None = None
    product_ref: str | None = None
    variant_ref: str | None = None


@dataclass(frozen=True, slots=True)
class ShippingLine:
    """A way of shipping the buyer chose; `total_minor` is with tax."""

    title: str
    total_minor: int
    method: str = ""


@dataclass(frozen=True, slots=True)
class Fee:
    """A surcharge or a deduction; `total_minor` is with tax."""

    name: str
    total_minor: int


@dataclass(frozen=True, slots=True)
class TaxLine:
    """One tax of an order; `rate` is the percentage as text, like `21`."""

    title: str
    total_minor: int
    rate: str = ""


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that went back; `amount_minor` is positive."""

    ref: str
    amount_minor: int
    reason: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """One order as a shop last told it.

    Money is whole minor units of `currency`. `total_minor` is what was sold, with
    tax; refunds do not lower it. All times are aware and in UTC.

    Attributes:
        ref: the platform's id, as text: what addresses the order in its API.
        number: what people call it, like `#1001`.
        platform_state: the platform's own word for the state.
        modified_at: the platform's own stamp of the last change; it orders states.
        tags: the shop's labels; empty on platforms without them.
        meta: the shop's extra fields that rules may read, text to text.
        payment_method: the platform's code of it, like `bacs`.
        created_via: how the order came, like `checkout` or `admin`.
        drafted: true for a basket that nobody has ordered; never stored.
        erased: it is kept without its buyer, who asked for that.
    """

    ref: OrderRef
    number: str
    state: OrderState
    platform_state: str
    payment_state: PaymentState
    fulfillment_state: FulfillmentState
    currency: str
    total_minor: int
    placed_at: datetime
    modified_at: datetime
    tax_minor: int = 0
    shipping_minor: int = 0
    discount_minor: int = 0
    refunded_minor: int = 0
    paid_at: datetime | None = None
    completed_at: datetime | None = None
    canceled_at: datetime | None = None
    buyer: Buyer = field(default=Buyer())
    billing_address: Address | None = None
    shipping_address: Address | None = None
    lines: tuple[LineItem, ...] = ()
    shipping_lines: tuple[ShippingLine, ...] = ()
    fees: tuple[Fee, ...] = ()
    taxes: tuple[TaxLine, ...] = ()
    discount_codes: tuple[str, ...] = ()
    parcels: tuple[Parcel, ...] = ()
    refunds: tuple[Refund, ...] = ()
    tags: tuple[str, ...] = ()
    meta: tuple[tuple[str, str], ...] = ()
    note: str | None = None
    payment_method: str = ""
    created_via: str = ""
    test: bool = False
    drafted: bool = False
    erased: bool = False


@dataclass(frozen=True, slots=True)
class UnreadableOrder:
    """An order that the shop listed and that cannot be read.

    Attributes:
        ref: empty when not even its number can be read.
        why: what does not fit; names fields, never what stands in them.
        body: what the shop sent for it.
    """

    ref: OrderRef
    why: str
    body: bytes = field(repr=False)


ListedOrder = Order | UnreadableOrder
