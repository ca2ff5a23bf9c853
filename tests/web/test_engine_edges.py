"""What must not happen: effects at the wrong time, rows that nobody takes, shops left behind."""

import base64
import contextlib
import hashlib
import hmac
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

# The server's own library: two of them in one process take each other's locks away.
from pysqlite3 import dbapi2

from connector.errors import PostventaError
from connector.flows.reconcile import reconcile
from connector.flows.shop_events import look_again
from connector.jobs.leases import Leases
from connector.jobs.worker import Worker
from connector.storage.records import DeliveryState, ShopRecord, ShopState
from tests.running import Running
from tests.support import FrozenClock, until
from tests.web.connected import ANA, ask, connect, merchant_sees, put_rules
from tests.web.test_engine import Shop, note_rule
from webhooks import serve
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.woocommerce.shop import WooShop
from webhooks.shops import remove_shop

READ_ORDER = "GET /wp-json/wc/v3/orders"
WRITE_ORDER = "POST /wp-json/wc/v3/orders"
MESSAGE_ON_PAID = """
rules:
  - id: mail
    name: Mail
    trigger: order.paid
    delay: 10m
    stop_if: [order.canceled]
    actions:
      - message: {channel: email, class: service, subject: "Hola", body: "Gracias"}
    enabled: true
"""
CODE_ON_PAID = """
rules:
  - id: code
    name: Code
    trigger: order.paid
    actions:
      - coupon: {kind: percent, value: "10", prefix: GRACIAS, expires: 30d, uses: 1}
    enabled: true
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A connected shop; work is done only when the test says so."""
    clock = FrozenClock(datetime.now(UTC) + timedelta(minutes=1))
    with (
        WooShop(queue_interval_s=3600.0) as sandbox,
        Running(tmp_path, clock=clock) as running,
    ):
        yield Shop(running, sandbox, clock)


def state_of(shop: Shop) -> ShopState:
    """Read the shop's state as it is stored."""
    with shop.running.storage.reading() as tx:
        record = tx.shop(shop.record.id)
    assert record is not None
    return record.state


def database_of(shop: Shop) -> dbapi2.Connection:
    """Open the server's database beside it."""
    return dbapi2.connect(shop.running.settings.data_dir / "postventa.db", timeout=30)


def send(
    running: Running, record: ShopRecord, body: bytes, topic: str, hook: str = "91"
) -> requests.Response:
    """Send a webhook that is signed with the shop's own secret."""
    secret = record.secrets["webhook_secret"].reveal().encode()
    signature = base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()
    headers = {
        "Content-Type": "application/json",
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Signature": signature,
        "X-WC-Webhook-ID": hook,
        "X-WC-Webhook-Delivery-ID": hashlib.sha256(topic.encode() + body).hexdigest()[:32],
        "X-WC-Webhook-Source": "https://shop.example/",
    }
    return running.post(f"/hooks/woocommerce/{record.hook_token}", body, headers)


def body_of(shop: Shop, order: str) -> bytes:
    """Give the newest body that the shop itself sent of an order."""
    bodies = [
        row.body
        for row in shop.running.deliveries()
        if row.lane == order and row.source == "webhook" and row.body is not None
    ]
    return bodies[-1]


def test_a_write_that_never_gets_a_clear_answer_ends_with_a_person(shop: Shop) -> None:
    """A shop that fails at every write is not written to for ever: eight tries, then a person."""
    put_rules(shop.running, shop.record, note_rule())
    shop.sandbox.faults.add(Fault("status_500", match=WRITE_ORDER, times=None))
    shop.order()
    for _ in range(30):
        shop.clock.move(hours=25)
        shop.settle()
    assert shop.only()["state"] == "dead"
    tries = [call for call in merchant_sees(shop.sandbox)["calls"] if call["write"]]
    assert len([call for call in tries if "/notes" in call["path"]]) <= 8


def test_rows_behind_a_refused_one_are_worked_off_and_let_go(shop: Shop) -> None:
    """A row that the database refuses to close keeps no other row, and no lease of one."""
    ask(shop.sandbox, "POST", "/_sandbox/orders", ANA)
    ask(shop.sandbox, "POST", "/_sandbox/orders", {**ANA, "email": "eva@example.com"})
    shop.sandbox.run_queue()
    with contextlib.closing(database_of(shop)) as database:
        database.execute(
            "CREATE TRIGGER stubborn BEFORE UPDATE ON inbox WHEN OLD.id = 1 AND NEW.state <> "
            "'working' BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
        database.commit()
    leases = Leases()
    engine = shop.running.app.engine
    worker = Worker(engine, leases)
    for batch in worker.claim(50):
        with contextlib.suppress(PostventaError):
            worker.work(batch)
    assert leases.beat(engine.storage, engine.clock) == 0
    assert len(shop.running.export("orders")) == 1


def test_a_message_waits_while_the_shop_refuses_our_key(shop: Shop) -> None:
    """The key is refused when the order is read for a message: the message waits, as all do."""
    put_rules(shop.running, shop.record, MESSAGE_ON_PAID)
    shop.order()
    shop.sandbox.faults.add(Fault("status", status=401, match=READ_ORDER, times=None))
    shop.clock.move(minutes=11)
    shop.settle()
    assert shop.only()["state"] == "planned"
    assert state_of(shop) is ShopState.DISCONNECTED


def test_a_message_of_a_dead_worker_is_judged_again(shop: Shop) -> None:
    """Claimed by a worker that died; canceled since: the message does not go out."""
    put_rules(shop.running, shop.record, MESSAGE_ON_PAID)
    order = shop.order()
    shop.clock.move(minutes=11)
    assert Worker(shop.running.app.engine).claim(10)
    shop.act(order, "cancel")
    shop.clock.move(minutes=5)
    shop.settle()
    assert shop.only()["state"] == "skipped"
    assert shop.running.export("messages") == []


def test_a_stale_answer_does_not_undo_a_cancellation(shop: Shop) -> None:
    """A cache gives the order as it was before its cancellation: nothing is written."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    order = shop.order()
    before = body_of(shop, order).decode()
    # The shop stamps whole seconds; in the same one the states could not be put in order.
    started = time.time()
    until(lambda: time.time() - started > 1.1, what="the next second")
    shop.act(order, "cancel")
    shop.sandbox.faults.add(
        Fault("status", status=200, body=before, match=f"{READ_ORDER}/{order}", times=1)
    )
    shop.clock.move(minutes=11)
    shop.running.drain()
    assert shop.notes(order) == []
    assert "order.canceled" in shop.only()["reason"]


def test_a_worker_that_lost_its_claim_writes_nothing(shop: Shop) -> None:
    """A worker that slept over its lease sees before the write that another one has the effect."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    shop.order()
    shop.clock.move(minutes=11)
    sleeper = Worker(shop.running.app.engine)
    (slept,) = sleeper.claim(10)
    shop.clock.move(minutes=3)
    assert Worker(shop.running.app.engine).claim(10)
    before = shop.writes()
    sleeper.work(slept)
    assert shop.writes() == before


def test_a_body_under_another_topic_deletes_nothing(shop: Shop) -> None:
    """The topic is not signed: an order's own body sent as a deletion proves no deletion."""
    put_rules(shop.running, shop.record, note_rule())
    order = shop.order()
    answer = send(shop.running, shop.record, body_of(shop, order), "order.deleted")
    assert answer.status_code == 200
    shop.settle()
    kinds = {line["kind"] for line in shop.running.export("occurrences")}
    assert "order.deleted" not in kinds
    assert shop.running.export("orders")[0]["state"] != "deleted"


def test_a_delivery_that_ends_the_process_is_set_aside(shop: Shop) -> None:
    """A row whose worker died five times is not started a sixth time; a person sees it."""
    ask(shop.sandbox, "POST", "/_sandbox/orders", {**ANA, "paid": False, "status": "pending"})
    shop.sandbox.run_queue()
    for _ in range(5):
        assert Worker(shop.running.app.engine).claim(10)
        shop.clock.move(minutes=2)
    shop.running.drain()
    (row,) = [row for row in shop.running.deliveries() if row.attempts > 5]
    assert row.state is DeliveryState.DEAD
    assert "person" in row.reason


def test_an_effect_that_ends_the_process_is_set_aside(shop: Shop) -> None:
    """An effect whose worker died again and again ends with a person, not in an endless loop."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    shop.order()
    shop.clock.move(minutes=11)
    for _ in range(8):
        assert Worker(shop.running.app.engine).claim(10)
        shop.clock.move(minutes=2)
    before = shop.writes()
    shop.settle()
    assert shop.only()["state"] == "dead"
    assert shop.writes() == before


def test_a_code_for_one_buyer_needs_a_buyer(shop: Shop) -> None:
    """A code for this buyer only is not made for everybody when the order names nobody."""
    put_rules(shop.running, shop.record, CODE_ON_PAID)
    shop.order(email="", phone="")
    assert shop.only()["state"] == "skipped"
    assert merchant_sees(shop.sandbox)["coupons"] == []


CODE_AND_NOTE = """
rules:
  - id: code
    name: Code
    trigger: order.paid
    stop_if: [order.canceled]
    actions:
      - coupon: {kind: percent, value: "10", prefix: GRACIAS, expires: 30d, uses: 1}
      - note: {text: "Código {{ coupon.code }}", to_buyer: false}
    enabled: true
"""


@pytest.mark.parametrize("canceled", [False, True])
def test_steps_after_a_retried_coupon_are_made_up_for(shop: Shop, canceled: bool) -> None:
    """When a dead coupon is retried and made, its note follows; not if it was canceled."""
    put_rules(shop.running, shop.record, CODE_AND_NOTE)
    refused = Fault("status", match="POST /wp-json/wc/v3/coupons", times=None, status=400)
    shop.sandbox.faults.add(refused)
    order = shop.order()
    states = {item["kind"]: item["state"] for item in shop.effects()}
    assert states == {"coupon": "dead", "note": "skipped"}
    assert shop.effects()[1]["reason"].startswith("step 1 was not done: ")
    shop.sandbox.faults.clear()
    if canceled:
        shop.act(order, "cancel")
    with shop.running.storage.transaction() as tx:
        assert tx.reopen_effect(shop.effects()[0]["key"], now=shop.clock.now())
    shop.settle()
    shop.clock.move(minutes=5)
    shop.settle()
    made = [coupon["code"] for coupon in merchant_sees(shop.sandbox)["coupons"]]
    if canceled:
        assert made == []
        assert [item["state"] for item in shop.effects()] == ["skipped"] * 2
        return
    assert [item["state"] for item in shop.effects()] == ["done"] * 2
    (code,) = made
    (note,) = shop.notes(order)
    assert code in note.lower()


def test_a_fault_of_ours_asks_for_the_webhook_again(shop: Shop) -> None:
    """When our own settings keep a delivery from being stored, the shop gets 503, not 500."""
    order = shop.order()
    body = body_of(shop, order) + b" "
    with shop.running.storage.transaction() as tx:
        tx.update_shop(shop.record.id, settings={"url": "no address"})
    shop.clock.move(seconds=30)
    answer = send(shop.running, shop.record, body, "order.updated")
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers


def test_effects_of_a_removed_shop_end(shop: Shop) -> None:
    """What was planned for a shop that is removed is skipped, and says why."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    shop.order()
    remove_shop(shop.running.app, shop.record.id)
    shop.clock.move(minutes=11)
    # What is kept of a shop in memory is a second old at most.
    started = time.monotonic()
    until(lambda: time.monotonic() - started > 1.1, what="a second")
    shop.settle()
    assert shop.only()["state"] == "skipped"
    assert "removed" in shop.only()["reason"]


def test_a_removed_shop_stays_removed(shop: Shop) -> None:
    """A worker that was under way when the shop was removed does not bring it back."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    shop.order()
    shop.clock.move(minutes=11)
    worker = Worker(shop.running.app.engine)
    (batch,) = worker.claim(10)
    shop.sandbox.faults.add(Fault("hang_before", match=READ_ORDER, times=1, hang_s=1.0))
    shop.sandbox.faults.add(Fault("status", status=401, match=READ_ORDER, times=None))
    with shop.running.storage.transaction() as tx:
        tx.update_shop(shop.record.id, state=ShopState.UNINSTALLED)
    worker.work(batch)
    assert state_of(shop) is ShopState.UNINSTALLED


def test_a_clock_that_goes_back_keeps_no_removed_shop(shop: Shop) -> None:
    """What the receiver remembers of a shop ends also when the clock was put back."""
    order = shop.order()
    body = body_of(shop, order)
    assert send(shop.running, shop.record, body, "order.updated").status_code == 200
    shop.clock.move(hours=-1)
    remove_shop(shop.running.app, shop.record.id)
    assert send(shop.running, shop.record, body + b" ", "order.updated").status_code == 404


def test_a_clock_that_goes_back_hides_no_news(shop: Shop) -> None:
    """A read whose time lies ahead of the clock does not answer a later deletion."""
    put_rules(shop.running, shop.record, note_rule())
    order = shop.order()
    shop.clock.move(hours=-2)
    shop.act(order, "trash")
    (line,) = shop.running.export("orders")
    assert line["state"] == "deleted"


def test_the_dispatcher_outlives_a_damaged_row(tmp_path: Path) -> None:
    """A row with an impossible time stops nobody: what comes later is worked off."""
    with (
        Running(tmp_path, workers=2) as running,
        WooShop(queue_interval_s=0.05) as sandbox,
    ):
        record = connect(running, sandbox)
        ask(sandbox, "POST", "/_sandbox/orders", ANA)
        until(lambda: len(running.export("orders")) == 1, what="the first order")
        until(lambda: all(row.state == "done" for row in running.deliveries()), what="rest")
        with contextlib.closing(dbapi2.connect(tmp_path / "postventa.db", timeout=30)) as damage:
            damage.execute("UPDATE inbox SET state = 'waiting', due_at = 9000000000000000000")
            damage.commit()
        # Each ring makes the dispatcher look when the next row is due.
        assert send(running, record, b'{"id": 1}', "product.updated").status_code == 200
        until(lambda: not waiting(running), what="the next delivery")
        assert send(running, record, b'{"id": 2}', "product.updated").status_code == 200
        until(lambda: not waiting(running), what="the one after that")
        ask(sandbox, "POST", "/_sandbox/orders", {**ANA, "email": "eva@example.com"})
        until(lambda: len(running.export("orders")) == 2, what="the second order")


def waiting(running: Running) -> bool:
    """Tell whether a sound row about a product still waits."""
    path = running.settings.data_dir / "postventa.db"
    with contextlib.closing(dbapi2.connect(path, timeout=30)) as database:
        query = "SELECT count(*) FROM inbox WHERE topic = 'product.updated' AND state <> 'done'"
        return bool(database.execute(query).fetchone()[0])


def test_a_shop_that_takes_its_key_again_is_worked_for_again(tmp_path: Path) -> None:
    """A key that was refused for a moment only: the shop is tried again, and its work goes on."""
    with (
        Running(tmp_path, workers=2) as running,
        WooShop(queue_interval_s=0.05) as sandbox,
    ):
        record = connect(running, sandbox)
        put_rules(running, record, note_rule())
        sandbox.faults.add(Fault("status", status=401, match=READ_ORDER, times=1))
        ask(sandbox, "POST", "/_sandbox/orders", ANA)

        def done() -> bool:
            return [line["state"] for line in running.export("effects")] == ["done"]

        until(done, what="the note of a shop that is connected again")
        with running.storage.reading() as tx:
            again = tx.shop(record.id)
        assert again is not None
        assert again.state is ShopState.CONNECTED


def test_a_shop_that_uninstalled_us_is_not_tried_again(shop: Shop) -> None:
    """Only a refused key is tried again; a removal is the owner's word."""
    engine = shop.running.app.engine
    with shop.running.storage.transaction() as tx:
        tx.update_shop(shop.record.id, state=ShopState.UNINSTALLED)
    assert not look_again(engine, shop.record)
    assert state_of(shop) is ShopState.UNINSTALLED


def test_what_is_pulled_is_no_younger_than_the_question(shop: Shop) -> None:
    """A pulled state counts as read when the shop was asked: what came since is newer."""
    ask(shop.sandbox, "POST", "/_sandbox/settings", {"webhooks": "drop"})
    shop.order()
    asked_at = shop.clock.now()

    def stopping() -> bool:
        # The answer is being worked through, slowly.
        shop.clock.move(minutes=3)
        return False

    assert reconcile(shop.running.app.engine, shop.record, stopping=stopping).missed == 1
    (row,) = shop.running.deliveries()
    assert row.received_at == asked_at


def test_a_look_never_starts_in_the_future(shop: Shop) -> None:
    """The clock was a day ahead at the last look: the next one still sees what changed."""
    ask(shop.sandbox, "POST", "/_sandbox/settings", {"webhooks": "drop"})
    with shop.running.storage.transaction() as tx:
        tx.update_shop(shop.record.id, polled_until=shop.clock.now() + timedelta(days=1))
    shop.order()
    with shop.running.storage.reading() as tx:
        record = tx.shop(shop.record.id)
    assert record is not None
    assert reconcile(shop.running.app.engine, record).missed == 1


def test_a_lease_is_kept_while_the_server_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is still being worked on when the server stops keeps its lease to its end."""
    monkeypatch.setattr(serve, "HEARTBEAT_S", 0.05)
    with (
        Running(tmp_path) as running,
        WooShop(queue_interval_s=0.05) as sandbox,
    ):
        record = connect(running, sandbox)
        put_rules(running, record, note_rule())
        sandbox.faults.add(Fault("hang_after", match=READ_ORDER, times=1, hang_s=3.0))
        pool = serve.WorkerPool(running.app, threads=2)
        pool.start()
        ask(sandbox, "POST", "/_sandbox/orders", ANA)

        def lease() -> int:
            with contextlib.closing(dbapi2.connect(tmp_path / "postventa.db")) as database:
                query = "SELECT due_at FROM effects WHERE state = 'sending'"
                found = database.execute(query).fetchone()
            return int(found[0]) if found else 0

        until(lambda: lease() > 0, what="the effect under way")
        stopping = threading.Thread(target=pool.stop)
        stopping.start()
        seen = lease()
        until(lambda: lease() != seen, what="a longer lease, or the end")
        assert lease() > seen
        stopping.join(60)


def test_a_write_whose_end_was_not_stored_is_found_again(shop: Shop) -> None:
    """Written, and the database refused to note it: the next try finds the note in the shop."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    order = shop.order()
    shop.clock.move(minutes=11)
    with contextlib.closing(database_of(shop)) as database:
        database.execute(
            "CREATE TRIGGER stubborn BEFORE UPDATE ON effects WHEN NEW.state = 'done' "
            "BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
        database.commit()
        shop.settle()
        assert len(shop.notes(order)) == 1
        database.execute("DROP TRIGGER stubborn")
        database.commit()
    for _ in range(3):
        shop.clock.move(minutes=5)
        shop.settle()
    assert shop.only()["state"] == "done"
    assert shop.only()["result"]["adopted"] is True
    assert len(shop.notes(order)) == 1
