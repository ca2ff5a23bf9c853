"""Faults: what was done, what was answered, and who is hit."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
import requests

from webhooks.sandbox.faults import MODES, Fault, FaultList

if TYPE_CHECKING:
    from tests.sandbox.conftest import CountingShop

UNANSWERED = [
    ("drop_before", 0),
    ("reset_before", 0),
    ("hang_before", 0),
    ("drop_after", 1),
    ("reset_after", 1),
    ("cut_body", 1),
    ("hang_after", 1),
]
ANSWERED = [
    ("status_500", 500, 0),
    ("status_503", 503, 0),
    ("status_429", 429, 0),
    ("html_200", 200, 0),
    ("html_200_after", 200, 1),
]


@pytest.mark.parametrize(("mode", "done"), UNANSWERED)
def test_a_lost_answer_tells_nothing(counting_shop: CountingShop, mode: str, done: int) -> None:
    """A lost call fails for the caller whether or not it was done."""
    counting_shop.faults.add(Fault(mode, hang_s=0.1))
    with pytest.raises(requests.RequestException):
        requests.post(counting_shop.url + "/write", timeout=30)
    assert counting_shop.done == done
    assert requests.post(counting_shop.url + "/write", timeout=30).json() == {"done": done + 1}


def test_a_reset_is_a_reset(counting_shop: CountingShop) -> None:
    """The reset modes end the connection with RST, not with FIN."""
    counting_shop.faults.add(Fault("reset_before"))
    address = ("127.0.0.1", counting_shop.port)
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(b"GET /x HTTP/1.1\r\nHost: shop\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(10)


def test_a_drop_ends_without_reset(counting_shop: CountingShop) -> None:
    """The drop modes close the connection without a byte."""
    counting_shop.faults.add(Fault("drop_after"))
    address = ("127.0.0.1", counting_shop.port)
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(b"GET /x HTTP/1.1\r\nHost: shop\r\n\r\n")
        assert connection.recv(10) == b""


@pytest.mark.parametrize(("mode", "status", "done"), ANSWERED)
def test_a_wrong_answer_is_a_page(
    counting_shop: CountingShop, mode: str, status: int, done: int
) -> None:
    """Status and page faults answer HTML and do only what they say."""
    counting_shop.faults.add(Fault(mode))
    answer = requests.post(counting_shop.url + "/write", timeout=30)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert counting_shop.done == done


def test_retry_after_is_sent(counting_shop: CountingShop) -> None:
    """A 429 carries the wait that the fault names."""
    counting_shop.faults.add(Fault("status_429", retry_after_s=7))
    answer = requests.get(counting_shop.url + "/x", timeout=30)
    assert answer.headers["Retry-After"] == "7"


def test_any_status_with_any_body(counting_shop: CountingShop) -> None:
    """Mode status answers with the status and the body of the fault."""
    counting_shop.faults.add(Fault("status", status=423, body='{"errors":"Locked"}'))
    answer = requests.get(counting_shop.url + "/x", timeout=30)
    assert (answer.status_code, answer.json()) == (423, {"errors": "Locked"})


def test_only_matching_calls_are_hit() -> None:
    """A fault waits for its call, strikes `times` times and is used up."""
    faults = FaultList()
    faults.add(Fault("status_500", match="POST /notes", times=2))
    labels = ["GET /notes", "POST /notes", "POST /other", "POST /notes", "POST /notes"]
    hits = [faults.pick(label) is not None for label in labels]
    assert hits == [False, True, False, True, False]


def test_a_fault_without_end_stays() -> None:
    """A fault with times None strikes until the list is cleared."""
    faults = FaultList()
    faults.add(Fault("status_500", times=None))
    assert all(faults.pick("GET /x") for _ in range(50))
    faults.clear()
    assert faults.pick("GET /x") is None


def test_a_share_hits_its_share() -> None:
    """A share of 20 % strikes about one call in five, the same each run."""
    results = []
    for _ in range(2):
        faults = FaultList(seed=1)
        faults.add(Fault("drop_after", times=None, share=0.2))
        results.append([faults.pick("POST /x") is not None for _ in range(1000)])
    assert results[0] == results[1]
    assert 150 < sum(results[0]) < 250


def test_faults_over_http(counting_shop: CountingShop) -> None:
    """Faults can be added, listed and cleared over HTTP."""
    address = counting_shop.url + "/_sandbox/faults"
    added = requests.post(address, json={"mode": "status_500", "times": 2}, timeout=30)
    assert added.status_code == 201
    assert [fault["mode"] for fault in requests.get(address, timeout=30).json()] == ["status_500"]
    assert requests.get(counting_shop.url + "/x", timeout=30).status_code == 500
    assert requests.delete(address, timeout=30).json() == []
    assert requests.get(counting_shop.url + "/x", timeout=30).status_code == 200


@pytest.mark.parametrize("body", [b'{"mode":"explode"}', b'{"made":1}', b"{}", b"[", b"[]"])
def test_a_bad_fault_is_refused(counting_shop: CountingShop, body: bytes) -> None:
    """A fault that means nothing is answered with 400."""
    address = counting_shop.url + "/_sandbox/faults"
    assert requests.post(address, data=body, timeout=30).status_code == 400
    assert counting_shop.faults.as_json() == []


def test_every_mode_is_tried_here() -> None:
    """The tables of this file hold every mode there is."""
    tried = {row[0] for row in [*UNANSWERED, *ANSWERED]} | {"status"}
    assert tried == MODES


def test_calls_are_logged(counting_shop: CountingShop) -> None:
    """The log tells writes from reads and answered from lost."""
    requests.get(counting_shop.url + "/read?a=1", timeout=30)
    counting_shop.faults.add(Fault("drop_after"))
    with pytest.raises(requests.RequestException):
        requests.post(counting_shop.url + "/write", timeout=30)
    brief = [
        (call["method"], call["path"], call["status"], call["write"], call["fault"])
        for call in counting_shop.calls_json()
    ]
    assert brief == [
        ("GET", "/read", 200, False, None),
        ("POST", "/write", None, True, "drop_after"),
    ]


def test_one_connection_serves_many_calls(counting_shop: CountingShop) -> None:
    """Connections are kept open between calls as HTTP/1.1 says."""
    with requests.Session() as session:
        for number in range(1, 4):
            assert session.get(counting_shop.url + "/x", timeout=30).json() == {"done": number}
        pool = session.adapters["http://"].poolmanager.pools  # type: ignore[attr-defined]
        assert pool.get(next(iter(pool.keys()))).num_connections == 1


@pytest.mark.parametrize("path", ["/", "/orders/7"])
def test_pages_escape_everything(counting_shop: CountingShop, path: str) -> None:
    """Nothing a buyer typed becomes markup on the merchant's pages."""
    text = requests.get(counting_shop.url + path, timeout=30).text
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_pages_load_nothing_from_elsewhere(counting_shop: CountingShop) -> None:
    """The pages hold no address of another host."""
    for path in ("/", "/orders/7", "/orders/8"):
        text = requests.get(counting_shop.url + path, timeout=30).text
        assert "http:" not in text
        assert "https:" not in text


def test_unknown_controls_and_orders_are_404(counting_shop: CountingShop) -> None:
    """What does not exist is 404, on the pages and in the control API."""
    for path in ("/orders/8", "/_sandbox/nothing"):
        assert requests.get(counting_shop.url + path, timeout=30).status_code == 404
