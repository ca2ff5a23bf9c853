"""Deliveries of one order in any order, duplicated at random: one result."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
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
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
DELETED = "order.deleted"
Result = tuple[Any, Any, Any]
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


class Stage:
    """One server; every schedule is played to a shop of its own."""

    def __init__(self, running: Running, address: str) -> None:
        self.running = running
        self.address = address
        self.shops = 0

    def play(self, sequence: list[dict[str, Any]], batches: list[int]) -> Result:
        """Send a sequence to a new shop, working after some; give what came of it."""
        self.shops += 1
        shop_id = ShopId(f"sproperty{self.shops:04}")
        token = f"token-of-shop-{self.shops:04}-0123456789"
        self.running.add_shop(
            ShopRecord(
                id=shop_id,
                platform="woocommerce",
                name="Recorded",
                address=f"{self.address}/{self.shops}",
                hook_token=token,
                state=ShopState.CONNECTED,
                created_at=datetime(2026, 11, 1, tzinfo=UTC),
                settings={"url": self.address},
                secrets={
                    "consumer_key": Secret("ck_" + "a" * 40),
                    "consumer_secret": Secret("cs_" + "b" * 40),
                    "webhook_secret": Secret(SECRET),
                },
                currency="EUR",
                timezone="Europe/Madrid",
            )
        )
        with self.running.storage.transaction() as tx:
            for rule in RULES:
                tx.put_rule(shop_id, rule["id"], rule, enabled=True, now=NOW)
        for index, delivery in enumerate(sequence):
            answer = self.running.post(f"/hooks/woocommerce/{token}", *signed(delivery))
            assert answer.status_code == 200
            if index in batches:
                self.running.drain()
        self.running.drain()
        return self.result(shop_id)

    def result(self, shop_id: ShopId) -> Result:
        """Give snapshot, occurrences and effects of a shop, its own name left out."""
        orders = self.running.export("orders", shop_id)
        for line in orders:
            del line["shop"]
            # Counts the orders of a buyer in all shops, so in those of other schedules.
            del line["buyer"]["order_count"]
        happened = sorted(
            # A deletion carries no time of its own: it is that of the state last known.
            (line["kind"], line["discriminator"], line["kind"] == DELETED or line["occurred_at"])
            for line in self.running.export("occurrences", shop_id)
        )
        effects = sorted(
            (line["rule"], line["kind"]) for line in self.running.export("effects", shop_id)
        )
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
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Start the server and the recorded shop once."""
    every = [delivery for deliveries in ORDERS.values() for delivery in deliveries]
    with (
        RecordedShop(last_bodies(every), gone=["307"]) as shop,
        Running(tmp_path_factory.mktemp("any-order"), clock=FrozenClock(NOW)) as running,
    ):
        with running.storage.transaction() as tx:
            tx.set_value("effects.stopped", "by the test")
        yield Stage(running, shop.url)


@pytest.fixture(scope="module")
def straight(stage: Stage) -> dict[str, Result]:
    """Give the result of each order's deliveries just as they were recorded."""
    return {ref: stage.play(deliveries, []) for ref, deliveries in ORDERS.items()}


@st.composite
def schedules(draw: st.DrawFn) -> tuple[str, list[int], list[int]]:
    """Draw an order, numbers of its deliveries shuffled with repeats, and when to work."""
    ref = draw(st.sampled_from(sorted(ORDERS)))
    numbers = list(range(len(ORDERS[ref])))
    extra = draw(st.lists(st.sampled_from(numbers), max_size=4))
    sequence = draw(st.permutations([*numbers, *extra]))
    batches = draw(st.lists(st.integers(0, len(sequence) - 1), max_size=3))
    return ref, list(sequence), batches


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(schedule=schedules())
def test_any_order_with_duplicates_ends_the_same(
    stage: Stage, straight: dict[str, Result], schedule: tuple[str, list[int], list[int]]
) -> None:
    """Whatever the order and however often: same snapshot, occurrences and effects."""
    ref, numbers, batches = schedule
    assert stage.play([ORDERS[ref][number] for number in numbers], batches) == straight[ref]
