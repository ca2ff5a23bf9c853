"""Turn Shopify's order into the common model; pure.

All money is in the shop's currency, never in the buyer's: only the shop's is
told for every amount. Where prices are without tax (`taxes_included` false) the
tax of a line or of the shipping is added, so that both kinds of shop agree.

Source: Order of the webhook reference and of the Admin GraphQL API, 2026-10,
checked 2026-11-22.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from adapters.shops.shopify import payload as body
from adapters.shops.shopify.parcels import parcels
from adapters.shops.shopify.people import address_of, buyer_of
from adapters.shops.shopify.values import maybe_when, money, number_text, when
from connector.errors import PayloadInvalid
from connector.model.money import is_currency
from connector.model.order import (
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

PAYMENT: Final = {
    "pending": PaymentState.PENDING,
    "authorized": PaymentState.AUTHORIZED,
    "partially_paid": PaymentState.PARTIALLY_PAID,
    "paid": PaymentState.PAID,
    "partially_refunded": PaymentState.PARTIALLY_REFUNDED,
    "refunded": PaymentState.REFUNDED,
    "voided": PaymentState.VOIDED,
    "expired": PaymentState.VOIDED,  # an authorization that nobody captured in time
}
FULFILLMENT: Final = {
    "unfulfilled": FulfillmentState.UNFULFILLED,
    "partial": FulfillmentState.PARTIAL,
    "fulfilled": FulfillmentState.FULFILLED,
    "restocked": FulfillmentState.RESTOCKED,
    "not_required": FulfillmentState.NOT_REQUIRED,
}
_HAS_MONEY: Final = frozenset({PaymentState.PAID, PaymentState.PARTIALLY_REFUNDED})


def order_of(raw: body.OrderBody) -> Order:
    """Build the order.

    Raises: PayloadInvalid: an amount, a time or the currency cannot be read.
    """
    if not is_currency(raw.currency):
        raise PayloadInvalid(f"currency: {raw.currency[:10]!r} is not a currency")
    financial = (raw.financial_status or "unknown").lower()
    # Quirk(shopify): null means that nothing has left yet.
    goods = (raw.fulfillment_status or "unfulfilled").lower()
    payment = PAYMENT.get(financial, PaymentState.UNKNOWN)
    fulfillment = FULFILLMENT.get(goods, FulfillmentState.UNKNOWN)
    state = _state(raw.cancelled_at is not None, payment, fulfillment)
    added_tax = not raw.taxes_included
    currency = raw.currency
    shipping = tuple(
        _shipping(line, currency, added_tax)
        for line in raw.shipping_lines or ()
        if not line.is_removed
    )
    refunds = _refunds(raw.refunds or (), currency)
    sent = [time for item in raw.fulfillments or () if (time := _left_at(item)) is not None]
    done = state is OrderState.COMPLETED and sent
    return Order(
        ref=OrderRef(str(raw.id)),
        number=raw.name,
        state=state,
        platform_state=f"{financial}/{goods}",
        payment_state=payment,
        fulfillment_state=fulfillment,
        currency=currency,
        total_minor=money(raw.total_price, currency, "total_price"),
        placed_at=when(raw.processed_at or raw.created_at, "processed_at"),
        modified_at=when(raw.updated_at, "updated_at"),
        tax_minor=money(raw.total_tax, currency, "total_tax"),
        shipping_minor=sum(line.total_minor for line in shipping),
        discount_minor=money(raw.total_discounts, currency, "total_discounts"),
        refunded_minor=sum(refund.amount_minor for refund in refunds),
        paid_at=maybe_when(raw.paid_at, "paid_at"),
        completed_at=max(sent) if done else None,
        canceled_at=maybe_when(raw.cancelled_at, "cancelled_at"),
        buyer=buyer_of(raw),
        billing_address=address_of(raw.billing_address),
        shipping_address=address_of(raw.shipping_address),
        lines=tuple(_line(line, currency, added_tax) for line in raw.line_items or ()),
        shipping_lines=shipping,
        taxes=tuple(_tax(tax, currency) for tax in raw.tax_lines or ()),
        discount_codes=tuple(item.code for item in raw.discount_codes or () if item.code),
        parcels=parcels(raw.fulfillments or ()),
        refunds=refunds,
        tags=_tags(raw.tags),
        meta=tuple(
            (item.name, _text(item.value)) for item in raw.note_attributes or () if item.name
        ),
        note=raw.note or None,
        payment_method=next((name for name in raw.payment_gateway_names or () if name), ""),
        created_via=raw.source_name or "",
        test=bool(raw.test),
    )


def _state(canceled: bool, payment: PaymentState, goods: FulfillmentState) -> OrderState:
    """Derive the state: Shopify has none of its own.

    An archived order is no state of its own either: most shops archive by themselves.
    """
    if canceled:
        return OrderState.CANCELED
    if payment is PaymentState.REFUNDED:
        return OrderState.REFUNDED
    if payment in _HAS_MONEY:
        return OrderState.COMPLETED if goods is FulfillmentState.FULFILLED else OrderState.PAID
    if payment is PaymentState.VOIDED:
        return OrderState.FAILED
    if payment is PaymentState.UNKNOWN:
        return OrderState.UNKNOWN
    return OrderState.PENDING


def _line(raw: body.Line, currency: str, added_tax: bool) -> LineItem:
    each = money(raw.price, currency, "line_items.price")
    less = sum(
        money(part.amount, currency, "line_items.discount_allocations.amount")
        for part in raw.discount_allocations or ()
    )
    tax = _taxes(raw.tax_lines, currency)
    return LineItem(
        ref=str(raw.id),
        name=raw.name or raw.title or "",
        quantity=raw.quantity,
        total_minor=each * raw.quantity - less + (tax if added_tax else 0),
        tax_minor=tax,
        sku=raw.sku or None,
        product_ref=str(raw.product_id) if raw.product_id else None,
        variant_ref=str(raw.variant_id) if raw.variant_id else None,
    )


def _shipping(raw: body.Shipping, currency: str, added_tax: bool) -> ShippingLine:
    told = raw.price if bytes(raw.discounted_price) == b"null" else raw.discounted_price
    price = money(told, currency, "shipping_lines.discounted_price")
    return ShippingLine(
        title=raw.title or "",
        total_minor=price + (_taxes(raw.tax_lines, currency) if added_tax else 0),
        method=raw.code or "",
    )


def _taxes(taxes: Sequence[body.Tax] | None, currency: str) -> int:
    return sum(money(tax.price, currency, "tax_lines.price") for tax in taxes or ())


def _tax(raw: body.Tax, currency: str) -> TaxLine:
    rate = number_text(raw.rate, "tax_lines.rate")
    percent = ""
    if rate is not None:
        try:
            percent = f"{(Decimal(rate) * 100).normalize():f}"
        except ArithmeticError as err:
            raise PayloadInvalid(f"tax_lines.rate: {rate[:20]!r} is not a rate") from err
    return TaxLine(raw.title or "", money(raw.price, currency, "tax_lines.price"), percent)


def _refunds(refunds: Iterable[body.Refund], currency: str) -> tuple[Refund, ...]:
    """Take the refunds that paid money back.

    A refund that only put goods back on the shelf, or whose payment is still
    pending or has failed, is none for the buyer.
    """
    found = []
    for raw in refunds:
        amount = sum(
            money(item.amount, currency, "refunds.transactions.amount")
            for item in raw.transactions or ()
            if (item.kind or "").lower() == "refund" and (item.status or "").lower() == "success"
        )
        if amount > 0:
            at = maybe_when(raw.created_at, "refunds.created_at")
            found.append(Refund(str(raw.id), amount, raw.note or None, at))
    return tuple(sorted(found, key=lambda refund: int(refund.ref)))


def _left_at(raw: body.Fulfillment) -> datetime | None:
    if (raw.status or "").lower() != "success":
        return None
    return maybe_when(raw.created_at, "fulfillments.created_at")


def _tags(text: str | None) -> tuple[str, ...]:
    tags = {tag for part in (text or "").split(",") if (tag := part.strip())}
    return tuple(sorted(tags, key=lambda tag: (tag.casefold(), tag)))


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
