"""What a real shop sent is understood: webhooks against the truth worked out apart."""

import base64
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.shops.woocommerce import webhook
from connector.errors import DeliveryMalformed, SignatureRejected
from connector.model.event import EventType, ShopEvent, WebhookDelivery
from connector.model.order import Order, OrderState, ShopId
from connector.secret import Secret

DATA = Path(__file__).parents[2] / "data" / "woocommerce"
SECRETS = [Secret("whsec-recordings")]


def recorded(name: str = "webhooks.jsonl") -> Iterator[WebhookDelivery]:
    """Read recorded requests as the receiver hands them over."""
    with (DATA / name).open(encoding="utf-8") as lines:
        for line in lines:
            item = json.loads(line)
            if "body" not in item or "headers" not in item:
                continue
            headers = {key.lower(): value for key, value in item["headers"].items()}
            at = datetime.fromisoformat(item["received_at"])
            yield WebhookDelivery(ShopId("1"), headers, item["body"].encode(), at)


def parsed(name: str = "webhooks.jsonl") -> Iterator[tuple[WebhookDelivery, ShopEvent]]:
    """Parse what is no ping."""
    for delivery in recorded(name):
        if not webhook.is_ping(delivery):
            for event in webhook.parse(delivery):
                yield delivery, event


def final_states() -> dict[str, dict[str, Any]]:
    """Keep the newest state of every order, as the store does."""
    orders: dict[str, Order] = {}
    deleted: set[str] = set()
    for _, event in parsed():
        ref = str(event.order_ref)
        if event.type is EventType.ORDER_DELETED:
            deleted.add(ref)
        if event.order is None or event.order.drafted:
            continue
        deleted.discard(ref)
        if ref not in orders or event.order.modified_at >= orders[ref].modified_at:
            orders[ref] = event.order
    final = {ref: plain(asdict(order)) for ref, order in orders.items()}
    # One was deleted before any delivery showed it: nothing is known of it.
    for ref in deleted & final.keys():
        final[ref]["state"] = OrderState.DELETED.value
    return final


def plain(value: Any) -> Any:
    """Write times and words as the export does."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def differences(path: str, truth: Any, seen: Any) -> Iterator[str]:
    """Compare what the truth names; what it leaves out is free."""
    if isinstance(truth, dict) and isinstance(seen, dict):
        for key, value in truth.items():
            yield from differences(f"{path}.{key}", value, seen.get(key, "missing"))
    elif isinstance(truth, list) and isinstance(seen, list) and len(truth) == len(seen):
        for number, value in enumerate(truth):
            yield from differences(f"{path}[{number}]", value, seen[number])
    elif truth != seen:
        yield f"{path}: {truth!r} != {seen!r}"


def test_every_recorded_signature_is_right() -> None:
    """All 530 signed deliveries are taken, and none of them with another secret."""
    signed = [delivery for delivery in recorded() if not webhook.is_ping(delivery)]
    assert len(signed) == 530
    for delivery in signed:
        webhook.verify(delivery, SECRETS)
        with pytest.raises(SignatureRejected):
            webhook.verify(delivery, [Secret("whsec-other")])


def test_pings_are_known() -> None:
    """The 20 creation pings are pings, mean nothing, and are no signed delivery."""
    pings = [delivery for delivery in recorded() if webhook.is_ping(delivery)]
    assert len(pings) == 20
    for ping in pings:
        assert [event.type for event in webhook.parse(ping)] == [EventType.PING]
        with pytest.raises(DeliveryMalformed):
            webhook.verify(ping, SECRETS)


def test_final_states_are_the_truth() -> None:
    """Every order ends as the independent reading of the same deliveries says."""
    final = final_states()
    lines = (DATA / "truth.jsonl").read_text(encoding="utf-8").splitlines()
    truth = {item["ref"]: item for item in map(json.loads, lines)}
    assert set(truth) == set(final)
    wrong = [text for ref in truth for text in differences(ref, truth[ref], final[ref])]
    assert wrong == []


def test_each_topic_has_its_meaning() -> None:
    """The topics of a real shop mean orders, hints, deletions or nothing to us."""
    counts = Counter((event.topic, event.type) for _, event in parsed())
    assert counts == {
        ("order.created", EventType.ORDER): 61,
        ("order.created", EventType.UNKNOWN): 4,
        ("order.updated", EventType.ORDER): 139,
        ("order.updated", EventType.UNKNOWN): 4,
        ("order.restored", EventType.ORDER): 2,
        ("order.deleted", EventType.ORDER_DELETED): 7,
        ("action.woocommerce_order_status_changed", EventType.ORDER_HINT): 83,
        ("action.woocommerce_order_status_completed", EventType.ORDER_HINT): 23,
        ("action.woocommerce_order_refunded", EventType.ORDER_HINT): 11,
        ("product.created", EventType.IGNORED): 77,
        ("product.updated", EventType.IGNORED): 61,
        ("product.deleted", EventType.IGNORED): 3,
        ("product.restored", EventType.IGNORED): 1,
        ("customer.created", EventType.IGNORED): 8,
        ("customer.updated", EventType.IGNORED): 13,
        ("customer.deleted", EventType.IGNORED): 3,
        ("coupon.created", EventType.IGNORED): 24,
        ("coupon.updated", EventType.IGNORED): 3,
        ("coupon.deleted", EventType.IGNORED): 3,
    }


def test_error_bodies_ask_for_a_fetch() -> None:
    """A signed error instead of an order is no order; its code is told."""
    errors = [event for _, event in parsed() if event.type is EventType.UNKNOWN]
    assert len(errors) == 8
    for event in errors:
        assert event.order is None
        assert event.order_ref is None
        assert "woocommerce_rest_shop_order_invalid_id" in event.needs_fetch


def test_drafts_are_marked() -> None:
    """A basket that leaks while the buyer is typing is marked, never an order."""
    drafts = [event.order for _, event in parsed() if event.order and event.order.drafted]
    assert {draft.platform_state for draft in drafts} == {"checkout-draft"}
    assert len(drafts) >= 1


def test_lane_is_the_order_of_the_event() -> None:
    """The cheap look at the head finds the order that parsing finds."""
    for delivery, event in parsed():
        assert webhook.lane(delivery) == (event.order_ref or "")


def test_shared_delivery_ids_do_not_merge_deliveries() -> None:
    """One delivery id came with many orders; only byte-equal deliveries share a key."""
    signed = [delivery for delivery in recorded() if not webhook.is_ping(delivery)]
    by_key: dict[str, set[tuple[str, bytes]]] = {}
    ids = Counter(delivery.headers["x-wc-webhook-delivery-id"] for delivery in signed)
    assert ids.most_common(1)[0][1] == 47
    for delivery in signed:
        content = (delivery.headers["x-wc-webhook-topic"], delivery.body)
        by_key.setdefault(webhook.key(delivery), set()).add(content)
    assert all(len(contents) == 1 for contents in by_key.values())
    same = Counter(
        (d.headers["x-wc-webhook-id"], d.body) for d in signed if b"date_modified_gmt" in d.body
    )
    keys = {webhook.key(d) for d in signed if b"date_modified_gmt" in d.body}
    assert len(keys) == len(same)


def test_bodies_without_time_keep_apart() -> None:
    """Two deletions of one order are two deliveries; each redelivery is one."""
    deleted = [d for d in recorded() if d.headers.get("x-wc-webhook-topic") == "order.deleted"]
    twice = [d for d in deleted if json.loads(d.body)["id"] == 307]
    assert len(twice) == 2
    assert webhook.key(twice[0]) != webhook.key(twice[1])


@pytest.mark.parametrize(
    ("topic", "body", "kind", "ref"),
    [
        ("action.woocommerce_refund_created", '{"action":"x","arg":5}', EventType.IGNORED, None),
        ("action.woocommerce_order_note_added", '{"action":"x","arg":5}', EventType.IGNORED, None),
        ("action.woocommerce_order_refunded", '{"action":"x","arg":5}', EventType.ORDER_HINT, "5"),
        (
            "action.woocommerce_order_refunded",
            '{"action":"x","arg":"5"}',
            EventType.ORDER_HINT,
            "5",
        ),
        ("action.wc_something", '{"action":"x","arg":5}', EventType.UNKNOWN, None),
        ("order.shipped", '{"id":5}', EventType.UNKNOWN, None),
        (
            "order.updated",
            '{"code":"woocommerce_rest_cannot_view","message":"x","data":{"status":403}}',
            EventType.UNKNOWN,
            None,
        ),
        (
            "order.updated",
            '{"code":"woocommerce_rest_x","message":"x","data":{"status":404,"id":5}}',
            EventType.ORDER_HINT,
            "5",
        ),
        ("Order.Deleted", '{"id":5}', EventType.ORDER_DELETED, "5"),
    ],
)
def test_odd_topics(topic: str, body: str, kind: EventType, ref: str | None) -> None:
    """An action's number is an order only where the platform gives an order first."""
    headers = {"x-wc-webhook-topic": topic, "x-wc-webhook-signature": "x"}
    at = datetime.fromisoformat("2026-11-22T09:00:00+00:00")
    [event] = webhook.parse(WebhookDelivery(ShopId("1"), headers, body.encode(), at))
    assert (event.type, event.order_ref) == (kind, ref)
    assert bool(event.needs_fetch) == (kind is EventType.ORDER_HINT or "code" in body)


@pytest.mark.parametrize("name", ["webhooks_legacy_storage.jsonl", "webhooks_api_v1_v2.jsonl"])
def test_other_shapes_are_understood_or_named(name: str) -> None:
    """Orders kept as posts and older payload versions give orders or an error's code."""
    seen: Counter[EventType] = Counter()
    for delivery, event in parsed(name):
        seen[event.type] += 1
        if event.topic in webhook.ORDER_TOPICS:
            assert (event.order is not None) or event.needs_fetch
            assert webhook.lane(delivery) == (event.order_ref or "")
    assert seen[EventType.ORDER] > 0


def test_vector_worked_out_by_hand() -> None:
    """The signature is base64 of HMAC-SHA256 over the raw bytes, escapes included."""
    body = b'{"id":5,"note":"a\\/b \\u00f1"}'
    digest = hmac.new(b"whsec-recordings", body, hashlib.sha256).digest()
    headers = {name.lower(): "1" for name in webhook.REQUIRED}
    headers["x-wc-webhook-signature"] = base64.b64encode(digest).decode()
    at = datetime.fromisoformat("2026-11-22T09:00:00+00:00")
    webhook.verify(WebhookDelivery(ShopId("1"), headers, body, at), SECRETS)
    other = json.dumps(json.loads(body)).encode()
    with pytest.raises(SignatureRejected):
        webhook.verify(WebhookDelivery(ShopId("1"), headers, other, at), SECRETS)
