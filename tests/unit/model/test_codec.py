"""Stored orders: written and read back without loss, by many threads at once."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.errors import PayloadInvalid
from connector.model.codec import decode_order, encode_order
from connector.model.customer import Address, Buyer, Consent
from connector.model.order import (
    Fee,
    FulfillmentState,
    LineItem,
    Order,
    OrderRef,
    OrderState,
    PaymentState,
    Refund,
    ShippingLine,
    TaxLine,
)
from connector.model.parcel import Parcel, TrackingEvent

_TEXT = st.text(max_size=8)
_MINOR = st.integers(-(10**17), 10**17)
_AT = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is the next argument
for _type, _strategy in ((str, _TEXT), (int, _MINOR), (datetime, _AT)):
    st.register_type_strategy(_type, _strategy)


def _few(of: type) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(st.from_type(of), max_size=2).map(tuple)


_PARCELS = st.builds(Parcel, events=_few(TrackingEvent))
_ORDERS = st.builds(
    Order,
    buyer=st.builds(Buyer, consents=_few(Consent), order_count=st.none() | _MINOR),
    billing_address=st.none() | st.builds(Address),
    lines=_few(LineItem),
    shipping_lines=_few(ShippingLine),
    fees=_few(Fee),
    taxes=_few(TaxLine),
    parcels=st.lists(_PARCELS, max_size=2).map(tuple),
    refunds=_few(Refund),
    tax_minor=_MINOR,
    shipping_minor=_MINOR,
    discount_minor=_MINOR,
    refunded_minor=_MINOR,
    paid_at=st.none() | _AT,
    completed_at=st.none() | _AT,
    canceled_at=st.none() | _AT,
    discount_codes=_few(str),
    tags=_few(str),
    meta=st.lists(st.tuples(_TEXT, _TEXT), max_size=2).map(tuple),
    note=st.none() | _TEXT,
    payment_method=_TEXT,
    created_via=_TEXT,
    test=st.booleans(),
    drafted=st.booleans(),
)

_PLAIN = Order(
    ref=OrderRef("81"),
    number="#81",
    state=OrderState.PROCESSING,
    platform_state="processing",
    payment_state=PaymentState.PAID,
    fulfillment_state=FulfillmentState.UNFULFILLED,
    currency="EUR",
    total_minor=4374,
    placed_at=datetime(2026, 11, 22, 9, 0, 1, tzinfo=UTC),
    modified_at=datetime(2026, 11, 22, 9, 5, tzinfo=UTC),
)


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(_ORDERS)
def test_every_order_is_read_back_equal(order: Order) -> None:
    """Whatever an order holds, it is the same order after it was stored."""
    assert decode_order(encode_order(order)) == order


def test_times_come_back_aware_and_in_utc() -> None:
    """A stored time is a UTC time with a Z, and stays one."""
    body = encode_order(_PLAIN)
    assert b'"placed_at":"2026-11-22T09:00:01Z"' in body
    assert decode_order(body).placed_at.tzinfo is not None
    assert decode_order(body).placed_at.utcoffset() == UTC.utcoffset(None)


def test_order_of_an_older_version() -> None:
    """Fields that were not known when an order was stored have their plain value."""
    fields = msgspec.json.decode(encode_order(_PLAIN))
    for later in ("drafted", "created_via", "meta", "taxes"):
        del fields[later]
    assert decode_order(msgspec.json.encode(fields)) == _PLAIN


def test_order_of_a_newer_version() -> None:
    """A field we do not know is passed over: after a step back the store is still read."""
    fields = msgspec.json.decode(encode_order(_PLAIN)) | {"of_tomorrow": [1, {"a": None}]}
    assert decode_order(msgspec.json.encode(fields)) == _PLAIN


@pytest.mark.parametrize(
    "body",
    [
        *[b"", b" ", b"null", b"[]", b"{}", b"{", b'"order"', b"7", b"\xff\xfe", b"\x00" * 9],
        pytest.param(b'{"note":' + b"[" * 200_000, id="nested without end"),
        encode_order(_PLAIN)[:-1],
        encode_order(_PLAIN) + b"x",
        encode_order(_PLAIN).replace(b"4374", b"43.74"),
        encode_order(_PLAIN).replace(b"4374", b'"4374"'),
        encode_order(_PLAIN).replace(b'"processing"', b'"shipped"', 1),
        encode_order(_PLAIN).replace(b"2026-11-22T09", b"2026-13-22T09"),
        encode_order(_PLAIN).replace(b'"ref":"81"', b'"ref":null'),
        encode_order(_PLAIN).replace(b'"#81"', b'"\xc3\x28"'),
    ],
)
def test_what_is_no_stored_order(body: bytes) -> None:
    """Anything else is refused as unreadable, never guessed at."""
    with pytest.raises(PayloadInvalid, match="not a stored order"):
        decode_order(body)


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_fail_in_another_way(body: bytes) -> None:
    """No bytes make the reader fail in another way than PayloadInvalid."""
    with pytest.raises(PayloadInvalid):
        decode_order(body)


_FIRST_USE = """
import sys, threading
from connector.model.codec import decode_order
sys.setswitchinterval(1e-6)
together = threading.Barrier(32)
results = []
def read(body):
    together.wait()
    results.append(decode_order(body).number)
body = sys.stdin.buffer.read()
threads = [threading.Thread(target=read, args=(body,)) for _ in range(32)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sorted(set(results)), len(results))
"""


def test_first_use_by_many_threads() -> None:
    """A fresh process whose threads all read their first order at once lives on."""
    for _ in range(3):
        ended = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", _FIRST_USE],
            cwd=Path(__file__).parents[3],
            input=encode_order(_PLAIN),
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert (ended.returncode, ended.stderr) == (0, b"")
        assert ended.stdout.decode().strip() == "['#81'] 32"
