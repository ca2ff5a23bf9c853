"""Answer the queries of the GraphQL API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError

from webhooks.sandbox.shopify import bulk, discounts, views, views_shipping
from webhooks.sandbox.shopify.pages import Args, Info, connection, listed
from webhooks.sandbox.shopify.records import Customer, Order, Subscription
from webhooks.sandbox.shopify.schema import API_VERSION, gid, number_of
from webhooks.sandbox.shopify.search import compile_query
from webhooks.sandbox.shopify.store import Store, stamp

if TYPE_CHECKING:
    from webhooks.sandbox.shopify.engine import Resolver
    from webhooks.sandbox.shopify.shop import ShopifyShop

VISIBLE_DAYS: Final = 60  # older orders need read_all_orders
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
    return order if order is not None and _visible(info, order) else None


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


def _visible(info: Info, order: Order) -> bool:
    granted = info.context.scopes
    if granted is None or "read_all_orders" in granted:
        return True
    return order.created_at >= store_of(info).now() - timedelta(days=VISIBLE_DAYS)


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
        "shopAddress": {"id": gid("ShopAddress", 1), "countryCodeV2": "ES", "city": "Madrid"},
        "enabledPresentmentCurrencies": [store.currency],
        "orderNumberFormatPrefix": "#",
        "orderNumberFormatSuffix": "",
        **views.metafields_of(store, gid("Shop", store.shop_id)),
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


class OrderFields(dict[str, Any]):
    """The search filters of orders; metafields are found by name."""

    def __init__(self, store: Store) -> None:
        """List the filters that are pretended."""
        super().__init__(
            {
                "default": lambda o: [o.name, o.email or "", *o.tags],
                "id": lambda o: [str(o.id)],
                "name": lambda o: [o.name, str(o.number)],
                "email": lambda o: [o.email or ""],
                "created_at": lambda o: [o.created_at],
                "updated_at": lambda o: [o.updated_at],
                "processed_at": lambda o: [o.processed_at],
                "status": _statuses,
                "financial_status": lambda o: [o.financial_status],
                "fulfillment_status": _fulfillment_words,
                "return_status": lambda o: [views_shipping.return_status(o)],
                "tag": lambda o: o.tags,
                "test": lambda o: [o.test],
                "customer_id": lambda o: [str(o.customer_id)],
                "discount_code": lambda o: [item["code"] for item in o.discounts],
                "gateway": lambda o: [o.gateway],
                "sku": lambda o: [line.sku or "" for line in o.lines],
            }
        )
        self._store = store

    def get(self, name: str, default: Any = None) -> Any:
        """Find a filter by its name."""
        if not name.startswith("metafields."):
            return super().get(name, default)
        _word, namespace, key = name.split(".", 2)
        return lambda order: [
            item.value
            for item in self._store.metafields[gid("Order", order.id)]
            if item.namespace == views.app_namespace(namespace) and item.key == key
        ]


def _statuses(order: Order) -> list[str]:
    if order.cancelled_at is not None:
        return ["cancelled"]
    return ["closed"] if order.closed_at is not None else ["open", "not_closed"]


def _fulfillment_words(order: Order) -> list[str]:
    word = order.fulfillment_status.lower()
    return {"fulfilled": [word, "shipped"], "partially_fulfilled": [word, "partial"]}.get(
        word, [word, "unshipped"]
    )


def _found_orders(info: Info, query: str | None) -> list[Order]:
    shop = shop_of(info)
    text = (query or "").replace("tag_not:", "-tag:")
    test = compile_query(text, OrderFields(shop.store))
    # Search lags behind the truth, as on the platform.
    newest = shop.store.now() - timedelta(seconds=shop.search_lag_s)
    return [
        order
        for order in shop.store.orders.values()
        if _visible(info, order)
        and (not shop.search_lag_s or order.updated_at <= newest)
        and test(order)
    ]


def _orders(info: Info, args: Args) -> dict[str, Any]:
    store = store_of(info)
    keys: dict[str, Any] = {
        "ID": lambda o: (o.id, o.id),
        "ORDER_NUMBER": lambda o: (o.number, o.id),
        "CREATED_AT": lambda o: (stamp(o.created_at), o.id),
        "UPDATED_AT": lambda o: (stamp(o.updated_at), o.id),
        "TOTAL_PRICE": lambda o: (o.total_minor, o.id),
    }
    key = keys.get(args.get("sortKey") or "", lambda o: (stamp(o.processed_at), o.id))
    found = _found_orders(info, args.get("query"))
    return connection(info, args, found, key, lambda order: views.order_view(store, order))


def _orders_count(info: Info, args: Args) -> dict[str, Any]:
    return _count(_found_orders(info, args.get("query")), args)


def _count(items: Sequence[Any], args: Args) -> dict[str, Any]:
    limit = args.get("limit")
    if limit is not None and len(items) > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": len(items), "precision": "EXACT"}


def _found_customers(info: Info, query: str | None) -> list[Customer]:
    test = compile_query(
        query,
        {
            "default": lambda c: [c.display_name, c.email or ""],
            "id": lambda c: [str(c.id)],
            "email": lambda c: [c.email or ""],
            "phone": lambda c: [c.phone or ""],
            "first_name": lambda c: [c.first_name],
            "last_name": lambda c: [c.last_name],
            "tag": lambda c: c.tags,
            "updated_at": lambda c: [c.updated_at],
            "customer_date": lambda c: [c.created_at],
            "accepts_marketing": lambda c: [c.marketing_state == "SUBSCRIBED"],
        },
    )
    return [customer for customer in store_of(info).customers.values() if test(customer)]


def _customers(info: Info, args: Args) -> dict[str, Any]:
    store = store_of(info)
    by_time = args.get("sortKey") == "UPDATED_AT"
    return connection(
        info,
        args,
        _found_customers(info, args.get("query")),
        lambda c: (stamp(c.updated_at) if by_time else c.id, c.id),
        lambda customer: views.customer_view(store, customer),
    )


def _customer_by(info: Info, args: Args) -> dict[str, Any] | None:
    store, wanted = store_of(info), args["identifier"]
    if wanted.get("id"):
        found = store.customers.get(number_of(wanted["id"], "Customer"))
    else:
        found = store.customer_by(wanted.get("emailAddress"), wanted.get("phoneNumber"))
    return None if found is None else views.customer_view(store, found)


def _customer(info: Info, args: Args) -> dict[str, Any] | None:
    store = store_of(info)
    found = store.customers.get(number_of(args["id"], "Customer"))
    return None if found is None else views.customer_view(store, found)


def _order(info: Info, args: Args) -> dict[str, Any] | None:
    found = find_order(info, args["id"])
    return None if found is None else views.order_view(store_of(info), found)


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
                        "lineItem": views.line_view(order, order.line(pair[0])),  # type: ignore[arg-type, union-attr] # as above
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
        **views.metafields_of(store_of(info), args["id"]),
    }


READS: Final[dict[str, Resolver]] = {
    "shop": _shop,
    "currentAppInstallation": _installation,
    "publicApiVersions": lambda _info, _args: [
        version_view(name) for name in ("2026-01", "2026-04", "2026-07", API_VERSION, "unstable")
    ],
    "locations": lambda info, args: listed([store_of(info)], _location)(info, args),
    "location": lambda info, _args: _location(store_of(info)),
    "order": _order,
    "orders": _orders,
    "ordersCount": _orders_count,
    "customer": _customer,
    "customers": _customers,
    "customersCount": lambda info, args: _count(_found_customers(info, args.get("query")), args),
    "customerByIdentifier": _customer_by,
    "fulfillment": _fulfillment,
    "fulfillmentOrder": _fulfillment_order,
    "codeDiscountNodeByCode": discounts.by_code,
    "codeDiscountNode": discounts.by_id,
    "webhookSubscriptions": _subscriptions,
    "webhookSubscription": _subscription,
    "webhookSubscriptionsCount": lambda info, args: _count(
        list(store_of(info).subscriptions), args
    ),
    "bulkOperation": _bulk,
    "bulkOperations": _bulks,
    "job": _job,
    "return": _return,
    "returnableFulfillments": _returnable,
    "returnReasonDefinitions": _reasons,
    "product": _product,
    "dispute": lambda _info, _args: None,
}
