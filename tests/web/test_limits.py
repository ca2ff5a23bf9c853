"""Damage stays bounded: rests, pauses, ceilings, the switch, evidence, retention, disk."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from connector.flows.retention import prune
from connector.flows.shop_events import look_again
from connector.jobs.breaker import BreakerState
from connector.jobs.switch import KILL_SWITCH
from connector.jobs.worker import Worker
from connector.model.order import OrderRef
from connector.secret import Secret
from connector.storage.records import ShopState
from tests.running import Running
from tests.support import FrozenClock, until
from tests.web.cli import Cli
from tests.web.connected import ANA, ask, connect, merchant_sees, put_rules
from tests.web.test_engine import Shop, note_rule
from webhooks.cli.data import status_line
from webhooks.disk import BALLAST_BYTES, MIB, Disk
from webhooks.doctor_limits import limits, room
from webhooks.finding import Finding
from webhooks.metrics import exposition
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.shopify.shop import ShopifyShop
from webhooks.sandbox.woocommerce.shop import WooShop
from webhooks.shops import check_shop

NOTES = "POST /wp-json/wc/v3/orders"
READS = "GET /wp-json/wc/v3/orders"
COUPON = """
rules:
  - id: gift
    name: Gift
    trigger: order.paid
    actions:
      - coupon: {kind: percent, value: "10", prefix: GRACIAS, uses: 1, only_buyer: true}
    enabled: true
"""
LOOP = """
rules:
  - id: loop
    name: Loop
    trigger: order.paid
    actions:
      - note: {text: "Otra vez", to_buyer: true}
    enabled: true
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A connected shop; work is done only when the test says so."""
    # Ahead of the shop's clock, so that what the shop stamps has happened.
    clock = FrozenClock(datetime.now(UTC) + timedelta(minutes=1))
    with (
        WooShop(queue_interval_s=3600.0) as sandbox,
        Running(tmp_path, clock=clock, max_coupons_per_hour=2, max_messages_per_hour=3) as running,
    ):
        yield Shop(running, sandbox, clock)


def standing(shop: Shop) -> dict[str, Any]:
    """Give the shop as `status --json` shows it."""
    found: dict[str, Any] = status_line(shop.running.app)["shops"][0]
    return found


def by_state(shop: Shop) -> dict[str, int]:
    """Count the effects by state."""
    states = [line["state"] for line in shop.effects()]
    return {state: states.count(state) for state in sorted(set(states))}


def calls(shop: Shop) -> int:
    """Count the calls that the shop has heard."""
    return len(merchant_sees(shop.sandbox)["calls"])


def test_a_failing_shop_is_given_a_rest(shop: Shop) -> None:
    """Five failures open the breaker; while it is open no call is made and no try is used up."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    for _ in range(8):
        shop.order()
    shop.sandbox.faults.add(Fault("status_500", match=READS, times=None))
    shop.clock.move(minutes=11)
    shop.settle()
    tried = [line["attempts"] for line in shop.effects()]
    assert sorted(tried) == [0, 0, 0, 1, 1, 1, 1, 1]
    assert {line["state"] for line in shop.effects()} == {"planned"}
    assert standing(shop)["breaker"] == "open"
    assert standing(shop)["resting_until"] is not None
    heard = calls(shop)
    shop.clock.move(seconds=20)
    shop.settle()
    assert calls(shop) == heard
    assert b'state="open"} 1.0' in exposition(shop.running.app)
    assert "rest" in [finding.what for finding in limits(shop.running.app)]

    shop.sandbox.faults.clear()
    shop.clock.move(seconds=15)
    assert standing(shop)["breaker"] == "half_open"
    for _ in range(3):
        shop.settle()
        shop.clock.move(minutes=2)
    assert by_state(shop) == {"done": 8}
    assert standing(shop)["breaker"] == "closed"


def test_orders_are_stored_while_the_shop_rests(shop: Shop) -> None:
    """A webhook that carries its order needs no call, so it does not wait for the rest's end."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    for _ in range(6):
        shop.order()
    shop.sandbox.faults.add(Fault("status_500", match=READS, times=None))
    shop.clock.move(minutes=11)
    shop.settle()
    assert standing(shop)["breaker"] == "open"
    heard = calls(shop)
    order = shop.order()
    assert calls(shop) == heard
    assert order in {line["ref"] for line in shop.running.export("orders")}


def test_a_check_ends_the_rest(shop: Shop) -> None:
    """`shops check` asks a resting shop at once; when it answers, work goes on."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    for _ in range(6):
        shop.order()
    shop.sandbox.faults.add(Fault("status_500", match=READS, times=None))
    shop.clock.move(minutes=11)
    shop.settle()
    assert standing(shop)["breaker"] == "open"
    shop.sandbox.faults.clear()
    assert check_shop(shop.running.app, shop.record.id)["state"] == "connected"
    assert standing(shop)["breaker"] == "closed"
    shop.clock.move(minutes=1)
    shop.settle()
    assert by_state(shop) == {"done": 6}


def test_a_hanging_shop_does_not_hold_up_another(tmp_path: Path) -> None:
    """While shop A answers nothing at all, every effect of shop B is done."""
    with (
        WooShop(queue_interval_s=0.05) as healthy,
        Running(tmp_path, workers=4) as running,
        WooShop(queue_interval_s=0.05) as hanging,
    ):
        for sandbox in (hanging, healthy):
            put_rules(running, connect(running, sandbox), note_rule())
        bad, good = (shop.id for shop in shops_of(running))
        hanging.faults.add(Fault("hang_before", match="/wp-json", times=None, hang_s=20))
        for _ in range(6):
            ask(hanging, "POST", "/_sandbox/orders", ANA)
        for _ in range(6):
            ask(healthy, "POST", "/_sandbox/orders", ANA)
        until(
            lambda: [line["state"] for line in running.export("effects", good)] == ["done"] * 6,
            what="all effects of the healthy shop",
        )
        # Nothing of A was done meanwhile, so B was not served after it.
        assert "done" not in {line["state"] for line in running.export("effects", bad)}
        hanging.faults.clear()


def shops_of(running: Running) -> list[Any]:
    """Give the connected shops, oldest first."""
    with running.storage.reading() as tx:
        return list(tx.shops())


def test_a_pause_holds_for_the_whole_shop(shop: Shop) -> None:
    """After one 429 with Retry-After no other call is made to the shop before its time."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    for _ in range(4):
        shop.order()
    shop.sandbox.faults.add(Fault("status_429", match=READS, times=1, retry_after_s=300))
    shop.clock.move(minutes=11)
    heard = calls(shop)
    shop.settle()
    assert calls(shop) == heard + 1
    shop.clock.move(seconds=290)
    shop.settle()
    assert calls(shop) == heard + 1
    shop.clock.move(seconds=100)
    shop.settle()
    assert by_state(shop) == {"done": 4}
    assert sorted(line["attempts"] for line in shop.effects()) == [1, 1, 1, 2]


def test_another_process_keeps_to_the_rest(shop: Shop, tmp_path: Path) -> None:
    """What one process learned of a host holds for a second one on the same store."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    for _ in range(6):
        shop.order()
    shop.sandbox.faults.add(Fault("status_500", match=READS, times=None))
    shop.clock.move(minutes=11)
    shop.settle()
    heard = calls(shop)
    with Running(tmp_path, clock=shop.clock) as second:
        gate = second.app.engine.gates.of(shop.record)
        second.app.engine.gates.refresh()
        assert gate.state() is BreakerState.OPEN
        second.drain()
    assert calls(shop) == heard


def test_coupons_stop_at_the_ceiling(shop: Shop) -> None:
    """Two coupons an hour are allowed: the third waits for the next hour and says why."""
    put_rules(shop.running, shop.record, COUPON)
    for number in range(5):
        shop.order(email=f"buyer{number}@example.com")
    assert by_state(shop) == {"done": 2, "planned": 3}
    assert len(merchant_sees(shop.sandbox)["coupons"]) == 2
    waiting = next(line for line in shop.effects() if line["state"] == "planned")
    next_hour = shop.clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    assert waiting["due_at"] == next_hour.isoformat().replace("+00:00", "Z")
    assert "POSTVENTA_MAX_COUPONS_PER_HOUR" in waiting["reason"]
    assert waiting["attempts"] == 0
    (alarm,) = status_line(shop.running.app)["alarms"]
    assert (alarm["kind"], alarm["count"], alarm["shop"]) == ("coupons", 2, shop.record.id)
    assert [finding.state for finding in limits(shop.running.app)] == ["bad"]
    shop.clock.set(next_hour)
    shop.settle()
    assert by_state(shop) == {"done": 4, "planned": 1}


def test_processes_share_one_count(shop: Shop, tmp_path: Path) -> None:
    """Two processes together make no more coupons than one may."""
    put_rules(shop.running, shop.record, COUPON.replace("trigger", "delay: 10m\n    trigger"))
    for number in range(6):
        shop.order(email=f"buyer{number}@example.com")
    shop.clock.move(minutes=11)
    with Running(tmp_path, clock=shop.clock, max_coupons_per_hour=2) as second:
        workers = [Worker(running.app.engine) for running in (shop.running, second)]
        batches = [(worker, batch) for worker in workers for batch in worker.claim(3)]
        assert len(batches) == 2
        for worker, batch in batches:
            worker.work(batch)
    assert len(merchant_sees(shop.sandbox)["coupons"]) == 2


def test_a_loop_is_stopped(shop: Shop) -> None:
    """A rule that mails without end sends three in the hour, whatever it plans."""
    put_rules(shop.running, shop.record, LOOP)
    for _ in range(10):
        shop.order()
    assert by_state(shop) == {"done": 3, "planned": 7}
    assert [alarm["kind"] for alarm in status_line(shop.running.app)["alarms"]] == ["messages"]


def test_what_surely_was_not_sent_does_not_count(shop: Shop) -> None:
    """A coupon that the shop was too busy for leaves its place to the next try."""
    put_rules(shop.running, shop.record, COUPON)
    shop.sandbox.faults.add(Fault("status_429", match="POST /wp-json/wc/v3/coupons", times=1))
    for number in range(2):
        shop.order(email=f"buyer{number}@example.com")
    shop.clock.move(minutes=2)
    shop.settle()
    assert by_state(shop) == {"done": 2}


def test_the_switch_acts_in_the_middle_of_a_batch(shop: Shop) -> None:
    """Effects that were claimed before `effects stop` are put back, not carried out."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    for _ in range(4):
        shop.order()
    shop.clock.move(minutes=11)
    worker = Worker(shop.running.app.engine)
    (batch,) = worker.claim(10)
    assert len(batch.effects) == 4
    with shop.running.storage.transaction() as tx:
        tx.set_value(KILL_SWITCH, "by Ana")
    until(shop.running.app.engine.switch.is_on, what="the switch is seen")
    worker.work(batch)
    assert by_state(shop) == {"planned": 4}
    assert {line["reason"] for line in shop.effects()} == {"effects are stopped"}
    assert {line["attempts"] for line in shop.effects()} == {0}
    assert shop.running.export("attempts") == []


def test_the_switch_stops_another_process(tmp_path: Path) -> None:
    """`postventa effects stop` of one process stops the effects of a running server."""
    with WooShop(queue_interval_s=0.05) as sandbox, Running(tmp_path, workers=2) as running:
        put_rules(running, connect(running, sandbox), note_rule())
        stop = "from webhooks.cli.main import main; main()"
        told = {
            "POSTVENTA_DATA_DIR": str(tmp_path),
            "POSTVENTA_ALLOW_HTTP": "true",
            "POSTVENTA_ALLOW_PRIVATE_HOSTS": "true",
        }

        def switch(word: str) -> None:
            subprocess.run(  # noqa: S603 - our own words only
                [sys.executable, "-c", stop, "effects", word], env=told, check=True, timeout=60
            )

        switch("stop")
        until(running.app.engine.switch.is_on, what="the server knows")
        for _ in range(3):
            ask(sandbox, "POST", "/_sandbox/orders", ANA)
        until(lambda: len(running.export("effects")) == 3, what="all are planned")
        assert {line["state"] for line in running.export("effects")} == {"planned"}
        switch("start")
        until(
            lambda: {line["state"] for line in running.export("effects")} == {"done"},
            what="all are done",
        )


def test_a_refused_shop_goes_on_by_itself(shop: Shop) -> None:
    """When the key works again, one look is enough for what waited to be done."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    order = shop.order()
    shop.sandbox.faults.add(Fault("status", match="/wp-json", status=401, times=None))
    shop.clock.move(minutes=11)
    shop.settle()
    (record,) = shops_of(shop.running)
    assert record.state is ShopState.DISCONNECTED
    assert not look_again(shop.running.app.engine, record)
    shop.sandbox.faults.clear()
    assert look_again(shop.running.app.engine, record)
    shop.settle()
    assert len(shop.notes(order)) == 1


def test_a_running_server_looks_again(tmp_path: Path) -> None:
    """A server that starts tries the key of a disconnected shop without being asked."""
    with WooShop(queue_interval_s=0.05) as sandbox:
        with Running(tmp_path) as running:
            shop = connect(running, sandbox)
            with running.storage.transaction() as tx:
                tx.update_shop(shop.id, state=ShopState.DISCONNECTED)
        with Running(tmp_path, workers=1) as running:
            until(
                lambda: shops_of(running)[0].state is ShopState.CONNECTED,
                what="the shop is connected again",
            )


def test_a_dead_effect_carries_its_evidence(shop: Shop) -> None:
    """Each try tells when it was, what was looked for and not found, and the error."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    shop.order()
    shop.sandbox.faults.add(
        Fault("status", match=NOTES, status=422, body='{"code":"nope","message":"x"}')
    )
    shop.clock.move(minutes=11)
    shop.settle()
    line = shop.only()
    assert line["state"] == "dead"
    (found,) = Cli(shop.running.settings.data_dir).data("dead-letters", "list")
    (tried,) = found["tries"]
    assert tried["effect"] == line["key"]
    assert tried["outcome"] == "dead"
    assert tried["started_at"] == tried["ended_at"] == line["done_at"]
    assert tried["detail"]["looked_for"].startswith("a note with the mark pv-")
    assert tried["detail"]["found"] is False
    assert tried["detail"]["error"]["kind"] == "InvalidRequest"
    assert (tried["detail"]["error"]["status"], tried["detail"]["error"]["code"]) == (422, "nope")
    assert shop.running.export("attempts") == [tried]


def test_a_try_whose_process_died_stays_open(shop: Shop) -> None:
    """A claim that nobody brought to an end is a try without an end, and the next has its own."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    shop.order()
    shop.clock.move(minutes=11)
    Worker(shop.running.app.engine).claim(10)
    shop.clock.move(minutes=2)
    shop.settle()
    shop.clock.move(minutes=5)
    shop.settle()
    tries = shop.running.export("attempts")
    assert (tries[0]["ended_at"], tries[0]["outcome"]) == (None, None)
    assert tries[-1]["outcome"] == "done"


def test_what_is_old_is_forgotten(shop: Shop) -> None:
    """After 31 days only digests are left, after 401 no closed rows; what waits stays."""
    put_rules(shop.running, shop.record, note_rule("delay: 365d"))
    waits = shop.order()
    put_rules(shop.running, shop.record, note_rule())
    done = shop.order()
    engine = shop.running.app.engine
    rows = len(shop.running.deliveries())
    assert prune(engine, keep_bodies=timedelta(days=30)).bodies == 0
    shop.clock.move(days=31)
    assert prune(engine, keep_bodies=timedelta(days=30)).bodies == rows
    kept = shop.running.deliveries()
    assert [row.body for row in kept] == [None] * rows
    assert all(row.key for row in kept)
    assert len(shop.effects()) == 2
    shop.clock.move(days=370)
    forgotten = prune(engine, keep_bodies=timedelta(days=30))
    assert (forgotten.deliveries, forgotten.effects) == (rows, 1)
    assert [line["order"] for line in shop.effects()] == [waits]
    assert done not in {line["order"] for line in shop.effects()}
    assert shop.running.export("attempts") == []
    assert len(shop.running.export("orders")) == 2


def test_evidence_is_forgotten_and_nothing_happens_twice(shop: Shop) -> None:
    """Why and how go after their days; the order sent again is still done with."""
    put_rules(shop.running, shop.record, note_rule())
    order = shop.order()
    engine = shop.running.app.engine
    days = {"keep_bodies": timedelta(days=30), "keep_evidence": timedelta(days=90)}
    kinds = len(shop.running.export("occurrences"))
    shop.clock.move(days=89)
    assert prune(engine, **days).evidence == 0
    shop.clock.move(days=2)
    # One evaluation of the one rule, one try of its effect.
    assert prune(engine, **days).evidence == 2
    assert shop.running.export("evaluations") == shop.running.export("attempts") == []
    assert [line["state"] for line in shop.effects()] == ["done"]
    assert len(shop.running.export("occurrences")) == kinds
    shop.act(order, "edit", {"note": "Llamar antes"})
    assert len(shop.notes(order)) == 1
    assert shop.running.export("evaluations") == []


def test_a_repetition_is_known_without_its_body(shop: Shop) -> None:
    """A delivery that is sent again after its body was dropped is a duplicate."""
    shop.order()
    first = next(row for row in shop.running.deliveries() if row.topic == "order.created")
    shop.clock.move(days=31)
    prune(shop.running.app.engine, keep_bodies=timedelta(days=30))
    secret = shop.record.secrets["webhook_secret"]
    assert send_again(shop, first, secret).json() == {"status": "duplicate"}


def send_again(shop: Shop, row: Any, secret: Secret) -> requests.Response:
    """Send a delivery once more, word for word."""
    del secret
    return shop.running.post(
        f"/hooks/woocommerce/{shop.record.hook_token}",
        row.body,
        {**row.headers, "content-type": "application/json"},
    )


def test_the_prune_command(shop: Shop) -> None:
    """`postventa prune` says how much is gone."""
    shop.order()
    assert Cli(shop.running.settings.data_dir).data("prune") == {
        "bodies": 0,
        "deliveries": 0,
        "effects": 0,
        "evidence": 0,
    }


@pytest.mark.parametrize(
    ("total_mib", "free_mib", "room"),
    [
        (1_000_000, 201, True),
        (1_000_000, 200, False),
        (1_000, 51, True),
        (1_000, 50, False),
        (2, 1, True),
    ],
)
def test_when_the_disk_counts_as_full(
    tmp_path: Path, total_mib: int, free_mib: int, *, room: bool
) -> None:
    """Below 5 % or 200 MB, whichever is smaller, no webhook is taken."""
    disk = Disk(
        tmp_path,
        lambda *_, **__: None,
        usage=lambda _: (total_mib * MIB, 0, free_mib * MIB),
    )
    assert disk.has_room() is room


def test_ballast_is_given_up_on_a_full_disk(tmp_path: Path) -> None:
    """32 MB are held where there is plenty, and given up when almost nothing is left."""
    free = [10_000]
    told: list[str] = []

    def look() -> Disk:
        return Disk(
            tmp_path,
            lambda event, **_: told.append(event),
            usage=lambda _: (100_000 * MIB, 0, free[0] * MIB),
        )

    look().hold_ballast()
    ballast = look().ballast
    assert ballast is not None
    assert ballast.stat().st_blocks * 512 >= BALLAST_BYTES
    free[0] = 7
    full = look()
    assert not full.has_room()
    assert full.ballast is None
    assert told == ["disk.almost_full", "disk.ballast_released"]
    full.hold_again()
    assert full.ballast is None


def test_a_full_disk_is_answered_with_503(shop: Shop) -> None:
    """Before the disk is full a webhook is answered 503 with Retry-After and not stored."""
    shop.order()
    (first, *_) = shop.running.deliveries()
    full = Disk(
        shop.running.settings.data_dir,
        shop.running.app.engine.log,
        usage=lambda _: (100_000 * MIB, 0, 100 * MIB),
    )
    shop.running.server.receiver._app = replace(shop.running.app, disk=full)
    answer = send_again(shop, first, shop.record.secrets["webhook_secret"])
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    found: list[Finding] = list(room(replace(shop.running.app, disk=full)))
    assert [finding.state for finding in found] == ["bad"]


def test_shopify_points_are_kept_to(tmp_path: Path) -> None:
    """What an answer tells of the points is known to the gate of the shop."""
    with ShopifyShop(queue_interval_s=3600.0) as sandbox, Running(tmp_path) as running:
        shop = connect(running, sandbox)
        order = ask(sandbox, "POST", "/_sandbox/orders", ANA)
        adapter = running.app.adapter_of(shop)
        adapter.fetch_order(OrderRef(str(order["id"])))
        gate = running.app.engine.gates.of(shop)
        level = gate._budget.level
        assert level is not None
        assert 0 < level.available <= level.maximum
        assert json.dumps(status_line(running.app)["shops"][0]["breaker"]) == '"closed"'
