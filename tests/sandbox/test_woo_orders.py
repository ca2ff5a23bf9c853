"""Order lists, refunds and the story of the pretend shop."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from woocommerce import API

from webhooks.sandbox.woocommerce import WooShop


def ids(api: API, **params: Any) -> list[int]:
    """List orders and give their ids."""
    return [order["id"] for order in api.get("orders", params=params).json()]


def placed(woo: WooShop, *moments: str) -> list[int]:
    """Place an order at each moment."""
    return [int(woo.create_order({"placed_at": moment})["id"]) for moment in moments]


def test_modified_after_depends_on_zone_and_flag(woo: WooShop, api: API) -> None:
    """A naive value is shop time, with the flag UTC; both at once shift twice.

    The order was changed at 01:50:58 UTC, 02:50:58 in Madrid.
    """
    placed(woo, "2026-01-22T01:50:58Z")
    shown = [
        len(ids(api, modified_after=value, **({"dates_are_gmt": "true"} if flag else {})))
        for value, flag in (
            ("2026-01-22T01:50:57", True),
            ("2026-01-22T01:50:58", True),
            ("2026-01-22T02:50:57", False),
            ("2026-01-22T02:50:58", False),
            ("2026-01-22T01:50:57Z", False),
            ("2026-01-22T01:50:57+00:00", True),
        )
    ]
    assert shown == [1, 0, 1, 0, 1, 0]


def test_zone_and_flag_show_too_much_west_of_greenwich() -> None:
    """In Mexico a zone and the flag together let older orders through."""
    with WooShop(timezone="America/Mexico_City") as shop:
        placed(shop, "2026-01-22T01:00:00Z")
        api = API(shop.url, shop.consumer_key, shop.consumer_secret, version="wc/v3", timeout=30)
        assert ids(api, modified_after="2026-01-22T03:00:00Z") == []
        both = ids(api, modified_after="2026-01-22T03:00:00Z", dates_are_gmt="true")
        assert len(both) == 1


def test_paging_by_modified_repeats_and_skips(woo: WooShop, api: API) -> None:
    """Orders of one second change places between pages; by id they do not."""
    orders = placed(woo, *["2026-01-22T01:00:00Z"] * 4)
    pages = [ids(api, orderby="modified", order="asc", per_page=2, page=page) for page in (1, 2)]
    assert sorted({*pages[0], *pages[1]}) != orders
    pages = [ids(api, orderby="id", order="asc", per_page=2, page=page) for page in (1, 2)]
    assert [*pages[0], *pages[1]] == orders


def test_pages_carry_totals_and_links(woo: WooShop, api: API) -> None:
    """The headers count all orders; past the end there is nothing."""
    placed(woo, *["2026-01-22T01:00:00Z"] * 5)
    first = api.get("orders", params={"per_page": 2})
    assert (first.headers["X-WP-Total"], first.headers["X-WP-TotalPages"]) == ("5", "3")
    assert 'rel="next"' in first.headers["Link"]
    assert woo.consumer_key in first.headers["Link"]
    past = api.get("orders", params={"per_page": 2, "page": 9})
    assert (past.status_code, past.json(), past.headers["X-WP-Total"]) == (200, [], "0")


def test_drafts_are_listed_and_the_trash_is_not(woo: WooShop, api: API) -> None:
    """The default list holds checkout drafts; trashed orders must be asked for."""
    draft = woo.create_order({"status": "checkout-draft"})["id"]
    gone = woo.create_order({})["id"]
    woo.act(str(gone), "trash", {})
    assert ids(api) == [draft]
    assert ids(api, status="trash") == [gone]


def test_local_and_utc_times_stand_side_by_side(woo: WooShop) -> None:
    """Dates are shop time without offset; their twins are UTC."""
    order = woo.create_order({"placed_at": "2026-07-01T10:00:00Z"})
    assert order["date_created"] == "2026-07-01T12:00:00"
    assert order["date_created_gmt"] == "2026-07-01T10:00:00"
    assert order["date_paid_gmt"] == "2026-07-01T10:00:00"
    assert order["date_completed"] is None


def test_decimals_follow_the_shop_not_the_currency() -> None:
    """A yen order has two decimals in a shop that is set to two."""
    lines = [{"sku": "X", "name": "X", "quantity": 1, "price": "1500"}]
    with WooShop(currency="JPY") as shop:
        assert shop.create_order({"lines": lines})["total"] == "1500.00"
    with WooShop(currency="JPY", decimals=0) as shop:
        assert shop.create_order({"lines": lines})["total"] == "1500"


def test_an_empty_put_moves_the_modified_second(woo: WooShop, api: API) -> None:
    """A PUT of nothing is a save all the same."""
    (order,) = placed(woo, "2026-01-22T01:00:00Z")
    before = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=2)
    shown = api.put(f"orders/{order}", {}).json()
    assert datetime.fromisoformat(shown["date_modified_gmt"]) > before


def test_a_note_moves_nothing_and_a_public_one_is_mailed(woo: WooShop, api: API) -> None:
    """Notes leave the modified second alone; only public ones are mailed."""
    (order,) = placed(woo, "2026-01-22T01:00:00Z")
    woo.store.mails.clear()
    api.post(f"orders/{order}/notes", {"note": "private"})
    api.post(f"orders/{order}/notes", {"note": "public", "customer_note": True})
    assert api.get(f"orders/{order}").json()["date_modified_gmt"] == "2026-01-22T01:00:00"
    assert [mail["text"] for mail in woo.state()["mails"]] == ["public"]


def test_meta_changes_by_key_and_by_id(woo: WooShop, api: API) -> None:
    """By key an entry is replaced, by id with null it is deleted."""
    path = f"orders/{woo.create_order({'meta': {'a': '1'}})['id']}"
    api.put(path, {"meta_data": [{"key": "a", "value": "2"}, {"key": "b", "value": {"x": 1}}]})
    kept = api.get(path).json()["meta_data"]
    assert {entry["key"]: entry["value"] for entry in kept} == {"a": "2", "b": {"x": 1}}
    api.put(path, {"meta_data": [{"id": kept[0]["id"], "key": "a", "value": None}]})
    assert [entry["key"] for entry in api.get(path).json()["meta_data"]] == ["b"]


def test_simultaneous_refunds_are_all_accepted(woo: WooShop, api: API) -> None:
    """Refunds are not locked: full refunds at once pay back several times."""
    order = woo.create_order({})
    path = f"orders/{order['id']}/refunds"
    body = {"amount": order["total"], "api_refund": False}
    woo.store.gateway_s = 2.0
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: api.post(path, body).status_code, range(3)))
    assert answers.count(201) > 1


def test_the_last_refund_closes_the_order(woo: WooShop) -> None:
    """Parts keep the status; reaching the total sets refunded."""
    order = str(woo.create_order({})["id"])
    assert woo.act(order, "refund", {"amount": "9.80", "reason": "rota"})["status"] == "processing"
    shown = woo.act(order, "refund", {})
    assert shown["status"] == "refunded"
    assert sorted(refund["total"] for refund in shown["refunds"]) == ["-20.00", "-9.80"]
    assert shown["total"] == "29.80"


def test_refunded_by_hand_makes_a_refund(woo: WooShop, api: API) -> None:
    """Setting the status refunded books what is left."""
    order = woo.create_order({})["id"]
    shown = api.put(f"orders/{order}", {"status": "refunded"}).json()
    assert [(item["reason"], item["total"]) for item in shown["refunds"]] == [
        ("Order fully refunded.", "-29.80")
    ]


def test_the_story_verbs(woo: WooShop) -> None:
    """Each verb leads to its status, over HTTP as in process."""
    address = f"{woo.url}/_sandbox/orders"
    made = requests.post(address, json={"paid": False, "email": "x@example.com"}, timeout=30)
    assert made.status_code == 201
    order = made.json()
    assert order["status"] == "pending"
    walk = [("hold", "on-hold"), ("pay", "processing"), ("complete", "completed")]
    walk += [("cancel", "cancelled"), ("trash", "trash"), ("restore", "cancelled")]
    for verb, status in walk:
        shown = requests.post(f"{address}/{order['id']}/{verb}", json={}, timeout=30)
        assert shown.json()["status"] == status
    unknown = requests.post(f"{address}/{order['id']}/explode", json={}, timeout=30)
    assert unknown.status_code == 404
    assert requests.post(f"{address}/999999/pay", json={}, timeout=30).status_code == 404


def test_shipping_adds_a_parcel(woo: WooShop) -> None:
    """Each shipment is one more entry of the tracking plugin's field."""
    order = str(woo.create_order({})["id"])
    for number in ("T1", "T2"):
        body = {"carrier": "SEUR", "number": number, "url": "https://example.com/t"}
        shown = woo.act(order, "ship", body)
    (entry,) = shown["meta_data"]
    assert entry["key"] == "_wc_shipment_tracking_items"
    assert [item["tracking_number"] for item in entry["value"]] == ["T1", "T2"]
    assert entry["value"][0]["custom_tracking_provider"] == "SEUR"
    assert entry["value"][0]["date_shipped"].isdigit()


def test_editing_changes_buyer_and_lines(woo: WooShop) -> None:
    """The merchant can change who and what."""
    order = str(woo.create_order({})["id"])
    lines = [{"sku": "VELA-FAR", "quantity": 2}]
    shown = woo.act(order, "edit", {"email": "b@example.com", "lines": lines, "note": "hola"})
    assert shown["billing"]["email"] == "b@example.com"
    assert (shown["total"], shown["customer_note"]) == ("15.90", "hola")


@pytest.mark.parametrize(
    "body",
    [{"status": "shipped"}, {"placed_at": "yesterday"}, {"coupons": ["none"]}],
)
def test_a_bad_order_is_refused(woo: WooShop, body: dict[str, Any]) -> None:
    """What cannot be placed is answered with 400 and leaves nothing."""
    answer = requests.post(f"{woo.url}/_sandbox/orders", json=body, timeout=30)
    assert answer.status_code == 400
    assert woo.state()["orders"] == []


def test_the_pages_show_the_order(woo: WooShop) -> None:
    """The merchant's pages show the order, its notes and the buyer's coupon."""
    order = woo.create_order({"first_name": "<b>Ana</b>", "email": "ana@example.com"})
    woo.act(str(order["id"]), "note", {"text": "Llamar antes"})
    api = API(woo.url, woo.consumer_key, woo.consumer_secret, version="wc/v3", timeout=30)
    api.post("coupons", {"code": "GRACIAS", "email_restrictions": ["ana@example.com"]})
    text = requests.get(f"{woo.url}/orders/{order['id']}", timeout=30).text
    assert "&lt;b&gt;Ana&lt;/b&gt;" in text
    assert "Llamar antes" in text
    assert "gracias" in text
    assert f"/orders/{order['id']}" in requests.get(woo.url + "/", timeout=30).text
