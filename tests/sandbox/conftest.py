"""Give the sandbox tests their shops and receivers."""

from __future__ import annotations

import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from woocommerce import API

from webhooks.sandbox._server import (
    CallInfo,
    JsonObject,
    Request,
    Response,
    SandboxServer,
)
from webhooks.sandbox.woocommerce import WooShop

if TYPE_CHECKING:
    from collections.abc import Iterator


class CountingShop(SandboxServer):
    """A shop whose only API call adds one to a number."""

    title = "Counting shop"

    def __init__(self) -> None:
        """Start at zero."""
        super().__init__()
        self.done = 0

    def api(self, request: Request) -> Response:
        """Count the call."""
        del request
        self.done += 1
        return Response.of_json({"done": self.done})

    def describe(self, request: Request) -> CallInfo:
        """Label a call by method and target."""
        return CallInfo(f"{request.method} {request.target}", request.method != "GET")

    def state(self) -> JsonObject:
        """Show one order whose texts try to break the page."""
        nasty = "<script>alert('x')</script>"
        note = {"id": 1, "text": nasty, "to_customer": True, "author": nasty}
        order = {
            "id": 7,
            "number": "7",
            "status": "processing",
            "total": "10.00",
            "buyer": nasty,
            "email": "ana@example.com",
            "notes": [note],
            "meta": {nasty: nasty},
            "tags": [nasty],
        }
        coupon = {
            "code": nasty,
            "amount": "10",
            "type": "percent",
            "email_restrictions": ["ANA@example.com"],
        }
        return {"orders": [order], "coupons": [coupon], "webhooks": []}

    def create_order(self, data: JsonObject) -> JsonObject:
        """Give the order back."""
        return {"id": 7, **data}

    def act(self, order_ref: str, verb: str, data: JsonObject) -> JsonObject:
        """Say what was asked."""
        return {"id": order_ref, "verb": verb, **data}

    def apply_settings(self, data: JsonObject) -> JsonObject:
        """Give the settings back."""
        return data


@pytest.fixture
def counting_shop() -> Iterator[CountingShop]:
    """Run a counting shop."""
    with CountingShop() as shop:
        yield shop


class Received(NamedTuple):
    """One request that a receiver got."""

    headers: dict[str, str]
    body: bytes


class Receiver:
    """A web server that keeps what it is sent and answers as told."""

    def __init__(self) -> None:
        """Answer 200 until told otherwise."""
        self.status = 200
        self.got: queue.Queue[Received] = queue.Queue()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.put(Received(dict(self.headers.items()), body))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                if outer.status in {301, 302, 303, 307}:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def all(self) -> list[Received]:
        """Give and forget what came so far."""
        found = []
        while not self.got.empty():
            found.append(self.got.get())
        return found

    def topics(self) -> list[str]:
        """Give and forget the topics that came so far, pings included."""
        return [one.headers.get("X-WC-Webhook-Topic", "ping") for one in self.all()]

    def close(self) -> None:
        """Stop."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Run a receiver."""
    one = Receiver()
    yield one
    one.close()


def client(shop: WooShop) -> API:
    """Give the client of the shop's owner."""
    return API(
        url=shop.url,
        consumer_key=shop.consumer_key,
        consumer_secret=shop.consumer_secret,
        version="wc/v3",
        timeout=30,
    )


@pytest.fixture
def woo() -> Iterator[WooShop]:
    """Run a shop whose queue only runs when it is told to."""
    with WooShop(queue_interval_s=3600) as shop:
        yield shop


@pytest.fixture
def api(woo: WooShop) -> API:
    """Give the client of the shop's owner."""
    return client(woo)
