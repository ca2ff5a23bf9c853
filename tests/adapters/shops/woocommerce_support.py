"""What the tests of the WooCommerce adapter share."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from adapters.shops.woocommerce.adapter import WooCommerceAdapter
from connector.model.order import OrderRef
from connector.model.write import (
    CreateDiscountCode,
    DiscountKind,
)
from connector.secret import Secret
from webhooks.sandbox.woocommerce.shop import WooShop

START = datetime(2026, 11, 1, tzinfo=UTC)
HOOK = "http://127.0.0.1:9/hooks/woocommerce/4f9a"
SECRET = Secret("whsec-test_1")


def connect(shop: WooShop, **settings: str) -> WooCommerceAdapter:
    """Connect an adapter to a pretend shop."""
    return WooCommerceAdapter(
        {"url": shop.url, **settings},
        {
            "consumer_key": Secret(shop.consumer_key),
            "consumer_secret": Secret(shop.consumer_secret),
        },
        allow_private=True,
        allow_http=True,
        read_timeout_s=10.0,
    )


def place(shop: WooShop, **values: Any) -> OrderRef:
    """Place an order."""
    return OrderRef(str(shop.create_order(values)["id"]))


def code(**values: Any) -> CreateDiscountCode:
    """Ask for a usual code."""
    usual = CreateDiscountCode(
        code="gracias-7k2m",
        kind=DiscountKind.PERCENT,
        value="10",
        currency="EUR",
        title="Gracias",
        marker="pv-7",
        starts_at=datetime(2026, 11, 22, tzinfo=UTC),
    )
    return replace(usual, **values)
