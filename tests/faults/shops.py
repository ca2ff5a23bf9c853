"""Pretend shops that write every webhook into the history, and what is found in them."""

import hashlib
import random
import threading
from collections import Counter
from typing import Any, Final

from tests.faults.checker import SeenOrder
from tests.faults.history import History
from webhooks.sandbox.sender import Outgoing, WebhookSender
from webhooks.sandbox.shopify.shop import ShopifyShop
from webhooks.sandbox.woocommerce.shop import WooShop

Shop = WooShop | ShopifyShop

RULES: Final = """
rules:
  - id: gracias
    name: Gracias
    trigger: order.paid
    stop_if: [order.canceled, order.refunded]
    actions:
      - note: {text: "Gracias {{ order.number }}", to_buyer: false}
      - tag: {add: [postventa-gracias]}
      - coupon: {kind: percent, value: "10", prefix: GRACIAS, expires: 30d, uses: 1,
                 only_buyer: true}
    enabled: true
  - id: grande
    name: Grande
    trigger: order.paid
    conditions:
      all:
        - {field: order.total, op: gte, value: "50.00"}
    actions:
      - note: {text: "Grande {{ order.number }}", to_buyer: false}
    enabled: true
"""
_SMALL: Final = {"note:Gracias": 1, "tag:postventa-gracias": 1, "coupon:GRACIAS": 1}
_LARGE: Final = {**_SMALL, "note:Grande": 1}
WRITES: Final = {
    "woocommerce": ("POST /wp-json/wc/v3", "PUT /wp-json/wc/v3"),
    "shopify": ("mutation",),
}


class RecordingSender(WebhookSender):
    """Sends as the shop does, and tells the history each answer."""

    def __init__(self, history: History, shop: str, workers: int) -> None:
        super().__init__(workers)
        self._history = history
        self._shop = shop
        self._counting = threading.Lock()
        self.on_the_way = 0

    def send(
        self, outgoing: Outgoing, timeout_s: float = 10.0, *, allow_redirects: bool = False
    ) -> int | None:
        """Send one request and record it."""
        with self._counting:
            self.on_the_way += 1
        try:
            status = super().send(outgoing, timeout_s, allow_redirects=allow_redirects)
        finally:
            with self._counting:
                self.on_the_way -= 1
        if outgoing.topic != "ping":
            self._history.write(
                "webhook",
                shop=self._shop,
                topic=outgoing.topic,
                order=outgoing.order,
                digest=hashlib.sha256(outgoing.body).hexdigest(),
                status=status,
            )
        return status


def woocommerce(history: History, workers: int = 4) -> WooShop:
    """Make a pretend WooCommerce that records."""
    shop = WooShop(queue_interval_s=0.05)
    shop.hooks.sender = RecordingSender(history, "woocommerce", workers)
    return shop


def shopify(history: History, workers: int = 4) -> ShopifyShop:
    """Make a pretend Shopify that records."""
    shop = ShopifyShop(queue_interval_s=0.05)
    # A plan that is never used up: to wait for points is no fault.
    shop.bucket.resize(1_000_000, 100_000)
    shop.sender = shop.hooks.sender = RecordingSender(history, "shopify", workers)
    return shop


def platform_of(shop: Shop) -> str:
    """Name the platform of a pretend shop."""
    return "woocommerce" if isinstance(shop, WooShop) else "shopify"


def sender_of(shop: Shop) -> RecordingSender:
    """Give the sender of a shop's webhooks."""
    sender = shop.hooks.sender
    assert isinstance(sender, RecordingSender)
    return sender


def forgive(shop: Shop) -> None:
    """Let the shop forget that webhooks failed: a killed server is no reason to switch off."""
    if isinstance(shop, WooShop):
        for hook in list(shop.hooks.all.values()):
            hook.failures, hook.status = 0, "active"
    else:
        for item in list(shop.store.subscriptions.values()):
            item.failures = 0


def buy(shop: Shop, number: int, chance: random.Random, **more: Any) -> str:
    """Place an order of a new buyer; a fifth are not paid, a third are large.

    Returns: the order's reference.
    """
    price = "75.00" if chance.random() < 1 / 3 else "20.00"
    made = shop.create_order(
        {
            "email": f"buyer{number}@example.com",
            "first_name": "Ana",
            "last_name": f"Ruiz {number}",
            "phone": f"+3460{number:07d}",
            "lines": [{"sku": f"T{price[:2]}", "name": "Taza", "quantity": 1, "price": price}],
            "shipping": "0",
            "paid": chance.random() < 4 / 5,
            **more,
        }
    )
    return str(made["id"])


def seen_orders(shop: Shop) -> list[SeenOrder]:
    """Read the shop's own record: what is at each order, and what should be."""
    state = shop.state()
    coupons: Counter[str] = Counter()
    for code in state["coupons"]:
        if code["code"].upper().startswith("GRACIAS-"):
            coupons.update(code.get("email_restrictions") or code.get("customers") or ["nobody"])
    orders = [_seen(shop, order, coupons) for order in state["orders"]]
    strays = set(coupons) - {order["email"] for order in state["orders"]}
    found = {f"coupon:GRACIAS for {who}": coupons[who] for who in strays}
    if found:
        orders.append(SeenOrder(platform_of(shop), "none", paid=True, wanted={}, found=found))
    return orders


def _seen(shop: Shop, order: dict[str, Any], coupons: Counter[str]) -> SeenOrder:
    found: Counter[str] = Counter()
    for word in ("Gracias", "Grande"):
        found[f"note:{word}"] = sum(note["text"].count(f"{word} ") for note in order["notes"])
    if isinstance(shop, WooShop):
        tags = [tag.strip() for tag in order["meta"].get("_postventa_tags", "").split(",")]
        paid = order["status"] == "processing"
    else:
        tags, paid = order["tags"], order["financial_status"].upper() == "PAID"
    found["tag:postventa-gracias"] = tags.count("postventa-gracias")
    found["coupon:GRACIAS"] = coupons[order["email"]]
    large = float(order["total"]) >= 50
    return SeenOrder(
        platform_of(shop), str(order["id"]), paid, _LARGE if large else _SMALL, dict(found)
    )
