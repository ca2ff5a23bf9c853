"""What a buyer or the merchant does to the shop, on demand."""

from __future__ import annotations

import time
from datetime import UTC
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from webhooks.sandbox._server import Refused
from webhooks.sandbox.woocommerce import catalog, discounts, orders, refunds
from webhooks.sandbox.woocommerce.render import OrderWriter
from webhooks.sandbox.woocommerce.store import (
    STATUSES,
    Line,
    Note,
    Order,
    Store,
    read_amount,
    read_moment,
)

if TYPE_CHECKING:
    from webhooks.sandbox.woocommerce.hooks import Hooks

DEFAULT_LINES: Final[list[dict[str, Any]]] = [{"sku": "TAZA-1", "quantity": 2}]
MOVES: Final = {
    "complete": "completed",
    "cancel": "cancelled",
    "hold": "on-hold",
    "fail": "failed",
}


def place(store: Store, data: dict[str, Any]) -> Order:
    """Place an order through the block checkout.

    Its order.updated leaves before its order.created, as at the real
    checkout; a `checkout-draft` leaks as order.updated alone.

    Raises: Refused: an unknown status, date or coupon.
    """
    at = None
    if data.get("placed_at"):
        at = read_moment(str(data["placed_at"]), ZoneInfo("UTC"))
        if at is None:
            message = "placed_at is not an ISO 8601 moment"
            raise Refused(message)
    status = str(data.get("status") or ("processing" if data.get("paid", True) else "pending"))
    if status not in STATUSES:
        message = f"unknown status {status!r}; known: {sorted(STATUSES)}"
        raise Refused(message)
    codes = [{"code": code} for code in data.get("coupons", [])]
    discounts.check_coupons(store, {"coupon_lines": codes})
    order = orders.new_order(store, str(data.get("created_via", "store-api")), at)
    order.currency = str(data.get("currency", store.currency))
    order.customer_note = str(data.get("note", ""))
    order.payment_method = str(data.get("payment_method", "card_test"))
    order.payment_method_title = str(data.get("payment_method_title", "Tarjeta"))
    _address(order, data)
    for item in data.get("lines", DEFAULT_LINES):
        order.lines.append(_line(store, item))
    shipping = read_amount(data.get("shipping", "0"))
    kind = "flat_rate" if shipping else "free_shipping"
    order.shipping_lines.append(Line(store.part_id(), "Envío 24-48h", shipping, method_id=kind))
    if data.get("account"):
        order.customer_id = catalog.add_customer(store, order)
    discounts.use_coupons(store, order, [code["code"] for code in codes])
    extra = dict(data.get("meta", {}))
    if data.get("locale"):
        extra.setdefault("wpml_language", str(data["locale"])[:2])
    for key, value in extra.items():
        order.meta.append({"id": store.part_id(), "key": key, "value": value})
    _first_status(store, order, status)
    if at is not None:
        order.paid_at = at if order.paid_at else None
        order.completed_at = at if order.completed_at else None
        order.modified_at = at
    return order


def _first_status(store: Store, order: Order, status: str) -> None:
    if status == "processing":
        orders.pay(store, order)
    else:
        orders.set_status(store, order, status)
    store.touch(order)
    if status != "checkout-draft":
        store.fire("order.created", order.id)


def _address(order: Order, data: dict[str, Any]) -> None:
    order.billing.update(
        first_name=str(data.get("first_name", "Ana")),
        last_name=str(data.get("last_name", "Roca")),
        address_1=str(data.get("address", "Carrer Major 1")),
        city=str(data.get("city", "Girona")),
        state=str(data.get("state", "")),
        postcode=str(data.get("postcode", "17001")),
        country=str(data.get("country", "ES")),
        email=str(data.get("email", "ana.roca@example.com")),
        phone=str(data.get("phone", "+34 600 000 001")),
    )
    order.shipping.update({name: order.billing[name] for name in order.shipping})


def _line(store: Store, item: dict[str, Any]) -> Line:
    sku = str(item.get("sku", ""))
    product = catalog.product_by_sku(store, sku) if sku else None
    if product is None:
        price = read_amount(item.get("price", "10.00"))
        product = catalog.add_product(store, sku, str(item.get("name", sku or "Item")), price)
    unit = read_amount(item.get("price", product["price"]))
    quantity = int(item.get("quantity", 1))
    name = str(item.get("name", product["name"]))
    meta: list[dict[str, Any]] = []
    number = store.part_id()
    return Line(number, name, unit, quantity, product["sku"], product["id"], meta=meta)


def act(store: Store, number: int, verb: str, data: dict[str, Any]) -> Order:
    """Do something to an order; takes the lock by itself.

    Raises: Refused: no such verb, or it cannot be done.
    """
    if verb == "refund":
        with store.lock:
            order = orders.find(store, number)
            left = store.text(order.total - order.refunded)
        body = {"amount": str(data.get("amount", left)), "reason": str(data.get("reason", ""))}
        refunds.create(store, number, {**body, "api_refund": False})
        return order
    with store.lock:
        order = orders.find(store, number)
        if verb in MOVES:
            orders.set_status(store, order, MOVES[verb])
            store.touch(order)
        elif verb == "pay":
            _pay(store, order)
        elif verb == "ship":
            _ship(store, order, data)
        elif verb == "edit":
            _edit(store, order, data)
        elif verb == "note":
            text, public = str(data.get("text", "")), bool(data.get("to_customer"))
            store.add_note(order, text, to_customer=public, author="Tienda")
        elif verb == "trash":
            orders.trash(store, order)
        elif verb == "restore":
            orders.restore(store, order)
        elif verb == "delete":
            orders.purge(store, order)
        else:
            message = f"unknown verb {verb!r}"
            raise Refused(message, 404)
    return order


def _pay(store: Store, order: Order) -> None:
    was_draft = order.status == "checkout-draft"
    orders.pay(store, order)
    store.touch(order)
    if was_draft:
        store.fire("order.created", order.id)


def _ship(store: Store, order: Order, data: dict[str, Any]) -> None:
    key = "_wc_shipment_tracking_items"
    entry = next((entry for entry in order.meta if entry["key"] == key), None)
    if entry is None:
        entry = {"id": store.part_id(), "key": key, "value": []}
        order.meta.append(entry)
    parcel = {
        "tracking_provider": "",
        "custom_tracking_provider": str(data.get("carrier", "Correos")),
        "custom_tracking_link": str(data.get("url", "")),
        "tracking_number": str(data.get("number", f"TRK{order.id}")),
        "date_shipped": str(int(time.time())),
        "tracking_id": store.new_key()[-13:],
    }
    entry["value"] = [*entry["value"], parcel]
    if data.get("complete"):
        orders.set_status(store, order, "completed")
    store.touch(order)


def _edit(store: Store, order: Order, data: dict[str, Any]) -> None:
    changed = {name: str(data[name]) for name in order.billing if name in data}
    order.billing.update(changed)
    order.shipping.update({name: text for name, text in changed.items() if name in order.shipping})
    if "address" in data:
        order.billing["address_1"] = order.shipping["address_1"] = str(data["address"])
    if "note" in data:
        order.customer_note = str(data["note"])
    if "lines" in data:
        order.lines = [_line(store, item) for item in data["lines"]]
    entries = [{"key": key, "value": value} for key, value in data.get("meta", {}).items()]
    orders.apply_meta(store, order.meta, entries)
    status = str(data.get("status", order.status))
    if status not in {*STATUSES, "trash"}:
        message = f"unknown status {status!r}"
        raise Refused(message)
    orders.set_status(store, order, status)
    store.touch(order)


def state(store: Store, hooks: Hooks, calls: list[dict[str, Any]]) -> dict[str, Any]:
    """Show everything the merchant could see."""
    with store.lock:
        return {
            "orders": [_order_state(store, order) for order in store.orders.values()],
            "coupons": [_coupon_state(store, coupon) for coupon in store.coupons.values()],
            "webhooks": [
                {
                    "id": hook.id,
                    "topic": hook.topic,
                    "delivery_url": hook.delivery_url,
                    "status": hook.status,
                    "failures": hook.failures,
                }
                for hook in hooks.all.values()
            ],
            "calls": calls,
            "deliveries": [
                {name: entry[name] for name in ("topic", "status", "order", "outcome")}
                for entry in hooks.sender.log()
            ],
            "mails": [dict(mail) for mail in store.mails],
        }


def _note_state(store: Store, note: Note) -> dict[str, Any]:
    return {
        "id": note.id,
        "text": note.text,
        "to_customer": note.to_customer,
        "author": note.author,
        "at": store.local(note.at),
    }


def _order_state(store: Store, order: Order) -> dict[str, Any]:
    written = OrderWriter(store, order).write()
    return {
        "id": order.id,
        "number": written["number"],
        "status": order.status,
        "total": written["total"],
        "currency": order.currency,
        "buyer": f"{order.billing['first_name']} {order.billing['last_name']}".strip(),
        "email": order.billing["email"],
        "placed_at": order.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "lines": [
            {
                "name": line.name,
                "sku": line.sku,
                "quantity": line.quantity,
                "total": store.text(line.gross - line.off),
            }
            for line in order.lines
        ],
        "notes": [_note_state(store, note) for note in order.notes],
        "meta": {entry["key"]: entry["value"] for entry in order.meta},
        "tags": [],
        "refunds": [
            {"id": refund.id, "amount": store.text(refund.amount), "reason": refund.reason}
            for refund in order.refunds
        ],
        "coupons": [used["code"] for used in order.coupons],
    }


def _coupon_state(store: Store, coupon: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": coupon["id"],
        "code": coupon["code"],
        "amount": str(Decimal(coupon["amount"])),
        "type": coupon["discount_type"],
        "status": coupon["status"],
        "email_restrictions": list(coupon["email_restrictions"]),
        "date_expires": store.local(coupon["expires_at"]),
        "usage_limit": coupon["usage_limit"],
        "usage_count": coupon["usage_count"],
        "minimum_amount": coupon["minimum_amount"],
        "description": coupon["description"],
    }
