"""Receivers and workers apart, with a real PostgreSQL and a real broker that fails."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.bells.celery.broker import QUEUE
from tests.broker import Broker
from tests.postgresql import Cluster
from tests.support import until
from tests.web.cli import Cli
from tests.web.connected import merchant_sees
from tests.web.machines import Machines, answered, notes, place
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.woocommerce.shop import WooShop

pytestmark = [pytest.mark.postgresql, pytest.mark.faults]


@pytest.fixture
def broker() -> Iterator[Broker]:
    """Give a broker."""
    with Broker() as running:
        yield running


@pytest.fixture
def woo() -> Iterator[WooShop]:
    """Give a pretend shop."""
    with WooShop(queue_interval_s=0.05) as sandbox:
        yield sandbox


@pytest.fixture
def machines(
    tmp_path: Path, cluster: Cluster, migrated_database: str, broker: Broker, woo: WooShop
) -> Iterator[Machines]:
    """Give an installation with a receiver and a connected shop, and no worker."""
    database = cluster.new_database(migrated_database)
    with Machines(tmp_path, cluster.url(database), broker.url).opened() as made:
        made.receiver()
        made.connect(woo)
        yield made
    cluster.drop_database(database)


def test_a_receiver_rings_and_workers_work(
    machines: Machines, broker: Broker, woo: WooShop
) -> None:
    """With a broker `serve` only receives; two workers do the rest, each order once."""
    first = place(woo, 2)
    until(lambda: answered(woo, first), what="the webhooks taken")
    until(lambda: broker.length(QUEUE) > 0, what="a ring that waits for a worker")
    assert machines.states() == []
    machines.worker()
    machines.worker()
    more = place(woo, 6)
    until(lambda: machines.all_done(8), what="all effects done")
    assert notes(woo) == dict.fromkeys([*first, *more], 1)
    assert machines.figure('postventa_rings_total{result="sent"}') > 0
    assert machines.figure('postventa_rings_total{result="lost"}') == 0


@pytest.mark.parametrize("mode", ["hang_after", "hang_before"])
def test_a_worker_killed_in_the_middle_loses_nothing(
    machines: Machines, woo: WooShop, mode: str
) -> None:
    """Killed while a note is written, or just not: another one finishes, one note each."""
    killed = machines.worker()
    # To the worker both look alike: silence after the request has left.
    woo.faults.add(Fault(mode, match="POST /wp-json/wc/v3/orders", times=1, hang_s=5.0))
    orders = place(woo, 6)
    until(lambda: not woo.faults.as_json(), what="the fault met")
    killed.kill()
    assert "sending" in machines.states()
    machines.age(killed=True)
    machines.worker()
    until(lambda: machines.all_done(6), what="all effects done")
    assert notes(woo) == dict.fromkeys(orders, 1)


def test_without_the_broker_work_goes_on(machines: Machines, broker: Broker, woo: WooShop) -> None:
    """Broker down at the start, back, emptied and restarted: 200 always, each order once."""
    broker.stop()
    worker = machines.worker(ready="bell.listen_failed")
    orders = place(woo, 3)
    until(lambda: answered(woo, orders), what="webhooks answered without a broker")
    until(lambda: machines.all_done(3), what="the sweeper's work")
    lost = 'postventa_rings_total{result="lost"}'
    until(lambda: machines.figure(lost) > 0, what="the lost rings counted")
    broker.start()
    until(lambda: worker.said("bell.listening"), what="the worker at the bell")
    orders += place(woo, 2)
    broker.flush()
    until(lambda: machines.all_done(5), what="work after the broker was emptied")
    broker.stop()
    orders += place(woo, 2)
    until(lambda: answered(woo, orders), what="webhooks answered once more")
    broker.start()
    until(lambda: machines.all_done(7), what="work after the restart")
    assert notes(woo) == dict.fromkeys(orders, 1)
    assert {entry["status"] for entry in merchant_sees(woo)["deliveries"]} == {200}


def test_doubled_rings_do_nothing_twice(machines: Machines, broker: Broker, woo: WooShop) -> None:
    """Every ring comes ten times, to two workers at once: still one note for each order."""
    orders = place(woo, 4)
    until(lambda: broker.length(QUEUE) > 0, what="a ring")
    broker.double(QUEUE, 10)
    machines.worker()
    machines.worker()
    until(lambda: machines.all_done(4), what="all effects done")
    until(lambda: broker.length(QUEUE) == 0, what="every ring taken")
    assert notes(woo) == dict.fromkeys(orders, 1)


def test_a_server_works_too_when_asked(machines: Machines, woo: WooShop) -> None:
    """`serve --workers` works although a broker is set, and hears what others ring."""
    machines.start("serve", "--port", "0", "--workers", "1", ready="bell.listening")
    orders = place(woo, 2)
    until(lambda: machines.all_done(2), what="all effects done")
    assert notes(woo) == dict.fromkeys(orders, 1)


@pytest.mark.parametrize("away", [False, True])
def test_doctor_looks_at_the_broker(tmp_path: Path, broker: Broker, *, away: bool) -> None:
    """The doctor says whether the broker answers, and that SQLite is for one machine."""
    if away:
        broker.stop()
    cli = Cli(tmp_path, {"POSTVENTA_BROKER_URL": broker.url})
    result = cli.run("doctor", "--offline", "--json")
    found = [line for line in json.loads(result.stdout) if line["what"] == "broker"]
    assert [line["state"] for line in found] == ["bad" if away else "ok", "note"]
    assert result.exit_code == (1 if away else 0)
