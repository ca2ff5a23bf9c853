"""The fault proxy does to a call what its mode says."""

from collections.abc import Iterator

import pytest
import requests

from tests.faults.proxy import MODES, FaultProxy
from webhooks.sandbox.woocommerce.shop import WooShop

ORDER = {"email": "ana@example.com", "paid": True}


@pytest.fixture
def shop() -> Iterator[WooShop]:
    """A pretend shop, whose orders count the calls that were done."""
    with WooShop(queue_interval_s=3600.0) as running:
        yield running


@pytest.fixture
def proxy(shop: WooShop) -> Iterator[FaultProxy]:
    """A proxy in front of it."""
    with FaultProxy(shop.port, seed=1, hang_s=0.2) as running:
        yield running


def post(proxy: FaultProxy) -> requests.Response:
    """Place an order through the proxy."""
    return requests.post(proxy.url + "/_sandbox/orders", json=ORDER, timeout=60)


def test_it_forwards_when_nothing_is_broken(shop: WooShop, proxy: FaultProxy) -> None:
    """Without faults the answer is the shop's own."""
    answer = post(proxy)
    assert answer.status_code == 201
    assert answer.json()["id"] == shop.state()["orders"][0]["id"]
    assert proxy.done == {"forwarded": 1}


@pytest.mark.parametrize(
    ("mode", "done"),
    [
        ("drop_before", 0),
        ("drop_after", 1),
        ("reset", 1),
        ("cut_body", 1),
        ("hang", 0),
        ("hang_after", 1),
    ],
)
def test_a_broken_call_has_no_answer(
    shop: WooShop, proxy: FaultProxy, mode: str, done: int
) -> None:
    """The caller gets no whole answer; whether it was done depends on the mode."""
    proxy.break_calls({mode: 1.0})
    with pytest.raises(requests.RequestException):
        post(proxy)
    assert len(shop.state()["orders"]) == done
    assert proxy.done == {mode: 1}


@pytest.mark.parametrize(
    ("mode", "status", "kind", "done"),
    [("busy", 429, "", 0), ("html", 200, "text/html", 0), ("html_after", 200, "text/html", 1)],
)
def test_a_false_answer_is_given(
    shop: WooShop, proxy: FaultProxy, mode: str, status: int, kind: str, done: int
) -> None:
    """The caller gets an answer that is not the shop's."""
    proxy.break_calls({mode: 1.0})
    answer = post(proxy)
    assert answer.status_code == status
    assert answer.headers.get("Content-Type", "") == kind
    assert answer.headers.get("Retry-After") == ("1" if mode == "busy" else None)
    assert len(shop.state()["orders"]) == done


def test_every_mode_is_tested_here() -> None:
    """The two tables above name all modes."""
    tested = {"drop_before", "drop_after", "reset", "cut_body", "hang", "hang_after"}
    assert tested | {"busy", "html", "html_after"} == set(MODES)


def test_shares_are_repeatable(shop: WooShop) -> None:
    """The same seed breaks the same calls."""
    seen = []
    for _ in range(2):
        with FaultProxy(shop.port, seed=5, hang_s=0.1) as proxy:
            proxy.break_calls({"busy": 0.5})
            seen.append([post(proxy).status_code for _ in range(8)])
    assert seen[0] == seen[1]
    assert set(seen[0]) == {201, 429}
