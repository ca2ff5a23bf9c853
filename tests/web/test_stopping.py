"""A process that is told to stop begins nothing more, and leaves everything as it was."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.jobs.worker import Worker
from tests.running import Running
from tests.support import FrozenClock
from tests.web.connected import ask, put_rules
from tests.web.test_engine import Shop, note_rule
from webhooks.sandbox.woocommerce.shop import WooShop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A connected shop; work is done only when the test says so."""
    clock = FrozenClock(datetime.now(UTC) + timedelta(minutes=1))
    with WooShop(queue_interval_s=3600.0) as sandbox, Running(tmp_path, clock=clock) as running:
        yield Shop(running, sandbox, clock)


def states(shop: Shop) -> list[str]:
    """Give the state of every effect."""
    return [line["state"] for line in shop.effects()]


def test_claimed_effects_are_put_back(shop: Shop) -> None:
    """Effects that were claimed and not begun are planned and due again, with no try counted."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    for _ in range(3):
        shop.order()
    shop.clock.move(minutes=11)
    ending = threading.Event()
    worker = Worker(shop.running.app.engine, ending=ending.is_set)
    (batch,) = worker.claim(10)
    ending.set()
    heard = len(shop.sandbox.calls_json())
    worker.work(batch)
    assert states(shop) == ["planned"] * 3
    assert {line["attempts"] for line in shop.effects()} == {0}
    assert shop.running.export("attempts") == []
    assert len(shop.sandbox.calls_json()) == heard
    shop.running.drain()
    assert states(shop) == ["done"] * 3


def test_a_lost_worker_is_not_forgotten(shop: Shop) -> None:
    """An effect taken from a worker that was lost keeps its lease, so that it is looked up."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    shop.order()
    shop.clock.move(minutes=11)
    assert len(Worker(shop.running.app.engine).claim(10)) == 1
    shop.clock.move(seconds=61)
    worker = Worker(shop.running.app.engine, ending=lambda: True)
    (batch,) = worker.claim(10)
    worker.work(batch)
    assert states(shop) == ["sending"]
    shop.clock.move(seconds=61)
    ((again,),) = (one.effects for one in Worker(shop.running.app.engine).claim(10))
    assert again.abandoned


def test_claimed_deliveries_are_put_back(shop: Shop) -> None:
    """A deletion, which the shop would be asked about, waits again as if never claimed."""
    order = shop.order()
    ask(shop.sandbox, "POST", f"/_sandbox/orders/{order}/trash", {})
    assert shop.sandbox.run_queue()
    heard = len(shop.sandbox.calls_json())
    worker = Worker(shop.running.app.engine, ending=lambda: True)
    (batch,) = worker.claim(10)
    worker.work(batch)
    (waiting,) = (row for row in shop.running.deliveries() if row.state == "waiting")
    assert (waiting.topic, waiting.attempts, waiting.reason) == ("order.deleted", 0, "")
    assert len(shop.sandbox.calls_json()) == heard
    shop.running.drain()
    assert {row.state for row in shop.running.deliveries()} == {"done"}
