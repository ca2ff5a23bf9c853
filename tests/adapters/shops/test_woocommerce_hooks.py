"""The WooCommerce adapter against the pretend shop: its webhooks and its facts."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters._http import HttpClient
from adapters.shops.woocommerce import facts
from adapters.shops.woocommerce.adapter import WooCommerceAdapter
from adapters.shops.woocommerce.client import WooClient
from connector.errors import (
    AuthRejected,
    ConfigurationError,
    PlatformDown,
)
from connector.model.event import EventType, WebhookDelivery
from connector.model.order import ShopId
from connector.secret import Secret
from tests.adapters.shops.woocommerce_support import HOOK, SECRET, START, connect, place
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.woocommerce.shop import WooShop


@pytest.fixture
def shop() -> Iterator[WooShop]:
    """Run an empty shop in Madrid."""
    with WooShop(queue_interval_s=3600) as running:
        yield running


# Webhooks.


def test_webhooks_are_registered_once(shop: WooShop) -> None:
    """Registering twice leaves one webhook a topic, all active."""
    adapter = connect(shop)
    assert {state.state for state in adapter.check_webhooks(HOOK)} == {"missing"}
    for _ in range(2):
        states = adapter.register_webhooks(HOOK, SECRET)
        assert [(state.topic, state.state) for state in states] == [
            ("order.created", "active"),
            ("order.updated", "active"),
            ("order.deleted", "active"),
            ("order.restored", "active"),
        ]
    assert len(shop.state()["webhooks"]) == 4


def test_webhook_that_is_off_is_mended(shop: WooShop) -> None:
    """A webhook that the shop switched off is seen and set active again."""
    adapter = connect(shop)
    [first, *_] = adapter.register_webhooks(HOOK, SECRET)
    adapter._client.put(f"webhooks/{first.ref}", {"status": "disabled"})
    assert adapter.check_webhooks(HOOK)[0].state == "disabled"
    assert adapter.register_webhooks(HOOK, SECRET)[0] == first


def test_doubled_webhook_is_taken_away_and_others_stay(shop: WooShop) -> None:
    """Two of ours for one topic become one; webhooks of others are left alone."""
    adapter = connect(shop)
    adapter.register_webhooks(HOOK, SECRET)
    twin = {"topic": "order.created", "delivery_url": HOOK, "secret": "x", "name": "twin"}
    other = {**twin, "delivery_url": "http://127.0.0.1:9/other", "name": "Other"}
    adapter._client.post("webhooks", twin)
    adapter._client.post("webhooks", other)
    adapter.register_webhooks(HOOK, SECRET)
    urls = [hook["delivery_url"] for hook in shop.state()["webhooks"]]
    assert (urls.count(HOOK), len(urls)) == (4, 5)
    assert adapter.remove_webhooks(HOOK) == 4
    assert len(shop.state()["webhooks"]) == 1


def test_webhook_to_an_old_address_is_told(shop: WooShop) -> None:
    """When our server moved, the webhooks that point elsewhere are named."""
    adapter = connect(shop)
    adapter.register_webhooks(HOOK, SECRET)
    states = adapter.check_webhooks("http://127.0.0.1:9/new")
    assert {(state.state, state.address) for state in states} == {("wrong_address", HOOK)}


@pytest.mark.parametrize("text", ["", "a&b", "whsec ñ", "a&amp;b"])
def test_secret_that_the_shop_would_change_is_refused(shop: WooShop, text: str) -> None:
    """The shop decodes entities in a secret, so only plain letters are taken."""
    with pytest.raises(ConfigurationError):
        connect(shop).register_webhooks(HOOK, Secret(text))
    assert shop.state()["webhooks"] == []


# Facts.


def test_shop_tells_its_facts(shop: WooShop) -> None:
    """Name, currency, zone and version come from the shop; without TLS it is said."""
    told = connect(shop).look_at_shop()
    assert (told.currency, told.timezone, told.version) == ("EUR", "Europe/Madrid", "10.2.4")
    assert told.name
    assert len(told.problems) == 1
    assert "TLS" in told.problems[0]


def test_read_only_key_is_a_problem_with_advice() -> None:
    """A key that may only read is found out without changing anything."""
    with WooShop(permissions="read") as shop:
        told = connect(shop).look_at_shop()
        assert any("Read/Write" in problem for problem in told.problems)


def test_wrong_key_is_refused(shop: WooShop) -> None:
    """A key that the shop does not know is AuthRejected."""
    keys = {"consumer_key": Secret("ck_" + "0" * 40), "consumer_secret": Secret("cs_0")}
    adapter = WooCommerceAdapter({"url": shop.url}, keys, allow_private=True, allow_http=True)
    with pytest.raises(AuthRejected):
        adapter.look_at_shop()


def test_page_instead_of_the_api_is_told(shop: WooShop) -> None:
    """A shop that answers pages is told to check permalinks."""
    shop.faults.add(Fault("html_200", "GET /wp-json", times=None))
    with pytest.raises(PlatformDown, match="permalinks"):
        connect(shop).look_at_shop()


@pytest.mark.parametrize(
    ("name", "offset", "zone", "problem"),
    [
        ("Europe/Madrid", 1, "Europe/Madrid", False),
        ("", 1, "Etc/GMT-1", True),
        ("", -6, "Etc/GMT+6", True),
        ("", 0, "UTC", True),
        ("", "5.5", "UTC", True),
        ("Mars/Olympus", 1, "UTC", True),
        (None, None, "UTC", True),
    ],
)
def test_zone_of_the_shop(name: str | None, offset: Any, zone: str, problem: bool) -> None:
    """A shop whose zone is only an offset gets that offset and the advice to choose a city."""
    index = facts.Index(namespaces=[], timezone_string=name, gmt_offset=offset)
    found, text = facts.zone_of(index)
    assert (found, bool(text)) == (zone, problem)


@pytest.mark.parametrize("missing", ["url", "consumer_key", "consumer_secret"])
def test_missing_settings_are_named(missing: str) -> None:
    """A shop without address or key is refused, and what is missing is named."""
    values = {"url": "https://shop.example.com", "consumer_key": "a", "consumer_secret": "b"}
    values[missing] = ""
    secrets = {name: Secret(values[name]) for name in ("consumer_key", "consumer_secret")}
    with pytest.raises(ConfigurationError, match=missing):
        WooCommerceAdapter({"url": values["url"]}, secrets)


def test_hints_name_the_order(shop: WooShop) -> None:
    """The pretend shop's own topics are understood: a deletion names the order."""
    adapter = connect(shop)
    adapter.register_webhooks(HOOK, SECRET)
    ref = place(shop)
    assert shop.run_queue(60)
    shop.act(ref, "trash", {})
    assert shop.run_queue(60)
    [sent] = [item for item in shop.deliveries() if item["topic"] == "order.deleted"]
    headers = {key.lower(): value for key, value in sent["headers"].items()}
    delivery = WebhookDelivery(ShopId("1"), headers, sent["body"].encode(), START)
    adapter.verify(delivery, [SECRET])
    [event] = adapter.parse(delivery)
    assert (event.type, event.order_ref) == (EventType.ORDER_DELETED, ref)


@pytest.mark.parametrize(
    ("base", "home", "expected"),
    [
        ("https://shop.example.com", "https://shop.example.com", ""),
        ("https://shop.example.com", "https://shop.example.com/tienda", ""),
        (
            "https://shop.example.com",
            "https://www.shop.example.com",
            "https://www.shop.example.com",
        ),
        ("https://shop.example.com", "http://shop.example.com", "http://shop.example.com"),
        ("https://shop.example.com", "", ""),
    ],
)
def test_shop_that_calls_itself_otherwise_is_told(base: str, home: str, expected: str) -> None:
    """A shop under another name would redirect our calls, so its own name is shown."""
    http = HttpClient(base, allow_private=False, allow_http=False, platform="woocommerce")
    client = WooClient(http, Secret("ck_1"), Secret("cs_1"))
    text = facts._address_problem(client, facts.Index(namespaces=[], home=home))
    assert expected in text
    assert bool(text) == bool(expected)


@pytest.mark.parametrize(
    ("date", "problem"),
    [
        ("Sun, 22 Nov 2026 09:01:00 GMT", ""),
        ("Sun, 22 Nov 2026 09:20:00 GMT", "1200 seconds apart"),
        ("Sun, 22 Nov 2026 08:40:00 GMT", "1200 seconds apart"),
        ("", ""),
        ("today", ""),
    ],
)
def test_clocks_that_run_apart_are_told(date: str, problem: str) -> None:
    """Signed calls over http fail when the clocks are minutes apart, so it is said early."""
    now = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    text = facts._clock_problem(facts._clocks_apart_s(date, now))
    assert problem in text
    assert bool(text) == bool(problem)


def test_key_without_the_managers_rights_still_connects(shop: WooShop) -> None:
    """What only a shop manager may read is asked elsewhere or left empty."""
    shop.faults.add(
        Fault(
            "status",
            "GET /wp-json/wc/v3/system_status",
            status=403,
            times=None,
            body='{"code":"woocommerce_rest_cannot_view","message":"x","data":{"status":403}}',
        )
    )
    told = connect(shop).look_at_shop()
    assert (told.currency, told.timezone, told.version) == ("EUR", "Europe/Madrid", "")
