"""Webhook subscriptions, and the deliveries they lead to.

Source: webhook pages of shopify.dev (delivery structure, retries), checked
2026-11-22: eight retries with the original body, then the subscription goes.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from webhooks.sandbox.sender import Job, Outgoing, WebhookSender, sign
from webhooks.sandbox.shopify.metafields import user_error
from webhooks.sandbox.shopify.pages import Args, Info
from webhooks.sandbox.shopify.reach import store_of
from webhooks.sandbox.shopify.reads import subscription_view
from webhooks.sandbox.shopify.records import Subscription
from webhooks.sandbox.shopify.schema import API_VERSION, number_of
from webhooks.sandbox.shopify.store import Store

if TYPE_CHECKING:
    from webhooks.sandbox.shopify.engine import Resolver

View = dict[str, Any]
RETRIES: Final = 8
TIMEOUT_S: Final = 5.0
NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,50}")
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
# Topics whose second half has an underscore of its own; all others split at the last one.
ODD_TOPICS: Final = {
    "ORDERS_PARTIALLY_FULFILLED": "orders/partially_fulfilled",
    "APP_SCOPES_UPDATE": "app/scopes_update",
    "CUSTOMER_TAGS_ADDED": "customer.tags_added",
    "CUSTOMER_TAGS_REMOVED": "customer.tags_removed",
}
PROTECTED: Final = {"orders": "read_orders", "refunds": "read_orders"}


def topic_of(name: str) -> str:
    """Turn a topic of the schema into the one in the header."""
    if name in ODD_TOPICS:
        return ODD_TOPICS[name]
    noun, _line, verb = name.lower().rpartition("_")
    return f"{noun}/{verb}"


class Deliveries:
    """Build deliveries when something happens, and try them again.

    Args:
        secret: gives the app's secret that signs just now.
        delay_s: how long after the event a delivery leaves.
        retry_base_s: wait before the first retry; doubles each time.
    """

    def __init__(
        self, store: Store, sender: WebhookSender, secret: Callable[[], str], delay_s: float
    ) -> None:
        """Begin without a compliance address: it is the first subscription's."""
        self.store = store
        self.sender = sender
        self.secret = secret
        self.delay_s = delay_s
        self.retry_base_s = 1.0
        self.new_id_on_retry = False
        self.compliance_url: str | None = None

    def emit(self, topic: str, body: View, order: str) -> None:
        """Send an event to everyone who subscribed to its topic."""
        event_id = str(uuid.uuid4())
        for item in list(self.store.subscriptions.values()):
            if topic_of(item.topic) != topic:
                continue
            told = body
            if item.include_fields:
                told = {name: body[name] for name in item.include_fields if name in body}
            self._first(topic, item.uri, told, order, event_id, item)

    def comply(self, topic: str, body: View) -> bool:
        """Send a compliance topic to the address of the app's configuration.

        Returns: False if the app has told no address.
        """
        first = next(iter(self.store.subscriptions.values()), None)
        url = self.compliance_url or (None if first is None else first.uri)
        if url is None:
            return False
        self._first(topic, url, body, "", str(uuid.uuid4()), None)
        return True

    def _first(
        self,
        topic: str,
        url: str,
        body: View,
        order: str,
        event_id: str,
        item: Subscription | None,
    ) -> None:
        raw = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            "X-Shopify-Topic": topic,
            "X-Shopify-Hmac-Sha256": sign(raw, self.secret()),
            "X-Shopify-Shop-Domain": self.store.domain,
            "X-Shopify-API-Version": API_VERSION,
            "X-Shopify-Webhook-Id": str(uuid.uuid4()),
            "X-Shopify-Event-Id": event_id,
            "X-Shopify-Triggered-At": _nanoseconds(),
        }
        if item is not None and item.name:
            headers["X-Shopify-Name"] = item.name
        self._queue(Outgoing(topic, url, headers, raw, order), item, 0, self.delay_s)

    def _queue(
        self, outgoing: Outgoing, item: Subscription | None, tries: int, delay_s: float
    ) -> None:
        def settled(status: int | None) -> None:
            good = status is not None and 200 <= status < 300
            with self.store.lock:
                if item is not None:
                    item.failures = 0 if good else item.failures + 1
                if not good:
                    self._again(outgoing, item, tries)

        self.sender.enqueue(Job(lambda: outgoing, settled, timeout_s=TIMEOUT_S), delay_s)

    def _again(self, outgoing: Outgoing, item: Subscription | None, tries: int) -> None:
        if item is not None and item.failures > RETRIES:
            self.store.subscriptions.pop(item.id, None)
        if tries >= RETRIES:
            return
        if self.new_id_on_retry:
            fresh = {**outgoing.headers, "X-Shopify-Webhook-Id": str(uuid.uuid4())}
            outgoing = Outgoing(outgoing.topic, outgoing.url, fresh, outgoing.body, outgoing.order)
        self._queue(outgoing, item, tries + 1, self.retry_base_s * 2**tries)


def _nanoseconds() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"


def _address_error(given: View, store: Store, own: int | None, topic: str) -> str | None:
    uri = given.get("uri") or given.get("callbackUrl") or ""
    parts = urlsplit(uri)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        return "Address protocol http:// is not supported"
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "Address is invalid"
    for item in store.subscriptions.values():
        if item.id != own and item.topic == topic and item.uri == uri:
            return "Address for this topic has already been taken"
    return None


def _fill(item: Subscription, given: View) -> None:
    item.uri = given.get("uri") or given.get("callbackUrl") or item.uri
    item.name = given.get("name", item.name)
    item.format = given.get("format") or item.format
    item.filter = given.get("filter", item.filter)
    item.include_fields = list(given.get("includeFields") or item.include_fields)


def _refused(field: str, message: str) -> View:
    error = user_error(["webhookSubscription", field], message)
    return {"webhookSubscription": None, "userErrors": [error]}


def _create(info: Info, args: Args) -> View:
    store, given, topic = store_of(info), args["webhookSubscription"], args["topic"]
    scope = PROTECTED.get(topic_of(topic).split("/", maxsplit=1)[0])
    granted = info.context.scopes
    if scope is not None and granted is not None and scope not in granted:
        message = (
            f"You do not have permission to create or update webhooks with {topic_of(topic)} topic."
        )
        return _refused("topic", message)
    problem = _address_error(given, store, None, topic)
    if problem is not None:
        return _refused("callbackUrl", problem)
    if given.get("name") and not NAME.fullmatch(given["name"]):
        return _refused("name", "Name is invalid")
    now = store.now()
    item = Subscription(store.next_id(), topic, "", now, now)
    _fill(item, given)
    store.subscriptions[item.id] = item
    return {"webhookSubscription": subscription_view(item), "userErrors": []}


def _update(info: Info, args: Args) -> View:
    store, given = store_of(info), args["webhookSubscription"]
    item = store.subscriptions.get(number_of(args["id"], "WebhookSubscription"))
    if item is None:
        error = user_error(["id"], "Webhook subscription does not exist")
        return {"webhookSubscription": None, "userErrors": [error]}
    if given.get("uri") or given.get("callbackUrl"):
        problem = _address_error(given, store, item.id, item.topic)
        if problem is not None:
            return _refused("callbackUrl", problem)
    _fill(item, given)
    item.updated_at = store.now()
    return {"webhookSubscription": subscription_view(item), "userErrors": []}


def _delete(info: Info, args: Args) -> View:
    number = number_of(args["id"], "WebhookSubscription")
    if store_of(info).subscriptions.pop(number, None) is None:
        error = user_error(["id"], "Webhook subscription does not exist")
        return {"deletedWebhookSubscriptionId": None, "userErrors": [error]}
    return {"deletedWebhookSubscriptionId": args["id"], "userErrors": []}


WRITES: Final[dict[str, Resolver]] = {
    "webhookSubscriptionCreate": _create,
    "webhookSubscriptionUpdate": _update,
    "webhookSubscriptionDelete": _delete,
}
