"""Odd WooCommerce orders become ours by the definitions of the adapter's page."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters._json import decode
from adapters.shops.woocommerce.mapping import order_of
from adapters.shops.woocommerce.payload import MetaEntry, OrderBody
from adapters.shops.woocommerce.tracking import parcels_of
from connector.errors import PayloadInvalid
from connector.model.order import FulfillmentState, Order, OrderState, PaymentState
from connector.model.parcel import ParcelState

BASE: dict[str, Any] = {
    "id": 5,
    "number": "W-5",
    "status": "processing",
    "currency": "EUR",
    "total": "20.00",
    "date_created_gmt": "2026-11-22T08:00:00",
    "date_modified_gmt": "2026-11-22T09:00:00",
    "billing": {"first_name": " Nuria ", "last_name": "Puig  i  Sala", "email": " N@X.ES "},
    "line_items": [],
}


def order(**values: Any) -> Order:
    """Map a small order with some values changed."""
    return order_of(decode(OrderBody, json.dumps({**BASE, **values}).encode()))


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("pending", OrderState.PENDING),
        ("on-hold", OrderState.ON_HOLD),
        ("processing", OrderState.PROCESSING),
        ("completed", OrderState.COMPLETED),
        ("cancelled", OrderState.CANCELED),
        ("refunded", OrderState.REFUNDED),
        ("failed", OrderState.FAILED),
        ("trash", OrderState.DELETED),
        ("shipped", OrderState.UNKNOWN),
    ],
)
def test_states(word: str, state: OrderState) -> None:
    """Each word has its state; a plugin's own word is unknown and kept beside it."""
    told = order(status=word)
    assert (told.state, told.platform_state, told.drafted) == (state, word, False)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"status": "pending"}, PaymentState.PENDING),
        ({"status": "on-hold"}, PaymentState.PENDING),
        ({"status": "processing"}, PaymentState.PAID),
        ({"status": "completed"}, PaymentState.PAID),
        ({"status": "pending", "date_paid_gmt": "2026-11-22T08:30:00"}, PaymentState.PAID),
        ({"status": "failed"}, PaymentState.FAILED),
        ({"status": "cancelled"}, PaymentState.VOIDED),
        ({"status": "cancelled", "date_paid_gmt": "2026-11-22T08:30:00"}, PaymentState.PAID),
        ({"status": "refunded"}, PaymentState.REFUNDED),
        ({"refunds": [{"id": 1, "total": "-5.00"}]}, PaymentState.PARTIALLY_REFUNDED),
        ({"refunds": [{"id": 1, "total": "-20.00"}]}, PaymentState.REFUNDED),
        (
            {"refunds": [{"id": 1, "total": "-19.99"}, {"id": 2, "total": "-0.01"}]},
            PaymentState.REFUNDED,
        ),
        ({"total": "0.00", "refunds": []}, PaymentState.PAID),
    ],
)
def test_payment(values: dict[str, Any], expected: PaymentState) -> None:
    """What became of the money follows from refunds, paid date and state, in this order."""
    assert order(**values).payment_state == expected


def test_trashed_order_keeps_its_fulfillment() -> None:
    """In the trash a completed order stays fulfilled."""
    done = order(status="trash", date_completed_gmt="2026-11-22T08:30:00")
    assert done.fulfillment_state is FulfillmentState.FULFILLED
    assert order(status="trash").fulfillment_state is FulfillmentState.UNFULFILLED


def test_buyer_is_cleaned() -> None:
    """Names have single blanks, the address is lower case, an empty phone is none."""
    buyer = order().buyer
    assert (buyer.name, buyer.first_name, buyer.last_name) == (
        "Nuria Puig i Sala",
        "Nuria",
        "Puig i Sala",
    )
    assert (buyer.email, buyer.phone, buyer.ref, buyer.order_count) == ("n@x.es", None, None, None)


def test_name_of_the_parcel_stands_in() -> None:
    """Without a name on the bill, the name on the parcel is the buyer's."""
    told = order(billing={"email": "n@x.es"}, shipping={"first_name": "Pau", "last_name": "Vila"})
    assert told.buyer.name == "Pau Vila"


def test_addresses() -> None:
    """An empty shipping block means the bill's address; both empty means none."""
    street = {"first_name": "A", "address_1": "Major 1", "city": "Girona", "state": "GI"}
    assert order(billing=street).shipping_address == order(billing=street).billing_address
    there = order(billing=street, shipping={"postcode": "08001"}).shipping_address
    assert there is not None
    assert (there.line1, there.postal_code) == ("", "08001")
    assert order(billing={"first_name": "A", "country": "ES"}).shipping_address is None


def test_line_is_with_tax_and_readable() -> None:
    """A line's total is with tax; its name is unescaped once; zeros are no reference."""
    line = {
        "id": 9,
        "name": "Sal &amp; pebre &amp;amp;",
        "quantity": 2,
        "total": "10.00",
        "total_tax": "2.10",
        "product_id": 0,
        "variation_id": 0,
        "sku": "",
    }
    [told] = order(line_items=[line]).lines
    assert (told.name, told.total_minor, told.tax_minor) == ("Sal & pebre &amp;", 1210, 210)
    assert (told.sku, told.product_ref, told.variant_ref) == (None, None, None)


def test_sold_by_weight_is_one_piece_at_least() -> None:
    """A quantity with decimals, which plugins send, does not break the order."""
    line = {"id": 9, "quantity": 0.25, "total": "1.00"}
    assert order(line_items=[line]).lines[0].quantity == 1


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"total": "1,50"}, "total"),
        ({"total": "NaN"}, "total"),
        ({"total": "99999999999999999999"}, "total"),
        ({"currency": "euro"}, "currency"),
        ({"date_modified_gmt": "yesterday"}, "date_modified_gmt"),
        ({"date_modified_gmt": "2026-13-45T00:00:00"}, "date_modified_gmt"),
        ({"date_modified_gmt": "2026-11-22T09:00:00+01:00"}, "date_modified_gmt"),
        ({"date_modified_gmt": None, "date_created_gmt": None}, "date_modified_gmt"),
        ({"line_items": [{"id": 1, "quantity": 1, "total": "x"}]}, r"line_items\[0\]\.total"),
        ({"line_items": [{"id": 1, "quantity": "1", "total": "1"}]}, "quantity"),
        ({"refunds": [{"id": 1, "total": "x"}]}, r"refunds\[0\]"),
        ({"id": 0}, "id"),
        ({"id": True}, "id"),
        ({"id": 2**63}, "id"),
        ({"meta_data": "x"}, "meta_data"),
    ],
)
def test_wrong_values_name_their_path(values: dict[str, Any], path: str) -> None:
    """What cannot be read is PayloadInvalid, and says where."""
    with pytest.raises(PayloadInvalid, match=path):
        order(**values)


def test_never_modified_order_takes_its_placing() -> None:
    """A null time of change means the time of placing."""
    told = order(date_modified_gmt=None)
    assert told.modified_at == told.placed_at == datetime(2026, 11, 22, 8, tzinfo=UTC)


def test_tags_and_fields() -> None:
    """Our labels come out of our field; other fields that are text, number or flag are kept."""
    entries = [
        {"id": 2, "key": "b", "value": 7},
        {"id": 1, "key": "_postventa_tags", "value": " one, two,,one "},
        {"id": 3, "key": "a", "value": True},
        {"id": 4, "key": "list", "value": [1]},
        {"id": 5, "key": "null", "value": None},
    ]
    told = order(meta_data=entries)
    assert told.tags == ("one", "two")
    assert told.meta == (("a", "true"), ("b", "7"))
    assert order(meta_data=list(reversed(entries))) == told


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (
            [("_wc_shipment_tracking_items", [{"tracking_number": "1", "tracking_provider": "a"}])],
            [("1", "a", None)],
        ),
        (
            [
                (
                    "_wc_shipment_tracking_items",
                    {"3": {"tracking_number": "1", "custom_tracking_provider": "b"}},
                )
            ],
            [("1", "b", None)],
        ),
        (
            [
                ("_tracking_number", "1"),
                ("_tracking_provider", "c"),
                ("ywot_tracking_code", "1"),
                ("ywot_carrier_name", "d"),
            ],
            [("1", "c", None)],
        ),
        ([("ywot_tracking_code", "2"), ("ywot_carrier_name", "d")], [("2", "d", None)]),
        ([("_wcst_order_trackno", "3")], [("3", "", None)]),
        (
            [("_parcelpanel_shipping_numbers", '[{"number":"4","courier_code":"e"}]')],
            [("4", "e", None)],
        ),
        (
            [
                (
                    "_aftership_tracking_items",
                    [{"tracking_number": "5", "slug": "f", "tracking_url": "https://x.es/5"}],
                )
            ],
            [("5", "f", "https://x.es/5")],
        ),
        (
            [
                (
                    "_wc_shipment_tracking_items",
                    [{"tracking_number": "6", "custom_tracking_link": "javascript:alert(1)"}],
                )
            ],
            [("6", "", None)],
        ),
        ([("_tracking_number", 123)], [("123", "", None)]),
        ([("_tracking_number", ""), ("_wc_shipment_tracking_items", "")], []),
        ([("_parcelpanel_shipping_numbers", "[" * 5000)], []),
    ],
)
def test_parcels(entries: list[tuple[str, Any]], expected: list[Any]) -> None:
    """Each plugin's parcels are found; the first plugin wins; links are web addresses."""
    found = parcels_of(
        [MetaEntry(key, number, value) for number, (key, value) in enumerate(entries)]
    )
    assert [(item.tracking_number, item.carrier, item.tracking_url) for item in found] == expected
    assert {item.state for item in found} <= {ParcelState.UNKNOWN}


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9)
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        "_wc_shipment_tracking_items",
        "_tracking_number",
        "_aftership_tracking_items",
        "_parcelpanel_shipping_numbers",
        "_postventa_tags",
        "wpml_language",
        "x",
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(KEYS, JSON), max_size=6))
def test_any_fields_are_survived(entries: list[tuple[str, Any]]) -> None:
    """Whatever plugins put into fields, the order is read."""
    told = order(meta_data=[{"key": key, "value": value} for key, value in entries])
    assert told.total_minor == 2000


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(BASE)), JSON)
def test_any_value_is_read_or_refused(name: str, value: Any) -> None:
    """Any value in any place gives an order or PayloadInvalid, nothing else."""
    try:
        told = order(**{name: value})
    except PayloadInvalid:
        return
    assert told.modified_at.tzinfo is UTC
