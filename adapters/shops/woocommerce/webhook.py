"""Understand WooCommerce's webhooks; pure."""

import hashlib
import re
from collections.abc import Sequence
from typing import Final

from adapters._json import decode, decode_object
from adapters.shops.woocommerce.mapping import order_of
from adapters.shops.woocommerce.payload import OrderBody
from connector import signing
from connector.errors import DeliveryMalformed, PayloadInvalid, SignatureRejected
from connector.model.event import EventType, ShopEvent, WebhookDelivery
from connector.model.order import JsonObject, OrderRef
from connector.secret import Secret

TOPIC: Final = "X-WC-Webhook-Topic"
SIGNATURE: Final = "X-WC-Webhook-Signature"
WEBHOOK_ID: Final = "X-WC-Webhook-ID"
DELIVERY_ID: Final = "X-WC-Webhook-Delivery-ID"
SOURCE: Final = "X-WC-Webhook-Source"
REQUIRED: Final = (TOPIC, SIGNATURE, WEBHOOK_ID, DELIVERY_ID, SOURCE)
# As they are found in a delivery; every webhook passes here, so they are written once.
_TOPIC, _SIGNATURE, _WEBHOOK_ID, _DELIVERY_ID, _ = _LOWER = tuple(n.lower() for n in REQUIRED)

ORDER_TOPICS: Final = frozenset({"order.created", "order.updated", "order.restored"})
DELETED_TOPIC: Final = "order.deleted"
_OTHER_THINGS: Final = frozenset(
    f"{thing}.{event}"
    for thing in ("product", "customer", "coupon")
    for event in ("created", "updated", "deleted", "restored")
)
_ORDER_ACTION: Final = "action.woocommerce_order_"
# Their first argument is a note's or an item's id, not the order's.
_NOT_BY_ORDER: Final = ("action.woocommerce_order_note_", "action.woocommerce_order_item")
_REFUND_ACTIONS: Final = frozenset(
    {"action.woocommerce_refund_created", "action.wc_refund_created"}
)

_PING: Final = re.compile(rb"webhook_id=[0-9]{1,20}")
_HEAD_ID: Final = re.compile(rb'\s*\{\s*"id"\s*:\s*([1-9][0-9]{0,18})\s*[,}]')
_ARG: Final = re.compile(rb'"arg"\s*:\s*"?([1-9][0-9]{0,18})"?\s*[,}]')
_MODIFIED: Final = b'"date_modified_gmt"'
_HEAD_LENGTH: Final = 4096


def is_ping(delivery: WebhookDelivery) -> bool:
    """Tell whether this is the unsigned ping of a webhook that was just made.

    Source: WooCommerce 10.2.4, sent during the creation call; must get exactly 200.
    """
    headers = delivery.headers
    return (
        SIGNATURE.lower() not in headers
        and TOPIC.lower() not in headers
        and _PING.fullmatch(delivery.body) is not None
    )


def verify(delivery: WebhookDelivery, secrets: Sequence[Secret]) -> None:
    """Check the signature: base64 of HMAC-SHA256 over the raw body.

    Raises: DeliveryMalformed, SignatureRejected.
    Source: WooCommerce 10.2.4, WC_Webhook::generate_signature, checked 2026-11-22.
    """
    headers = delivery.headers
    if not all(map(headers.get, _LOWER)):
        raise DeliveryMalformed(missing=[n for n in REQUIRED if not headers.get(n.lower())])
    if not signing.matches(delivery.body, headers[_SIGNATURE], secrets):
        raise SignatureRejected


def key(delivery: WebhookDelivery) -> str:
    """Name the delivery by webhook, topic and body.

    # Quirk(woocommerce): the delivery id is a hash of webhook and clock second, so
    # different orders share it. It only helps to tell two bodies apart that hold no
    # time of change, like two deletions of the same order.
    """
    digest = hashlib.sha256(delivery.body).hexdigest()
    webhook_id = delivery.headers.get(_WEBHOOK_ID, "")[:20]
    parts = [webhook_id, _topic(delivery)[:60], digest]
    if _MODIFIED not in delivery.body:
        parts.append(delivery.headers.get(_DELIVERY_ID, "")[:40])
    return ":".join(parts)


def lane(delivery: WebhookDelivery) -> str:
    """Name the order from the first bytes of the body; empty when there is none."""
    topic = _topic(delivery)
    if topic in ORDER_TOPICS or topic == DELETED_TOPIC:
        found = _HEAD_ID.match(delivery.body[:_HEAD_LENGTH])
    elif _is_order_action(topic):
        found = _ARG.search(delivery.body[:_HEAD_LENGTH])
    else:
        return ""
    return found[1].decode("ascii") if found else ""


def parse(delivery: WebhookDelivery) -> list[ShopEvent]:
    """Say what a delivery means.

    Raises: PayloadInvalid: signed but not readable; the field is named.
    """
    if is_ping(delivery):
        return [_event(delivery, EventType.PING)]
    topic = _topic(delivery)
    if topic in ORDER_TOPICS:
        return [_order(delivery)]
    if topic == DELETED_TOPIC:
        return [_about_order(delivery, EventType.ORDER_DELETED, "id")]
    if _is_order_action(topic):
        return [_about_order(delivery, EventType.ORDER_HINT, "arg")]
    if topic in _OTHER_THINGS or topic in _REFUND_ACTIONS or topic.startswith(_NOT_BY_ORDER):
        return [_event(delivery, EventType.IGNORED)]
    return [_event(delivery, EventType.UNKNOWN, detail="a topic that we do not know")]


def _topic(delivery: WebhookDelivery) -> str:
    return delivery.headers.get(_TOPIC, "").strip().lower()


def _is_order_action(topic: str) -> bool:
    return topic.startswith(_ORDER_ACTION) and not topic.startswith(_NOT_BY_ORDER)


def _order(delivery: WebhookDelivery) -> ShopEvent:
    # A whole order begins with its id; only a body that does not is looked at twice.
    if _HEAD_ID.match(delivery.body[:_HEAD_LENGTH]) is None:
        raw = decode_object(delivery.body)
        if "id" not in raw and isinstance(raw.get("code"), str):
            return _error(delivery, raw)
    order = order_of(decode(OrderBody, delivery.body))
    return ShopEvent(
        EventType.ORDER,
        _topic(delivery),
        order.modified_at,
        order_ref=order.ref,
        order=order,
        detail=f"order {order.ref} is {order.platform_state}",
    )


def _error(delivery: WebhookDelivery, raw: JsonObject) -> ShopEvent:
    """Understand a signed body that says why the shop could not build the order.

    Source: WooCommerce 10.2.4; seen when an order was purged before the queue ran, and
    when the owner of the webhook lost rights or was deleted.
    """
    code = re.sub(r"[^a-z0-9_-]", "", raw["code"].lower())[:60]
    data = raw.get("data")
    named = data.get("id") if isinstance(data, dict) else None
    ref = OrderRef(str(named)) if _is_id(named) else None
    reason = f"needs fetch: the shop could not build the body ({code})"
    kind = EventType.ORDER_HINT if ref else EventType.UNKNOWN
    return _event(delivery, kind, ref=ref, needs_fetch=reason, detail=reason, raw=raw)


def _about_order(delivery: WebhookDelivery, kind: EventType, field: str) -> ShopEvent:
    raw = decode_object(delivery.body)
    if field not in raw and isinstance(raw.get("code"), str):
        return _error(delivery, raw)
    value = raw.get(field)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:  # noqa: PLR2004 - 64 bits
        value = int(value)
    if not _is_id(value):
        raise PayloadInvalid(f"the body does not fit: {field} is no order id")
    ref = OrderRef(str(value))
    needs_fetch = "the body names the order only" if kind is EventType.ORDER_HINT else ""
    if kind is EventType.ORDER_DELETED and raw.keys() != {"id"}:
        # The topic is not signed: another body of the shop may have been sent under it.
        needs_fetch = "the body is not that of a deletion"
    return _event(delivery, kind, ref=ref, needs_fetch=needs_fetch, raw=raw)


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def _event(
    delivery: WebhookDelivery,
    kind: EventType,
    *,
    ref: OrderRef | None = None,
    needs_fetch: str = "",
    detail: str = "",
    raw: JsonObject | None = None,
) -> ShopEvent:
    return ShopEvent(
        kind,
        _topic(delivery),
        delivery.received_at,
        order_ref=ref,
        needs_fetch=needs_fetch,
        detail=detail,
        raw=raw or {},
    )
