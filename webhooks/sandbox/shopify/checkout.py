"""What a buyer does at the checkout: lines, coupons, payment."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from webhooks.sandbox._server import Refused
from webhooks.sandbox.shopify.money import Rate, minor, share
from webhooks.sandbox.shopify.records import (
    Address,
    Customer,
    Line,
    Order,
    Transaction,
)
from webhooks.sandbox.shopify.store import Store, moment
from webhooks.sandbox.shopify.tell import changed, emit_order

DEFAULT_LINES = [{"sku": "MUG-1", "name": "Mug", "quantity": 1, "price": "20.00"}]


Data = dict[str, Any]


def place(store: Store, data: Data) -> Order:
    """Place an order as a buyer at the checkout.

    Raises: Refused: the data cannot be an order.
    """
    now = store.now()
    at = moment(data["created_at"]) if data.get("created_at") else now
    currency = data.get("currency") or store.currency
    rate = Rate(
        store.currency, data.get("presentment_currency") or currency, _factor(data, store, currency)
    )
    email = data.get("email", "ana@example.com")
    phone = data.get("phone")
    address = _address(store, data)
    customer = None if data.get("guest") else _customer(store, data, email, phone, address)
    order_id, number = store.next_order()
    order = Order(
        id=int(data.get("id") or order_id),
        number=number,
        rate=rate,
        created_at=at,
        updated_at=max(now, at),
        processed_at=moment(data["processed_at"]) if data.get("processed_at") else at,
        customer_id=None if customer is None else customer.id,
        lines=[new_line(store, item) for item in data.get("lines") or DEFAULT_LINES],
        shipping_id=store.next_id(),
        shipping_minor=minor(data.get("shipping", "4.90"), store.currency),
        shipping_title=data.get("shipping_title", "Standard"),
        email=email,
        phone=phone,
        locale=data.get("locale", "es-ES"),
        shipping_address=None if data.get("digital") else address,
        billing_address=address,
        tax_rate=Decimal(str(data.get("tax_rate", "0.21"))),
        test=bool(data.get("test", False)),
        accepts_marketing=bool(data.get("accepts_marketing", False)),
        note=data.get("note"),
        tags=list(data.get("tags", [])),
        gateway=data.get("gateway", "shopify_payments"),
        risk=data.get("risk", "NONE"),
    )
    for coupon in data.get("coupons", []):
        _apply_coupon(store, order, coupon)
    store.orders[order.id] = order
    store.note_event(order, "Order placed", order.email or "Guest")
    paid = data.get("paid", True)
    if paid:
        charge(store, order)
    emit_order(store, order, "orders/create")
    if paid:
        emit_order(store, order, "orders/paid")
    changed(store, order)
    return order


def charge(store: Store, order: Order, amount_minor: int | None = None) -> None:
    """Receive money: what is owed, or a given amount."""
    amount = order.outstanding_minor if amount_minor is None else amount_minor
    if amount:
        order.transactions.append(
            Transaction(
                store.next_id(),
                "SALE",
                "SUCCESS",
                order.gateway,
                amount,
                max(order.created_at, store.now()),
            )
        )


def _factor(data: Data, store: Store, currency: str) -> Decimal:
    if data.get("presentment_currency") and data.get("presentment_rate"):
        return Decimal(str(data["presentment_rate"]))
    if currency != store.currency:
        raise Refused(f"the shop sells in {store.currency}; give presentment_currency and rate")
    return Decimal(1)


def _address(store: Store, data: Data) -> Address:
    return Address(
        id=store.next_id(),
        first_name=data.get("first_name", "Ana"),
        last_name=data.get("last_name", "García"),
        address1=data.get("address1", "Calle Mayor 12"),
        city=data.get("city", "Madrid"),
        zip=data.get("zip", "28013"),
        country_code=data.get("country", "ES"),
        province_code=data.get("province", "M"),
        phone=data.get("phone"),
    )


def _customer(
    store: Store, data: Data, email: str | None, phone: str | None, address: Address
) -> Customer | None:
    if not email and not phone:
        return None
    now = store.now()
    known = store.customer_by(email, phone)
    if known is None:
        known = Customer(
            id=store.next_id(),
            email=email,
            phone=phone,
            first_name=address.first_name,
            last_name=address.last_name,
            locale=str(data.get("locale") or "es")[:5],
            created_at=now,
            updated_at=now,
            address=address,
            orders_before=int(data.get("orders_before", 0)),
        )
        store.customers[known.id] = known
    known.phone = known.phone or phone
    known.tags = list(data.get("customer_tags", known.tags))
    if data.get("accepts_marketing"):
        known.marketing_state, known.consent_at = "SUBSCRIBED", now
    known.updated_at = now
    return known


def new_line(store: Store, item: Data) -> Line:
    """Make a line of an order."""
    quantity = int(item.get("quantity", 1))
    if quantity < 1:
        raise Refused("a line needs a quantity of at least 1")
    custom = bool(item.get("custom"))
    return Line(
        id=store.next_id(),
        product_id=None if custom else int(item.get("product_id") or store.next_id()),
        variant_id=None if custom else int(item.get("variant_id") or store.next_id()),
        sku=item.get("sku"),
        name=item.get("name") or item.get("sku") or "Item",
        quantity=quantity,
        price_minor=minor(item.get("price", "20.00"), store.currency),
        requires_shipping=bool(item.get("requires_shipping", True)),
        gift_card=bool(item.get("gift_card", False)),
    )


def _apply_coupon(store: Store, order: Order, coupon: Any) -> None:
    given = coupon if isinstance(coupon, dict) else {"code": coupon}
    code = str(given["code"])
    known = store.discount_by_code(code)
    kind, value = "percentage", "10.0"
    base = order.lines_minor - order.discount_minor
    if "amount" in given:
        kind, value = "fixed_amount", str(given["amount"])
        off = minor(given["amount"], store.currency)
    elif known is None:
        off = share(base, 10, 100)  # a code of the story that was never created
    else:
        now = store.now()
        if known.status(now) != "ACTIVE" or (
            known.usage_limit is not None and known.used >= known.usage_limit
        ):
            raise Refused(f"the code {code} cannot be used", 409)
        if known.customer_ids is not None and order.customer_id not in known.customer_ids:
            raise Refused(f"the code {code} belongs to somebody else", 409)
        known.used += 1
        if known.percentage is not None:
            value = str(round(known.percentage * 100, 4))
            off = share(base, Decimal(str(known.percentage)), 1)
        else:
            kind, off = "fixed_amount", known.amount_minor or 0
            value = str(off)
    off = min(off, base)
    _spread(order, off)
    order.discounts.append({"code": code, "amount_minor": off, "type": kind, "value": value})


def _spread(order: Order, off: int) -> None:
    left, rest = off, order.lines_minor - order.discount_minor
    for line in order.lines:
        part = share(left, line.total_minor, rest) if rest else 0
        rest -= line.total_minor
        line.discount_minor += part
        left -= part
