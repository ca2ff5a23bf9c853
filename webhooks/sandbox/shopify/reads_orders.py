"""Answer the queries about orders and customers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from webhooks.sandbox.shopify import views, views_parts, views_shipping
from webhooks.sandbox.shopify.pages import Args, Info, connection
from webhooks.sandbox.shopify.reach import count, find_order, shop_of, store_of, visible
from webhooks.sandbox.shopify.records import Customer, Order
from webhooks.sandbox.shopify.schema import gid, number_of
from webhooks.sandbox.shopify.search import compile_query
from webhooks.sandbox.shopify.store import Store, stamp

if TYPE_CHECKING:
    from webhooks.sandbox.shopify.engine import Resolver


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
            if item.namespace == views_parts.app_namespace(namespace) and item.key == key
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
        if visible(info, order)
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
    return count(_found_orders(info, args.get("query")), args)


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


READS: Final[dict[str, Resolver]] = {
    "order": _order,
    "orders": _orders,
    "ordersCount": _orders_count,
    "customer": _customer,
    "customers": _customers,
    "customersCount": lambda info, args: count(_found_customers(info, args.get("query")), args),
    "customerByIdentifier": _customer_by,
}
