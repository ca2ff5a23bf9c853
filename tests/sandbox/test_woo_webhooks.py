"""Webhooks of the pretend shop: what leaves, when, and what does not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from woocommerce import API

from webhooks.sandbox.woocommerce import WooShop

if TYPE_CHECKING:
    from tests.sandbox.conftest import Receiver

RECORDED = Path(__file__).parents[1] / "data" / "woocommerce" / "webhooks.jsonl"
TOPICS = ("order.created", "order.updated", "order.deleted", "order.restored")


@pytest.fixture
def hooks(api: API, receiver: Receiver) -> list[dict[str, Any]]:
    """Register the four order webhooks; their pings are over."""
    made = [
        api.post(
            "webhooks", {"topic": topic, "delivery_url": receiver.url, "secret": "whsec-1"}
        ).json()
        for topic in TOPICS
    ]
    assert receiver.topics() == ["ping"] * 4
    return made


def test_the_ping_is_unsigned_and_form_encoded(api: API, receiver: Receiver) -> None:
    """Creating a webhook sends `webhook_id=N` without topic or signature."""
    body = {"topic": "order.updated", "delivery_url": receiver.url}
    number = api.post("webhooks", body).json()["id"]
    (ping,) = receiver.all()
    assert ping.body == f"webhook_id={number}".encode()
    assert ping.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert not [name for name in ping.headers if name.startswith("X-WC")]


@pytest.mark.usefixtures("hooks")
def test_a_delivery_looks_as_recorded(woo: WooShop, receiver: Receiver) -> None:
    """Headers, escapes and keys are those of a recorded delivery."""
    lines = RECORDED.read_text(encoding="utf-8").splitlines()
    was = next(
        line
        for line in map(json.loads, lines)
        if line["headers"].get("X-WC-Webhook-Topic") == "order.updated"
    )
    woo.create_order({"first_name": "Núria", "email": "n@example.com"})
    assert woo.run_queue()
    one = receiver.all()[0]
    assert set(one.headers) == set(was["headers"])
    fixed = ("User-Agent", "Content-Type", "Connection", "Accept", "Accept-Encoding")
    assert [one.headers[name] for name in fixed] == [was["headers"][name] for name in fixed]
    assert one.headers["X-WC-Webhook-Source"] == woo.url + "/"
    assert len(one.headers["X-WC-Webhook-Delivery-ID"]) == 32
    assert list(json.loads(one.body)) == list(json.loads(was["body"]))
    assert one.body.isascii()
    assert b"N\\u00faria" in one.body
    assert b"https:" not in one.body.replace(b"\\/", b"")
    digest = hmac.new(b"whsec-1", one.body, hashlib.sha256).digest()
    assert one.headers["X-WC-Webhook-Signature"] == base64.b64encode(digest).decode()


def test_a_secret_is_decoded_before_it_signs(woo: WooShop, api: API, receiver: Receiver) -> None:
    """A stored `a&amp;b` signs as `a&b`."""
    body = {"topic": "order.created", "delivery_url": receiver.url, "secret": "a&amp;b"}
    api.post("webhooks", body)
    woo.create_order({})
    assert woo.run_queue()
    one = receiver.all()[-1]
    digest = hmac.new(b"a&b", one.body, hashlib.sha256).digest()
    assert one.headers["X-WC-Webhook-Signature"] == base64.b64encode(digest).decode()


@pytest.mark.usefixtures("hooks")
def test_update_comes_before_creation_at_the_checkout(
    woo: WooShop, api: API, receiver: Receiver
) -> None:
    """Checkout orders are updated first; orders of the API created first."""
    woo.create_order({})
    assert woo.run_queue()
    assert receiver.topics() == ["order.updated", "order.created"]
    api.post("orders", {"status": "processing"})
    assert woo.run_queue()
    assert receiver.topics() == ["order.created", "order.updated"]


@pytest.mark.usefixtures("hooks")
def test_the_body_is_built_when_it_leaves(woo: WooShop, receiver: Receiver) -> None:
    """Several changes before the queue runs are one delivery of the last state."""
    order = str(woo.create_order({"paid": False})["id"])
    woo.act(order, "pay", {})
    woo.act(order, "complete", {})
    assert woo.run_queue()
    assert [json.loads(one.body)["status"] for one in receiver.all()] == ["completed"] * 2


@pytest.mark.usefixtures("hooks")
def test_a_draft_leaks_as_an_update(woo: WooShop, receiver: Receiver) -> None:
    """A checkout draft is told as order.updated; paying it tells the rest."""
    order = str(woo.create_order({"status": "checkout-draft"})["id"])
    assert woo.run_queue()
    (one,) = receiver.all()
    assert json.loads(one.body)["status"] == "checkout-draft"
    woo.act(order, "pay", {})
    assert woo.run_queue()
    assert receiver.topics() == ["order.updated", "order.created"]


@pytest.mark.usefixtures("hooks")
def test_trash_restore_and_purge(woo: WooShop, receiver: Receiver) -> None:
    """Trashing sends the id only, restoring all of it, purging nothing."""
    order = woo.create_order({})["id"]
    assert woo.run_queue()
    receiver.all()
    woo.act(str(order), "trash", {})
    assert woo.run_queue()
    (one,) = receiver.all()
    assert one.headers["X-WC-Webhook-Topic"] == "order.deleted"
    assert one.body == f'{{"id":{order}}}'.encode()
    mails = len(woo.state()["mails"])
    woo.act(str(order), "restore", {})
    assert woo.run_queue()
    assert receiver.topics() == ["order.restored", "order.updated"]
    assert len(woo.state()["mails"]) == mails + 1
    woo.act(str(order), "delete", {})
    assert woo.run_queue()
    assert receiver.topics() == []


@pytest.mark.usefixtures("hooks")
def test_a_purged_order_is_told_as_an_error(woo: WooShop, api: API, receiver: Receiver) -> None:
    """An order that is gone when the queue runs gives a signed error body."""
    order = woo.create_order({})["id"]
    assert api.delete(f"orders/{order}", params={"force": True}).status_code == 200
    assert woo.run_queue()
    assert [json.loads(one.body) for one in receiver.all()] == [
        {
            "code": "woocommerce_rest_shop_order_invalid_id",
            "message": "Invalid ID.",
            "data": {"status": 404},
        }
    ] * 2


@pytest.mark.usefixtures("hooks")
def test_what_fires_order_updated(woo: WooShop, api: API, receiver: Receiver) -> None:
    """An empty PUT and a refund fire order.updated; a note fires nothing."""
    order = woo.create_order({})["id"]
    assert woo.run_queue()
    receiver.all()
    for call, fired in (
        (lambda: api.put(f"orders/{order}", {}), ["order.updated"]),
        (lambda: api.post(f"orders/{order}/notes", {"note": "x"}), []),
        (
            lambda: api.post(f"orders/{order}/refunds", {"amount": "1.00", "api_refund": False}),
            ["order.updated"],
        ),
    ):
        assert call().status_code in {200, 201}
        assert woo.run_queue()
        assert receiver.topics() == fired


def test_action_topics_carry_one_argument(woo: WooShop, api: API, receiver: Receiver) -> None:
    """The body of an action topic is its name and the order's id."""
    topic = "action.woocommerce_order_status_completed"
    api.post("webhooks", {"topic": topic, "delivery_url": receiver.url})
    order = woo.create_order({"status": "completed"})["id"]
    assert woo.run_queue()
    body = json.loads(receiver.all()[-1].body)
    assert body == {"action": "woocommerce_order_status_completed", "arg": order}


def test_the_seventh_failure_disables(woo: WooShop, api: API, receiver: Receiver) -> None:
    """Nothing is sent again; seven failures in a row disable the webhook."""
    body = {"topic": "order.updated", "delivery_url": receiver.url}
    path = f"webhooks/{api.post('webhooks', body).json()['id']}"
    receiver.all()
    order = str(woo.create_order({})["id"])
    assert woo.run_queue()
    receiver.all()
    receiver.status = 500
    states = []
    for _ in range(8):
        woo.act(order, "edit", {})
        assert woo.run_queue()
        states.append(api.get(path).json()["status"])
    assert states == ["active"] * 6 + ["disabled"] * 2
    assert len(receiver.all()) == 7
    receiver.status = 200
    api.put(path, {"status": "active"})
    receiver.status = 500
    woo.act(order, "edit", {})
    assert woo.run_queue()
    assert api.get(path).json()["status"] == "disabled"


@pytest.mark.parametrize(
    ("status", "failures"), [(202, 0), (301, 0), (302, 0), (303, 1), (307, 1), (404, 1)]
)
def test_what_counts_as_a_success(
    woo: WooShop, api: API, receiver: Receiver, status: int, failures: int
) -> None:
    """200 to 302 is a success; redirects are not followed."""
    api.post("webhooks", {"topic": "order.created", "delivery_url": receiver.url})
    receiver.all()
    receiver.status = status
    woo.create_order({})
    assert woo.run_queue()
    assert receiver.topics() == ["order.created"]
    assert [hook["failures"] for hook in woo.state()["webhooks"]] == [failures]


def test_a_failed_ping_is_owed(woo: WooShop, api: API, receiver: Receiver) -> None:
    """A ping not answered with exactly 200 is sent again after a delivery."""
    receiver.status = 204
    api.post("webhooks", {"topic": "order.created", "delivery_url": receiver.url})
    receiver.status = 200
    for expected in (["ping", "order.created", "ping"], ["order.created"]):
        woo.create_order({})
        assert woo.run_queue()
        assert receiver.topics() == expected


def test_a_paused_webhook_misses_what_happens(woo: WooShop, api: API, receiver: Receiver) -> None:
    """Events of the pause are lost; what waited before it is still sent."""
    body = {"topic": "order.created", "delivery_url": receiver.url}
    path = f"webhooks/{api.post('webhooks', body).json()['id']}"
    receiver.all()
    woo.create_order({})
    api.put(path, {"status": "paused"})
    woo.create_order({})
    api.put(path, {"status": "active"})
    assert woo.run_queue()
    assert receiver.topics() == ["order.created"]


@pytest.mark.usefixtures("hooks")
def test_webhooks_can_be_dropped_and_doubled(woo: WooShop, receiver: Receiver) -> None:
    """Settings make webhooks vanish or arrive twice with the same body."""
    settings = f"{woo.url}/_sandbox/settings"
    requests.post(settings, json={"webhooks": "drop"}, timeout=30)
    woo.create_order({})
    assert woo.run_queue()
    assert receiver.topics() == []
    assert {entry["outcome"] for entry in woo.state()["deliveries"][4:]} == {"dropped"}
    requests.post(settings, json={"webhooks": "duplicate"}, timeout=30)
    woo.create_order({})
    assert woo.run_queue()
    got = receiver.all()
    assert [one.headers["X-WC-Webhook-Topic"] for one in got] == [
        "order.updated",
        "order.updated",
        "order.created",
        "order.created",
    ]
    assert got[0].body == got[1].body
    assert requests.post(settings, json={"webhooks": "maybe"}, timeout=30).status_code == 400


@pytest.mark.usefixtures("hooks")
def test_webhooks_can_be_reordered(woo: WooShop, receiver: Receiver) -> None:
    """In mode reorder what was queued last leaves first."""
    woo.apply_settings({"webhooks": "reorder"})
    woo.create_order({})
    assert woo.run_queue()
    assert receiver.topics() == ["order.created", "order.updated"]


def test_the_queue_runs_by_itself(receiver: Receiver) -> None:
    """Without help a webhook leaves at the next run of the queue."""
    with WooShop(queue_interval_s=0.2) as shop:
        api = API(shop.url, shop.consumer_key, shop.consumer_secret, version="wc/v3", timeout=30)
        api.post("webhooks", {"topic": "order.created", "delivery_url": receiver.url})
        assert receiver.got.get(timeout=30).body.startswith(b"webhook_id=")
        shop.create_order({})
        assert receiver.got.get(timeout=30).headers["X-WC-Webhook-Topic"] == "order.created"


@pytest.mark.usefixtures("hooks")
def test_a_deleted_webhook_sends_nothing(
    woo: WooShop, api: API, receiver: Receiver, hooks: list[dict[str, Any]]
) -> None:
    """What waits for a deleted webhook is not sent."""
    woo.create_order({})
    for hook in hooks:
        assert api.delete(f"webhooks/{hook['id']}", params={"force": True}).status_code == 200
    assert woo.run_queue()
    assert receiver.topics() == []
