"""The engine's promises on a running server with a pretend WooCommerce, on both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.flows.reconcile import reconcile
from connector.jobs.switch import KILL_SWITCH
from connector.jobs.worker import Worker
from connector.model.effect import EffectState
from connector.storage.records import ShopRecord, ShopState
from tests.running import Running
from tests.support import FrozenClock
from tests.web.connected import ANA, ask, connect, merchant_sees, put_rules
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.woocommerce.shop import WooShop

NOTE_ON_PAID = """
rules:
  - id: paid-note
    name: Paid
    trigger: order.paid
    {extra}
    actions:
      - note: {{text: "Pagado {{{{ order.number }}}}", to_buyer: false}}
    enabled: true
"""


def note_rule(extra: str = "") -> str:
    """Give a rule that writes one note on a paid order."""
    return NOTE_ON_PAID.format(extra=extra or "once_per: order")


class Shop:
    """A running server, its connected shop, and a clock that the test moves."""

    def __init__(self, running: Running, sandbox: WooShop, clock: FrozenClock) -> None:
        self.running = running
        self.sandbox = sandbox
        self.clock = clock
        self.record: ShopRecord = connect(running, sandbox)

    def order(self, **changes: Any) -> str:
        """Place an order, let its webhooks out, work off what is due."""
        made = str(ask(self.sandbox, "POST", "/_sandbox/orders", {**ANA, **changes})["id"])
        self.settle()
        return made

    def act(self, order: str, verb: str, body: Any = None) -> None:
        """Let the merchant do something to an order, and work off what follows."""
        ask(self.sandbox, "POST", f"/_sandbox/orders/{order}/{verb}", body or {})
        self.settle()

    def settle(self) -> None:
        """Let the shop's webhooks out and work until nothing is due."""
        for _ in range(3):
            self.sandbox.run_queue()
            self.running.drain()

    def notes(self, order: str) -> list[str]:
        """Read the notes that carry our mark."""
        seen = merchant_sees(self.sandbox)
        found = next(item for item in seen["orders"] if str(item["id"]) == order)
        return [note["text"] for note in found["notes"] if "pv-" in note["text"]]

    def writes(self) -> int:
        """Count the writes that the shop was asked for."""
        return sum(1 for call in merchant_sees(self.sandbox)["calls"] if call["write"])

    def effects(self) -> list[dict[str, Any]]:
        """Read the effects as they are exported."""
        return self.running.export("effects")

    def only(self) -> dict[str, Any]:
        """Give the only effect."""
        (line,) = self.effects()
        return line


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Iterator[Shop]:
    """A connected shop; work is done only when the test says so."""
    # Ahead of the shop's clock, so that what the shop stamps has happened.
    clock = FrozenClock(datetime.now(UTC) + timedelta(minutes=1))
    with (
        WooShop(queue_interval_s=3600.0) as sandbox,
        Running(tmp_path, clock=clock, database_url=database_url) as running,
    ):
        yield Shop(running, sandbox, clock)


def test_a_note_is_written_once(shop: Shop) -> None:
    """A paid order gets its note; sending everything again adds none."""
    put_rules(shop.running, shop.record, note_rule())
    order = shop.order()
    assert len(shop.notes(order)) == 1
    ask(shop.sandbox, "POST", "/_sandbox/settings", {"webhooks": "duplicate"})
    shop.act(order, "edit", {"note": "Llamar antes"})
    shop.act(order, "complete")
    assert len(shop.notes(order)) == 1
    assert shop.only()["state"] == "done"


def test_a_canceled_order_stops_what_waits(shop: Shop) -> None:
    """An effect that waits is skipped, with the reason, when the order was canceled."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    order = shop.order()
    assert shop.only()["state"] == "planned"
    shop.act(order, "cancel")
    shop.clock.move(minutes=11)
    shop.settle()
    assert shop.only()["state"] == "skipped"
    assert "order.canceled" in shop.only()["reason"]
    assert shop.notes(order) == []


def test_a_cancellation_without_a_webhook_stops_too(shop: Shop) -> None:
    """The order is read again before the effect: a lost webhook of a cancellation is seen."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    order = shop.order()
    ask(shop.sandbox, "POST", "/_sandbox/settings", {"webhooks": "drop"})
    shop.act(order, "cancel")
    shop.clock.move(minutes=11)
    shop.settle()
    assert shop.only()["state"] == "skipped"
    assert shop.notes(order) == []


def test_a_purged_order_is_skipped(shop: Shop) -> None:
    """An order that the shop has no more gets nothing, and the reason says so."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    order = shop.order()
    shop.act(order, "delete")
    shop.clock.move(minutes=11)
    shop.settle()
    assert shop.only()["state"] == "skipped"
    assert "order.deleted" in shop.only()["reason"]


def test_a_lost_answer_is_looked_up(shop: Shop) -> None:
    """Done, but the connection dies: the note is found, not written again."""
    put_rules(shop.running, shop.record, note_rule())
    shop.sandbox.faults.add(Fault("drop_after", match="POST /wp-json/wc/v3/orders", times=1))
    order = shop.order()
    assert len(shop.notes(order)) == 1
    assert shop.only()["state"] == "done"
    assert shop.only()["result"]["adopted"] is True


def test_an_unknown_outcome_is_not_repeated_at_once(shop: Shop) -> None:
    """A write whose answer was lost and which is not found waits 90 s before it is repeated."""
    put_rules(shop.running, shop.record, note_rule())
    # The request is swallowed: to us it looks just like one that was done.
    shop.sandbox.faults.add(Fault("drop_before", match="POST /wp-json/wc/v3/orders", times=1))
    order = shop.order()
    assert shop.only()["state"] == "unknown"
    assert shop.notes(order) == []
    shop.clock.move(seconds=80)
    shop.settle()
    assert shop.only()["state"] == "unknown"
    shop.clock.move(seconds=15)
    shop.settle()
    assert shop.only()["state"] == "done"
    assert len(shop.notes(order)) == 1


def test_a_worker_that_died_while_sending_leaves_one_note(shop: Shop) -> None:
    """Killed after the write and before its settlement: the next worker finds the note."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    order = shop.order()
    shop.clock.move(minutes=11)
    worker = Worker(shop.running.app.engine)
    (batch,) = worker.claim(10)
    (effect,) = batch.effects
    # The first worker writes and is gone; the second takes over when the lease is over.
    worker.work(batch)
    with shop.running.storage.transaction() as tx:
        tx.reopen_effect(effect.key, now=shop.clock.now())
    assert len(shop.notes(order)) == 1
    shop.clock.move(minutes=5)
    shop.settle()
    assert len(shop.notes(order)) == 1


def test_a_revived_worker_is_fenced_off(shop: Shop) -> None:
    """A worker that slept over its lease cannot settle what another one has taken."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    order = shop.order()
    shop.clock.move(minutes=11)
    sleeper = Worker(shop.running.app.engine)
    (slept,) = sleeper.claim(10)
    shop.clock.move(minutes=3)
    shop.settle()
    shop.clock.move(minutes=3)
    shop.settle()
    assert shop.only()["state"] == "done"
    before = shop.only()
    sleeper.work(slept)
    assert shop.only() == before
    assert len(shop.notes(order)) == 1


def test_a_refused_key_pauses_the_shop(shop: Shop) -> None:
    """With a read-only key nothing is lost: the effect waits and the shop says why."""
    put_rules(shop.running, shop.record, note_rule())
    ask(shop.sandbox, "POST", "/_sandbox/settings", {"permissions": "read"})
    order = shop.order()
    assert shop.only()["state"] == "planned"
    with shop.running.storage.reading() as tx:
        record = tx.shop(shop.record.id)
    assert record is not None
    assert record.state is ShopState.DISCONNECTED
    ask(shop.sandbox, "POST", "/_sandbox/settings", {"permissions": "read_write"})
    with shop.running.storage.transaction() as tx:
        tx.update_shop(shop.record.id, state=ShopState.CONNECTED)
    shop.settle()
    assert shop.only()["state"] == "done"
    assert len(shop.notes(order)) == 1


def test_a_busy_shop_is_asked_again_later(shop: Shop) -> None:
    """429 with Retry-After: nothing before its time, then done."""
    put_rules(shop.running, shop.record, note_rule())
    shop.sandbox.faults.add(Fault("status_429", match="/notes", times=1, retry_after_s=40))
    order = shop.order()
    assert shop.only()["state"] == "planned"
    assert shop.notes(order) == []
    shop.clock.move(seconds=30)
    shop.settle()
    assert shop.notes(order) == []
    shop.clock.move(seconds=30)
    shop.settle()
    assert len(shop.notes(order)) == 1


def test_a_shop_that_stays_down_ends_with_a_person(shop: Shop) -> None:
    """Eight tries, then a dead letter that says what happened; retrying it works."""
    put_rules(shop.running, shop.record, note_rule())
    shop.sandbox.faults.add(Fault("status_500", match="GET /wp-json/wc/v3/orders", times=None))
    ask(shop.sandbox, "POST", "/_sandbox/orders", ANA)
    shop.settle()
    for _ in range(10):
        shop.clock.move(days=2)
        shop.settle()
    line = shop.only()
    assert line["state"] == "dead"
    assert "8 times" in line["reason"]
    shop.sandbox.faults.clear()
    with shop.running.storage.transaction() as tx:
        assert tx.reopen_effect(line["key"], now=shop.clock.now())
    # Looked up first, like everything whose outcome is not sure; then written.
    for _ in range(2):
        shop.clock.move(minutes=5)
        shop.settle()
    assert shop.only()["state"] == "done"


def test_an_html_page_is_not_done(shop: Shop) -> None:
    """A page with 200 instead of JSON is no success: it is looked up, then written."""
    put_rules(shop.running, shop.record, note_rule())
    shop.sandbox.faults.add(Fault("html_200", match="POST /wp-json/wc/v3/orders", times=1))
    order = shop.order()
    assert shop.only()["state"] == "unknown"
    shop.clock.move(minutes=2)
    shop.settle()
    assert shop.only()["state"] == "done"
    assert len(shop.notes(order)) == 1


def test_the_kill_switch_stops_effects_and_keeps_them(shop: Shop) -> None:
    """While effects are stopped, webhooks are still worked off and nothing is written."""
    put_rules(shop.running, shop.record, note_rule())
    with shop.running.storage.transaction() as tx:
        tx.set_value(KILL_SWITCH, "by Ana")
    order = shop.order()
    assert shop.only()["state"] == "planned"
    with shop.running.storage.transaction() as tx:
        tx.set_value(KILL_SWITCH, "")
    shop.settle()
    assert shop.only()["state"] == "done"
    assert len(shop.notes(order)) == 1


def test_an_old_order_that_is_edited_fires_nothing(shop: Shop) -> None:
    """Paid before the shop was connected: the rule's answer is "too old", and it says so."""
    put_rules(shop.running, shop.record, note_rule())
    order = shop.order(placed_at="2026-01-05T10:00:00", paid=True)
    verdicts = {line["verdict"] for line in shop.running.export("evaluations")}
    assert verdicts == {"too_old"}
    assert shop.effects() == []
    assert shop.notes(order) == []


def test_our_own_change_of_status_starts_no_rule(shop: Shop) -> None:
    """A rule completes the order; the rule on completed orders is not run for that."""
    text = """
rules:
  - id: complete-it
    name: Complete
    trigger: order.paid
    actions:
      - status: {set: completed}
    enabled: true
  - id: on-completed
    name: Completed
    trigger: order.completed
    actions:
      - note: {text: "Completado", to_buyer: false}
    enabled: true
"""
    put_rules(shop.running, shop.record, text)
    order = shop.order()
    assert shop.only()["kind"] == "status"
    assert shop.only()["state"] == "done"
    verdicts = {line["rule"]: line["verdict"] for line in shop.running.export("evaluations")}
    assert verdicts["on-completed"] == "own_write"
    assert shop.notes(order) == []


def test_the_merchants_change_is_not_taken_for_ours(shop: Shop) -> None:
    """When the merchant was quicker, our status finds itself done and rules run for theirs."""
    text = """
rules:
  - id: complete-it
    name: Complete
    trigger: order.paid
    delay: 10m
    stop_if: [order.canceled]
    actions:
      - status: {set: completed}
    enabled: true
  - id: on-completed
    name: Completed
    trigger: order.completed
    actions:
      - note: {text: "Completado", to_buyer: false}
    enabled: true
"""
    put_rules(shop.running, shop.record, text)
    order = shop.order()
    shop.act(order, "complete")
    shop.clock.move(minutes=11)
    shop.settle()
    states = {line["rule"]: line["state"] for line in shop.effects()}
    assert states == {"complete-it": "done", "on-completed": "done"}
    assert len(shop.notes(order)) == 1


def test_skipped_effects_do_not_use_up_the_one_time(shop: Shop) -> None:
    """When nothing came of a rule's turn, a later occurrence may have it."""
    text = """
rules:
  - id: once-a-buyer
    name: Once
    trigger: order.paid
    delay: 10m
    once_per: buyer
    actions:
      - note: {text: "Una vez", to_buyer: false}
    enabled: true
"""
    put_rules(shop.running, shop.record, text)
    first = shop.order()
    shop.act(first, "cancel")
    shop.clock.move(minutes=11)
    shop.settle()
    second = shop.order()
    shop.clock.move(minutes=11)
    shop.settle()
    third = shop.order()
    shop.clock.move(minutes=11)
    shop.settle()
    assert shop.notes(first) == []
    assert len(shop.notes(second)) == 1
    assert shop.notes(third) == []


def test_a_draft_is_never_stored(shop: Shop) -> None:
    """A basket at the checkout is a person who has not bought: nothing of it is kept."""
    shop.order(status="checkout-draft", paid=False)
    assert shop.running.export("orders") == []
    assert shop.running.export("occurrences") == []


def test_a_lost_webhook_is_found_by_asking(shop: Shop) -> None:
    """Every webhook is dropped; one look at the shop brings the order and its note."""
    put_rules(shop.running, shop.record, note_rule())
    ask(shop.sandbox, "POST", "/_sandbox/settings", {"webhooks": "drop"})
    order = shop.order()
    assert shop.running.export("orders") == []
    found = reconcile(shop.running.app.engine, shop.record)
    shop.settle()
    assert found.missed == 1
    assert len(shop.notes(order)) == 1
    again = reconcile(shop.running.app.engine, shop.record)
    shop.settle()
    assert again.missed == 0
    assert len(shop.notes(order)) == 1


def test_planned_is_always_the_sum(shop: Shop) -> None:
    """Effects are done, skipped, waiting, unknown or dead: together all that were planned."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    orders = [shop.order() for _ in range(3)]
    shop.act(orders[0], "cancel")
    shop.clock.move(minutes=11)
    shop.sandbox.faults.add(Fault("drop_before", match="POST /wp-json/wc/v3/orders", times=1))
    shop.settle()
    states = [line["state"] for line in shop.effects()]
    assert sorted(states) == ["done", "skipped", "unknown"]
    with shop.running.storage.reading() as tx:
        counts = tx.counts().effects
    assert sum(counts.values()) == 3
    assert counts[EffectState.UNKNOWN] == 1


def test_a_rule_that_cannot_be_asked_stops_no_order(shop: Shop) -> None:
    """An order from the end of all dates is stored; that its rule failed is told."""
    put_rules(shop.running, shop.record, note_rule())
    order = shop.order(placed_at="9999-12-30T10:00:00")
    assert [line["ref"] for line in shop.running.export("orders")] == [order]
    assert [line["verdict"] for line in shop.running.export("evaluations")] == ["fault"]
    assert shop.effects() == []
