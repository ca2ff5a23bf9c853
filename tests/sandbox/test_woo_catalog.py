"""Goods, accounts, coupons in use and what the shop tells of itself."""

from __future__ import annotations

from decimal import Decimal

import pytest
from woocommerce import API

from webhooks.sandbox.woocommerce import WooShop


def test_products_are_found_by_exact_sku(woo: WooShop, api: API) -> None:
    """A SKU is matched whole, whatever its case; commas ask for several."""
    assert len(woo.store.products) == 4
    for asked, found in (("taza-1", ["TAZA-1"]), ("TAZA", []), ("none", [])):
        answer = api.get("products", params={"sku": asked}).json()
        assert [item["sku"] for item in answer] == found
    both = api.get("products", params={"sku": "TAZA-1,VELA-FAR"}).json()
    assert sorted(item["sku"] for item in both) == ["TAZA-1", "VELA-FAR"]
    (plate,) = api.get("products", params={"search": "platos"}).json()
    assert api.get(f"products/{plate['id']}").json()["price"] == "39.00"
    assert api.get("products/999999").json()["code"] == "woocommerce_rest_shop_product_invalid_id"


def test_a_sold_item_becomes_a_product(woo: WooShop, api: API) -> None:
    """A line with an unknown SKU puts a product on sale."""
    lines = [{"sku": "NEW-1", "name": "Nuevo", "quantity": 3, "price": "5.00"}]
    order = woo.create_order({"lines": lines})
    assert order["total"] == "15.00"
    path = f"products/{order['line_items'][0]['product_id']}"
    assert api.get(path).json()["name"] == "Nuevo"


def test_accounts_are_listed_and_guests_are_not(woo: WooShop, api: API) -> None:
    """One account per e-mail; a guest has customer id 0."""
    first = woo.create_order({"account": True, "email": "A@example.com"})
    again = woo.create_order({"account": True, "email": "a@example.com"})
    guest = woo.create_order({"email": "guest@example.com"})
    assert first["customer_id"] == again["customer_id"] > 0
    assert guest["customer_id"] == 0
    listed = api.get("customers").json()
    assert [person["email"] for person in listed] == ["a@example.com"]
    assert api.get("customers", params={"email": "guest@example.com"}).json() == []
    assert api.get("customers/999999").json()["code"] == "wc_user_invalid_id"
    mine = api.get("orders", params={"customer": first["customer_id"]}).json()
    assert len(mine) == 2


@pytest.mark.parametrize(
    ("kind", "amount", "total"),
    [("percent", "10", "33.75"), ("fixed_cart", "5", "32.50"), ("fixed_product", "2", "31.50")],
)
def test_coupons_take_off_what_they_say(
    woo: WooShop, api: API, kind: str, amount: str, total: str
) -> None:
    """Two at 14.80 and one at 7.90 cost 37.50 before the coupon."""
    api.post("coupons", {"code": "OFF", "discount_type": kind, "amount": amount})
    lines = [
        {"sku": "TAZA-1", "quantity": 2, "price": "14.80"},
        {"sku": "VELA-FAR", "quantity": 1, "price": "7.90"},
    ]
    order = woo.create_order({"lines": lines, "coupons": ["off"], "email": "a@example.com"})
    assert order["total"] == total
    off = Decimal(order["discount_total"]) + Decimal(order["discount_tax"])
    assert off == Decimal("37.50") - Decimal(total)
    (coupon,) = api.get("coupons", params={"code": "OFF"}).json()
    assert (coupon["usage_count"], coupon["used_by"]) == (1, ["a@example.com"])


def test_generous_mistakes_of_coupons(api: API) -> None:
    """A bad e-mail is dropped; a day means its start; null keeps an expiry."""
    body = {
        "code": "open",
        "amount": "1",
        "email_restrictions": ["A@Example.com", "nobody", "*@example.com"],
        "date_expires": "2027-01-31",
    }
    coupon = api.post("coupons", body).json()
    assert coupon["email_restrictions"] == ["a@example.com", "*@example.com"]
    assert coupon["date_expires"] == "2027-01-31T00:00:00"
    assert coupon["date_expires_gmt"] == "2027-01-30T23:00:00"
    path = f"coupons/{coupon['id']}"
    assert api.put(path, {"date_expires": None}).json()["date_expires"] is not None
    assert api.put(path, {"date_expires": ""}).json()["date_expires"] is None


def test_a_trashed_coupon_frees_its_code(api: API) -> None:
    """The code of a trashed coupon can be used again."""
    first = api.post("coupons", {"code": "again", "amount": "1"}).json()
    assert api.delete(f"coupons/{first['id']}").status_code == 200
    assert api.delete(f"coupons/{first['id']}").status_code == 410
    assert api.post("coupons", {"code": "AGAIN", "amount": "1"}).status_code == 201


def test_the_shop_describes_itself(api: API) -> None:
    """Versions, currency and statuses can be asked for."""
    status = api.get("system_status").json()
    assert status["environment"]["version"] == "10.2.4"
    assert (status["settings"]["currency"], status["settings"]["HPOS_enabled"]) == ("EUR", True)
    assert api.get("data/currencies/current").json()["symbol"] == "€"
    slugs = [item["slug"] for item in api.get("orders/statuses").json()]
    assert slugs[:4] == ["pending", "processing", "on-hold", "completed"]


def test_lines_can_be_changed_and_removed(woo: WooShop, api: API) -> None:
    """A line is changed by its id; quantity 0 removes it."""
    order = woo.create_order({"paid": False})
    path, (line,) = f"orders/{order['id']}", order["line_items"]
    shown = api.put(path, {"line_items": [{"id": line["id"], "quantity": 3}]}).json()
    assert shown["total"] == "44.70"
    fee = {"fee_lines": [{"name": "Regalo", "total": "1.00"}]}
    assert api.put(path, fee).json()["total"] == "45.91"
    shown = api.put(path, {"line_items": [{"id": line["id"], "quantity": 0}]}).json()
    assert shown["line_items"] == []
    unknown = api.put(path, {"line_items": [{"id": 99999, "quantity": 1}]})
    assert unknown.json()["code"] == "woocommerce_rest_invalid_item_id"
