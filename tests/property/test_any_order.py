"""Deliveries of one order in any order, duplicated at random: one result."""

import base64
import hashlib
import hmac
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.model.order import ShopId
from connector.secret import Secret
from connector.storage.records import ShopRecord, ShopState
from tests.recorded.recorded_shop import RecordedShop, last_bodies
from tests.running import Running
from tests.support import FrozenClock

DATA = Path(__file__).parents[1] / "data" / "woocommerce"
SECRET = "whsec-recordings"
SHOP_ID = ShopId("sproperty")
RULES = [
    {
        "id": f"on-{kind.replace('.', '-')}",
        "trigger": kind,
        "name": kind,
        "actions": [{"note": {"text": "{{ order.number }}", "to_buyer": False}}],
    }
    for kind in ("order.created", "order.paid", "order.completed", "order.refunded")
]


def orders_of_interest() -> dict[str, list[dict[str, Any]]]:
    """Give the recorded order deliveries of some orders with several states."""
    wanted = {"291", "294", "296", "297", "307", "325", "330", "394"}
    found: dict[str, list[dict[str, Any]]] = {ref: [] for ref in sorted(wanted)}
    for line in (DATA / "webhooks.jsonl").read_text(encoding="utf-8").splitlines():
        delivery = json.loads(line)
        if not delivery["headers"].get("X-WC-Webhook-Topic", "").startswith("order."):
            continue
        ref = str(json.loads(delivery["body"]).get("id"))
        if ref in found:
            found[ref].append(delivery)
    return found


ORDERS = orders_of_interest()


def play(sequence: list[dict[str, Any]], batches: list[int]) -> tuple[Any, Any, Any]:
    """Send a sequence to a new server, working after some; give what came of it."""
    clock = FrozenClock(datetime(2026, 11, 22, 9, 0, tzinfo=UTC))
    every = [delivery for deliveries in ORDERS.values() for delivery in deliveries]
    with (
        tempfile.TemporaryDirectory() as folder,
        RecordedShop(last_bodies(every), gone=["307"]) as shop,
        Running(Path(folder), clock=clock) as running,
    ):
        running.add_shop(
            ShopRecord(
                id=SHOP_ID,
                platform="woocommerce",
                name="Recorded",
                address=shop.url,
                hook_token="t" * 32,
                state=ShopState.CONNECTED,
                created_at=datetime(2026, 11, 1, tzinfo=UTC),
                settings={"url": shop.url},
                secrets={
                    "consumer_key": Secret("ck_" + "a" * 40),
                    "consumer_secret": Secret("cs_" + "b" * 40),
                    "webhook_secret": Secret(SECRET),
                },
                currency="EUR",
                timezone="Europe/Madrid",
            )
        )
        with running.storage.transaction() as tx:
            tx.set_value("effects.stopped", "by the test")
            for rule in RULES:
                tx.put_rule(SHOP_ID, rule["id"], rule, enabled=True, now=clock.now())
        for index, delivery in enumerate(sequence):
            answer = running.post("/hooks/woocommerce/" + "t" * 32, *signed(delivery))
            assert answer.status_code == 200
            if index in batches:
                running.drain()
        running.drain()
        orders = running.export("orders")
        happened = sorted(
            (line["kind"], line["discriminator"], line["occurred_at"])
            for line in running.export("occurrences")
        )
        effects = sorted((line["rule"], line["kind"]) for line in running.export("effects"))
        return orders, happened, effects


def signed(delivery: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    """Give body and headers of a recorded delivery, signed again."""
    body = delivery["body"].encode()
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
    headers = {
        name: value
        for name, value in delivery["headers"].items()
        if name.startswith("X-WC-") or name == "Content-Type"
    }
    return body, headers | {"X-WC-Webhook-Signature": base64.b64encode(digest).decode()}


@pytest.fixture(scope="module")
def straight() -> dict[str, tuple[Any, Any, Any]]:
    """Give the result of each order's deliveries just as they were recorded."""
    return {ref: play(deliveries, []) for ref, deliveries in ORDERS.items()}


@st.composite
def schedules(draw: st.DrawFn) -> tuple[str, list[dict[str, Any]], list[int]]:
    """Draw an order, its deliveries shuffled with repeats, and when to work."""
    ref = draw(st.sampled_from(sorted(ORDERS)))
    deliveries = ORDERS[ref]
    extra = draw(st.lists(st.sampled_from(deliveries), max_size=4))
    sequence = draw(st.permutations([*deliveries, *extra]))
    batches = draw(st.lists(st.integers(0, len(sequence) - 1), max_size=3))
    return ref, list(sequence), batches


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(schedule=schedules())
def test_any_order_with_duplicates_ends_the_same(
    straight: dict[str, tuple[Any, Any, Any]],
    schedule: tuple[str, list[dict[str, Any]], list[int]],
) -> None:
    """Whatever the order and however often: same snapshot, occurrences and effects."""
    ref, sequence, batches = schedule
    assert play(sequence, batches) == straight[ref]
