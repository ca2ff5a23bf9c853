"""The Shopify adapter keeps the contract of every shop adapter."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from typing import ClassVar

import pytest

from adapters.shops.shopify.adapter import ShopifyAdapter
from connector.errors import AdapterError, AuthRejected, Conflict, InvalidRequest, OutcomeUnknown
from connector.secret import Secret
from tests.adapters.shops.shopify_support import PretendShop, bare, connected, headers, sign
from tests.contracts.shop import Pretend, ShopContract
from webhooks.sandbox.shopify.shop import ShopifyShop


@pytest.fixture(scope="module")
def shop() -> Iterator[ShopifyShop]:
    """Run one pretend shop for all tests of this file."""
    with ShopifyShop() as running:
        running.bucket.resize(1_000_000.0, 1_000_000.0)
        yield running


@pytest.fixture
def pretend(shop: ShopifyShop) -> Iterator[PretendShop]:
    """Connect an adapter to the pretend shop, without what earlier tests left."""
    shop.faults.clear()
    with shop.store.lock:
        shop.store.discounts.clear()
    adapter = connected(shop, read_timeout_s=1.0)
    yield PretendShop(shop, adapter, (shop.access_token, shop.client_secret))
    shop.faults.clear()


class TestShopify(ShopContract):
    secret: ClassVar[Secret] = Secret("shpss_present")
    old_secret: ClassVar[Secret] = Secret("shpss_before")
    signature_header: ClassVar[str] = "x-shopify-hmac-sha256"
    required_headers: ClassVar[tuple[str, ...]] = (
        "x-shopify-topic",
        "x-shopify-shop-domain",
        "x-shopify-webhook-id",
    )
    order_topic: ClassVar[str] = "orders/updated"
    unknown_topic: ClassVar[str] = "moons/risen"
    required_field: ClassVar[str] = "total_price"

    def bare_adapter(self) -> ShopifyAdapter:
        return bare()

    def headers(self, topic: str, body: bytes) -> dict[str, str]:  # noqa: ARG002 - of the contract
        return headers(topic)

    def sign(self, body: bytes, secret: Secret) -> str:
        return sign(body, secret)

    def foreign_signatures(self, body: bytes, secret: Secret) -> Mapping[str, str]:
        key = secret.reveal().encode()
        return {
            "OAuth query and app proxy: hexadecimal": hmac.new(
                key, body, hashlib.sha256
            ).hexdigest(),
            "another hash": base64.b64encode(hmac.new(key, body, hashlib.sha512).digest()).decode(),
            "no key": base64.b64encode(hashlib.sha256(body).digest()).decode(),
            "Standard Webhooks": "v1,"
            + base64.b64encode(hmac.new(key, b"id.1." + body, hashlib.sha256).digest()).decode(),
        }

    def order_body(self, currency: str = "EUR", total: str = "43.74") -> bytes:
        return json.dumps(
            {
                "id": 9007199254740995,
                "admin_graphql_api_id": "gid://shopify/Order/9007199254740995",
                "name": "#1001",
                "currency": currency,
                "created_at": "2026-11-22T09:30:00+01:00",
                "processed_at": "2026-11-22T09:30:00+01:00",
                "updated_at": "2026-11-22T09:31:00+01:00",
                "cancelled_at": None,
                "financial_status": "paid",
                "fulfillment_status": None,
                "total_price": total,
                "taxes_included": True,
                "customer": {
                    "id": 1,
                    "email_marketing_consent": {
                        "state": "subscribed",
                        "opt_in_level": "single_opt_in",
                        "consent_updated_at": "2026-10-01T12:00:00+02:00",
                    },
                },
                "line_items": [],
            }
        ).encode()

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (401, AuthRejected),
            (403, AuthRejected),
            # One address serves every call: a 404 is about the shop, never about an order.
            (404, InvalidRequest),
            (409, Conflict),
            (422, InvalidRequest),
            (500, OutcomeUnknown),
            (502, OutcomeUnknown),
            (504, OutcomeUnknown),
        ],
    )
    def test_status_of_a_write(
        self, pretend: Pretend, status: int, expected: type[AdapterError]
    ) -> None:
        """Each HTTP status after a write has its error."""
        super().test_status_of_a_write(pretend, status, expected)
