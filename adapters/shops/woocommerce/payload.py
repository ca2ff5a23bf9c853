"""The shapes of WooCommerce's JSON that we read; all other fields are passed over.

Source: WooCommerce REST API, wc/v3, as sent by 10.2.4; checked 2026-11-22.
"""

from typing import Annotated, Any, Final

from msgspec import Meta as Bounds
from msgspec import Struct

API_VERSION: Final = "wc/v3"

Id = Annotated[int, Bounds(ge=0, le=2**63 - 1)]
RequiredId = Annotated[int, Bounds(gt=0, le=2**63 - 1)]
Word = Annotated[str, Bounds(min_length=1, max_length=200)]
Amount = str | int | float | None


class MetaEntry(Struct, frozen=True):
    """One extra field; the value is whatever a plugin put there."""

    key: str = ""
    id: Id | None = None
    value: Any = None


class Block(Struct, frozen=True):
    """A billing or shipping block; plugins leave parts out or null."""

    first_name: str | None = ""
    last_name: str | None = ""
    company: str | None = ""
    address_1: str | None = ""
    address_2: str | None = ""
    city: str | None = ""
    state: str | None = ""
    postcode: str | None = ""
    country: str | None = ""
    email: str | None = ""
    phone: str | None = ""


class Line(Struct, frozen=True):
    """One line of an order; `sku` is null once the product is deleted."""

    id: Id
    quantity: int | float
    total: str
    total_tax: str = "0"
    name: str | None = ""
    product_id: Id | None = 0
    variation_id: Id | None = 0
    sku: str | None = ""


class Shipping(Struct, frozen=True):
    """One way of shipping."""

    total: str = "0"
    total_tax: str = "0"
    method_title: str | None = ""
    method_id: str | None = ""


class FeeLine(Struct, frozen=True):
    """One surcharge or deduction."""

    total: str = "0"
    total_tax: str = "0"
    name: str | None = ""


class Tax(Struct, frozen=True):
    """One tax of the order."""

    label: str | None = ""
    rate_percent: Amount = None
    tax_total: str = "0"
    shipping_tax_total: str = "0"


class Coupon(Struct, frozen=True):
    """One discount code that was used."""

    code: str = ""


class RefundLine(Struct, frozen=True):
    """A refund as an order names it; `total` is negative."""

    id: Id
    total: str
    reason: str | None = ""


class OrderBody(Struct, frozen=True):
    """A whole order."""

    id: RequiredId
    status: Word
    currency: Annotated[str, Bounds(pattern="^[A-Z]{3}$")]
    total: str
    date_created_gmt: str | None
    date_modified_gmt: str | None
    billing: Block
    line_items: list[Line]
    number: str | int | None = None
    total_tax: str = "0"
    shipping_total: str = "0"
    shipping_tax: str = "0"
    discount_total: str = "0"
    discount_tax: str = "0"
    date_paid_gmt: str | None = None
    date_completed_gmt: str | None = None
    customer_id: Id | None = 0
    customer_note: str | None = ""
    payment_method: str | None = ""
    created_via: str | None = ""
    shipping: Block = Block()
    meta_data: list[MetaEntry] = []
    shipping_lines: list[Shipping] = []
    fee_lines: list[FeeLine] = []
    tax_lines: list[Tax] = []
    coupon_lines: list[Coupon] = []
    refunds: list[RefundLine] = []
