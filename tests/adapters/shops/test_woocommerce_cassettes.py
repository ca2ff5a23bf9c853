"""What a real shop answered is understood: recorded exchanges, played back.

Long because one player and its fixtures serve every recorded file.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import vcr
import yaml
from vcr.stubs.requests_stubs import VCRRequestsHTTPConnection, VCRRequestsHTTPSConnection

from adapters._http import HttpClient
from adapters._json import decode
from adapters._wire import GuardedHttpPool, GuardedHttpsPool
from adapters.shops.woocommerce import coupons, facts, hooks
from adapters.shops.woocommerce.adapter import WooCommerceAdapter
from adapters.shops.woocommerce.client import WooClient
from adapters.shops.woocommerce.payload import OrderBody
from connector.errors import (
    AdapterError,
    AuthRejected,
    Conflict,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    PlatformDown,
    RateLimited,
    TemporaryFailure,
)
from connector.model.order import OrderRef, OrderState
from connector.model.write import AddNote, CreateDiscountCode, DiscountKind, SetMeta, SetStatus
from connector.secret import Secret

CASSETTES = Path(__file__).parents[3] / "cassettes" / "shops" / "woocommerce"
KEY, SECRET = Secret("ck_" + "0" * 40), Secret("cs_" + "0" * 40)
HTTP, HTTPS = "http://127.0.0.1:8081", "https://127.0.0.1:8443"
ORDER = OrderRef("291")


def pairs(request: Any) -> set[tuple[str, str]]:
    """Give the query without what is new in every call."""
    found = parse_qsl(urlsplit(request.uri).query, keep_blank_values=True)
    return {pair for pair in found if not pair[0].startswith(("oauth_", "consumer_"))}


def same_pairs(one: Any, other: Any) -> None:
    """Match two requests by the set of their query pairs."""
    assert pairs(one) == pairs(other)


PLAYER = vcr.VCR(
    cassette_library_dir=str(CASSETTES),
    record_mode="none",
    match_on=["method", "path", "qset"],
    custom_patches=(
        (GuardedHttpPool, "ConnectionCls", VCRRequestsHTTPConnection),
        (GuardedHttpsPool, "ConnectionCls", VCRRequestsHTTPSConnection),
    ),
)
PLAYER.register_matcher("qset", same_pairs)


def playing(name: str) -> AbstractContextManager[Any]:
    """Play one cassette."""
    context: AbstractContextManager[Any] = PLAYER.use_cassette(f"{name}.yaml")
    return context


def adapter_of(url: str = HTTP, **settings: str) -> WooCommerceAdapter:
    """Connect to the recorded shop."""
    return WooCommerceAdapter(
        {"url": url, "timezone": "Europe/Madrid", "currency": "EUR", **settings},
        {"consumer_key": KEY, "consumer_secret": SECRET},
        allow_private=True,
        allow_http=True,
    )


@pytest.fixture
def client() -> Iterator[WooClient]:
    """Give a client of the recorded shop."""
    http = HttpClient(HTTP, allow_private=True, allow_http=True, platform="woocommerce")
    yield WooClient(http, KEY, SECRET)
    http.close()


def interactions(name: str) -> list[dict[str, Any]]:
    """Read a cassette's exchanges."""
    text = (CASSETTES / f"{name}.yaml").read_text(encoding="utf-8")
    loaded: list[dict[str, Any]] = yaml.load(text, yaml.CSafeLoader)["interactions"]
    return loaded


def test_orders_are_read() -> None:
    """One order is read whole; one that was deleted for good is NotFound."""
    with playing("orders_get"):
        order = adapter_of().fetch_order(ORDER)
        with pytest.raises(NotFound):
            adapter_of().fetch_order(OrderRef("307"))
    assert (order.ref, order.state, order.currency) == ("291", OrderState.COMPLETED, "EUR")
    assert order.total_minor == 4374
    with playing("orders_get_200_lines"):
        assert len(adapter_of().fetch_order(OrderRef("317")).lines) == 200


def test_pages_of_a_list_are_read(client: WooClient) -> None:
    """Three pages of changed orders and one past the end are lists of orders."""
    params = {
        "modified_after": "2026-11-22T01:50:57",
        "dates_are_gmt": "true",
        "orderby": "modified",
        "order": "asc",
        "per_page": "5",
    }
    with playing("orders_list_modified_after"):
        sizes = [
            len(client.read(list[OrderBody], "orders", **params, page=str(page)))
            for page in (1, 2, 3, 99)
        ]
    assert sizes[:2] == [5, 5]
    assert sizes[3] == 0


def test_bad_filter_is_refused(client: WooClient) -> None:
    """A filter that the shop cannot read is InvalidRequest with the shop's code."""
    with playing("orders_list_modified_after"), pytest.raises(InvalidRequest) as caught:
        client.read(list[OrderBody], "orders", modified_after="yesterday")
    assert (caught.value.status, caught.value.code) == (400, "rest_invalid_param")


def test_notes_are_written_and_looked_up() -> None:
    """A note has the id that the shop gives it; a foreign note is not ours."""
    action = AddNote(OrderRef("337"), "Postventa", "pv-1")
    with playing("order_notes"):
        assert adapter_of().write(action).ref == "257"
        assert adapter_of().find(action) is None


def test_states_and_fields_are_written() -> None:
    """A field and a state are set, and the new stamp of the order comes back."""
    ref = OrderRef("337")
    with playing("orders_create_update"):
        told = adapter_of().write(SetMeta(ref, "survey", "sent"))
    assert told.modified_at is not None
    assert told.modified_at.tzinfo is UTC
    refused = [
        item["response"]
        for item in interactions("orders_create_update")
        if "wc-completed" in str(item["request"]["body"])
    ]
    assert [item["status"]["code"] for item in refused] == [400]


COUPON = CreateDiscountCode(
    code="VUELVE-10-AB12",
    kind=DiscountKind.PERCENT,
    value="10",
    currency="EUR",
    title="Vuelve",
    marker="pv-7",
    starts_at=datetime(2026, 11, 22, tzinfo=UTC),
    ends_at=datetime(2027, 1, 31, 9, tzinfo=UTC),
    usage_limit=1,
    min_total="15.00",
    buyer_email="Aina@example.com",
)


def test_coupon_as_asked_is_done() -> None:
    """The recorded coupon is good to the last second of its last day in Madrid."""
    with playing("coupons"):
        told = adapter_of().write(COUPON)
    assert told.ref == "vuelve-10-ab12"
    assert dict(told.detail)["ends_at"] == "2027-01-31T22:59:59Z"


def test_foreign_coupon_is_a_conflict() -> None:
    """A coupon of that code without our mark is somebody else's."""
    with playing("coupons"), pytest.raises(Conflict, match="not ours"):
        adapter_of().find(COUPON)
    with playing("coupons"):
        assert adapter_of().find(replace(COUPON, code="nada")) is None


def recorded_coupon(code: str) -> coupons.CouponBody:
    """Find what the shop made of a code."""
    for item in interactions("coupons"):
        request = str(item["request"]["body"])
        if item["request"]["method"] == "POST" and f'"code": "{code}"' in request:
            body = item["response"]["body"]["string"]
            return decode(coupons.CouponBody, body if isinstance(body, bytes) else body.encode())
    raise AssertionError(code)


@pytest.mark.parametrize(
    ("code", "action", "wrong"),
    [
        (
            "BADMAIL",
            replace(COUPON, ends_at=None, min_total=None, usage_limit=None, value="1"),
            ["kind", "restriction to the buyer"],
        ),
        (
            "GMT-1",
            replace(COUPON, value="5", buyer_email=None, min_total=None, usage_limit=None),
            ["end"],
        ),
        (
            "TXT",
            replace(
                COUPON,
                kind=DiscountKind.FIXED,
                ends_at=None,
                buyer_email=None,
                min_total=None,
                usage_limit=None,
            ),
            ["amount"],
        ),
        (
            "PORTES-0",
            replace(COUPON, kind=DiscountKind.FREE_SHIPPING, ends_at=None, buyer_email=None),
            ["minimum", "number of uses"],
        ),
        ("VUELVE-10-AB12", COUPON, []),
    ],
)
def test_generous_coupons_are_seen(code: str, action: CreateDiscountCode, wrong: list[str]) -> None:
    """What the real shop made otherwise than asked, without any error, is noticed."""
    end = datetime(2027, 1, 31, 22, 59, 59, tzinfo=UTC)
    assert coupons._differences(recorded_coupon(code), action, end) == wrong


def test_refused_keys() -> None:
    """A wrong key and a wrong secret are AuthRejected, and so is writing with a read key."""
    with playing("auth_errors"):
        for _ in range(2):
            with pytest.raises(AuthRejected) as caught:
                adapter_of().fetch_order(ORDER)
            assert caught.value.code == "woocommerce_rest_authentication_error"
        with pytest.raises(AuthRejected):
            adapter_of().write(SetStatus(ORDER, "completed"))


def test_https_uses_the_header_or_the_query() -> None:
    """Over https the same calls work, and a key that is refused is told."""
    with playing("https_basic_auth"), pytest.raises(AuthRejected):
        adapter_of(HTTPS).fetch_order(ORDER)
    with playing("https_basic_auth"):
        action = AddNote(ORDER, "por https", "pv-1")
        assert adapter_of(HTTPS, key_in_query="yes").write(action).ref == "279"


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ("fatal", TemporaryFailure),
        ("wpdie", TemporaryFailure),
        ("blank", TemporaryFailure),
        ("blank200", PlatformDown),
        ("login", PlatformDown),
        ("waf", AuthRejected),
        ("429", RateLimited),
    ],
)
def test_broken_shop_reads(client: WooClient, broken: str, expected: type[AdapterError]) -> None:
    """Each way in which a shop breaks has its error, never an order."""
    with playing("broken_shop"), pytest.raises(expected):
        client.read(OrderBody, "orders/291", broken=broken)


@pytest.mark.parametrize("broken", ["notice", "bom", "newline"])
def test_noise_before_the_order_is_passed_over(client: WooClient, broken: str) -> None:
    """What PHP and editors put before the JSON does not hide the order."""
    with playing("broken_shop"):
        assert client.read(OrderBody, "orders/291", broken=broken).id == 291


def test_broken_shop_writes(client: WooClient) -> None:
    """A fatal error after a write is unknown; a warning before a 201 is a success."""
    with playing("broken_shop"):
        with pytest.raises(OutcomeUnknown):
            client.put("orders/291?broken=fatal", {"status": "completed"})
        told = client.post("orders/291/notes?broken=notice", {"note": "x"})
    assert told["id"] == 283


def test_maintenance_tells_the_wait() -> None:
    """In maintenance neither a read nor a write is done, and the wait is told."""
    calls: list[Callable[[WooCommerceAdapter], Any]] = [
        lambda adapter: adapter.fetch_order(ORDER),
        lambda adapter: adapter.write(AddNote(ORDER, "x", "pv-1")),
    ]
    for call in calls:
        with playing("maintenance_503"), pytest.raises(PlatformDown) as caught:
            call(adapter_of())
        assert caught.value.retry_after_s == 600.0


def test_php_down_is_down() -> None:
    """A gateway page is the platform being down."""
    with playing("php_down_502"), pytest.raises(PlatformDown):
        adapter_of().fetch_order(ORDER)


def test_plain_permalinks_say_what_to_do() -> None:
    """With Plain permalinks the error names them."""
    with playing("plain_permalinks"), pytest.raises(AdapterError, match="permalinks"):
        adapter_of().fetch_order(ORDER)


def test_switched_off_woocommerce_is_no_missing_order(client: WooClient) -> None:
    """Without the plugin every route is missing; that says nothing about the order."""
    with playing("woocommerce_deactivated"):
        with pytest.raises(PlatformDown, match="active"):
            adapter_of().fetch_order(ORDER)
        with pytest.raises(PlatformDown, match="switched off"):
            facts.read_index(client)


def test_unknown_order_and_bad_values(client: WooClient) -> None:
    """An unknown id is NotFound; a value the shop refuses is InvalidRequest."""
    with playing("errors_4xx"):
        for ref in ("99999999", "0", "295", "210"):
            with pytest.raises(NotFound):
                adapter_of().fetch_order(OrderRef(ref))
        with pytest.raises(InvalidRequest):
            client.put("orders/291", {"line_items": "x"})
    with pytest.raises(NotFound):
        adapter_of().fetch_order(OrderRef("abc"))


def test_webhooks_are_read(client: WooClient) -> None:
    """The shop's webhooks are listed with their state and address."""
    with playing("webhooks_crud"):
        [hook, *_] = client.read(list[hooks.HookBody], "webhooks", per_page="100")
    assert (hook.topic, hook.status) == ("order.updated", "active")
    assert hook.address == "http://127.0.0.1:8090/hook?shop=1"
