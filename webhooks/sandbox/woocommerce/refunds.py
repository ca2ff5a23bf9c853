"""Refunds of the pretend shop; they are not locked, as in the real one."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from webhooks.sandbox.woocommerce import orders
from webhooks.sandbox.woocommerce.errors import WooError, wrong_type
from webhooks.sandbox.woocommerce.render import OrderWriter, shown_meta
from webhooks.sandbox.woocommerce.store import Refund, read_amount

if TYPE_CHECKING:
    from webhooks.sandbox.woocommerce.store import Line, Order, Store

GATEWAY_FAILS: Final = "[gateway-fail]"
"""In the reason: the card gateway says no."""


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
        parts = _Parts(store, order, data.get("line_items", []))
        value = parts.worth if amount is None else read_amount(amount)
        _check(order, value)
        asks_gateway = bool(data.get("api_refund", True))
        if asks_gateway and not order.payment_method.startswith("card"):
            text = "The payment gateway for this order does not support automatic refunds."
            raise WooError(500, "woocommerce_rest_cannot_create_order_refund", text, 500)
        if asks_gateway and GATEWAY_FAILS in str(data.get("reason")):
            text = "El banco rechazó la devolución."
            raise WooError(500, "woocommerce_rest_cannot_create_order_refund", text, 500)
    time.sleep(store.gateway_s)
    with store.lock:
        reason = str(data.get("reason", ""))
        refund = Refund(store.post_id(), value, reason, store.now(), asks_gateway)
        refund.lines, refund.shipping_lines, refund.tax_lines = (
            parts.goods,
            parts.shipping,
            parts.taxes,
        )
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


class _Parts:
    """The lines of one refund, worked out from the body."""

    def __init__(self, store: Store, order: Order, items: list[dict[str, Any]]) -> None:
        self.store = store
        self.order = order
        self.worth = Decimal(0)
        self.goods: list[dict[str, Any]] = []
        self.shipping: list[dict[str, Any]] = []
        self.taxes: list[dict[str, Any]] = []
        goods_tax = shipping_tax = Decimal(0)
        for item in items:
            net = read_amount(item.get("refund_total", "0"))
            parts = item.get("refund_tax", [])
            tax = sum((read_amount(part.get("refund_total", "0")) for part in parts), Decimal(0))
            self.worth += net + tax
            line = _line_of(order.lines, item)
            if line is not None:
                self.goods.append(self._goods(line, int(item.get("quantity", 0)), net, tax))
                goods_tax += tax
            line = _line_of(order.shipping_lines, item)
            if line is not None:
                self.shipping.append(self._shipping(line, net, tax))
                shipping_tax += tax
        if self.goods or self.shipping:
            self.taxes = OrderWriter(store, order).tax_lines(-goods_tax, -shipping_tax)

    def _meta(self, line: Line) -> list[dict[str, Any]]:
        value = str(line.id)
        entry = {"id": self.store.part_id(), "key": "_refunded_item_id", "value": value}
        return [shown_meta(entry)]

    def _shipping(self, line: Line, net: Decimal, tax: Decimal) -> dict[str, Any]:
        text = self.store.text
        written = OrderWriter(self.store, self.order).shipping_line(line)
        return {
            **written,
            "id": self.store.part_id(),
            "total": text(-net),
            "total_tax": text(-tax),
            "taxes": [{"id": 9, "total": text(-tax), "subtotal": ""}],
            "meta_data": self._meta(line),
        }

    def _goods(self, line: Line, count: int, net: Decimal, tax: Decimal) -> dict[str, Any]:
        net_text, tax_text = self.store.text(-net), self.store.text(-tax)
        written = OrderWriter(self.store, self.order).line(line)
        return {
            **written,
            "id": self.store.part_id(),
            "quantity": -count,
            "subtotal": net_text,
            "subtotal_tax": tax_text,
            "total": net_text,
            "total_tax": tax_text,
            "taxes": [{"id": 9, "total": tax_text, "subtotal": tax_text}],
            "meta_data": self._meta(line),
            "price": float(net / count) if count else 0,
        }


def _line_of(lines: list[Line], item: dict[str, Any]) -> Line | None:
    return next((line for line in lines if line.id == item.get("id")), None)
