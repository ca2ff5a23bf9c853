"""Answer the queries of the GraphQL API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError

from webhooks.sandbox.shopify import (
    bulk,
    discounts,
    reads_orders,
    views,
    views_parts,
    views_shipping,
)
from webhooks.sandbox.shopify.pages import Args, Info, connection, listed
from webhooks.sandbox.shopify.reach import count, find_order, shop_of, store_of
from webhooks.sandbox.shopify.records import Subscription
from webhooks.sandbox.shopify.schema import API_VERSION, gid, number_of
from webhooks.sandbox.shopify.store import Store, stamp

if TYPE_CHECKING:
    from webhooks.sandbox.shopify.engine import Resolver

RETURN_REASONS: Final = (
    ("color", "Color"),
    ("defective", "Defective"),
    ("not-as-described", "Not as described"),
    ("size-too-large", "Size was too large"),
    ("size-too-small", "Size was too small"),
    ("style", "Style"),
    ("unwanted", "Changed my mind"),
    ("wrong-item", "Received the wrong item"),
    ("other", "Other"),
)
ALL_SCOPES: Final = (
    "read_all_orders",
    "read_locations",
    "read_products",
    "write_customers",
    "write_discounts",
    "write_fulfillments",
    "write_inventory",
    "write_merchant_managed_fulfillment_orders",
    "write_orders",
    "write_returns",
    "write_third_party_fulfillment_orders",
)


def subscription_view(item: Subscription) -> dict[str, Any]:
    """Show a WebhookSubscription."""
    return {
        "__typename": "WebhookSubscription",
        "id": gid("WebhookSubscription", item.id),
        "legacyResourceId": str(item.id),
        "topic": item.topic,
        "uri": item.uri,
        "callbackUrl": item.uri,
        "endpoint": {"__typename": "WebhookHttpEndpoint", "callbackUrl": item.uri},
        "format": item.format,
        "filter": item.filter,
        "includeFields": item.include_fields,
        "metafieldNamespaces": [],
        "metafields": [],
        "name": item.name,
        "createdAt": stamp(item.created_at),
        "updatedAt": stamp(item.updated_at),
        "apiVersion": version_view(API_VERSION),
    }


def version_view(handle: str) -> dict[str, Any]:
    """Show an ApiVersion."""
    return {
        "handle": handle,
        "displayName": handle if handle == "unstable" else f"{handle} (Supported)",
        "supported": handle != "unstable",
    }


def _shop(info: Info, _args: Args) -> dict[str, Any]:
    store = store_of(info)
    url = f"https://{store.domain}"
    return {
        "id": gid("Shop", store.shop_id),
        "name": store.name,
        "email": f"owner@{store.domain}",
        "contactEmail": f"hello@{store.domain}",
        "shopOwnerName": "Sandbox Owner",
        "myshopifyDomain": store.domain,
        "url": url,
        "primaryDomain": {"id": gid("Domain", 1), "url": url, "host": store.domain},
        "currencyCode": store.currency,
        "ianaTimezone": store.timezone,
        "taxesIncluded": True,
        "taxShipping": True,
        "plan": {
            "publicDisplayName": "Shopify Plus",
            "partnerDevelopment": True,
            "shopifyPlus": True,
        },
        "shopAddress": {
            "id": gid("ShopAddress", 1),
            "countryCodeV2": "ES",
            "provinceCode": "M",
            "city": "Madrid",
        },
        "enabledPresentmentCurrencies": [store.currency],
        "orderNumberFormatPrefix": "#",
        "orderNumberFormatSuffix": "",
        **views_parts.metafields_of(store, gid("Shop", store.shop_id)),
    }


def _installation(info: Info, _args: Args) -> dict[str, Any]:
    granted = shop_of(info).scopes
    names = sorted(ALL_SCOPES if granted is None else granted)
    return {
        "id": gid("AppInstallation", 1),
        "accessScopes": [{"handle": name, "description": name} for name in names],
    }


def _location(store: Store) -> dict[str, Any]:
    return {
        "id": gid("Location", store.location_id),
        "legacyResourceId": str(store.location_id),
        "name": "Main warehouse",
        "isActive": True,
        "fulfillsOnlineOrders": True,
        "shipsInventory": True,
        "address": {"countryCode": "ES", "city": "Madrid", "zip": "28013"},
    }


def _fulfillment(info: Info, args: Args) -> dict[str, Any] | None:
    store = store_of(info)
    pair = store.fulfillment(number_of(args["id"], "Fulfillment"))
    return None if pair is None else views_shipping.fulfillment_view(store, *pair, views.order_view)


def _fulfillment_order(info: Info, args: Args) -> dict[str, Any] | None:
    store = store_of(info)
    order = store.orders.get(number_of(args["id"], "FulfillmentOrder") - 1)
    return (
        None
        if order is None
        else views_shipping.fulfillment_order_view(store, order, views.order_view)
    )


def _subscriptions(info: Info, args: Args) -> dict[str, Any]:
    items = [
        item
        for item in store_of(info).subscriptions.values()
        if not args.get("topics") or item.topic in args["topics"]
    ]
    return connection(info, args, items, lambda i: (i.id, i.id), subscription_view)


def _subscription(info: Info, args: Args) -> dict[str, Any] | None:
    found = store_of(info).subscriptions.get(number_of(args["id"], "WebhookSubscription"))
    return None if found is None else subscription_view(found)


def _bulks(info: Info, args: Args) -> dict[str, Any]:
    shop = shop_of(info)
    items = list(shop.store.bulks.values())
    return connection(
        info, args, items, lambda b: (stamp(b.created_at), b.id), lambda b: bulk.view(shop, b)
    )


def _bulk(info: Info, args: Args) -> dict[str, Any] | None:
    shop = shop_of(info)
    found = shop.store.bulks.get(number_of(args["id"], "BulkOperation"))
    return None if found is None else bulk.view(shop, found)


def _job(info: Info, args: Args) -> dict[str, Any]:
    jobs = store_of(info).jobs
    if args["id"] not in jobs:
        raise GraphQLError(f"Invalid global id '{args['id']}'")
    return {"id": args["id"], "done": jobs[args["id"]]}


def _return(info: Info, args: Args) -> dict[str, Any] | None:
    store, wanted = store_of(info), number_of(args["id"], "Return")
    for order in store.orders.values():
        for item in order.returns:
            if item.id == wanted:
                return views_shipping.return_view(store, order, item, views.order_view)
    return None


def _returnable(info: Info, args: Args) -> dict[str, Any]:
    store, order = store_of(info), find_order(info, args["orderId"])
    parcels = order.fulfillments if order else []

    def show(parcel: Any) -> dict[str, Any]:
        shown = views_shipping.fulfillment_view(store, order, parcel, views.order_view)  # type: ignore[arg-type] # no parcel without an order
        return {
            "id": gid("ReturnableFulfillment", parcel.id),
            "fulfillment": shown,
            "returnableFulfillmentLineItems": listed(
                parcel.lines,
                lambda pair: {
                    "quantity": pair[1],
                    "fulfillmentLineItem": {
                        "id": views_shipping.fulfillment_line_gid(parcel, pair[0]),
                        "quantity": pair[1],
                        "lineItem": views_parts.line_view(order, order.line(pair[0])),  # type: ignore[arg-type, union-attr] # as above
                    },
                },
            ),
        }

    return listed(parcels, show)(info, args)


def reason_view(place: int) -> dict[str, Any]:
    """Show a ReturnReasonDefinition."""
    handle, name = RETURN_REASONS[place]
    return {"id": gid("ReturnReasonDefinition", place + 1), "handle": handle, "name": name}


def _reasons(info: Info, args: Args) -> dict[str, Any]:
    return listed(range(len(RETURN_REASONS)), reason_view)(info, args)


def _product(info: Info, args: Args) -> dict[str, Any] | None:
    wanted = number_of(args["id"], "Product")
    lines = (line for order in store_of(info).orders.values() for line in order.lines)
    line = next((line for line in lines if line.product_id == wanted), None)
    if line is None:
        return None
    handle = line.name.lower().replace(" ", "-")
    return {
        "id": args["id"],
        "title": line.name,
        "handle": handle,
        "status": "ACTIVE",
        "onlineStoreUrl": f"https://{store_of(info).domain}/products/{handle}",
        "totalInventory": 10,
        "collections": listed([], lambda one: one),
        **views_parts.metafields_of(store_of(info), args["id"]),
    }


READS: Final[dict[str, Resolver]] = {
    **reads_orders.READS,
    "shop": _shop,
    "currentAppInstallation": _installation,
    "publicApiVersions": lambda _info, _args: [
        version_view(name) for name in ("2026-01", "2026-04", "2026-07", API_VERSION, "unstable")
    ],
    "locations": lambda info, args: listed([store_of(info)], _location)(info, args),
    "location": lambda info, _args: _location(store_of(info)),
    "fulfillment": _fulfillment,
    "fulfillmentOrder": _fulfillment_order,
    "codeDiscountNodeByCode": discounts.by_code,
    "codeDiscountNode": discounts.by_id,
    "webhookSubscriptions": _subscriptions,
    "webhookSubscription": _subscription,
    "webhookSubscriptionsCount": lambda info, args: count(list(store_of(info).subscriptions), args),
    "bulkOperation": _bulk,
    "bulkOperations": _bulks,
    "job": _job,
    "return": _return,
    "returnableFulfillments": _returnable,
    "returnReasonDefinitions": _reasons,
    "product": _product,
    "dispute": lambda _info, _args: None,
}
