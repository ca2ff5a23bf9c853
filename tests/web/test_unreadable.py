"""An order that the shop lists and that cannot be read is kept for a person."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.flows.backfill import backfill
from connector.flows.ledger import check_ledger
from connector.flows.reconcile import reconcile
from connector.storage.records import DeliverySource, ShopRecord
from tests.running import Running
from tests.web.cli import Cli
from tests.web.connected import connect
from tests.web.reconciling import again, buy, drop, held, opened
from webhooks.sandbox.woocommerce.shop import WooShop


def spoil(sandbox: WooShop, ref: str) -> None:
    """Let an order have a currency that is none; do it again to mend it."""
    order = sandbox.store.orders[int(ref)]
    order.currency = "EUR" if order.currency == "nonsense" else "nonsense"


def look(running: Running, shop: ShopRecord, *, old: bool) -> int:
    """Pull what the shop has, as a poll or as a backfill; tell how many could not be read."""
    if not old:
        return len(reconcile(running.app.engine, again(running, shop)).unreadable)
    since = datetime.now(UTC) - timedelta(days=30)
    return backfill(running.app.engine, again(running, shop), since, wait=lambda _: None).unreadable


@pytest.mark.parametrize("old", [False, True])
def test_an_unreadable_order_is_a_dead_letter(tmp_path: Path, old: bool) -> None:
    """It is stored once with its body, listed, counted, and read when it is retried."""
    with opened(tmp_path) as running, WooShop(queue_interval_s=0.01) as sandbox:
        shop = connect(running, sandbox)
        drop(sandbox)
        first, odd, last = (buy(sandbox, email=f"b{number}@example.com") for number in range(3))
        spoil(sandbox, odd)
        assert look(running, shop, old=old) == 1
        look(running, shop, old=old)
        running.drain()
        # Its neighbors are held.
        assert held(running, shop) == sorted([first, last])
        (row,) = [row for row in running.deliveries() if row.lane == odd]
        source = DeliverySource.BACKFILL if old else DeliverySource.POLL
        assert (row.state, row.source, row.topic) == ("dead", source, "unreadable")
        assert odd in row.reason
        assert row.body is not None
        assert json.loads(row.body)["id"] == int(odd)
        cli = Cli(tmp_path)
        (dead,) = cli.data("dead-letters", "list")
        assert (dead["id"], dead["order"]) == (str(row.id), odd)
        assert dead["reason"].startswith(f"needs a person: {odd} cannot be read: ")
        # Retried too early it is dead again, and says why.
        cli.data("dead-letters", "retry", str(row.id))
        running.drain()
        (dead,) = cli.data("dead-letters", "list")
        assert dead["reason"].startswith(f"needs a person: {odd} cannot be read: ")
        spoil(sandbox, odd)
        cli.data("dead-letters", "retry", str(row.id))
        running.drain()
        assert cli.data("dead-letters", "list") == []
        assert held(running, shop) == sorted([first, odd, last])
        played = cli.data("rebuild", "--into", f"sqlite:///{tmp_path / 'other.db'}")
        assert (played["orders"], played["differences"]) == (3, [])


def test_the_ledger_counts_what_cannot_be_read(tmp_path: Path) -> None:
    """The day differs by that order, which is named as unreadable and not as missing."""
    with opened(tmp_path) as running, WooShop(queue_interval_s=3600.0) as sandbox:
        shop = connect(running, sandbox)
        refs = [buy(sandbox) for _ in range(3)]
        sandbox.run_queue()
        running.drain()
        # One that is held already is held, whatever becomes of it in the shop.
        spoil(sandbox, refs[1])
        late = buy(sandbox)
        spoil(sandbox, late)
        lines = [day.line for day in check_ledger(running.app.engine, again(running, shop))]
        (line,) = [line for line in lines if line.shop_says]
        assert (line.shop_says, line.we_hold, line.missing, line.unreadable) == (4, 3, (), (late,))
        assert not line.agrees
        (day,) = Cli(tmp_path).data("status")["shops"][0]["ledger"][-1:]
        assert day["unreadable"] == [late]
