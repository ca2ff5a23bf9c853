"""Control calls of the pretend Shopify, and what its merchant sees."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from webhooks.sandbox._server import JsonObject, Refused
from webhooks.sandbox.shopify import checkout, desk, tell
from webhooks.sandbox.shopify.merchant import order_seen
from webhooks.sandbox.shopify.money import minor
from webhooks.sandbox.shopify.order_body import shop_body
from webhooks.sandbox.shopify.records import Fulfillment, Order, RefundLine
from webhooks.sandbox.shopify.schema import GID
from webhooks.sandbox.shopify.store import Store

if TYPE_CHECKING:
    from webhooks.sandbox.shopify.shop import ShopifyShop

EVENTS: Final = {
    "deliver": "DELIVERED",
    "transit": "IN_TRANSIT",
    "out": "OUT_FOR_DELIVERY",
    "pickup": "READY_FOR_PICKUP",
    "fail": "FAILURE",
    "attempt": "ATTEMPTED_DELIVERY",
}
SETTINGS: Final = {
    "queue_interval_s": ("hooks", "delay_s", float),
    "retry_base_s": ("hooks", "retry_base_s", float),
    "new_id_on_retry": ("hooks", "new_id_on_retry", bool),
    "compliance_url": ("hooks", "compliance_url", str),
    "search_lag_s": ("", "search_lag_s", float),
    "protected_data": ("", "protected_data", bool),
    "token_life_s": ("", "token_life_s", float),
    "client_secret": ("", "client_secret", str),
}
GID_START: Final = re.compile(r"gid:/+shopify/Order/")


def create_order(shop: ShopifyShop, data: JsonObject) -> JsonObject:
    """Place an order.

    Raises: Refused: the data cannot be an order.
    """
    try:
        order = checkout.place(shop.store, data)
    except (KeyError, TypeError, ValueError) as err:
        raise Refused(f"not an order: {err}") from err
    shop.store.mails.append({"to": order.email, "subject": f"Order {order.name} confirmed"})
    return order_seen(shop.store, order)


def act(shop: ShopifyShop, order_ref: str, verb: str, data: JsonObject) -> JsonObject:
    """Do something to an order.

    Args: order_ref: the number of its id, its gid, or its name without the hash.
    Raises: Refused: no such order or verb, or the order's state forbids it.
    """
    store = shop.store
    order = _find(store, order_ref)
    try:
        _act(store, order, verb, data)
    except (KeyError, TypeError, ValueError) as err:
        raise Refused(f"cannot {verb}: {err!r}") from err
    return {"id": order.id, "deleted": True} if verb == "delete" else order_seen(store, order)


def _find(store: Store, order_ref: str) -> Order:
    found = GID.fullmatch(order_ref)
    text = found[2] if found else GID_START.sub("", order_ref).lstrip("#")
    for order in store.orders.values():
        if text in {str(order.id), str(order.number)}:
            return order
    raise Refused(f"no such order: {order_ref}", 404)


def _act(store: Store, order: Order, verb: str, data: JsonObject) -> None:
    if verb in EVENTS or verb == "event":
        status = EVENTS.get(verb) or str(data["status"])
        desk.carrier_event(store, order, _chosen(order, data), status, data)
        return
    if verb not in VERBS:
        raise Refused(f"no such verb: {verb}", 404)
    VERBS[verb](store, order, data)


def _track(store: Store, order: Order, data: JsonObject) -> None:
    tracking = {"company": data.get("carrier"), "number": data.get("number")}
    desk.retrack(store, order, _chosen(order, data), [{**tracking, "url": data.get("url")}])


def _cancel(store: Store, order: Order, data: JsonObject) -> None:
    desk.cancel(
        store,
        order,
        data.get("reason", "CUSTOMER"),
        give_back=bool(data.get("refund", True)),
        restock=bool(data.get("restock", True)),
    )


def _note(store: Store, order: Order, data: JsonObject) -> None:
    order.note = data.get("note")
    tell.changed(store, order)


def _close(store: Store, order: Order, _data: JsonObject) -> None:
    order.closed_at = store.now()
    tell.changed(store, order)


def _chosen(order: Order, data: JsonObject) -> Fulfillment:
    if not order.fulfillments:
        raise Refused("the order has no fulfillment", 409)
    if "fulfillment" in data:
        wanted = int(data["fulfillment"])
        return next(item for item in order.fulfillments if item.id == wanted)
    return order.fulfillments[-1]


def _refund(store: Store, order: Order, data: JsonObject) -> None:
    lines = []
    for item in data.get("lines", []):
        line = next(line for line in order.lines if line.sku == item["sku"])
        quantity = int(item.get("quantity", 1))
        subtotal = line.part_minor(quantity)
        lines.append(RefundLine(store.next_id(), line.id, quantity, "RETURN", subtotal))
    given = data.get("amount")
    left = order.paid_minor - order.refunded_minor
    amount = sum(line.subtotal_minor for line in lines) if lines else left
    if given is not None:
        amount = minor(given, order.rate.shop)
    desk.refund(store, order, amount, data.get("reason"), lines)


def _tag(store: Store, order: Order, data: JsonObject) -> None:
    gone = {str(tag).lower() for tag in data.get("remove", [])}
    tags = [tag for tag in order.tags if tag.lower() not in gone]
    known = {tag.lower() for tag in tags}
    order.tags = tags + [str(tag) for tag in data.get("add", []) if str(tag).lower() not in known]
    tell.changed(store, order)


VERBS: Final[dict[str, Callable[[Store, Order, JsonObject], object]]] = {
    "pay": desk.pay,
    "ship": desk.ship,
    "track": _track,
    "refund": _refund,
    "cancel": _cancel,
    "edit": desk.edit,
    "delete": lambda store, order, _data: desk.delete(store, order),
    "tag": _tag,
    "note": _note,
    "close": _close,
    "complete": _close,
    "touch": lambda store, order, _data: tell.changed(store, order),
}


def apply_settings(shop: ShopifyShop, data: JsonObject) -> JsonObject:
    """Change how the shop behaves; give all settings back.

    Raises: Refused: a setting is unknown or has a wrong value.
    """
    known = {*SETTINGS, "webhooks", "bucket_maximum", "bucket_restore_per_s", "scopes"}
    unknown = set(data) - known
    if unknown:
        raise Refused(f"unknown settings: {sorted(unknown)}; known: {sorted(known)}")
    try:
        if "webhooks" in data:
            shop.sender.mode = data["webhooks"]
        for name, (part, attribute, kind) in SETTINGS.items():
            if name in data:
                setattr(getattr(shop, part) if part else shop, attribute, kind(data[name]))
        if "bucket_maximum" in data or "bucket_restore_per_s" in data:
            shop.bucket.resize(
                float(data.get("bucket_maximum", shop.bucket.maximum)),
                float(data.get("bucket_restore_per_s", shop.bucket.restore_per_s)),
            )
    except (TypeError, ValueError) as err:
        raise Refused(str(err)) from err
    if "scopes" in data:
        shop.scopes = None if data["scopes"] is None else frozenset(data["scopes"])
    shown: dict[str, Any] = {
        name: getattr(getattr(shop, part) if part else shop, attribute)
        for name, (part, attribute, _kind) in SETTINGS.items()
        if name != "client_secret"
    }
    return {
        **shown,
        "webhooks": shop.sender.mode,
        "bucket_maximum": shop.bucket.maximum,
        "bucket_restore_per_s": shop.bucket.restore_per_s,
        "scopes": None if shop.scopes is None else sorted(shop.scopes),
    }


def uninstall(shop: ShopifyShop) -> JsonObject:
    """Remove the app: tokens die, subscriptions go, one last webhook.

    Source: app uninstall page of shopify.dev, checked 2026-11-22.
    """
    shop.installed = False
    shop.forget_tokens()
    shop.store.emit("app/uninstalled", shop_body(shop.store), "")
    shop.store.subscriptions.clear()
    return {"installed": False}


def compliance(shop: ShopifyShop, data: JsonObject) -> JsonObject:
    """Send one of the three privacy topics.

    Args: data: `topic`, and `email` of the customer or nothing for the shop.
    Raises: Refused: unknown topic or customer, or no address to send to.
    """
    store, topic = shop.store, str(data.get("topic"))
    body: JsonObject = {"shop_id": store.shop_id, "shop_domain": store.domain}
    if topic in {"customers/data_request", "customers/redact"}:
        customer = store.customer_by(data.get("email"), data.get("phone"))
        if customer is None:
            raise Refused("no such customer", 404)
        orders = [order.id for order in store.orders_of(customer.id)]
        body["customer"] = {
            "id": customer.id,
            "email": customer.email,
            "phone": customer.phone,
        }
        if topic == "customers/redact":
            body["orders_to_redact"] = orders
        else:
            body["orders_requested"] = orders
            body["data_request"] = {"id": store.next_id()}
    elif topic != "shop/redact":
        raise Refused(f"no such compliance topic: {topic}")
    if data.get("url"):
        shop.hooks.compliance_url = str(data["url"])
    if not shop.hooks.comply(topic, body):
        raise Refused("nobody to tell: give `url` or subscribe first", 409)
    return {"topic": topic, "body": body}
