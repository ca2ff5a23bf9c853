"""Ceilings that processes share, and rebuilds, on SQLite and on PostgreSQL."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.storage.tables import occurrences
from connector.jobs.worker import Worker
from tests.running import Running
from tests.support import FrozenClock
from tests.web.cli import Cli
from tests.web.connected import connect, put_rules
from tests.web.test_engine import Shop, note_rule
from webhooks.sandbox.woocommerce.shop import WooShop

COUPON = """
rules:
  - id: gift
    name: Gift
    trigger: order.paid
    delay: 10m
    actions:
      - coupon: {kind: percent, value: "10", prefix: GRACIAS, uses: 1, only_buyer: true}
    enabled: true
"""
MOST = 5


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Iterator[Shop]:
    """A connected shop; work is done only when the test says so."""
    clock = FrozenClock(datetime.now(UTC) + timedelta(minutes=1))
    with (
        WooShop(queue_interval_s=3600.0) as sandbox,
        Running(
            tmp_path, clock=clock, database_url=database_url, max_coupons_per_hour=MOST
        ) as running,
    ):
        yield Shop(running, sandbox, clock)


def test_a_ceiling_holds_for_processes_side_by_side(
    shop: Shop, tmp_path: Path, database_url: str
) -> None:
    """Two processes that work at the same time make as many coupons as one may, and no more."""
    put_rules(shop.running, shop.record, COUPON)
    for number in range(2 * MOST):
        shop.order(email=f"buyer{number}@example.com")
    shop.clock.move(minutes=11)
    with Running(
        tmp_path, clock=shop.clock, database_url=database_url, max_coupons_per_hour=MOST
    ) as second:
        workers = [Worker(running.app.engine) for running in (shop.running, second)]
        # Both hold claims before either writes.
        batches = [(worker, batch) for worker in workers for batch in worker.claim(MOST)]
        assert [len(batch.effects) for _, batch in batches] == [MOST, MOST]
        threads = [threading.Thread(target=worker.work, args=(batch,)) for worker, batch in batches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert len(shop.sandbox.state()["coupons"]) == MOST
    states = [line["state"] for line in shop.effects()]
    assert (states.count("done"), states.count("planned")) == (MOST, MOST)


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, tmp_path: Path, database_url: str) -> Iterator[str]:
    """Give the address of an empty database of the same kind."""
    if not database_url:
        yield f"sqlite:///{tmp_path / 'rebuilt.db'}"
        return
    cluster: Any = request.getfixturevalue("cluster")
    name = cluster.new_database()
    yield cluster.url(name)
    cluster.drop_database(name)


@pytest.mark.parametrize("damaged", [False, True])
def test_a_rebuild_can_look_at_one_shop(
    shop: Shop, tmp_path: Path, database_url: str, empty_url: str, *, damaged: bool
) -> None:
    """All shops are played; --shop tells the differences of one, whatever the other has."""
    with WooShop(queue_interval_s=3600.0) as other:
        second = connect(shop.running, other)
        for record in (shop.record, second):
            put_rules(shop.running, record, note_rule())
        shop.order()
        other.create_order({"paid": True, "email": "berta@example.com"})
        assert other.run_queue()
        shop.settle()
        with shop.running.storage.transaction() as tx:
            tx.connection.execute(  # type: ignore[attr-defined]  # the SQL stores have one
                sa.delete(occurrences).where(occurrences.c.shop_id == second.id)
            )
        wanted = second if damaged else shop.record
        cli = Cli(tmp_path, {"POSTVENTA_DATABASE_URL": database_url})
        result = cli.run("rebuild", "--into", empty_url, "--shop", wanted.id, "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == int(damaged), result.stderr
    assert found["orders"] == 1
    shops = {line["shop"] for line in found["differences"]}
    assert shops == ({second.id} if damaged else set())
