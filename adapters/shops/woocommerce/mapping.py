"""Turn a WooCommerce order into ours; pure."""

import html
import re
from datetime import UTC, datetime
from typing import Final

from adapters.shops.woocommerce import payload
from adapters.shops.woocommerce.tracking import parcels_of
from connector.errors import PayloadInvalid
from connector.model.customer import Address, Buyer, Consent, ConsentState
from connector.model.money import to_minor
from connector.model.order import (
    Fee,
    FulfillmentState,
    LineItem,
    Order,
    OrderRef,
    OrderState,
    PaymentState,
    Refund,
    ShippingLine,
    TaxLine,
)

DRAFT: Final = "checkout-draft"
TAGS_KEY: Final = "_postventa_tags"
META_PREFIX: Final = "_postventa_"
_LOCALE_KEYS: Final = ("wpml_language", "_wpml_language")

# Source: WooCommerce order statuses, wc/v3; a shop's own ones are "unknown" to us.
STATES: Final = {
    "pending": OrderState.PENDING,
    "on-hold": OrderState.ON_HOLD,
    "processing": OrderState.PROCESSING,
    "completed": OrderState.COMPLETED,
    "cancelled": OrderState.CANCELED,
    "refunded": OrderState.REFUNDED,
    "failed": OrderState.FAILED,
    "trash": OrderState.DELETED,
    DRAFT: OrderState.PENDING,
}

_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}Z?", re.ASCII)


def order_of(body: payload.OrderBody) -> Order:
    """Turn one order into ours.

    `total_minor` and the lines are with tax; the platform's line totals are without,
    whatever the shop's `prices_include_tax` says.

    Raises: PayloadInvalid: an amount or a time cannot be read; the field is named.
    Source: WooCommerce REST API, wc/v3, orders; checked 2026-11-22.
    """
    state = STATES.get(body.status, OrderState.UNKNOWN)
    modified_at = time_of(body.date_modified_gmt, "date_modified_gmt")
    placed_at = time_of(body.date_created_gmt, "date_created_gmt")
    stamp = modified_at or placed_at
    if stamp is None:
        raise PayloadInvalid("date_created_gmt and date_modified_gmt are both null")
    paid_at = time_of(body.date_paid_gmt, "date_paid_gmt")
    completed_at = time_of(body.date_completed_gmt, "date_completed_gmt")
    total = _minor(body.total, body, "total")
    refunds = tuple(_refund(body, number) for number in range(len(body.refunds)))
    refunded = sum(refund.amount_minor for refund in refunds)
    return Order(
        ref=OrderRef(str(body.id)),
        number=str(body.number) if body.number not in {None, ""} else str(body.id),
        state=state,
        platform_state=body.status,
        payment_state=_payment_state(state, total, refunded, paid=paid_at is not None),
        fulfillment_state=_fulfillment_state(state, done=completed_at is not None),
        currency=body.currency,
        total_minor=total,
        placed_at=placed_at or stamp,
        modified_at=stamp,
        tax_minor=_minor(body.total_tax, body, "total_tax"),
        shipping_minor=_minor(body.shipping_total, body, "shipping_total")
        + _minor(body.shipping_tax, body, "shipping_tax"),
        discount_minor=_minor(body.discount_total, body, "discount_total")
        + _minor(body.discount_tax, body, "discount_tax"),
        refunded_minor=refunded,
        paid_at=paid_at,
        completed_at=completed_at,
        buyer=_buyer(body),
        billing_address=address_of(body.billing),
        shipping_address=address_of(body.shipping) or address_of(body.billing),
        lines=tuple(_line(body, number) for number in range(len(body.line_items))),
        shipping_lines=tuple(
            ShippingLine(
                line.method_title or "",
                _sum(body, f"shipping_lines[{number}]", line.total, line.total_tax),
                line.method_id or "",
            )
            for number, line in enumerate(body.shipping_lines)
        ),
        fees=tuple(
            Fee(line.name or "", _sum(body, f"fee_lines[{number}]", line.total, line.total_tax))
            for number, line in enumerate(body.fee_lines)
        ),
        taxes=tuple(
            TaxLine(
                tax.label or "",
                _sum(body, f"tax_lines[{number}]", tax.tax_total, tax.shipping_tax_total),
                "" if tax.rate_percent is None else str(tax.rate_percent),
            )
            for number, tax in enumerate(body.tax_lines)
        ),
        discount_codes=tuple(coupon.code for coupon in body.coupon_lines),
        parcels=parcels_of(body.meta_data),
        refunds=refunds,
        tags=tags_of(body.meta_data),
        meta=meta_of(body.meta_data),
        note=body.customer_note or None,
        payment_method=body.payment_method or "",
        created_via=body.created_via or "",
        drafted=body.status == DRAFT,
    )


def _payment_state(state: OrderState, total: int, refunded: int, *, paid: bool) -> PaymentState:
    if state is OrderState.REFUNDED or (0 < total <= refunded):
        return PaymentState.REFUNDED
    if 0 < refunded < total:
        return PaymentState.PARTIALLY_REFUNDED
    # Cash on delivery has no paid date at `processing`; the shop treats it as sold.
    if paid or state in {OrderState.PROCESSING, OrderState.COMPLETED}:
        return PaymentState.PAID
    if state is OrderState.FAILED:
        return PaymentState.FAILED
    if state is OrderState.CANCELED:
        return PaymentState.VOIDED
    return PaymentState.PENDING


def _fulfillment_state(state: OrderState, *, done: bool) -> FulfillmentState:
    # In the trash the status is gone; the date of completion stays.
    if state is OrderState.COMPLETED or (state is OrderState.DELETED and done):
        return FulfillmentState.FULFILLED
    return FulfillmentState.UNFULFILLED


def time_of(text: str | None, path: str) -> datetime | None:
    """Read one of the `*_gmt` times.

    Args: text: UTC without a zone, whole seconds; null or empty when it never happened.
    Raises: PayloadInvalid: names the field.
    """
    if not text:
        return None
    try:
        if _TIME.fullmatch(text):
            return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError as err:
        raise PayloadInvalid(f"{path} is no time") from err
    raise PayloadInvalid(f"{path} is no time")


def _minor(text: str, body: payload.OrderBody, path: str) -> int:
    if not text:
        return 0
    try:
        return to_minor(text, body.currency)
    except PayloadInvalid as err:
        raise PayloadInvalid(f"{path}: {err}") from err


def _sum(body: payload.OrderBody, path: str, *texts: str) -> int:
    return sum(_minor(text, body, path) for text in texts)


def _refund(body: payload.OrderBody, number: int) -> Refund:
    refund = body.refunds[number]
    # The platform writes it as a negative text.
    amount = abs(_minor(refund.total, body, f"refunds[{number}].total"))
    return Refund(str(refund.id), amount, refund.reason or None)


def _line(body: payload.OrderBody, number: int) -> LineItem:
    line = body.line_items[number]
    path = f"line_items[{number}]"
    tax = _minor(line.total_tax, body, f"{path}.total_tax")
    return LineItem(
        ref=str(line.id),
        name=html.unescape(line.name or ""),
        # Plugins that sell by weight send parts; a line is never less than one piece.
        quantity=line.quantity if isinstance(line.quantity, int) else max(1, round(line.quantity)),
        total_minor=_minor(line.total, body, f"{path}.total") + tax,
        tax_minor=tax,
        sku=line.sku or None,
        product_ref=str(line.product_id) if line.product_id else None,
        variant_ref=str(line.variation_id) if line.variation_id else None,
    )


def _words(*texts: str | None) -> str:
    return " ".join(" ".join(text for text in texts if text).split())


def _buyer(body: payload.OrderBody) -> Buyer:
    block = body.billing
    if not _words(block.first_name, block.last_name):
        block = body.shipping
    return Buyer(
        ref=str(body.customer_id) if body.customer_id else None,
        name=_words(block.first_name, block.last_name),
        first_name=_words(block.first_name),
        last_name=_words(block.last_name),
        email=(body.billing.email or "").strip().lower() or None,
        phone=(body.billing.phone or "").strip() or None,
        locale=_locale(body.meta_data),
        # The platform has no word on offers: nobody is taken to have agreed.
        consents=(Consent("email", ConsentState.UNKNOWN),),
    )


def _locale(entries: list[payload.MetaEntry]) -> str | None:
    for entry in entries:
        if entry.key in _LOCALE_KEYS and isinstance(entry.value, str):
            text = entry.value.strip().replace("_", "-")
            if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", text):
                return text
    return None


def address_of(block: payload.Block) -> Address | None:
    """Turn a block into an address; None when street, town and code are all empty."""
    if not any((part or "").strip() for part in (block.address_1, block.city, block.postcode)):
        return None
    return Address(
        name=_words(block.first_name, block.last_name),
        company=block.company or "",
        line1=block.address_1 or "",
        line2=block.address_2 or "",
        city=block.city or "",
        region=block.state or "",
        postal_code=block.postcode or "",
        country=block.country or "",
        phone=block.phone or "",
    )


def tags_of(entries: list[payload.MetaEntry]) -> tuple[str, ...]:
    """Read our labels: comma separated in our own field, each once."""
    for entry in entries:
        if entry.key == TAGS_KEY and isinstance(entry.value, str):
            found = (tag.strip() for tag in entry.value.split(","))
            return tuple(dict.fromkeys(tag for tag in found if tag))
    return ()


def meta_of(entries: list[payload.MetaEntry]) -> tuple[tuple[str, str], ...]:
    """Keep the extra fields that are text, number or flag, as text and in fixed order."""
    kept: list[tuple[str, str]] = []
    for entry in entries:
        value = entry.value
        if entry.key == TAGS_KEY or not entry.key:
            continue
        if isinstance(value, bool):
            kept.append((entry.key, "true" if value else "false"))
        elif isinstance(value, (str, int, float)):
            kept.append((entry.key, str(value)))
    # The platform's order of entries is not stable.
    return tuple(sorted(kept))
