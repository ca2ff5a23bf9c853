"""What the receiver answers, through each of its three doors alike."""

import base64
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from werkzeug.serving import make_server

from connector.model.order import ShopId
from connector.secret import Secret
from connector.storage.records import DeliveryState, ShopRecord, ShopState
from tests.running import Running
from tests.support import FrozenClock
from webhooks.app import create_app
from webhooks.hook_path import HookPath, Wsgi

TOKEN = "a-token-that-nobody-guesses-012345"
SECRET = "woo-secret"
CLIENT_SECRET = "shpss_pretend"
OLD_CLIENT_SECRET = "shpss_before"
DOMAIN = "pretend.myshopify.com"
LIMIT = 5 * 1024 * 1024


class Target:
    """One way in: our own server, or a WSGI application behind a server of somebody else."""

    def __init__(self, running: Running, url: str) -> None:
        self.running = running
        self.url = url

    def post(self, path: str, body: Any, headers: dict[str, str]) -> requests.Response:
        """Send a request."""
        return requests.post(self.url + path, data=body, headers=headers, timeout=60)

    def woo(self, body: bytes, **changed: str | None) -> requests.Response:
        """Send a signed WooCommerce delivery, headers changed or left out as told."""
        headers: dict[str, str | None] = {
            "Content-Type": "application/json",
            "X-WC-Webhook-Source": "https://shop.example/",
            "X-WC-Webhook-Topic": "order.updated",
            "X-WC-Webhook-Resource": "order",
            "X-WC-Webhook-Event": "updated",
            "X-WC-Webhook-Signature": signature(body, SECRET),
            "X-WC-Webhook-ID": "7",
            "X-WC-Webhook-Delivery-ID": hashlib.md5(body, usedforsecurity=False).hexdigest(),
        }
        headers.update({name.replace("_", "-"): value for name, value in changed.items()})
        kept = {name: value for name, value in headers.items() if value is not None}
        return self.post(f"/hooks/woocommerce/{TOKEN}", body, kept)

    def shopify(self, body: bytes, secret: str = CLIENT_SECRET, **changed: str | None) -> Any:
        """Send a signed Shopify delivery."""
        headers: dict[str, str | None] = {
            "Content-Type": "application/json",
            "X-Shopify-Topic": "orders/updated",
            "X-Shopify-Hmac-Sha256": signature(body, secret),
            "X-Shopify-Shop-Domain": DOMAIN,
            "X-Shopify-API-Version": "2026-10",
            "X-Shopify-Webhook-Id": hashlib.sha256(body + secret.encode()).hexdigest()[:32],
            "X-Shopify-Triggered-At": "2026-11-22T10:00:00.000000000Z",
        }
        headers.update({name.replace("_", "-"): value for name, value in changed.items()})
        kept = {name: value for name, value in headers.items() if value is not None}
        return self.post("/hooks/shopify", body, kept)

    def rows(self) -> int:
        """Count the inbox rows."""
        with self.running.storage.reading() as tx:
            return sum(tx.counts().deliveries.values())

    def worked_off(self, body: bytes) -> tuple[DeliveryState, str]:
        """Work off everything and tell what became of the row with this body."""
        self.running.drain()
        for row in self.running.deliveries():
            if row.body == body:
                return row.state, row.reason
        raise AssertionError("the body was not stored")


def signature(body: bytes, secret: str) -> str:
    """Sign as both platforms do."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with one shop of each kind; nobody has to be asked for these tests."""
    clock = FrozenClock(datetime(2026, 11, 22, 12, 0, tzinfo=UTC))
    with Running(tmp_path_factory.mktemp("receiver"), clock=clock) as running:
        common: dict[str, Any] = {
            "state": ShopState.CONNECTED,
            "created_at": datetime(2026, 11, 1, tzinfo=UTC),
            "currency": "EUR",
            "timezone": "Europe/Madrid",
        }
        address = "http://127.0.0.1:9"
        running.add_shop(
            ShopRecord(
                id=ShopId("swoo"),
                platform="woocommerce",
                name="Woo",
                address=address,
                hook_token=TOKEN,
                settings={"url": address},
                secrets={
                    "consumer_key": Secret("ck_a"),
                    "consumer_secret": Secret("cs_b"),
                    "webhook_secret": Secret(SECRET),
                },
                **common,
            )
        )
        running.add_shop(
            ShopRecord(
                id=ShopId("sshopify"),
                platform="shopify",
                name="Shopify",
                address=DOMAIN,
                hook_token="unused-token-of-the-shopify-shop",
                settings={"domain": DOMAIN, "client_id": "id", "api_url": address},
                secrets={
                    "client_secret": Secret(CLIENT_SECRET),
                    "old_client_secret": Secret(OLD_CLIENT_SECRET),
                },
                **common,
            )
        )
        yield running


@contextmanager
def served(application: Wsgi) -> Iterator[str]:
    """Serve a WSGI application by another server than ours."""
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(30)
    server.server_close()


@pytest.fixture(scope="module")
def doors(running: Running) -> Iterator[dict[str, str]]:
    """Open all ways in: the edge, the hook path, and the Flask view without it."""
    receiver = running.server.receiver
    flask = create_app(running.app, receiver)
    with (
        served(HookPath(receiver, flask, body_limit=LIMIT)) as hook_path,
        served(flask) as flask_view,
    ):
        yield {"edge": running.url, "hook-path": hook_path, "flask-view": flask_view}


@pytest.fixture(params=["edge", "hook-path", "flask-view"])
def target(request: pytest.FixtureRequest, running: Running, doors: dict[str, str]) -> Target:
    """Give each of the ways in."""
    return Target(running, doors[request.param])


def unique(target: Target, **fields: Any) -> bytes:
    """Make a body that no other test has sent, with its way in inside."""
    return json.dumps({"made_for": target.url, **fields}).encode()


def test_a_signed_delivery_is_stored_once(target: Target) -> None:
    """The first sending is stored, the second is a duplicate; both hear 200."""
    body = unique(target, id=5, test="once")
    before = target.rows()
    first, second = target.woo(body), target.woo(body)
    assert (first.status_code, first.json()) == (200, {"status": "stored"})
    assert (second.status_code, second.json()) == (200, {"status": "duplicate"})
    assert target.rows() == before + 1


def test_a_ping_is_answered_and_not_stored(target: Target) -> None:
    """WooCommerce's unsigned, form-encoded greeting must hear exactly 200."""
    before = target.rows()
    answer = target.post(f"/hooks/woocommerce/{TOKEN}", {"webhook_id": "49"}, {})
    assert answer.status_code == 200
    assert target.rows() == before


def test_a_form_that_is_no_ping_is_refused(target: Target) -> None:
    """Only `webhook_id=N` is a greeting; any other form is 415."""
    answer = target.post(f"/hooks/woocommerce/{TOKEN}", {"webhook_id": "x"}, {})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "given",
    ["", "x", "00" * 32, "AAAA", "ñandú", signature(b"another body", SECRET)],
    ids=["empty", "short", "hex", "base64", "non-ascii", "another-body"],
)
def test_a_wrong_signature_is_refused(target: Target, given: str) -> None:
    """A signature that does not fit is 401 (a missing one 400), and nothing is stored."""
    before = target.rows()
    body = unique(target, id=6)
    answer = target.woo(body, **{"X-WC-Webhook-Signature": given.encode("utf-8").decode("latin-1")})
    assert answer.status_code == (401 if given else 400)
    assert target.rows() == before


def test_all_missing_headers_are_named(target: Target) -> None:
    """A request without the platform's headers is 400 and hears the name of each."""
    body = unique(target, id=7)
    answer = target.woo(
        body,
        **{"X-WC-Webhook-Signature": None, "X-WC-Webhook-Topic": None, "X-WC-Webhook-ID": None},
    )
    assert answer.status_code == 400
    for name in ("X-WC-Webhook-Signature", "X-WC-Webhook-Topic", "X-WC-Webhook-ID"):
        assert name.lower() in answer.json()["detail"].lower()
    answer = target.shopify(
        body,
        **{"X-Shopify-Hmac-Sha256": None, "X-Shopify-Topic": None, "X-Shopify-Shop-Domain": None},
    )
    assert answer.status_code == 400
    for name in ("X-Shopify-Hmac-Sha256", "X-Shopify-Topic", "X-Shopify-Shop-Domain"):
        assert name.lower() in answer.json()["detail"].lower()


def test_an_unknown_token_is_404(target: Target) -> None:
    """An address that no shop has is 404, whatever is sent."""
    answer = target.post(
        "/hooks/woocommerce/no-such-token", b"{}", {"Content-Type": "application/json"}
    )
    assert answer.status_code == 404
    assert "postventa shops list" in answer.json()["detail"]


def test_a_token_of_another_platform_is_404(target: Target) -> None:
    """The Shopify shop's own token opens no WooCommerce address."""
    answer = target.post(
        "/hooks/woocommerce/unused-token-of-the-shopify-shop",
        b"{}",
        {"Content-Type": "application/json"},
    )
    assert answer.status_code == 404


def test_an_unknown_shopify_shop_is_401(target: Target) -> None:
    """Without a connected shop nothing can prove the body."""
    answer = target.shopify(b"{}", **{"X-Shopify-Shop-Domain": "other.myshopify.com"})
    assert answer.status_code == 401


def test_both_secrets_are_taken_during_a_rotation(target: Target) -> None:
    """The new and the old client secret sign valid webhooks; a third one does not."""
    body = unique(target, id=8)
    assert target.shopify(body).status_code == 200
    assert target.shopify(body, OLD_CLIENT_SECRET).status_code == 200
    assert target.shopify(body, "shpss_other").status_code == 401


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data", ""])
def test_other_content_types_are_refused(target: Target, kind: str) -> None:
    """Webhooks are JSON; anything else is 415."""
    answer = target.woo(unique(target, id=9), **{"Content-Type": kind or None})
    assert answer.status_code == 415


def test_encoded_bodies_are_refused(target: Target) -> None:
    """A Content-Encoding is 415: a small body could unfold to gigabytes."""
    answer = target.woo(unique(target, id=10), **{"Content-Encoding": "gzip"})
    assert answer.status_code == 415


def test_other_methods_are_refused(target: Target) -> None:
    """A hook is posted to; GET changes nothing and is 405."""
    answer = requests.get(f"{target.url}/hooks/woocommerce/{TOKEN}", timeout=60)
    assert answer.status_code == 405


def test_a_large_body_is_refused(target: Target) -> None:
    """More than 5 MiB is 413, with the length told or in chunks, never a cut 200."""
    body = b'{"id": 11, "fill": "' + b"x" * LIMIT + b'"}'
    assert target.woo(body).status_code == 413

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    headers = {
        "Content-Type": "application/json",
        "X-WC-Webhook-Topic": "order.updated",
        "X-WC-Webhook-ID": "7",
        "X-WC-Webhook-Signature": signature(body, SECRET),
    }
    answer = target.post(f"/hooks/woocommerce/{TOKEN}", pieces(), headers)
    assert answer.status_code in {401, 413}


def test_a_body_of_just_the_limit_is_taken(target: Target) -> None:
    """5 MiB exactly is not too large; the worker says what is wrong with it."""
    start = b'{"id": 12, "from": "' + target.url.encode() + b'", "fill": "'
    body = start + b"x" * (LIMIT - len(start) - 2) + b'"}'
    assert len(body) == LIMIT
    assert target.woo(body).status_code == 200


def test_a_chunked_body_is_taken_whole(target: Target) -> None:
    """Chunks are put together before the signature is checked."""
    body = unique(target, id=13, text="in chunks")
    headers = {
        "Content-Type": "application/json",
        "X-WC-Webhook-Topic": "order.updated",
        "X-WC-Webhook-Resource": "order",
        "X-WC-Webhook-Event": "updated",
        "X-WC-Webhook-Source": "https://shop.example/",
        "X-WC-Webhook-ID": "7",
        "X-WC-Webhook-Delivery-ID": "d",
        "X-WC-Webhook-Signature": signature(body, SECRET),
    }
    answer = target.post(f"/hooks/woocommerce/{TOKEN}", iter([body[:9], body[9:]]), headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b'{"id": 20, "line_items": [', "read"),
        (b'{"id": NaN}', "read"),
        (b'{"id": 1e999}', "read"),
        (b'{"id": 21, "deep": ' + b"[" * 65 + b"]" * 65 + b"}", "64"),
        (b"not json at all", "read"),
        (b"\xff\xfe{\x00}\x00", "read"),
        (b'["a list"]', "read"),
        (b'{"id": "twenty", "line_items": [], "status": "processing"}', "id"),
    ],
    ids=["truncated", "nan", "infinite", "deep", "text", "utf-16", "list", "wrong-type"],
)
def test_signed_nonsense_becomes_a_dead_letter(target: Target, body: bytes, word: str) -> None:
    """What was signed is stored, answered 200, and ends as a dead letter that says why."""
    body += b" " * (1 + len(target.url) % 7)
    assert target.woo(body).status_code == 200
    state, reason = target.worked_off(body)
    assert state is DeliveryState.DEAD
    assert word in reason


def test_an_unknown_topic_is_closed_with_a_reason(target: Target) -> None:
    """A topic we do not know is kept, answered 200 and closed as unknown."""
    body = unique(target, id=30)
    topic = {"X-WC-Webhook-Topic": "subscription.renewed", "X-WC-Webhook-Resource": "subscription"}
    assert target.woo(body, **topic).status_code == 200
    state, reason = target.worked_off(body)
    assert state is DeliveryState.DONE
    assert reason.startswith("unknown: subscription.renewed")


def test_fifty_slow_bodies_hold_nobody_up(target: Target) -> None:
    """Clients that send their body slowly take no thread; another one is answered."""
    port = int(target.url.rsplit(":", 1)[1])
    slow = []
    head = (
        f"POST /hooks/woocommerce/{TOKEN} HTTP/1.1\r\nHost: x\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    ).encode()
    try:
        for _ in range(50):
            client = socket.create_connection(("127.0.0.1", port), timeout=60)
            client.sendall(head)
            slow.append(client)
        assert target.woo(unique(target, id=31)).status_code == 200
    finally:
        for client in slow:
            client.close()


def test_health_and_figures(running: Running) -> None:
    """The process says that it lives, that it may take traffic, and how many rows there are."""
    assert requests.get(f"{running.url}/healthz", timeout=60).json() == {"status": "ok"}
    assert requests.get(f"{running.url}/readyz", timeout=60).json() == {"status": "ok"}
    text = requests.get(f"{running.url}/metrics", timeout=60).text
    assert "# TYPE postventa_inbox gauge" in text
    assert "postventa_oldest_waiting_seconds" in text


def test_refused_requests_are_counted(running: Running) -> None:
    """Requests that were refused are counted by reason and not stored."""
    with running.storage.reading() as tx:
        before = tx.counts().rejected
    requests.post(
        f"{running.url}/hooks/woocommerce/{TOKEN}",
        data=b"{}",
        headers={"Content-Type": "text/plain"},
        timeout=60,
    )
    running.server.receiver.flush()
    with running.storage.reading() as tx:
        assert tx.counts().rejected > before
