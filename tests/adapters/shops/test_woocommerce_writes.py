"""The WooCommerce adapter against the pretend shop: notes, fields and coupons."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.shops.woocommerce.coupons import last_second
from connector.errors import (
    Conflict,
    InvalidRequest,
)
from connector.model.order import OrderRef, OrderState
from connector.model.write import (
    AddNote,
    AddTags,
    DiscountKind,
    SetMeta,
    SetStatus,
)
from tests.adapters.shops.woocommerce_support import code, connect, place
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.woocommerce.shop import WooShop


@pytest.fixture
def shop() -> Iterator[WooShop]:
    """Run an empty shop in Madrid."""
    with WooShop(queue_interval_s=3600) as running:
        yield running


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
