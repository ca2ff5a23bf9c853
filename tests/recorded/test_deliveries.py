"""All recorded deliveries of a real shop, through the real receiver over HTTP."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from connector.storage.records import DeliveryState, ShopRecord
from tests.recorded.recorded_shop import (
    SECRET,
    SHOP_ID,
    TOKEN,
    RecordedShop,
    last_bodies,
    record_of,
)
from tests.running import Running
from tests.support import FrozenClock

DATA = Path(__file__).parents[1] / "data" / "woocommerce"
# Deleted for good without a word: when the queue ran, the shop had it no more.
PURGED = ("372", "374", "375", "377", "307", "396")
RULES = {
    "id": "every-paid-order",
    "name": {"es": "Cada pedido pagado", "en": "Every paid order"},
    "trigger": "order.paid",
    "actions": [{"note": {"text": "Pagado: {{ order.number }}", "to_buyer": False}}],
}


def read_deliveries() -> list[dict[str, Any]]:
    """Read the recording, in the order of arrival."""
    text = (DATA / "webhooks.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def headers_of(delivery: dict[str, Any]) -> dict[str, str]:
    """Give the recorded headers, without those the client makes itself."""
    own = {"host", "content-length", "connection", "accept-encoding"}
    return {name: value for name, value in delivery["headers"].items() if name.lower() not in own}


def is_ping(delivery: dict[str, Any]) -> bool:
    """Tell the unsigned greetings from the rest."""
    return delivery["headers"]["Content-Type"] == "application/x-www-form-urlencoded"


class Played:
    """A server with the recorded shop connected."""

    def __init__(self, running: Running, shop: ShopRecord) -> None:
        self.running = running
        self.shop = shop
        self.session = requests.Session()
        self.statuses: list[int] = []

    def send(self, delivery: dict[str, Any], body: bytes | None = None) -> int:
        """Send one recorded delivery as it was; give the status."""
        answer = self.session.post(
            f"{self.running.url}/hooks/woocommerce/{TOKEN}",
            data=delivery["body"].encode() if body is None else body,
            headers=headers_of(delivery),
            timeout=60,
        )
        return answer.status_code

    def counts(self) -> tuple[int, int, int]:
        """Count inbox rows that are not reads of our own, occurrences and effects."""
        export = self.running.export
        with self.running.storage.reading() as tx:
            rows = sum(tx.counts().deliveries.values())
        return rows, len(export("occurrences")), len(export("effects"))


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Play the whole recording once: pings, signed ones, and the work they cause."""
    deliveries = read_deliveries()
    clock = FrozenClock(datetime(2026, 11, 22, 9, 0, tzinfo=UTC))
    bodies = last_bodies(deliveries)
    with (
        RecordedShop(bodies, gone=PURGED) as shop,
        Running(tmp_path_factory.mktemp("recorded"), clock=clock) as running,
    ):
        record = running.add_shop(record_of(shop))
        with running.storage.transaction() as tx:
            tx.put_rule(SHOP_ID, RULES["id"], RULES, enabled=True, now=clock.now())
        play = Played(running, record)
        play.statuses = [play.send(delivery) for delivery in deliveries]
        # Planned and not sent: the clock stands before anything of it matters here.
        with running.storage.transaction() as tx:
            tx.set_value("effects.stopped", "by the test")
        running.drain()
        yield play


def test_every_recorded_delivery_is_answered_with_200(played: Played) -> None:
    """550 deliveries, 20 of them pings: the shop hears 200 for each."""
    assert played.statuses == [200] * 550


def test_one_changed_byte_is_refused(played: Played) -> None:
    """A signed body with one byte changed is answered 401 and stores nothing."""
    before = played.counts()
    statuses = set()
    for index, delivery in enumerate(read_deliveries()):
        if is_ping(delivery):
            continue
        body = bytearray(delivery["body"].encode())
        place = index % len(body)
        body[place] ^= 1
        statuses.add(played.send(delivery, bytes(body)))
    assert statuses == {401}
    assert played.counts() == before


def test_snapshots_equal_the_truth(played: Played) -> None:
    """Each order's final snapshot equals the truth, field by field; drafts never appear."""
    expected = {
        line["ref"]: line
        for line in map(json.loads, (DATA / "truth.jsonl").read_text("utf-8").splitlines())
    }
    actual = {line["ref"]: line for line in played.running.export("orders")}
    assert sorted(actual) == sorted(expected)
    for ref, truth in expected.items():
        assert only(actual[ref], truth) == truth, ref


def only(seen: Any, wanted: Any) -> Any:
    """Leave of what was seen only the fields that the truth tells of."""
    if isinstance(seen, dict) and isinstance(wanted, dict):
        return {name: only(seen[name], wanted[name]) for name in wanted}
    if isinstance(seen, list) and isinstance(wanted, list) and len(seen) == len(wanted):
        return [only(one, other) for one, other in zip(seen, wanted, strict=True)]
    return seen


def test_occurrences_equal_the_truth(played: Played) -> None:
    """Every state that was delivered left what it proves, once."""
    truth = json.loads((DATA / "occurrences_truth.json").read_text("utf-8"))["orders"]
    actual: dict[str, set[tuple[str, str]]] = {}
    for line in played.running.export("occurrences"):
        if line["kind"].startswith("order."):
            actual.setdefault(line["order"], set()).add((line["kind"], line["discriminator"]))
    expected = {ref: {tuple(item) for item in items} for ref, items in truth.items()}
    for ref in ("372", "374", "375", "377"):
        # Never seen whole; all that is known is that the shop has them no more.
        assert actual.pop(ref, None) in (None, {("order.deleted", "")})
    assert actual == expected


def test_error_bodies_end_with_a_reason(played: Played) -> None:
    """A body that is an error object is closed as needing a read, never stored."""
    indexes = [row["index"] for row in json.loads((DATA / "error_bodies.json").read_text("utf-8"))]
    deliveries = read_deliveries()
    bodies = {deliveries[index]["body"].encode() for index in indexes}
    rows = [row for row in played.running.deliveries() if row.body in bodies]
    assert {row.state for row in rows} == {DeliveryState.DONE}
    reasons = [row.reason for row in rows]
    assert len(reasons) == 8
    for reason in reasons:
        assert "needs fetch" in reason
        assert "woocommerce_rest_shop_order_invalid_id" in reason


def test_nothing_is_left_over(played: Played) -> None:
    """No row waits and none is dead: every delivery could be understood."""
    with played.running.storage.reading() as tx:
        counts = tx.counts().deliveries
    assert {state: number for state, number in counts.items() if number} == {"done": counts["done"]}


def test_a_second_sending_adds_nothing(played: Played) -> None:
    """All deliveries again: no row, no occurrence, no effect more."""
    before = played.counts()
    assert [played.send(delivery) for delivery in read_deliveries()] == [200] * 550
    played.running.drain()
    assert played.counts() == before


def test_a_replay_of_all_adds_nothing(played: Played) -> None:
    """Every stored delivery worked off again: no occurrence and no effect more."""
    _, occurrences, effects = played.counts()
    orders = played.running.export("orders")
    now = played.running.app.clock.now()
    rows = played.running.deliveries()
    with played.running.storage.transaction() as tx:
        for row in rows:
            tx.reopen_delivery(row.id, now=now)
    played.running.drain()
    assert played.counts()[1:] == (occurrences, effects)
    assert played.running.export("orders") == orders


def test_paid_orders_got_one_note_each(played: Played) -> None:
    """The rule on paid orders planned one effect for each order that was ever paid."""
    truth = json.loads((DATA / "occurrences_truth.json").read_text("utf-8"))["orders"]
    paid = {ref for ref, items in truth.items() if ["order.paid", ""] in items}
    planned = [line["order"] for line in played.running.export("effects")]
    assert sorted(planned) == sorted(paid)


def test_the_signature_of_the_recording_is_ours_to_check() -> None:
    """The recording's own signatures are right: base64 of HMAC-SHA256 over the raw body."""
    signed = [delivery for delivery in read_deliveries() if not is_ping(delivery)]
    assert len(signed) == 530
    for delivery in signed:
        digest = hmac.new(SECRET.encode(), delivery["body"].encode(), hashlib.sha256).digest()
        assert delivery["headers"]["X-WC-Webhook-Signature"] == base64.b64encode(digest).decode()
