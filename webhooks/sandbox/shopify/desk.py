"""What buyers, the merchant and carriers do in the pretend shop."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from webhooks.sandbox._server import Refused
from webhooks.sandbox.shopify import order_body, payloads
from webhooks.sandbox.shopify.money import Rate, minor, share
from webhooks.sandbox.shopify.records import (
    Address,
    Customer,
    Fulfillment,
    Line,
    Order,
    Refund,
    RefundLine,
    ShipmentEvent,
    Transaction,
)
from webhooks.sandbox.shopify.store import Store, moment

Data = dict[str, Any]
DEFAULT_LINES = [{"sku": "MUG-1", "name": "Mug", "quantity": 1, "price": "20.00"}]


def emit_order(store: Store, order: Order, *topics: str) -> None:
    """Mark an order as changed and tell it to its subscribers."""
    order.updated_at = max(order.updated_at, store.now())
    for topic in topics:
        store.emit(topic, order_body.order_body(store, order), str(order.id))


def changed(store: Store, order: Order) -> None:
    """Fire orders/updated: after every change, our own writes included."""
    emit_order(store, order, "orders/updated")


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
        lines=[_line(store, item) for item in data.get("lines") or DEFAULT_LINES],
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
        _charge(store, order)
    emit_order(store, order, "orders/create")
    if paid:
        emit_order(store, order, "orders/paid")
    changed(store, order)
    return order


def pay(store: Store, order: Order, data: Data) -> None:
    """Receive what is still owed.

    Raises: Refused: nothing is owed.
    """
    if not order.outstanding_minor:
        raise Refused("nothing is owed for this order", 409)
    if data.get("amount") is None:
        _charge(store, order)
    else:
        _charge(store, order, minor(data["amount"], order.rate.shop))
    store.note_event(order, "Payment received")
    if order.financial_status == "PAID":
        emit_order(store, order, "orders/paid")
    changed(store, order)


def ship(store: Store, order: Order, data: Data) -> Fulfillment:
    """Hand lines to a carrier.

    Args: data: carrier, number, url; `lines` of `sku` and `quantity` for a part.
    Raises: Refused: nothing is left to ship, or the order is canceled.
    """
    if order.cancelled_at is not None:
        raise Refused("the order is canceled", 409)
    wanted = {item["sku"]: int(item["quantity"]) for item in data.get("lines", [])}
    take = [
        (line.id, min(line.unfulfilled_quantity, wanted.get(line.sku or "", 0)))
        if wanted
        else (line.id, line.unfulfilled_quantity)
        for line in order.lines
    ]
    tracking = {key: data.get(name) for key, name in _TRACKING.items()}
    parcel = [tracking] if any(tracking.values()) else []
    return fulfill(store, order, [pair for pair in take if pair[1]], parcel)


_TRACKING = {"company": "carrier", "number": "number", "url": "url"}


def fulfill(
    store: Store, order: Order, lines: list[tuple[int, int]], tracking: list[dict[str, Any]]
) -> Fulfillment:
    """Record a fulfillment and tell it.

    Raises: Refused: there is nothing to ship.
    """
    if not lines:
        raise Refused("nothing is left to ship", 409)
    now = store.now()
    for line_id, quantity in lines:
        line = order.line(line_id)
        if line is not None:
            line.fulfilled += quantity
    fulfillment = Fulfillment(
        id=store.next_id(),
        name=f"{order.name}-F{len(order.fulfillments) + 1}",
        lines=lines,
        created_at=now,
        updated_at=now,
        tracking=tracking,
    )
    order.fulfillments.append(fulfillment)
    store.note_event(order, "Items sent")
    body = payloads.fulfillment_topic_body(store, order, fulfillment)
    store.emit("fulfillments/create", body, str(order.id))
    done = order.fulfillment_status == "FULFILLED"
    if done and order.financial_status == "PAID":
        order.closed_at = now
    emit_order(store, order, "orders/fulfilled" if done else "orders/partially_fulfilled")
    changed(store, order)
    return fulfillment


def retrack(store: Store, order: Order, fulfillment: Fulfillment, tracking: list[Data]) -> None:
    """Change the tracking of a fulfillment."""
    fulfillment.tracking = tracking
    fulfillment.updated_at = store.now()
    body = payloads.fulfillment_topic_body(store, order, fulfillment)
    store.emit("fulfillments/update", body, str(order.id))
    changed(store, order)


def carrier_event(
    store: Store, order: Order, fulfillment: Fulfillment, status: str, data: Data
) -> ShipmentEvent:
    """Record what the carrier reports about a parcel."""
    now = store.now()
    happened, estimated = data.get("happened_at"), data.get("estimated_delivery_at")
    event = ShipmentEvent(
        id=store.next_id(),
        status=status.upper(),
        happened_at=moment(happened) if happened else now,
        created_at=now,
        message=data.get("message"),
        city=data.get("city"),
        country=data.get("country"),
        zip=data.get("zip"),
        estimated_at=moment(estimated) if estimated else None,
    )
    fulfillment.events.append(event)
    fulfillment.updated_at = now
    told = payloads.shipment_event_body(store, order, fulfillment, event)
    store.emit("fulfillment_events/create", told, str(order.id))
    body = payloads.fulfillment_topic_body(store, order, fulfillment)
    store.emit("fulfillments/update", body, str(order.id))
    changed(store, order)
    return event


def refund(
    store: Store, order: Order, amount_minor: int, note: str | None, lines: list[RefundLine]
) -> Refund:
    """Give money back, through the payment it came from.

    Raises: Refused: more than was received.
    """
    if amount_minor > order.paid_minor - order.refunded_minor:
        raise Refused("Refund amount exceeds the amount that can be refunded", 409)
    now = store.now()
    moves = []
    if amount_minor:
        parent = next((t for t in order.transactions if t.kind in {"SALE", "CAPTURE"}), None)
        moves.append(
            Transaction(
                id=store.next_id(),
                kind="REFUND",
                status="SUCCESS",
                gateway=order.gateway,
                amount_minor=amount_minor,
                at=now,
                parent_id=None if parent is None else parent.id,
            )
        )
    order.transactions += moves
    for item in lines:
        line = order.line(item.line_id)
        if line is not None:
            line.removed += item.quantity
    done = Refund(store.next_id(), now, note, lines, [t.id for t in moves], amount_minor)
    order.refunds.append(done)
    store.note_event(order, f"Refund recorded: {note}" if note else "Refund recorded")
    store.emit("refunds/create", payloads.refund_body(store, order, done), str(order.id))
    changed(store, order)
    return done


def cancel(store: Store, order: Order, reason: str, *, give_back: bool, restock: bool) -> None:
    """Cancel an order.

    Raises: Refused: it is canceled or has left.
    """
    if order.cancelled_at is not None:
        raise Refused("The order is already canceled", 409)
    if any(item.status == "SUCCESS" for item in order.fulfillments):
        raise Refused("Cannot cancel an order with fulfillments", 409)
    now = store.now()
    order.cancelled_at, order.cancel_reason, order.closed_at = now, reason.upper(), now
    order.holds.clear()
    store.note_event(order, f"Order canceled: {reason.lower()}")
    owed = order.paid_minor - order.refunded_minor
    lines = [
        RefundLine(
            store.next_id(),
            line.id,
            line.current_quantity,
            "CANCEL" if restock else "NO_RESTOCK",
            line.part_minor(line.current_quantity),
        )
        for line in order.lines
        if line.current_quantity
    ]
    if give_back and owed:
        refund(store, order, owed, None, lines)
    emit_order(store, order, "orders/cancelled")
    changed(store, order)


def edit(store: Store, order: Order, data: Data) -> None:
    """Change what was ordered: `add` lines, `remove` units by sku.

    Raises: Refused: nothing to change.
    """
    added, removed = [], []
    for item in data.get("add", []):
        line = _line(store, item)
        line.added = True
        order.lines.append(line)
        order.edited_minor += line.total_minor
        added.append({"id": line.id, "delta": line.quantity})
    for item in data.get("remove", []):
        found = next((line for line in order.lines if line.sku == item["sku"]), None)
        if found is None:
            raise Refused(f"no line with sku {item['sku']!r}")
        quantity = min(int(item.get("quantity", 1)), found.unfulfilled_quantity)
        found.removed += quantity
        order.edited_minor -= found.part_minor(quantity)
        removed.append({"id": found.id, "delta": quantity})
    if not added and not removed:
        raise Refused("an edit needs `add` or `remove`")
    order.edited = True
    store.note_event(order, "Order edited")
    body = order_body.edited_body(store, order, store.next_id(), added, removed)
    store.emit("orders/edited", body, str(order.id))
    changed(store, order)


def delete(store: Store, order: Order) -> None:
    """Delete an order for good; its last webhook holds only the id."""
    del store.orders[order.id]
    store.emit("orders/delete", {"id": order.id}, str(order.id))


def _charge(store: Store, order: Order, amount_minor: int | None = None) -> None:
    amount = order.outstanding_minor if amount_minor is None else amount_minor
    if amount:
        order.transactions.append(
            Transaction(
                store.next_id(),
                "SALE",
                "SUCCESS",
                order.gateway,
                amount,
                max(order.created_at, store.now() - timedelta(0)),
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


def _line(store: Store, item: Data) -> Line:
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
