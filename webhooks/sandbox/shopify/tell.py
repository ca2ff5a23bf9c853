"""Mark an order as changed and tell its subscribers."""

from __future__ import annotations

from webhooks.sandbox.shopify import order_body
from webhooks.sandbox.shopify.records import (
    Order,
)
from webhooks.sandbox.shopify.store import Store


def emit_order(store: Store, order: Order, *topics: str) -> None:
    """Mark an order as changed and tell it to its subscribers."""
    order.updated_at = max(order.updated_at, store.now())
    for topic in topics:
        store.emit(topic, order_body.order_body(store, order), str(order.id))


def changed(store: Store, order: Order) -> None:
    """Fire orders/updated: after every change, our own writes included."""
    emit_order(store, order, "orders/updated")
