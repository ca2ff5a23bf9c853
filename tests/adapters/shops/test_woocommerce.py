"""The WooCommerce adapter passes the shop contract against the pretend shop."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from adapters.shops.woocommerce.adapter import WooCommerceAdapter
from connector.model.event import WebhookDelivery
from connector.model.order import OrderRef
from connector.model.write import (
    AddNote,
    AddTags,
    CreateDiscountCode,
    RemoveTags,
    SetMeta,
    SetStatus,
    WriteBack,
)
from connector.ports import ShopAdapter
from connector.secret import Secret
from tests.contracts.shop import Pretend, ShopContract
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.woocommerce.shop import WooShop

SAMPLES = Path(__file__).parents[2] / "data" / "woocommerce" / "webhooks.jsonl"
BODIES = {
    401: "woocommerce_rest_authentication_error",
    403: "woocommerce_rest_cannot_create",
    404: "woocommerce_rest_order_invalid_id",
}


def adapter_of(shop: WooShop, url: str = "", **settings: str) -> WooCommerceAdapter:
    """Connect an adapter to a pretend shop, with little patience."""
    return WooCommerceAdapter(
        {"url": url or shop.url, **settings},
        {
            "consumer_key": Secret(shop.consumer_key),
            "consumer_secret": Secret(shop.consumer_secret),
        },
        allow_private=True,
        allow_http=True,
        read_timeout_s=1.0,
    )


class PretendWooCommerce:
    """The pretend shop as the contract sees it."""

    def __init__(self, shop: WooShop) -> None:
        self.shop = shop
        self.adapter: ShopAdapter = adapter_of(shop)
        self.secret_texts = (shop.consumer_key, shop.consumer_secret)

    def new_order(self) -> OrderRef:
        """Place an order that is paid."""
        return OrderRef(str(self.shop.create_order({"paid": True})["id"]))

    def fail(self, what: str, mode: str, **values: Any) -> None:
        """Let the note's POST or the order's GET fail."""
        status = values.get("status")
        if mode == "status" and status in BODIES:
            code = {"code": BODIES[status], "message": "x", "data": {"status": status}}
            values["body"] = json.dumps(code)
        self.shop.faults.clear()
        method = "POST" if what == "write" else "GET"
        self.shop.faults.add(Fault(mode, f"{method} /wp-json/wc/v3/orders/", **values))

    def copies(self, action: WriteBack) -> int:
        """Count in what the merchant could see."""
        state = self.shop.state()
        if isinstance(action, CreateDiscountCode):
            return sum(coupon["code"] == action.code for coupon in state["coupons"])
        [order] = [item for item in state["orders"] if str(item["id"]) == action.order_ref]
        match action:
            case AddNote():
                return sum(f"[{action.marker}]" in note["text"] for note in order["notes"])
            case AddTags():
                tags = order["meta"].get("_postventa_tags", "").split(",")
                return min(tags.count(tag) for tag in action.tags)
            case RemoveTags():
                return 0
            case SetMeta():
                return int(order["meta"].get(f"_postventa_{action.name}") == action.value)
            case SetStatus():
                return int(order["status"] == action.status)

    def unreachable(self) -> ShopAdapter:
        """Point to a port where nobody listens."""
        return adapter_of(self.shop, "http://127.0.0.1:9")


@pytest.fixture(scope="module")
def shop() -> Iterator[WooShop]:
    """Run one pretend shop, whose webhooks go nowhere, for all tests here."""
    with WooShop() as running:
        running.apply_settings({"webhooks": "drop"})
        yield running


def sample_order() -> dict[str, Any]:
    """Give an order as a real shop sent it: a guest's, on hold, with one line."""
    with SAMPLES.open(encoding="utf-8") as lines:
        for line in lines:
            delivery = json.loads(line)
            if delivery["headers"].get("X-WC-Webhook-Topic") == "order.created":
                order: dict[str, Any] = json.loads(delivery["body"])
                return order
    raise AssertionError


class TestWooCommerce(ShopContract):
    secret: ClassVar[Secret] = Secret("whsec-new")
    old_secret: ClassVar[Secret] = Secret("whsec-old")
    signature_header: ClassVar[str] = "x-wc-webhook-signature"
    required_headers: ClassVar[tuple[str, ...]] = (
        "x-wc-webhook-topic",
        "x-wc-webhook-id",
        "x-wc-webhook-delivery-id",
        "x-wc-webhook-source",
    )
    order_topic: ClassVar[str] = "order.updated"
    unknown_topic: ClassVar[str] = "subscription.renewed"
    required_field: ClassVar[str] = "date_modified_gmt"
    order: ClassVar[dict[str, Any]] = sample_order()

    @pytest.fixture
    def pretend(self, shop: WooShop) -> Iterator[Pretend]:
        """Give the running shop with a fresh adapter, its own coupons and no fault."""
        shop.faults.clear()
        shop.store.coupons.clear()
        yield PretendWooCommerce(shop)
        shop.faults.clear()

    def bare_adapter(self) -> ShopAdapter:
        keys = {"consumer_key": Secret("ck_1"), "consumer_secret": Secret("cs_1")}
        return WooCommerceAdapter({"url": "https://shop.example.com"}, keys)

    def headers(self, topic: str, body: bytes) -> dict[str, str]:
        del body
        resource, _, event = topic.partition(".")
        return {
            "user-agent": "WooCommerce/10.2.4 Hookshot (WordPress/6.8.3)",
            "content-type": "application/json",
            "x-wc-webhook-source": "https://shop.example.com/",
            "x-wc-webhook-topic": topic,
            "x-wc-webhook-resource": resource,
            "x-wc-webhook-event": event,
            "x-wc-webhook-id": "43",
            "x-wc-webhook-delivery-id": "2f5745fa6a77e48e4a4cf6110d559f0e",
        }

    def sign(self, body: bytes, secret: Secret) -> str:
        digest = hmac.new(secret.reveal().encode(), body, hashlib.sha256).digest()
        return base64.b64encode(digest).decode()

    def foreign_signatures(self, body: bytes, secret: Secret) -> Mapping[str, str]:
        key = secret.reveal().encode()
        sha256 = hmac.new(key, body, hashlib.sha256)
        return {
            "hex as Shopify's install query": sha256.hexdigest(),
            "another hash": base64.b64encode(hmac.new(key, body, hashlib.sha1).digest()).decode(),
            "outgoing webhook": "v1," + base64.b64encode(sha256.digest()).decode(),
            "id and body": base64.b64encode(
                hmac.new(key, b"43." + body, hashlib.sha256).digest()
            ).decode(),
            "another alphabet": base64.urlsafe_b64encode(b"\xfb" * 32).decode(),
        }

    def order_body(self, currency: str = "EUR", total: str = "43.74") -> bytes:
        return json.dumps({**self.order, "currency": currency, "total": total}).encode()

    def redelivery(self, delivery: WebhookDelivery) -> WebhookDelivery:
        """Send it again: byte-identical, with another delivery id."""
        headers = {**delivery.headers, "x-wc-webhook-delivery-id": "0" * 32}
        return replace(delivery, headers=headers)
