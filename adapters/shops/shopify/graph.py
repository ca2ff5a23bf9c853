"""An order as the GraphQL API writes it, brought into the webhooks' shape.

There is one mapping to the common model, so that an order read from the API and
the same order out of a webhook are equal. Two things only the API tells: when
money came in, and when a parcel arrived.

Source: Admin GraphQL schema 2026-10, checked 2026-11-22.
"""

from typing import Final

import msgspec

from adapters.shops.shopify import payload as body
from adapters.shops.shopify import schema
from connector.errors import PayloadInvalid

# Words of the order screen that the webhooks fold into "nothing has left".
_GOODS: Final = {
    "FULFILLED": "fulfilled",
    "PARTIALLY_FULFILLED": "partial",
    "RESTOCKED": "restocked",
    "FULFILLMENT_NOT_REQUIRED": "not_required",
    "UNFULFILLED": None,
    "OPEN": None,
    "IN_PROGRESS": None,
    "ON_HOLD": None,
    "PENDING_FULFILLMENT": None,
    "REQUEST_DECLINED": None,
    "SCHEDULED": None,
}
_CAME_IN: Final = frozenset({"SALE", "CAPTURE"})
_PAID: Final = frozenset({"PAID", "PARTIALLY_REFUNDED", "REFUNDED"})


def number_of(gid: str) -> int:
    """Read the number out of a global id.

    Raises: PayloadInvalid: there is none.
    """
    tail = gid.rpartition("/")[2].partition("?")[0]
    if not (tail.isascii() and tail.isdecimal()):
        raise PayloadInvalid(f"{gid[:60]!r} is not a global id")
    return int(tail)


def body_of(node: schema.OrderNode, more_lines: list[schema.Line] | None = None) -> body.OrderBody:
    """Bring an order into the webhooks' shape.

    Args: more_lines: the lines of the pages after the first.
    Raises: PayloadInvalid: an id cannot be read.
    """
    shipping = node.shipping_lines.nodes if node.shipping_lines else []
    goods = node.display_fulfillment_status or "UNFULFILLED"
    return body.OrderBody(
        id=number_of(node.id),
        name=node.name,
        currency=node.currency_code,
        created_at=node.created_at,
        processed_at=node.processed_at,
        updated_at=node.updated_at,
        cancelled_at=node.cancelled_at,
        financial_status=_lower(node.display_financial_status),
        fulfillment_status=_GOODS.get(goods, goods.lower()),
        total_price=node.total_price_set.shop_money.amount,
        total_tax=_amount(node.total_tax_set),
        total_discounts=_amount(node.total_discounts_set),
        taxes_included=node.taxes_included,
        email=node.email,
        phone=node.phone,
        customer_locale=node.customer_locale,
        customer=_customer(node.customer),
        billing_address=_address(node.billing_address),
        shipping_address=_address(node.shipping_address),
        line_items=[_line(line) for line in [*node.line_items.nodes, *(more_lines or ())]],
        shipping_lines=[
            body.Shipping(
                title=line.title,
                code=line.code,
                discounted_price=line.discounted_price_set.shop_money.amount,
                tax_lines=_taxes(line.tax_lines),
            )
            for line in shipping
        ],
        tax_lines=_taxes(node.tax_lines),
        discount_codes=[body.DiscountCode(code=code) for code in node.discount_codes],
        fulfillments=[_fulfillment(item) for item in node.fulfillments],
        refunds=[_refund(item) for item in node.refunds],
        note=node.note,
        note_attributes=[
            body.NamedValue(name=item.key, value=item.value) for item in node.custom_attributes
        ],
        tags=", ".join(node.tags),
        payment_gateway_names=list(node.payment_gateway_names),
        source_name=node.source_name,
        test=node.test,
        paid_at=_paid_at(node),
    )


def _paid_at(node: schema.OrderNode) -> str | None:
    """Find when the last payment came in, for an order that was paid in full."""
    if node.display_financial_status not in _PAID:
        return None
    times = [
        move.processed_at
        for move in node.transactions
        if move.kind in _CAME_IN and move.status == "SUCCESS" and move.processed_at
    ]
    # All in UTC and of one form, so that the texts sort like the times.
    return max(times, default=None)


def _amount(bag: schema.MoneyBag | None) -> msgspec.Raw:
    return msgspec.Raw(b"null") if bag is None else bag.shop_money.amount


def _lower(text: str | None) -> str | None:
    return text.lower() if text else None


def _customer(raw: schema.Customer | None) -> body.Customer | None:
    if raw is None:
        return None
    mail, phone = raw.default_email_address, raw.default_phone_number
    return body.Customer(
        id=number_of(raw.id),
        first_name=raw.first_name,
        last_name=raw.last_name,
        email=mail.email_address if mail else None,
        phone=phone.phone_number if phone else None,
        email_marketing_consent=None
        if mail is None
        else body.EmailConsent(
            state=_lower(mail.marketing_state),
            opt_in_level=_lower(mail.marketing_opt_in_level),
            consent_updated_at=mail.marketing_updated_at,
        ),
    )


def _address(raw: schema.Address | None) -> body.Address | None:
    return None if raw is None else body.Address(**msgspec.structs.asdict(raw))


def _taxes(taxes: list[schema.Tax]) -> list[body.Tax]:
    return [
        body.Tax(title=tax.title, rate=tax.rate, price=tax.price_set.shop_money.amount)
        for tax in taxes
    ]


def _line(raw: schema.Line) -> body.Line:
    return body.Line(
        id=number_of(raw.id),
        name=raw.name,
        sku=raw.sku,
        quantity=raw.quantity,
        price=raw.original_unit_price_set.shop_money.amount,
        product_id=number_of(raw.product.id) if raw.product else None,
        variant_id=number_of(raw.variant.id) if raw.variant else None,
        tax_lines=_taxes(raw.tax_lines),
        discount_allocations=[
            body.Allocation(amount=part.allocated_amount_set.shop_money.amount)
            for part in raw.discount_allocations
        ],
    )


def _fulfillment(raw: schema.Fulfillment) -> body.Fulfillment:
    return body.Fulfillment(
        id=number_of(raw.id),
        status=_lower(raw.status),
        shipment_status=_lower(raw.display_status),
        created_at=raw.created_at,
        tracking_numbers=[item.number for item in raw.tracking_info],
        tracking_urls=[item.url for item in raw.tracking_info],
        companies=[item.company for item in raw.tracking_info],
        tracking_company=next((item.company for item in raw.tracking_info), None),
        delivered_at=raw.delivered_at,
        estimated_delivery_at=raw.estimated_delivery_at,
    )


def _refund(raw: schema.Refund) -> body.Refund:
    return body.Refund(
        id=number_of(raw.id),
        created_at=raw.created_at,
        note=raw.note,
        transactions=[
            body.Transaction(
                kind=_lower(move.kind), status=_lower(move.status), amount=_amount(move.amount_set)
            )
            for move in raw.transactions.nodes
        ],
    )
