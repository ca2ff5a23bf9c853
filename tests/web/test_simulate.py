"""A simulation counts what the live engine does, and nothing leaves."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.flows.simulate import simulate
from connector.rules.load import load_rules
from tests.running import Running
from tests.support import FrozenClock, until
from tests.web.connected import ANA, ask, connect, merchant_sees, put_rules
from webhooks.sandbox.woocommerce.shop import WooShop

RULES = """
rules:
  - id: welcome
    name: Welcome
    trigger: order.paid
    conditions: {field: buyer.order_count, op: eq, value: 1}
    actions:
      - note: {text: "Bienvenida {{ buyer.first_name }}"}
      - tag: {add: [postventa-welcome]}
      - coupon: {kind: percent, value: "10", prefix: HOLA, expires: 30d}
    enabled: true
  - id: untagged
    name: Untagged
    trigger: order.paid
    conditions: {not: {field: order.tags, op: contains, value: postventa-welcome}}
    actions: [{note: {text: "Sin etiqueta"}}]
    enabled: true
  - id: later
    name: Later
    trigger: order.paid
    delay: 10m
    actions: [{note: {text: "Diez minutos"}}, {tag: {add: [later]}}]
    enabled: true
  - id: fresh
    name: Fresh
    trigger: order.paid
    conditions:
      all:
        - {field: order.state, op: eq, value: processing}
        - {field: order.refunded, op: eq, value: "0"}
    actions: [{message: {template: confirmation, class: service}}]
    enabled: true
  - id: once
    name: Once a buyer
    trigger: order.paid
    once_per: buyer
    delay: 10m
    actions: [{tag: {add: [known]}}]
    enabled: true
  - id: offer
    name: Offer
    trigger: order.completed
    actions:
      - coupon: {kind: fixed, value: "5.00", prefix: OTRA}
      - message:
          class: marketing
          subject: {es: "Un vale", en: "A code"}
          body: {es: "Tu vale es {{ coupon.code }}", en: "Your code is {{ coupon.code }}"}
    enabled: true
  - id: back
    name: Money back
    trigger: order.refunded
    conditions: {field: refund.amount, op: gte, value: "5.00"}
    actions: [{note: {text: "Devuelto"}}]
    enabled: true
  - id: held
    name: Held
    trigger: order.on_hold
    actions: [{note: {text: "En espera"}}, {message: {template: confirmation, class: service}}]
    enabled: true
"""
LUIS = {"email": "luis@example.com", "first_name": "Luis", "phone": "+34600222333"}
EVA = {"email": "eva@example.com", "first_name": "Eva", "phone": "+34600333444"}
NOBODY = {"email": "", "first_name": "Sin", "phone": "+34600444555"}


class Story:
    """A shop in which many things happened while the rules were live."""

    def __init__(self, running: Running, sandbox: WooShop, clock: FrozenClock) -> None:
        self.running = running
        self.sandbox = sandbox
        self.clock = clock
        self.shop = connect(running, sandbox)

    def order(self, **values: Any) -> str:
        """Place an order and let the engine do what follows."""
        made = str(ask(self.sandbox, "POST", "/_sandbox/orders", {**ANA, **values})["id"])
        self.settle()
        return made

    def act(self, order: str, verb: str, **values: Any) -> None:
        """Let the merchant do something, and the engine what follows."""
        ask(self.sandbox, "POST", f"/_sandbox/orders/{order}/{verb}", values)
        self.settle()

    def settle(self) -> None:
        """Let the webhooks out and work until nothing is due."""
        self.clock.set(datetime.now(UTC) + self.ahead)
        for _ in range(3):
            self.sandbox.run_queue()
            self.running.drain()

    ahead = timedelta(0)

    def next_second(self) -> None:
        """Wait until the shop, whose times are whole seconds, stamps a later one."""
        began = int(datetime.now(UTC).timestamp())
        until(lambda: int(datetime.now(UTC).timestamp()) > began, what="the next second")

    def tell(self) -> None:
        """Let happen what happens in a shop."""
        first = self.order()
        self.order()
        held = self.order(**LUIS, status="on-hold", paid=False)
        canceled = self.order(**EVA)
        self.order(**NOBODY)
        nameless = self.order(**NOBODY)
        self.next_second()
        self.act(held, "pay")
        self.next_second()
        self.act(canceled, "cancel")
        self.act(first, "refund", amount="6.00", reason="roto")
        self.act(first, "refund", amount="2.00", reason="tarde")
        self.ahead = timedelta(minutes=11)
        self.settle()
        self.next_second()
        self.act(first, "complete")
        self.act(held, "complete")
        self.act(nameless, "complete")
        self.order(**EVA)

    def writes(self) -> int:
        """Count the writes that the shop was asked for."""
        return sum(1 for call in merchant_sees(self.sandbox)["calls"] if call["write"])

    def calls(self) -> int:
        """Count all requests that the shop got."""
        return len(merchant_sees(self.sandbox)["calls"])

    def stored(self) -> dict[str, Any]:
        """Give everything that is stored."""
        words = ("orders", "occurrences", "evaluations", "effects", "messages", "attempts")
        return {what: self.running.export(what) for what in words}


@pytest.fixture
def story(tmp_path: Path, database_url: str) -> Iterator[Story]:
    """A shop after its story, with the rules live from the beginning."""
    clock = FrozenClock(datetime.now(UTC))
    with (
        WooShop(queue_interval_s=3600.0) as sandbox,
        Running(tmp_path, clock=clock, database_url=database_url) as running,
    ):
        told = Story(running, sandbox, clock)
        put_rules(running, told.shop, RULES)
        told.tell()
        yield told


def by_rule(counts: Mapping[tuple[str, str], int], rule: str) -> dict[str, int]:
    """Give the counts of one rule."""
    return {what: number for (name, what), number in counts.items() if name == rule}


def test_the_counts_are_those_of_the_live_engine(story: Story) -> None:
    """Verdicts, planned, done and skipped effects are the same for each rule and kind."""
    before, calls = story.stored(), story.calls()
    verdicts = Counter((line["rule"], line["verdict"]) for line in before["evaluations"])
    planned = Counter((line["rule"], line["kind"]) for line in before["effects"])
    done = Counter(
        (line["rule"], line["kind"]) for line in before["effects"] if line["state"] == "done"
    )
    reasons = Counter(
        (line["rule"], line["reason"]) for line in before["effects"] if line["state"] == "skipped"
    )
    assert {line["state"] for line in before["effects"]} == {"done", "skipped"}

    rules = load_rules(RULES).rules
    report = simulate(story.running.app.engine, story.shop, rules, days=1)

    for line in report["rules"]:
        name = line["id"]
        assert line["verdicts"] == by_rule(verdicts, name), name
        assert line["effects"] == by_rule(planned, name), name
        assert line["would_do"] == by_rule(done, name), name
        once = {"once_already": line["once_already"]} if line["once_already"] else {}
        assert line["held_back"] == {**by_rule(reasons, name), **once}, name
    # Nothing left and nothing was stored, and the shop was not even asked.
    assert story.stored() == before
    assert story.calls() == calls
    # The story has what it is about: each of these is told apart above.
    assert {reason for _, reason in reasons} >= {
        "stopped: order.canceled",
        "the order has no e-mail address",
        "the code is for one buyer, and the order names none",
    }
    assert verdicts["once", "once_already"] > 0
    assert verdicts["fresh", "matched"] == 7
