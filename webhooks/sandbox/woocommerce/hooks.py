"""Webhooks of the pretend shop: kept, queued, delivered, disabled."""

from __future__ import annotations

import hashlib
import hmac
import html
import itertools
import re
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from webhooks.sandbox.sender import Job, Outgoing, WebhookSender, sign
from webhooks.sandbox.woocommerce.errors import WooError, dump, missing_param, not_in
from webhooks.sandbox.woocommerce.render import links

if TYPE_CHECKING:
    from collections.abc import Callable

    from webhooks.sandbox.woocommerce.store import Store

AGENT: Final = "WooCommerce/10.2.4 Hookshot (WordPress/6.8.3)"
STATES: Final = ["all", "active", "paused", "disabled"]
HOOKS: Final = {
    "order.created": ["woocommerce_new_order"],
    "order.updated": ["woocommerce_update_order", "woocommerce_order_refunded"],
    "order.deleted": ["wp_trash_post", "woocommerce_trash_order"],
    "order.restored": ["untrashed_post", "woocommerce_untrash_order"],
    "customer.created": [
        "user_register",
        "woocommerce_created_customer",
        "woocommerce_new_customer",
    ],
    "customer.updated": ["profile_update", "woocommerce_update_customer"],
    "customer.deleted": ["delete_user"],
    "product.created": [
        "woocommerce_process_product_meta",
        "woocommerce_new_product",
        "woocommerce_new_product_variation",
    ],
    "product.updated": [
        "woocommerce_process_product_meta",
        "woocommerce_update_product",
        "woocommerce_update_product_variation",
    ],
    "product.deleted": ["wp_trash_post"],
    "product.restored": ["untrashed_post"],
    "coupon.created": ["woocommerce_process_shop_coupon_meta", "woocommerce_new_coupon"],
    "coupon.updated": ["woocommerce_process_shop_coupon_meta", "woocommerce_update_coupon"],
    "coupon.deleted": ["wp_trash_post"],
    "coupon.restored": ["untrashed_post"],
}
ACTION: Final = re.compile(r"action\.(woocommerce_|wc_)\w+")
LAST_GOOD: Final = 302
FAILURES_BORNE: Final = 6


@dataclass(slots=True)
class Webhook:
    """One webhook; the secret is never shown."""

    id: int
    name: str
    topic: str
    delivery_url: str
    secret: str
    created_at: datetime
    modified_at: datetime | None = None
    status: str = "active"
    failures: int = 0
    owes_ping: bool = True


class Hooks:
    """Keep the webhooks and deliver what happens.

    Args:
        payload: gives the body for (topic, object id) when it is delivered.
        interval_s: seconds between two runs of the queue.
    """

    def __init__(
        self,
        store: Store,
        payload: Callable[[str, int], dict[str, Any]],
        interval_s: float,
        delivery_timeout_s: float = 60.0,
    ) -> None:
        self.store = store
        self.payload = payload
        self.interval_s = interval_s
        self.delivery_timeout_s = delivery_timeout_s
        self.sender = WebhookSender()
        self.all: dict[int, Webhook] = {}
        self._ids = itertools.count(1)

    def fire(self, topic: str, number: int) -> None:
        """Queue deliveries for something that happened.

        A delivery of the same webhook and object that still waits covers
        this one too: the body is built when it leaves.
        """
        wait = self.interval_s - time.monotonic() % self.interval_s if self.interval_s else 0.0
        for hook in list(self.all.values()):
            if hook.topic == topic and hook.status == "active":
                key = f"{hook.id}:{number}"
                self.sender.enqueue(self._job(hook, number, key), wait)

    def _job(self, hook: Webhook, number: int, key: str) -> Job:
        def build() -> Outgoing | None:
            return self._build(hook, number)

        def settled(status: int | None) -> None:
            self._settle(hook, status)

        return Job(build, settled, key, self.delivery_timeout_s)

    def _build(self, hook: Webhook, number: int) -> Outgoing | None:
        with self.store.lock:
            if hook.id not in self.all:
                return None
            body = dump(self.payload(hook.topic, number))
        resource, _, event = hook.topic.partition(".")
        stamp = f"{hook.id}{int(time.time())}".encode()
        headers = {
            "User-Agent": AGENT,
            "Accept": "*/*",
            "Accept-Encoding": "deflate, gzip, br, zstd",
            "Content-Type": "application/json",
            "X-WC-Webhook-Source": self.store.url + "/",
            "X-WC-Webhook-Topic": hook.topic,
            "X-WC-Webhook-Resource": resource,
            "X-WC-Webhook-Event": event,
            "X-WC-Webhook-Signature": sign(body, html.unescape(hook.secret)),
            "X-WC-Webhook-ID": str(hook.id),
            # The same for all deliveries of one webhook in one second.
            "X-WC-Webhook-Delivery-ID": hmac.new(b"salt", stamp, hashlib.md5).hexdigest(),
            "Connection": "close",
        }
        about = str(number) if resource in {"order", "action"} else ""
        return Outgoing(hook.topic, hook.delivery_url, headers, body, about)

    def _settle(self, hook: Webhook, status: int | None) -> None:
        with self.store.lock:
            if status is not None and 200 <= status <= LAST_GOOD:
                hook.failures = 0
            elif hook.failures >= FAILURES_BORNE:
                hook.status = "disabled"
            else:
                hook.failures += 1
        self._ping(hook)

    def _ping(self, hook: Webhook) -> None:
        """Send the unsigned ping until it was answered with exactly 200."""
        if not hook.owes_ping or hook.status != "active" or self.sender.mode == "drop":
            return
        headers = {
            "User-Agent": AGENT,
            "Accept": "*/*",
            "Accept-Encoding": "deflate, gzip, br, zstd",
            "Content-Type": "application/x-www-form-urlencoded",
            "Connection": "close",
        }
        body = f"webhook_id={hook.id}".encode()
        ping = Outgoing("ping", hook.delivery_url, headers, body)
        hook.owes_ping = self.sender.send(ping, 5.0, allow_redirects=True) != 200

    def find(self, number: int, status: int = 404) -> Webhook:
        """Give a webhook.

        Raises: WooError: there is none; PUT answers 400, GET 404.
        """
        hook = self.all.get(number)
        if hook is None:
            code = "woocommerce_rest_shop_webhook_invalid_id"
            raise WooError(status, code, "ID is invalid.")
        return hook

    def create(self, data: dict[str, Any]) -> dict[str, Any]:
        """Create a webhook, give it as first shown, and ping it.

        Takes the lock by itself: the ping must not hold it.
        """
        for name in ("topic", "delivery_url"):
            if name not in data:
                raise missing_param(name)
        self._check(data)
        with self.store.lock:
            topic = str(data["topic"])
            name = str(data.get("name") or f"Webhook created on {self.store.now():%b %d, %Y}")
            secret = str(data.get("secret") or self.store.new_key())
            now = self.store.now()
            number = next(self._ids)
            hook = Webhook(number, name, topic, str(data["delivery_url"]), secret, now)
            self.all[hook.id] = hook
            shown = self.write(hook)
        self._ping(hook)
        hook.modified_at = self.store.now()
        return shown

    def update(self, hook: Webhook, data: dict[str, Any]) -> dict[str, Any]:
        """Change a webhook; a new address is pinged."""
        self._check(data)
        with self.store.lock:
            url = str(data.get("delivery_url", hook.delivery_url))
            hook.owes_ping = hook.owes_ping or url != hook.delivery_url
            hook.delivery_url = url
            hook.topic = str(data.get("topic", hook.topic))
            hook.name = str(data.get("name", hook.name))
            hook.status = str(data.get("status", hook.status))
            hook.secret = str(data.get("secret") or hook.secret)
            hook.modified_at = self.store.now()
        self._ping(hook)
        return self.write(hook)

    def remove(self, hook: Webhook, *, force: bool) -> dict[str, Any]:
        """Delete a webhook; what waits for it is not sent."""
        if not force:
            text = "Webhooks do not support trashing."
            raise WooError(501, "woocommerce_rest_trash_not_supported", text)
        del self.all[hook.id]
        return self.write(hook)

    def listed(self, params: dict[str, str]) -> list[Webhook]:
        """List webhooks, newest first."""
        status = params.get("status", "all")
        if status not in STATES:
            raise not_in("status", "status", STATES)
        found = sorted(self.all.values(), key=lambda hook: hook.id, reverse=True)
        return [hook for hook in found if status in {"all", hook.status}]

    def write(self, hook: Webhook) -> dict[str, Any]:
        """Write a webhook as the API shows it."""
        resource, _, event = hook.topic.partition(".")
        return {
            "id": hook.id,
            "name": hook.name,
            "status": hook.status,
            "topic": hook.topic,
            "resource": resource,
            "event": event,
            "hooks": HOOKS.get(hook.topic, [event]),
            "delivery_url": hook.delivery_url,
            "date_created": self.store.local(hook.created_at),
            "date_created_gmt": self.store.gmt(hook.created_at),
            "date_modified": self.store.local(hook.modified_at),
            "date_modified_gmt": self.store.gmt(hook.modified_at),
            "_links": links(self.store, f"webhooks/{hook.id}"),
        }

    @staticmethod
    def _check(data: dict[str, Any]) -> None:
        if data.get("status", "active") not in STATES[1:]:
            raise not_in("status", "status", STATES[1:])
        topic = str(data.get("topic", "order.created"))
        if topic not in HOOKS and not ACTION.fullmatch(topic):
            text = "Webhook topic is required and must be valid."
            raise WooError(400, "woocommerce_rest_shop_webhook_invalid_topic", text)
        if not str(data.get("delivery_url", "http://")).startswith(("http://", "https://")):
            text = "Webhook delivery URL must be a valid URL starting with http:// or https://."
            raise WooError(400, "woocommerce_rest_shop_webhook_invalid_delivery_url", text)
