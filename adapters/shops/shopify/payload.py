"""An order as Shopify's webhooks write it, with only what we read.

Everything may be null or absent: a cash desk sells without customer and
shipping, and fields are emptied for apps without approval.

Source: webhook reference and payload schemas, API 2026-07 and 2026-10, checked
2026-11-22.
"""

from typing import Any

import msgspec

# Amounts are text, some are JSON numbers: kept as written (Raw), never a float.


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A postal address."""

    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    province_code: str | None = None
    zip: str | None = None
    country_code: str | None = None
    phone: str | None = None


class Tax(msgspec.Struct, frozen=True, kw_only=True):
    """One tax; `rate` is a fraction like 0.21."""

    title: str | None = None
    price: msgspec.Raw = msgspec.Raw(b"null")
    rate: msgspec.Raw = msgspec.Raw(b"null")


class Allocation(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a discount, given to one line."""

    amount: msgspec.Raw = msgspec.Raw(b"null")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line; `price` is for one piece, before discounts."""

    id: int
    name: str | None = None
    title: str | None = None
    sku: str | None = None
    quantity: int = 0
    price: msgspec.Raw = msgspec.Raw(b"null")
    product_id: int | None = None
    variant_id: int | None = None
    requires_shipping: bool | None = None
    tax_lines: list[Tax] | None = None
    discount_allocations: list[Allocation] | None = None


class Shipping(msgspec.Struct, frozen=True, kw_only=True):
    """A way of shipping; `discounted_price` counts all discounts."""

    title: str | None = None
    code: str | None = None
    price: msgspec.Raw = msgspec.Raw(b"null")
    discounted_price: msgspec.Raw = msgspec.Raw(b"null")
    is_removed: bool | None = None
    tax_lines: list[Tax] | None = None


class Fulfillment(msgspec.Struct, frozen=True, kw_only=True):
    """Lines that left; the last three fields are known by GraphQL only."""

    id: int
    status: str | None = None
    shipment_status: str | None = None
    created_at: str | None = None
    tracking_company: str | None = None
    tracking_number: str | None = None
    tracking_numbers: list[str | None] | None = None
    tracking_url: str | None = None
    tracking_urls: list[str | None] | None = None
    companies: list[str | None] | None = None
    delivered_at: str | None = None
    estimated_delivery_at: str | None = None


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """One movement of money, in its own currency."""

    kind: str | None = None
    status: str | None = None
    amount: msgspec.Raw = msgspec.Raw(b"null")
    currency: str | None = None


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """A refund that was recorded; its transactions say what was paid back."""

    id: int
    created_at: str | None = None
    note: str | None = None
    transactions: list[Transaction] | None = None


class EmailConsent(msgspec.Struct, frozen=True, kw_only=True):
    """What the customer last said about offers by e-mail."""

    state: str | None = None
    opt_in_level: str | None = None
    consent_updated_at: str | None = None


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """Who bought."""

    id: int | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    email_marketing_consent: EmailConsent | None = None


class NamedValue(msgspec.Struct, frozen=True, kw_only=True):
    """An extra field; the value may be no text."""

    name: str | None = None
    value: Any = None


class DiscountCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code the buyer used."""

    code: str | None = None


class OrderBody(msgspec.Struct, frozen=True, kw_only=True):
    """An order; amounts are in the shop's currency."""

    id: int
    name: str
    currency: str
    created_at: str
    updated_at: str
    total_price: msgspec.Raw
    processed_at: str | None = None
    cancelled_at: str | None = None
    financial_status: str | None = None
    fulfillment_status: str | None = None
    total_tax: msgspec.Raw = msgspec.Raw(b"null")
    total_discounts: msgspec.Raw = msgspec.Raw(b"null")
    taxes_included: bool | None = None
    email: str | None = None
    contact_email: str | None = None
    phone: str | None = None
    customer_locale: str | None = None
    customer: Customer | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    line_items: list[Line] | None = None
    shipping_lines: list[Shipping] | None = None
    tax_lines: list[Tax] | None = None
    discount_codes: list[DiscountCode] | None = None
    fulfillments: list[Fulfillment] | None = None
    refunds: list[Refund] | None = None
    note: str | None = None
    note_attributes: list[NamedValue] | None = None
    tags: str | None = None
    payment_gateway_names: list[str | None] | None = None
    source_name: str | None = None
    test: bool | None = None
    paid_at: str | None = None


class OrderId(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `orders/delete`: nothing but the id."""

    id: int


class OrderPart(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a topic that is about a part of an order."""

    order_id: int


class OrderEdit(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `orders/edited`: differences, not the order."""

    order_edit: OrderPart
