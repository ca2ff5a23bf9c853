"""The published schema is fetched once, found, and missing ones are told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.sandbox.shopify_support import Client
from tools.fetch_npm_data import FetchFailed, fetch, is_complete
from webhooks.sandbox.shopify.money import minor, plain, trimmed
from webhooks.sandbox.shopify.reads import ALL_SCOPES
from webhooks.sandbox.shopify.schema import data_folder
from webhooks.sandbox.shopify.shop import ShopifyShop

TOOL = Path(__file__).resolve().parents[2] / "tools" / "fetch_npm_data.py"


def test_second_fetch_does_nothing() -> None:
    """With the pinned files in place the tool says so and fetches nothing."""
    assert is_complete(data_folder())
    command = [sys.executable, str(TOOL)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own tool
    assert done.stdout == "npm data is already there\n"


def test_missing_npm_is_told_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without npm gets a sentence, and no half-made folder."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchFailed, match="apt install npm"):
        fetch(tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("amount", "currency", "amount_minor", "in_webhook", "in_graphql"),
    [
        ("10.00", "EUR", 1000, "10.00", "10.0"),
        ("24.90", "EUR", 2490, "24.90", "24.9"),
        ("0.05", "EUR", 5, "0.05", "0.05"),
        ("1500", "JPY", 1500, "1500", "1500.0"),
        ("1.250", "KWD", 1250, "1.250", "1.25"),
    ],
)
def test_amounts_keep_the_decimals_of_their_currency(
    amount: str, currency: str, amount_minor: int, in_webhook: str, in_graphql: str
) -> None:
    """Webhooks write all decimals, the GraphQL API drops zeros at the end."""
    assert minor(amount, currency) == amount_minor
    assert plain(amount_minor, currency) == in_webhook
    assert trimmed(amount_minor, currency) == in_graphql


def test_shop_in_a_currency_without_decimals() -> None:
    """A shop in yen sells a tea of 500 yen twice with 300 yen shipping for 1300 yen."""
    with ShopifyShop(currency="JPY", timezone="Asia/Tokyo") as shop:
        client = Client(shop)
        lines = [{"sku": "T", "name": "Tea", "quantity": 2, "price": "500"}]
        order = client.order(lines=lines, shipping="300")
        assert order["total"] == "1300"
        found = client.run("OrderById", id=order["gid"])["order"]
        money = {"amount": "1300.0", "currencyCode": "JPY"}
        assert found["totalPriceSet"]["shopMoney"] == money


def test_search_lags_but_reading_by_id_does_not() -> None:
    """A new order is missing from the list while search catches up."""
    with ShopifyShop() as shop:
        client = Client(shop)
        client.control("settings", search_lag_s=3600)
        order = client.order()
        page = client.run("OrdersUpdatedSince", query="status:open")["orders"]
        assert page["nodes"] == []
        assert client.run("OrderById", id=order["gid"])["order"]["name"] == "#1001"


def test_orders_older_than_sixty_days_need_their_own_scope() -> None:
    """Without read_all_orders an old order is as good as absent."""
    query = "query O($id: ID!) { order(id: $id) { name } }"
    with ShopifyShop(scopes=["read_orders"]) as shop:
        client = Client(shop)
        order = client.order(created_at="2020-01-01T00:00:00Z")
        assert client.post(query, {"id": order["gid"]}).json()["data"] == {"order": None}
        client.control("settings", scopes=["read_orders", "read_all_orders"])
        found = client.post(query, {"id": order["gid"]}).json()["data"]
        assert found == {"order": {"name": "#1001"}}


def test_usual_scopes_are_enough_to_read_an_order() -> None:
    """The scopes that an after-sale app asks for open the whole order query."""
    with ShopifyShop(scopes=ALL_SCOPES) as shop:
        client = Client(shop)
        order = client.order()
        assert client.run("OrderById", id=order["gid"])["order"]["customer"]["tags"] == []
