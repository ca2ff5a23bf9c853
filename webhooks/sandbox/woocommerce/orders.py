"""Make and change orders as WooCommerce does, side effects included."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from webhooks.sandbox.woocommerce.discounts import check_coupons, use_coupons
from webhooks.sandbox.woocommerce.errors import (
    WooError,
    invalid_id,
    invalid_param,
    not_in,
    wrong_type,
)
from webhooks.sandbox.woocommerce.render import RATES
from webhooks.sandbox.woocommerce.store import (
    BILLING,
    SHIPPING,
    STATUSES,
    WRITABLE,
    Line,
    Order,
    Refund,
    Store,
    read_amount,
)

if TYPE_CHECKING:
    from datetime import datetime

EMAIL: Final = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
PLAIN: Final = (
    "customer_note",
    "payment_method",
    "payment_method_title",
    "transaction_id",
    "currency",
)
HOME_FACTOR: Final = 1 + Decimal(RATES[""][3]) / 100
MAILED: Final = {
    "processing": "We have received your order",
    "completed": "Your order is complete",
    "on-hold": "Your order is waiting for payment",
    "refunded": "Your order has been refunded",
}


def find(store: Store, number: int) -> Order:
    """Give an order, also a trashed one.

    Raises: WooError: there is none.
    """
    order = store.orders.get(number)
    if order is None:
        raise invalid_id("order")
    return order


def new_order(store: Store, created_via: str, at: datetime | None = None) -> Order:
    """Put an empty pending order into the shop; fires nothing."""
    now = at or store.now()
    order = Order(
        store.post_id(), "pending", store.currency, store.new_key(), now, now, created_via
    )
    store.orders[order.id] = order
    return order


def create(store: Store, data: dict[str, Any]) -> Order:
    """Create an order for a POST; order.created fires, then order.updated."""
    check(data)
    check_coupons(store, data)
    order = new_order(store, "rest-api")
    status = data.get("status", "pending")
    apply(store, order, {**data, "status": order.status})
    if data.get("set_paid"):
        pay(store, order)
    elif status != order.status:
        set_status(store, order, status)
    store.fire("order.created", order.id)
    store.touch(order)
    return order


def update(store: Store, order: Order, data: dict[str, Any]) -> None:
    """Change an order for a PUT; fires even if nothing changed."""
    check(data)
    check_coupons(store, data)
    apply(store, order, data)
    if data.get("set_paid"):
        pay(store, order)
    store.touch(order)


def check(data: dict[str, Any]) -> None:
    """Refuse what the REST API refuses, before anything is changed.

    Source: recorded in orders_create_update and errors_4xx, 10.2.4.
    """
    status = data.get("status")
    if "status" in data and status not in WRITABLE:
        raise not_in("status", "status", WRITABLE)
    for name in PLAIN:
        if name in data and not isinstance(data[name], str):
            raise wrong_type(name, "string")
    for name in ("billing", "shipping"):
        if name in data and not isinstance(data[name], dict):
            raise wrong_type(name, "object")
    email = data.get("billing", {}).get("email")
    if email and not EMAIL.fullmatch(email):
        raise invalid_param("billing", "rest_invalid_email", "Invalid email address.")
    for name in ("line_items", "shipping_lines", "fee_lines", "coupon_lines", "meta_data"):
        items = data.get(name, [])
        bad = not isinstance(items, list) or not all(isinstance(item, dict) for item in items)
        if bad:
            message = f"{name}[0] is not of type object."
            raise invalid_param(name, "rest_invalid_type", message, {"param": f"{name}[0]"})


def apply(store: Store, order: Order, data: dict[str, Any]) -> None:
    """Take over the fields of a checked body; unknown ones are ignored."""
    for name in PLAIN:
        if name in data:
            setattr(order, name, data[name])
    if isinstance(data.get("customer_id"), int):
        order.customer_id = data["customer_id"]
    before = tax_factor(order)
    for name, known in (("billing", BILLING), ("shipping", SHIPPING)):
        kept = {key: str(text) for key, text in data.get(name, {}).items() if key in known}
        getattr(order, name).update(kept)
    factor = tax_factor(order)
    for line in [*order.lines, *order.shipping_lines, *order.fee_lines]:
        line.unit *= factor / before  # the net price stays, the tax of the country moves
    for item in data.get("line_items", []):
        apply_line(store, order, item)
    _apply_other_lines(store, order, data, factor)
    if "coupon_lines" in data:
        use_coupons(store, order, [str(item["code"]) for item in data["coupon_lines"]])
    apply_meta(store, order.meta, data.get("meta_data", []))
    status = data.get("status", order.status)
    if status != order.status:
        set_status(store, order, status)


def _apply_other_lines(store: Store, order: Order, data: dict[str, Any], factor: Decimal) -> None:
    cents = Decimal("0.01")
    for item in data.get("shipping_lines", []):
        gross = (read_amount(item.get("total", "0")) * factor).quantize(cents)
        title = str(item.get("method_title", ""))
        line = Line(store.part_id(), title, gross, method_id=str(item.get("method_id", "")))
        order.shipping_lines.append(line)
    for item in data.get("fee_lines", []):
        gross = (read_amount(item.get("total", "0")) * factor).quantize(cents)
        order.fee_lines.append(Line(store.part_id(), str(item.get("name", "")), gross))


def tax_factor(order: Order) -> Decimal:
    """Give what a net amount is multiplied by to include tax."""
    rate = RATES.get(order.billing["country"])
    return Decimal(1) if rate is None else 1 + Decimal(rate[3]) / 100


def apply_line(store: Store, order: Order, item: dict[str, Any]) -> None:
    """Add, change or (quantity 0) remove one line of goods."""
    if item.get("id"):
        line = next((line for line in order.lines if line.id == item["id"]), None)
        if line is None:
            text = "Order item ID provided is not associated with order."
            raise WooError(400, "woocommerce_rest_invalid_item_id", text)
        line.quantity = int(item.get("quantity", line.quantity))
        if line.quantity == 0:
            order.lines.remove(line)
        return
    product = store.products.get(int(item.get("product_id") or 0))
    line = Line(store.part_id(), "", Decimal(0), int(item.get("quantity", 1)), None)
    if product is not None:
        line.name, line.sku, line.product_id = product["name"], product["sku"], product["id"]
        net = Decimal(product["price"] or "0") / HOME_FACTOR
        line.unit = (net * tax_factor(order)).quantize(Decimal("0.00000001"))
    if item.get("name"):
        line.name = str(item["name"])
    if "total" in item and line.quantity:
        line.unit = read_amount(item["total"]) * tax_factor(order) / line.quantity
    apply_meta(store, line.meta, item.get("meta_data", []))
    order.lines.append(line)


def apply_meta(store: Store, kept: list[dict[str, Any]], entries: list[dict[str, Any]]) -> None:
    """Add, change or (value null) delete meta entries.

    By `id` one entry is meant; by `key` all of that key, which collapse
    into the first.
    """
    for entry in entries:
        value, key = entry.get("value"), entry.get("key")
        if entry.get("id"):
            same = [old for old in kept if old["id"] == entry["id"]]
        else:
            same = [old for old in kept if old["key"] == key]
        for old in same if value is None else same[1:]:
            kept.remove(old)
        if value is None:
            continue
        if same:
            same[0]["value"] = value
            same[0]["key"] = key or same[0]["key"]
        elif key:
            kept.append({"id": store.part_id(), "key": key, "value": value})


def pay(store: Store, order: Order) -> None:
    """Settle the payment: processing, or completed if nothing is sent."""
    if not order.transaction_id:
        order.transaction_id = f"pi_{order.key[-13:]}"
    set_status(store, order, "processing")


def set_status(store: Store, order: Order, status: str) -> None:
    """Move to a status: dates, note, mail and action topics follow."""
    old, order.status = order.status, status
    if old == status:
        return
    now = store.now()
    if status in {"processing", "completed"} and order.paid_at is None:
        order.paid_at = now
    if status == "completed":
        order.completed_at = now
    names = f"from {STATUSES.get(old, old)} to {STATUSES.get(status, status)}"
    store.add_note(order, f"Order status changed {names}.")
    left = order.total - order.refunded
    if status == "refunded" and left > 0:
        refund = Refund(store.post_id(), left, "Order fully refunded.", now, paid_back=False)
        order.refunds.append(refund)
    announce_status(store, order)


def announce_status(store: Store, order: Order) -> None:
    """Send the mail and fire the action topics of the present status."""
    subject = MAILED.get(order.status)
    if subject is not None:
        store.mail(order.status, order, f"{subject} #{order.id}")
    store.fire(f"action.woocommerce_order_status_{order.status}", order.id)
    store.fire("action.woocommerce_order_status_changed", order.id)


def trash(store: Store, order: Order) -> None:
    """Put an order into the trash.

    Raises: WooError: it is there already.
    """
    if order.status == "trash":
        text = "The shop_order has already been deleted."
        raise WooError(410, "woocommerce_rest_already_trashed", text)
    order.status_before_trash, order.status = order.status, "trash"
    order.modified_at = store.now()
    store.fire("order.deleted", order.id)


def restore(store: Store, order: Order) -> None:
    """Take an order out of the trash; its status is announced again.

    Source: fact sheet, 1.13: mails and status topics go out a second time.
    """
    order.status = order.status_before_trash or "pending"
    announce_status(store, order)
    store.fire("order.restored", order.id)
    store.touch(order)


def purge(store: Store, order: Order) -> None:
    """Delete an order for good, which fires nothing."""
    del store.orders[order.id]
