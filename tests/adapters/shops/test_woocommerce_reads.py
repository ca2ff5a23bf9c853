"""The WooCommerce adapter against the pretend shop: reading and signing."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from adapters.shops.woocommerce import reads
from adapters.shops.woocommerce.adapter import WooCommerceAdapter
from connector.errors import (
    InvalidRequest,
    NotFound,
)
from connector.model.event import WebhookDelivery
from connector.model.order import OrderState, ShopId, UnreadableOrder
from connector.model.parcel import ParcelState
from connector.secret import Secret
from tests.adapters.shops.woocommerce_support import HOOK, SECRET, START, connect, place
from webhooks.sandbox.woocommerce.shop import WooShop


@pytest.fixture
def shop() -> Iterator[WooShop]:
    """Run an empty shop in Madrid."""
    with WooShop(queue_interval_s=3600) as running:
        yield running


# Reading.


def test_delivered_and_fetched_order_are_equal(shop: WooShop) -> None:
    """What a webhook says of an order is what the API says of it."""
    adapter = connect(shop)
    adapter.register_webhooks(HOOK, SECRET)
    ref = place(shop, email="Nuria@Example.com", locale="ca", meta={"gift": "yes"})
    shop.act(ref, "ship", {"carrier": "SEUR", "number": "S1", "url": "https://seur.example/S1"})
    assert shop.run_queue(60)
    orders = []
    for sent in shop.deliveries():
        headers = {key.lower(): value for key, value in sent["headers"].items()}
        body = sent["body"].encode()
        delivery = WebhookDelivery(ShopId("1"), headers, body, datetime.now(UTC))
        if adapter.is_ping(delivery):
            continue
        adapter.verify(delivery, [SECRET])
        orders += [event.order for event in adapter.parse(delivery)]
    assert orders
    assert set(orders) == {adapter.fetch_order(ref)}
    [order] = set(orders)
    assert order is not None
    assert (order.buyer.email, order.buyer.locale) == ("nuria@example.com", "ca")
    [parcel] = order.parcels
    assert (parcel.carrier, parcel.tracking_number, parcel.state) == (
        "SEUR",
        "S1",
        ParcelState.UNKNOWN,
    )
    assert parcel.tracking_url == "https://seur.example/S1"


def test_changed_orders_come_once_without_drafts_with_trash(shop: WooShop) -> None:
    """Orders of one second come once each; drafts never; the trash as deleted."""
    refs = {place(shop) for _ in range(120)}
    place(shop, status="checkout-draft")
    trashed = place(shop)
    shop.act(trashed, "trash", {})
    gone = place(shop)
    shop.act(gone, "delete", {})
    found = list(connect(shop).orders_changed_since(datetime.now(UTC) - timedelta(hours=1)))
    assert len(found) == len(refs) + 1
    assert {order.ref for order in found} == {*refs, trashed}
    assert {order.ref for order in found if order.state is OrderState.DELETED} == {trashed}


@pytest.mark.parametrize("zone", ["Europe/Madrid", "America/Mexico_City", "Pacific/Auckland"])
def test_changed_since_counts_in_utc(zone: str) -> None:
    """The shop's zone does not shift the window."""
    with WooShop(queue_interval_s=3600, timezone=zone) as shop:
        now = datetime.now(UTC).replace(microsecond=0)
        for hours in (30, 3, 1):
            place(shop, placed_at=(now - timedelta(hours=hours)).isoformat())
        adapter = connect(shop)
        assert len(list(adapter.orders_changed_since(now - timedelta(hours=2)))) == 1
        assert len(list(adapter.orders_changed_since(now - timedelta(hours=4)))) == 2
        assert adapter.count_orders_placed(now - timedelta(hours=4), now) == 2


def test_list_that_shrinks_is_read_again(shop: WooShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order that goes to the trash while we page hides no other one."""
    monkeypatch.setattr(reads, "_PAGE_SIZES", (5,))
    refs = [place(shop) for _ in range(20)]
    iterator = connect(shop).orders_changed_since(datetime.now(UTC) - timedelta(hours=1))
    found = {next(iterator).ref for _ in range(5)}
    for ref in refs[:2]:
        shop.act(ref, "trash", {})
    found |= {order.ref for order in iterator}
    assert found == set(refs)


def test_span_includes_its_start_and_not_its_end(shop: WooShop) -> None:
    """Orders placed in a span are counted and read alike; drafts and trash are not."""
    for second in range(4):
        place(shop, placed_at=(START + timedelta(seconds=second)).isoformat())
    place(shop, placed_at=START.isoformat(), status="checkout-draft")
    shop.act(place(shop, placed_at=START.isoformat()), "trash", {})
    adapter = connect(shop)
    until = START + timedelta(seconds=3)
    found = list(adapter.orders_placed_between(START, until))
    assert [order.placed_at for order in found] == [
        START + timedelta(seconds=second) for second in range(3)
    ]
    assert adapter.count_orders_placed(START, until) == 3
    assert adapter.count_orders_placed(until, until) == 0


def test_page_too_large_is_read_in_smaller_ones(
    shop: WooShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a page is larger than an answer may be, fewer orders are asked for."""
    refs = {place(shop) for _ in range(12)}
    monkeypatch.setattr("adapters._http.MAX_BODY_BYTES", 20_000)
    found = [
        order.ref
        for order in connect(shop).orders_changed_since(datetime.now(UTC) - timedelta(hours=1))
    ]
    assert sorted(found) == sorted(refs)


def test_unreadable_order_hides_no_other(shop: WooShop) -> None:
    """One order that cannot be read is given with its id and body, and the rest is read."""
    bad, good = place(shop), place(shop)
    shop.store.orders[int(bad)].currency = "nonsense"
    since = datetime.now(UTC) - timedelta(hours=1)
    odd, order = connect(shop).orders_changed_since(since)
    assert isinstance(odd, UnreadableOrder)
    assert (odd.ref, "currency" in odd.why, json.loads(odd.body)["id"]) == (bad, True, int(bad))
    assert order.ref == good
    with pytest.raises(InvalidRequest, match="currency"):
        connect(shop).fetch_order(bad)


def test_trashed_order_is_deleted_and_purged_one_not_found(shop: WooShop) -> None:
    """The trash is a state; only what was deleted for good is not found."""
    ref = place(shop)
    shop.act(ref, "trash", {})
    assert connect(shop).fetch_order(ref).state is OrderState.DELETED
    shop.act(ref, "delete", {})
    with pytest.raises(NotFound):
        connect(shop).fetch_order(ref)


# Signing.


@pytest.mark.parametrize("value", ["CAF-GEI/250", "", "a b+c", "ñ", "50%", "a&b=c", "~x"])
def test_odd_values_are_signed_right(shop: WooShop, value: str) -> None:
    """Values on which the package's own signature fails are taken by the shop, once each."""
    adapter = connect(shop)
    answer = adapter._client.get("products", search=value)
    assert answer.status == 200
    url = adapter._client._api.sign("GET", f"{shop.url}/wp-json/wc/v3/products?search=")[0]
    names = [name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)]
    assert len(names) == len(set(names))
    assert "search" in names


def test_https_with_header_and_with_query(tmp_path: Path) -> None:
    """Over https the key goes in the header, or in the query for hosts that strip it."""
    with WooShop(https=True) as shop:
        file = tmp_path / "shop.pem"
        file.write_text(shop.certificate)
        ref = place(shop)
        keys = {
            "consumer_key": Secret(shop.consumer_key),
            "consumer_secret": Secret(shop.consumer_secret),
        }
        for settings in ({}, {"key_in_query": "yes"}):
            adapter = WooCommerceAdapter(
                {"url": shop.url, **settings},
                keys,
                allow_private=True,
                read_timeout_s=10.0,
                ca_file=str(file),
            )
            assert adapter.fetch_order(ref).ref == ref
