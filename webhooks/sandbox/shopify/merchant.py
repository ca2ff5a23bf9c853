"""Show what the merchant of the pretend shop sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webhooks.sandbox._server import JsonObject
from webhooks.sandbox.shopify import discounts, views_shipping
from webhooks.sandbox.shopify.hooks import topic_of
from webhooks.sandbox.shopify.money import plain
from webhooks.sandbox.shopify.records import Fulfillment, Order
from webhooks.sandbox.shopify.schema import gid
from webhooks.sandbox.shopify.store import Store, stamp

if TYPE_CHECKING:
    from webhooks.sandbox.shopify.shop import ShopifyShop


def state(shop: ShopifyShop) -> JsonObject:
    """Show everything the merchant could see; the lock is held."""
    store = shop.store
    return {
        "shop": store.domain,
        "currency": store.currency,
        "installed": shop.installed,
        "orders": [order_seen(store, order) for order in store.orders.values()],
        "customers": [
            {
                "id": gid("Customer", one.id),
                "email": one.email,
                "name": one.display_name,
                "tags": one.tags,
                "orders": len(store.orders_of(one.id)) + one.orders_before,
                "marketing_state": one.marketing_state,
                "sms_state": one.sms_state,
            }
            for one in store.customers.values()
        ],
        "coupons": [discounts.merchant_view(store, item) for item in store.discounts.values()],
        "webhooks": [
            {
                "id": gid("WebhookSubscription", item.id),
                "topic": topic_of(item.topic),
                "delivery_url": item.uri,
                "status": "active",
                "name": item.name,
                "failures": item.failures,
            }
            for item in store.subscriptions.values()
        ],
        "calls": shop.calls_json(),
        "deliveries": shop.sender.log(),
        "mails": list(store.mails),
        "gifts": [dict(gift) for gift in store.gifts],
    }


def order_seen(store: Store, order: Order) -> JsonObject:
    """Show one order."""
    currency = order.rate.shop
    notes = list(store.timeline[order.id])
    if order.note:
        notes.append(
            {
                "id": 0,
                "text": order.note,
                "to_customer": False,
                "author": "Note",
                "at": None,
            }
        )
    address = order.shipping_address or order.billing_address
    return {
        "id": order.id,
        "gid": gid("Order", order.id),
        "number": order.name,
        "status": _status(order),
        "financial_status": order.financial_status,
        "fulfillment_status": order.fulfillment_status,
        "return_status": views_shipping.return_status(order),
        "buyer": address and address.name,
        "email": order.email,
        "total": plain(order.total_minor, currency),
        "refunded": plain(order.refunded_minor, currency),
        "currency": currency,
        "note": order.note,
        "notes": notes,
        "tags": sorted(order.tags),
        "attributes": {item["key"]: item["value"] for item in order.attributes},
        "meta": {
            f"{item.namespace}.{item.key}": item.value
            for item in store.metafields[gid("Order", order.id)]
        },
        "coupons": [item["code"] for item in order.discounts],
        "holds": [{"handle": hold.handle, "reason": hold.reason} for hold in order.holds],
        "lines": [
            {
                "sku": line.sku,
                "name": line.name,
                "quantity": line.quantity,
                "current_quantity": line.current_quantity,
                "total": plain(line.total_minor, currency),
            }
            for line in order.lines
        ],
        "refunds": [
            {
                "id": item.id,
                "amount": plain(item.amount_minor, currency),
                "reason": item.note,
            }
            for item in order.refunds
        ],
        "fulfillments": [_parcel(item) for item in order.fulfillments],
        "created_at": stamp(order.created_at),
        "updated_at": stamp(order.updated_at),
    }


def _parcel(item: Fulfillment) -> JsonObject:
    newest = item.latest()
    return {
        "id": item.id,
        "name": item.name,
        "tracking": item.tracking,
        "status": None if newest is None else newest.status.lower(),
    }


def _status(order: Order) -> str:
    if order.cancelled_at is not None:
        return "canceled"
    money = order.financial_status.lower().replace("_", " ")
    goods = order.fulfillment_status.lower().replace("_", " ")
    return f"{money}, {goods}"
