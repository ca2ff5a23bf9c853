"""The WooCommerce adapter against the pretend shop: reads, coupons, webhooks, facts."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from adapters.shops.woocommerce import facts, reads
from adapters.shops.woocommerce.adapter import WooCommerceAdapter
from adapters.shops.woocommerce.coupons import last_second
from connector.errors import (
    AuthRejected,
    ConfigurationError,
    Conflict,
    InvalidRequest,
    NotFound,
    PlatformDown,
)
from connector.model.event import EventType, WebhookDelivery
from connector.model.order import OrderRef, OrderState, ShopId
from connector.model.parcel import ParcelState
from connector.model.write import (
    AddNote,
    AddTags,
    CreateDiscountCode,
    DiscountKind,
    SetMeta,
    SetStatus,
)
from connector.secret import Secret
from webhooks.sandbox.faults import Fault
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


@pytest.fixture
def shop() -> Iterator[WooShop]:
    """Run an empty shop in Madrid."""
    with WooShop(queue_interval_s=3600) as running:
        yield running


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


def test_unreadable_order_hides_no_other(shop: WooShop, caplog: pytest.LogCaptureFixture) -> None:
    """One order that cannot be read is logged by its id, and the rest is read."""
    bad, good = place(shop), place(shop)
    shop.store.orders[int(bad)].currency = "nonsense"
    since = datetime.now(UTC) - timedelta(hours=1)
    assert [order.ref for order in connect(shop).orders_changed_since(since)] == [good]
    [record] = [item for item in caplog.records if item.msg == "woocommerce.order_unreadable"]
    assert record.__dict__["order_ref"] == int(bad)


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


# Writing.


def test_note_is_escaped_and_marked(shop: WooShop) -> None:
    """What a customer typed does nothing in the shop's mail; the mark is at the end."""
    ref = place(shop)
    text = "Gracias <script>alert(1)</script> & adiós"
    connect(shop).write(AddNote(ref, text, "pv-1", to_buyer=True))
    [order] = [item for item in shop.state()["orders"] if str(item["id"]) == ref]
    [note] = [item for item in order["notes"] if "pv-1" in item["text"]]
    assert note["text"] == ("Gracias &lt;script&gt;alert(1)&lt;/script&gt; &amp; adiós [pv-1]")
    assert note["to_customer"] is True
    assert len(shop.state()["mails"]) >= 1


def test_too_long_note_is_refused_before(shop: WooShop) -> None:
    """A note that the shop would answer with 500 is not even sent."""
    with pytest.raises(InvalidRequest, match="too long"):
        connect(shop).write(AddNote(place(shop), "ñ" * 40_000, "pv-1"))


def test_labels_and_fields_leave_the_merchants_alone(shop: WooShop) -> None:
    """Only our own two kinds of field are written; what the merchant has stays."""
    ref = place(shop, meta={"gift": "yes", "_tags": "mine"})
    adapter = connect(shop)
    adapter.write(AddTags(ref, ("one",)))
    told = adapter.write(SetMeta(ref, "survey", "sent"))
    order = adapter.fetch_order(ref)
    assert order.tags == ("one",)
    assert dict(order.meta) == {"gift": "yes", "_tags": "mine", "_postventa_survey": "sent"}
    assert told.modified_at == order.modified_at


def test_label_that_is_there_is_not_written_again(shop: WooShop) -> None:
    """A write that would change nothing is not sent: it would only fire a webhook."""
    ref = place(shop)
    adapter = connect(shop)
    adapter.write(AddTags(ref, ("one",)))
    writes = sum(call["write"] for call in shop.state()["calls"])
    assert adapter.write(AddTags(ref, ("one",))).adopted is True
    assert sum(call["write"] for call in shop.state()["calls"]) == writes


@pytest.mark.parametrize(
    "action",
    [
        SetStatus(OrderRef("1"), "trash"),
        SetStatus(OrderRef("1"), "checkout-draft"),
        SetStatus(OrderRef("1"), "no such"),
        SetMeta(OrderRef("1"), "tags", "x"),
        SetMeta(OrderRef("1"), "../x", "x"),
        AddTags(OrderRef("1"), ("a,b",)),
        AddNote(OrderRef("1/../2"), "x", "pv-1"),
    ],
)
def test_values_that_cannot_be_are_refused_before(shop: WooShop, action: Any) -> None:
    """What the shop would take wrongly is refused without a call."""
    with pytest.raises(InvalidRequest):
        connect(shop).write(action)
    assert shop.state()["calls"] == []


def test_unknown_state_is_refused_by_the_shop(shop: WooShop) -> None:
    """A state that this shop does not have is InvalidRequest; the order stays."""
    ref = place(shop)
    with pytest.raises(InvalidRequest):
        connect(shop).write(SetStatus(ref, "shipped"))
    assert connect(shop).fetch_order(ref).state is OrderState.PROCESSING


# Coupons.


def test_coupon_for_one_buyer(shop: WooShop) -> None:
    """A code for one buyer is bound to the address, once, to the end of its last day."""
    adapter = connect(shop)
    ends_at = datetime(2026, 12, 22, 15, 30, tzinfo=UTC)
    told = adapter.write(
        code(buyer_email="Ana@Example.com", ends_at=ends_at, min_total="30.00", usage_limit=1)
    )
    [coupon] = adapter._client.read(list[dict[str, Any]], "coupons", code="gracias-7k2m")
    assert told.ref == "gracias-7k2m"
    assert coupon["email_restrictions"] == ["ana@example.com"]
    # Madrid is one hour ahead of UTC in December.
    assert coupon["date_expires"] == "2026-12-22T23:59:59"
    assert coupon["date_expires_gmt"] == "2026-12-22T22:59:59"
    assert (coupon["usage_limit"], coupon["usage_limit_per_user"]) == (1, 1)
    assert (coupon["amount"], coupon["minimum_amount"]) == ("10.00", "30.00")
    assert "[pv-7]" in coupon["description"]


@pytest.mark.parametrize(
    ("ends_at", "zone", "local", "utc"),
    [
        ("2026-10-24T22:30:00", "Europe/Madrid", "2026-10-25T23:59:59", "2026-10-25T22:59:59"),
        ("2026-10-24T10:00:00", "Europe/Madrid", "2026-10-24T23:59:59", "2026-10-24T21:59:59"),
        (
            "2026-06-01T03:00:00",
            "America/Mexico_City",
            "2026-05-31T23:59:59",
            "2026-06-01T05:59:59",
        ),
        ("2026-06-01T13:00:00", "Pacific/Auckland", "2026-06-02T23:59:59", "2026-06-02T11:59:59"),
    ],
)
def test_last_second_of_the_shops_day(ends_at: str, zone: str, local: str, utc: str) -> None:
    """The end is the last second of the day in the shop's zone, clock changes included."""
    given = datetime.fromisoformat(ends_at).replace(tzinfo=UTC)
    assert last_second(given, zone) == (local, datetime.fromisoformat(utc).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    "values",
    [
        {"value": "101"},
        {"value": "0"},
        {"value": "-5"},
        {"value": "1,5"},
        {"value": "NaN"},
        {"value": "abc"},
        {"code": "a b"},
        {"code": "<b>x</b>"},
        {"buyer_email": "no-address"},
        {"buyer_email": "*@example.com"},
        {"buyer_email": "ñ@example.com"},
        {"buyer_email": ""},
        {"min_total": "ten"},
        {"usage_limit": 0},
        {"kind": DiscountKind.FIXED, "value": "5.00", "currency": "USD"},
    ],
)
def test_bad_coupons_are_refused_before(shop: WooShop, values: dict[str, Any]) -> None:
    """A value of which the shop would make a generous coupon is never sent."""
    with pytest.raises(InvalidRequest):
        connect(shop).write(code(**values))
    assert shop.state()["coupons"] == []


def test_taken_code_is_adopted_or_a_conflict(shop: WooShop) -> None:
    """A code that is there is ours by its mark and value, else somebody else's."""
    adapter = connect(shop)
    adapter.write(code())
    assert adapter.write(code()).adopted is True
    with pytest.raises(Conflict, match="not ours"):
        adapter.write(code(marker="pv-8"))
    with pytest.raises(Conflict, match="amount"):
        adapter.write(code(value="15"))
    assert len(shop.state()["coupons"]) == 1


def test_coupon_made_otherwise_is_deleted_again(
    shop: WooShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A coupon that the shop opened to everybody does not stay."""
    from webhooks.sandbox.woocommerce import coupons as pretend

    monkeypatch.setattr(pretend, "EMAIL", pretend.re.compile("never"))
    with pytest.raises(InvalidRequest, match=r"restriction to the buyer.*deleted again"):
        connect(shop).write(code(buyer_email="ana@example.com"))
    assert shop.state()["coupons"] == []


def test_coupon_that_cannot_be_deleted_is_named(
    shop: WooShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If it cannot be taken back, a person is told which coupon to delete."""
    from webhooks.sandbox.woocommerce import coupons as pretend

    monkeypatch.setattr(pretend, "EMAIL", pretend.re.compile("never"))
    shop.faults.add(Fault("status_500", "DELETE /wp-json/wc/v3/coupons", times=None))
    with pytest.raises(InvalidRequest, match=r"gracias-7k2m.*delete it by hand"):
        connect(shop).write(code(buyer_email="ana@example.com"))
    with pytest.raises(Conflict, match="restriction to the buyer"):
        connect(shop).find(code(buyer_email="ana@example.com"))


def test_fixed_amount_and_free_shipping(shop: WooShop) -> None:
    """The two other kinds are made as asked."""
    adapter = connect(shop)
    adapter.write(code(kind=DiscountKind.FIXED, value="5.50"))
    free = code(kind=DiscountKind.FREE_SHIPPING, value="0", code="envio-1")
    adapter.write(free)
    [coupon] = adapter._client.read(list[dict[str, Any]], "coupons", code="envio-1")
    assert coupon["free_shipping"] is True
    assert adapter.find(free) is not None


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
