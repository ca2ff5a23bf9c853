"""Reach the shop and its orders from a resolver."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from webhooks.sandbox.shopify.pages import Args, Info
from webhooks.sandbox.shopify.records import Order
from webhooks.sandbox.shopify.schema import number_of
from webhooks.sandbox.shopify.store import Store

if TYPE_CHECKING:
    from webhooks.sandbox.shopify.shop import ShopifyShop


VISIBLE_DAYS: Final = 60  # older orders need read_all_orders


def shop_of(info: Info) -> ShopifyShop:
    """Reach the shop from a resolver."""
    found: ShopifyShop = info.context.shop
    return found


def store_of(info: Info) -> Store:
    """Reach the records from a resolver."""
    return shop_of(info).store


def find_order(info: Info, order_gid: str) -> Order | None:
    """Find an order that the app may see."""
    order = store_of(info).orders.get(number_of(order_gid, "Order"))
    return order if order is not None and visible(info, order) else None


def visible(info: Info, order: Order) -> bool:
    """Tell whether the app may see an order: 60 days, or all."""
    granted = info.context.scopes
    if granted is None or "read_all_orders" in granted:
        return True
    return order.created_at >= store_of(info).now() - timedelta(days=VISIBLE_DAYS)


def count(items: Sequence[Any], args: Args) -> dict[str, Any]:
    """Show a Count, cut at the limit that was asked for."""
    limit = args.get("limit")
    if limit is not None and len(items) > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": len(items), "precision": "EXACT"}
