"""Give the sandbox tests a tiny shop that counts what it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from webhooks.sandbox._server import (
    CallInfo,
    JsonObject,
    Request,
    Response,
    SandboxServer,
)

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
