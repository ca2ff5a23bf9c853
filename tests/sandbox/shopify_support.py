"""What the tests of the pretend Shopify share: a client and a receiver."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import requests
from graphql import parse, print_ast, separate_operations

from webhooks.sandbox.shopify.shop import ShopifyShop

PATIENCE_S = 40.0


@lru_cache(maxsize=1)
def operations() -> dict[str, str]:
    """Split the operations file into one text an operation."""
    text = (Path(__file__).parent / "shopify_operations.graphql").read_text(encoding="utf-8")
    return {name: print_ast(one) for name, one in separate_operations(parse(text)).items()}


def coupon(code: str, **more: Any) -> dict[str, Any]:
    """Write the input of a ten percent coupon for everyone."""
    return {
        "title": code,
        "code": code,
        "startsAt": "2026-01-01T00:00:00Z",
        "context": {"all": "ALL"},
        "customerGets": {"value": {"percentage": 0.1}, "items": {"all": True}},
        **more,
    }


@dataclass
class Client:
    """A caller of the pretend shop's API and control calls."""

    shop: ShopifyShop

    def post(self, query: str, variables: dict[str, Any] | None = None, **extra: Any) -> Any:
        """Send a GraphQL request; give the HTTP answer."""
        headers = {"X-Shopify-Access-Token": extra.pop("token", self.shop.access_token)}
        body = {"query": query, "variables": variables or {}, **extra}
        url = f"{self.shop.api_url}/admin/api/2026-10/graphql.json"
        return requests.post(url, headers=headers, json=body, timeout=30)

    def run(self, name: str, **variables: Any) -> Any:
        """Run a named operation that must have no errors; give its data."""
        answer = self.post(operations()[name], variables).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def order(self, **data: Any) -> Any:
        """Place an order by the control call."""
        return self.control("orders", **data)

    def act(self, order: Any, verb: str, **data: Any) -> Any:
        """Do something to an order by the control call."""
        return self.control(f"orders/{order['id']}/{verb}", **data)

    def control(self, path: str, *, status: int | None = None, **data: Any) -> Any:
        """Send a control call."""
        answer = requests.post(f"{self.shop.url}/_sandbox/{path}", json=data, timeout=30)
        assert answer.status_code in ({200, 201} if status is None else {status}), answer.text
        return answer.json()

    def state(self) -> Any:
        """Read what the merchant sees."""
        return requests.get(f"{self.shop.url}/_sandbox/state", timeout=30).json()

    def subscribe(self, url: str, *topics: str, **more: Any) -> list[Any]:
        """Subscribe to topics by their names in the schema."""
        made = []
        for topic in topics:
            data = self.run("WebhookCreate", topic=topic, sub={"uri": url, **more})
            assert data["webhookSubscriptionCreate"]["userErrors"] == []
            made.append(data["webhookSubscriptionCreate"]["webhookSubscription"])
        return made


@dataclass(frozen=True)
class Delivery:
    """One webhook as it arrived."""

    headers: dict[str, str]
    body: bytes

    @property
    def topic(self) -> str:
        """The topic in the header."""
        return self.headers["x-shopify-topic"]

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Receiver:
    """An HTTP server that keeps every webhook and answers as told."""

    def __init__(self) -> None:
        """Answer 200 until told otherwise."""
        self.deliveries: list[Delivery] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                found = {name.lower(): value for name, value in self.headers.items()}
                outer.deliveries.append(Delivery(found, self.rfile.read(size)))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hooks/shopify"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        """Begin to listen."""
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def topics(self) -> list[str]:
        """List the topics that arrived, sorted."""
        return sorted(item.topic for item in self.deliveries)

    def of(self, topic: str) -> list[Delivery]:
        """List the deliveries of a topic."""
        return [item for item in self.deliveries if item.topic == topic]


def wait_for(condition: Callable[[], Any]) -> Any:
    """Wait until a condition holds; fail after a generous limit."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("the condition did not come true")


def signature(body: bytes, secret: str) -> str:
    """Sign a body by the rule of the platform's documentation."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()
