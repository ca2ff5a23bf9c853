"""The recorded orders of a real shop, once live and once simulated: the same counts."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
import requests

from connector.flows.simulate import simulate
from connector.model.event import OccurrenceKind
from connector.rules.load import load_playbook, playbook_names, rule_from_source
from connector.rules.rule import Rule
from connector.storage.records import ShopRecord
from tests.recorded.recorded_shop import SHOP_ID, TOKEN, RecordedShop, record_of
from tests.recorded.test_deliveries import headers_of, read_deliveries
from tests.running import Running
from tests.support import FrozenClock

CONDITIONS: dict[str, Any] = {
    "always": {},
    "first": {"field": "buyer.order_count", "op": "eq", "value": 1},
    "dear": {"field": "order.total", "op": "gte", "value": "30.00"},
    "open": {"field": "order.state", "op": "in", "value": ["processing", "pending", "on_hold"]},
    "whole": {"field": "order.refunded", "op": "eq", "value": "0"},
    "paid": {"field": "order.payment_state", "op": "eq", "value": "paid"},
}


def recorded_rules() -> list[Rule]:
    """Give every playbook rule, and a rule for each kind and each condition."""
    found = [rule for name in playbook_names() for rule in load_playbook(name).rules]
    for kind in OccurrenceKind:
        for name, conditions in CONDITIONS.items():
            source = {
                "id": f"{name}-{kind}",
                "name": name,
                "trigger": kind.value,
                "conditions": conditions,
                "once_per": "buyer" if name == "dear" else "order",
                "stop_if": [],
                "actions": [{"note": {"text": "{{ order.number }}"}}, {"tag": {"add": ["x"]}}],
            }
            found.append(rule_from_source(source))
    return found


@dataclass
class Told:
    """A server on which the recording was played with the rules live."""

    running: Running
    shop: ShopRecord
    asked_there: RecordedShop


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Play the recording at its own times, the shop answering as it stood then."""
    deliveries = read_deliveries()
    clock = FrozenClock(datetime.fromisoformat(deliveries[0]["received_at"]))
    bodies: dict[str, str] = {}
    with (
        RecordedShop(bodies) as shop,
        Running(tmp_path_factory.mktemp("simulated"), clock=clock) as running,
    ):
        record = running.add_shop(record_of(shop))
        with running.storage.transaction() as tx:
            for rule in recorded_rules():
                tx.put_rule(SHOP_ID, rule.id, rule.source, enabled=True, now=clock.now())
            # Planned and not sent: the recorded shop takes no writes.
            tx.set_value("effects.stopped", "by the test")
        session = requests.Session()
        for delivery in deliveries:
            clock.set(datetime.fromisoformat(delivery["received_at"]))
            _remember(bodies, delivery)
            answer = session.post(
                f"{running.url}/hooks/woocommerce/{TOKEN}",
                data=delivery["body"].encode(),
                headers=headers_of(delivery),
                timeout=60,
            )
            assert answer.status_code == 200
            running.drain()
        yield Told(running, record, shop)


def _remember(bodies: dict[str, str], delivery: dict[str, Any]) -> None:
    """Let the shop answer with the newest whole state that is known by now."""
    if not delivery["headers"].get("X-WC-Webhook-Topic", "").startswith("order."):
        return
    body = json.loads(delivery["body"])
    if "line_items" not in body or body["status"] == "checkout-draft":
        return
    known = bodies.get(str(body["id"]))
    if known is None or body["date_modified_gmt"] >= json.loads(known)["date_modified_gmt"]:
        bodies[str(body["id"])] = delivery["body"]


def test_the_recorded_orders_count_the_same(told: Told) -> None:
    """Each of 93 rules has the same verdicts and plans the same effects, live and simulated."""
    export = told.running.export
    verdicts: dict[str, Counter[str]] = {}
    for line in export("evaluations"):
        verdicts.setdefault(line["rule"], Counter())[line["verdict"]] += 1
    planned: dict[str, Counter[str]] = {}
    for line in export("effects"):
        planned.setdefault(line["rule"], Counter())[line["kind"]] += 1
    before = {what: export(what) for what in ("orders", "occurrences", "evaluations", "effects")}
    reads = len(told.asked_there.reads)
    rules = [replace(rule, enabled=False) for rule in recorded_rules()]

    report = simulate(told.running.app.engine, told.shop, rules, days=30)

    differ = {}
    for line in report["rules"]:
        live = dict(verdicts.get(line["id"], {})), dict(planned.get(line["id"], {}))
        if live != (line["verdicts"], line["effects"]):
            differ[line["id"]] = live, (line["verdicts"], line["effects"])
    assert differ == {}
    assert sum(line["matched"] for line in report["rules"]) > 200
    assert {what: export(what) for what in before} == before
    assert len(told.asked_there.reads) == reads
