"""Refunds of the pretend shop; they are not locked, as in the real one."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from webhooks.sandbox.woocommerce import orders
from webhooks.sandbox.woocommerce.errors import WooError, wrong_type
from webhooks.sandbox.woocommerce.store import Refund, read_amount

if TYPE_CHECKING:
    from webhooks.sandbox.woocommerce.store import Order, Store

GATEWAY_S: Final = 0.05
"""How long the money takes; a second refund can slip in meanwhile."""


def create(store: Store, number: int, data: dict[str, Any]) -> tuple[Order, Refund]:
    """Refund an order; takes the lock by itself, twice.

    `api_refund` is true by default and only the card gateway can do it.

    Raises: WooError: with a bare number in `data`, as in the real shop.
    Source: recorded in refunds, WooCommerce 10.2.4.
    """
    amount = data.get("amount")
    if amount is not None and not isinstance(amount, str):
        raise wrong_type("amount", "string")
    with store.lock:
        order = store.orders.get(number)
        if order is None:
            text = "Invalid order ID."
            raise WooError(500, "woocommerce_rest_invalid_order_id", text, 404)
        lines, worth = _lines(store, order, data.get("line_items", []))
        value = worth if amount is None else read_amount(amount)
        _check(order, value)
        asks_gateway = bool(data.get("api_refund", True))
        if asks_gateway and not order.payment_method.startswith("card"):
            text = "The payment gateway for this order does not support automatic refunds."
            raise WooError(500, "woocommerce_rest_cannot_create_order_refund", text, 500)
    time.sleep(GATEWAY_S)
    with store.lock:
        reason = str(data.get("reason", ""))
        refund = Refund(store.post_id(), value, reason, store.now(), asks_gateway, lines)
        _book(store, order, refund)
        return order, refund


def _check(order: Order, value: Decimal) -> None:
    if value < 0:
        text = "Refund amount must be greater than zero."
        raise WooError(500, "woocommerce_rest_invalid_order_refund", text, 400)
    if value > order.total - order.refunded:
        text = "Invalid refund amount."
        raise WooError(500, "woocommerce_rest_cannot_create_order_refund", text, 500)


def _book(store: Store, order: Order, refund: Refund) -> None:
    before = order.refunded
    order.refunds.append(refund)
    full = before + refund.amount >= order.total > 0
    kind = "full" if full else "partial"
    refund.meta.append({"id": store.part_id(), "key": "_refund_type", "value": kind})
    if full and order.status != "refunded":
        orders.set_status(store, order, "refunded")
    else:
        store.mail("refund", order, f"Your order #{order.id} has been partially refunded")
    store.fire("action.woocommerce_order_refunded", order.id)
    store.fire("action.woocommerce_refund_created", refund.id)
    store.touch(order)


def _lines(
    store: Store, order: Order, items: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], Decimal]:
    written, worth = [], Decimal(0)
    for item in items:
        net = read_amount(item.get("refund_total", "0"))
        taxes = item.get("refund_tax", [])
        tax = sum((read_amount(part.get("refund_total", "0")) for part in taxes), Decimal(0))
        worth += net + tax
        line = next((line for line in order.lines if line.id == item.get("id")), None)
        if line is None:
            continue
        back = {"id": store.part_id(), "key": "_refunded_item_id", "value": str(line.id)}
        count = int(item.get("quantity", 0))
        net_text, tax_text = store.text(-net), store.text(-tax)
        written.append(
            {
                "id": store.part_id(),
                "name": line.name,
                "product_id": line.product_id,
                "variation_id": line.variation_id,
                "quantity": -count,
                "tax_class": "",
                "subtotal": net_text,
                "subtotal_tax": tax_text,
                "total": net_text,
                "total_tax": tax_text,
                "taxes": [{"id": 9, "total": tax_text, "subtotal": tax_text}],
                "meta_data": [{**back, "display_key": back["key"], "display_value": back["value"]}],
                "sku": line.sku,
                "global_unique_id": "",
                "price": float(net / count) if count else 0,
                "image": {"id": "", "src": ""},
                "parent_name": None,
            }
        )
    return written, worth
