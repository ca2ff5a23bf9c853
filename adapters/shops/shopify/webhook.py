"""What Shopify's webhooks say, and whether they are Shopify's at all.

A signature proves the body alone: topic, time, delivery id and shop stand in
headers that are not signed, and one client secret signs for every shop of an
app. So a body counts as this shop's own only where no other connected shop
shares the secret.

Source: shopify.dev, webhooks: delivery structure, verify deliveries; payload
schemas 2026-07; checked 2026-11-22.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from adapters import _json
from adapters.shops.shopify import payload
from adapters.shops.shopify.mapping import order_of
from adapters.shops.shopify.values import when
from connector.errors import DeliveryMalformed, PayloadInvalid, SignatureRejected
from connector.model.event import EventType, ShopEvent, WebhookDelivery
from connector.model.order import JsonObject, OrderRef
from connector.secret import Secret
from connector.signing import matches

API_VERSION: Final = "2026-10"

SIGNATURE: Final = "X-Shopify-Hmac-Sha256"
TOPIC: Final = "X-Shopify-Topic"
SHOP: Final = "X-Shopify-Shop-Domain"
DELIVERY_ID: Final = "X-Shopify-Webhook-Id"
REQUIRED: Final = (SIGNATURE, TOPIC, SHOP, DELIVERY_ID)

WHOLE_ORDER: Final = frozenset(
    {
        "orders/create",
        "orders/updated",
        "orders/paid",
        "orders/cancelled",
        "orders/fulfilled",
        "orders/partially_fulfilled",
    }
)
ORDER_PART: Final = frozenset(
    {
        "refunds/create",
        "fulfillments/create",
        "fulfillments/update",
        "fulfillment_events/create",
        "fulfillment_events/delete",
        "order_transactions/create",
    }
)
ABOUT_SHOP: Final = {
    "app/uninstalled": (EventType.SHOP_UNINSTALLED, "myshopify_domain"),
    "customers/data_request": (EventType.CUSTOMER_DATA_REQUEST, "shop_domain"),
    "customers/redact": (EventType.CUSTOMER_REDACT, "shop_domain"),
    "shop/redact": (EventType.SHOP_REDACT, "shop_domain"),
}
# Topics that exist and that we have no use for, by their first word.
IGNORED: Final = frozenset(
    {"products", "customers", "inventory_levels", "inventory_items", "discounts", "draft_orders"}
    | {"checkouts", "carts", "collections", "shop", "app", "returns", "disputes", "locations"}
    | {"bulk_operations", "fulfillment_holds", "fulfillment_orders", "customer", "themes", "orders"}
)

SHARED_SECRET: Final = "a Shopify signature does not prove the shop"  # noqa: S105 - a reason, no secret
_FIRST_ID: Final = re.compile(rb'\s*\{\s*"id"\s*:\s*(\d{1,20})\b')
_ORDER_GID: Final = re.compile(
    rb'"admin_graphql_api_id"\s*:\s*"gid:(?:\\?/){2}shopify\\?/Order\\?/(\d{1,20})"'
)
_ORDER_ID: Final = re.compile(rb'"order_id"\s*:\s*(\d{1,20})\b')
_PLAIN_KEY: Final = re.compile(r"[!-~]{1,200}", re.ASCII)


def header(headers: Mapping[str, str], name: str) -> str:
    """Read a header; empty when it is not there."""
    return headers.get(name.lower(), "").strip()


def verify(delivery: WebhookDelivery, secrets: Sequence[Secret], domain: str) -> None:
    """Check the signature, and that the delivery names this shop.

    Args: secrets: the app's present client secret and, during a rotation, the old one.

    Raises:
        DeliveryMalformed: headers are missing; all are named.
        SignatureRejected: no secret made the signature, or another shop is named.
    """
    missing = [name for name in REQUIRED if not header(delivery.headers, name)]
    if missing:
        raise DeliveryMalformed(missing=missing)
    if not matches(delivery.body, header(delivery.headers, SIGNATURE), secrets):
        raise SignatureRejected(
            "The signature does not match the body: check the app's client secret. A webhook made"
            " by hand under Settings > Notifications is signed with another key; delete it there."
        )
    if header(delivery.headers, SHOP).lower() != domain:
        raise SignatureRejected("The delivery names another shop.")


def key(delivery: WebhookDelivery) -> str:
    """Name the delivery by Shopify's id of it, which stays on a redelivery.

    Raises: DeliveryMalformed: the id is missing.
    """
    found = header(delivery.headers, DELIVERY_ID)
    if not found:
        raise DeliveryMalformed(missing=[DELIVERY_ID])
    if _PLAIN_KEY.fullmatch(found):
        return found
    return hashlib.sha256(found.encode("utf-8", "surrogateescape")).hexdigest()


def lane(delivery: WebhookDelivery) -> str:
    """Name the order by its number, without reading the whole body."""
    topic = header(delivery.headers, TOPIC)
    if topic == "orders/edited" or topic in ORDER_PART:
        found = _ORDER_ID.search(delivery.body)
    elif topic in WHOLE_ORDER or topic == "orders/delete":
        found = _FIRST_ID.match(delivery.body) or _ORDER_GID.search(delivery.body)
    else:
        return ""
    return found[1].decode() if found else ""


def parse(delivery: WebhookDelivery, domain: str, *, own_secret: bool) -> Sequence[ShopEvent]:
    """Say what the delivery means.

    Args: own_secret: no other connected shop's webhooks are signed with this secret.
    Raises: PayloadInvalid: the body of a topic we know cannot be read.
    """
    topic = header(delivery.headers, TOPIC)
    at = _triggered_at(delivery)
    detail = _version_detail(delivery)
    why = "" if own_secret else SHARED_SECRET
    if topic in WHOLE_ORDER:
        return [_whole(delivery, topic, why, detail)]
    if topic == "orders/delete":
        ref = _json.decode(payload.OrderId, delivery.body).id
        # The body is an id alone, and the topic is not signed: the shop is asked.
        return [_hint(EventType.ORDER_DELETED, topic, at, ref, "the topic is not signed", detail)]
    if topic == "orders/edited":
        ref = _json.decode(payload.OrderEdit, delivery.body).order_edit.order_id
        return [_hint(EventType.ORDER_HINT, topic, at, ref, "the body holds differences", detail)]
    if topic in ORDER_PART:
        ref = _json.decode(payload.OrderPart, delivery.body).order_id
        return [_hint(EventType.ORDER_HINT, topic, at, ref, "the body is not the order", detail)]
    if topic in ABOUT_SHOP:
        return [_about_shop(delivery, topic, at, domain, detail)]
    kind = EventType.IGNORED if topic.partition("/")[0] in IGNORED else EventType.UNKNOWN
    return [ShopEvent(kind, topic[:100], at, detail=detail)]


def _whole(delivery: WebhookDelivery, topic: str, why: str, detail: str) -> ShopEvent:
    body = _json.decode(payload.OrderBody, delivery.body)
    order = order_of(body)
    return ShopEvent(
        EventType.ORDER,
        topic,
        order.modified_at,
        order_ref=order.ref,
        order=order,
        needs_fetch=why or _told_less(body),
        detail=detail,
        raw=_json.decode_object(delivery.body),
    )


def _told_less(body: payload.OrderBody) -> str:
    """Tell what this body cannot say and GraphQL can."""
    if any(item.shipment_status for item in body.fulfillments or ()):
        return "the body does not tell when a parcel was delivered"
    if (body.financial_status or "") in {"refunded", "partially_refunded"}:
        # Of such an order the state alone does not prove that it ever was paid.
        return "the body does not tell when the order was paid"
    lines = body.line_items or ()
    if lines and not body.fulfillment_status and not any(_is_sent(line) for line in lines):
        return "the body does not tell whether there are goods to be sent"
    moves = [item for refund in body.refunds or () for item in refund.transactions or ()]
    if any(item.currency not in {None, body.currency} for item in moves):
        return "a refund is told in the buyer's currency"
    return ""


def _is_sent(line: payload.Line) -> bool:
    return line.requires_shipping is not False


def _hint(kind: EventType, topic: str, at: datetime, ref: int, why: str, detail: str) -> ShopEvent:
    order_ref = OrderRef(str(ref))
    return ShopEvent(kind, topic, at, order_ref=order_ref, needs_fetch=why, detail=detail)


def _about_shop(
    delivery: WebhookDelivery, topic: str, at: datetime, domain: str, detail: str
) -> ShopEvent:
    kind, name = ABOUT_SHOP[topic]
    raw: JsonObject = _json.decode_object(delivery.body)
    named = raw.get(name)
    if not isinstance(named, str):
        raise PayloadInvalid(f"$.{name}: expected the shop's domain")
    if named.lower() != domain:
        # Signed for another shop of the same app; the header was changed on the way.
        return ShopEvent(EventType.UNKNOWN, topic, at, detail="the body names another shop")
    # An uninstall may arrive after a quick new install: the key itself has the last word.
    why = "the app may have been installed again" if kind is EventType.SHOP_UNINSTALLED else ""
    return ShopEvent(kind, topic, at, needs_fetch=why, detail=detail, raw=raw)


def _triggered_at(delivery: WebhookDelivery) -> datetime:
    text = header(delivery.headers, "X-Shopify-Triggered-At")
    try:
        return when(text, "X-Shopify-Triggered-At")
    except PayloadInvalid:
        return delivery.received_at


def _version_detail(delivery: WebhookDelivery) -> str:
    told = header(delivery.headers, "X-Shopify-API-Version")
    if told in {"", API_VERSION}:
        return ""
    return f"written by API version {told[:20]!a}, expected {API_VERSION}"
