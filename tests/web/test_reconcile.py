"""Orders that no webhook told of are found, once, and the ledger says so."""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from connector.flows.ledger import check_ledger
from connector.flows.reconcile import reconcile
from connector.storage.records import DeliverySource
from tests.running import Running
from tests.support import FrozenClock, until
from tests.web.cli import Cli
from tests.web.connected import Sandbox, connect, put_rules
from tests.web.reconciling import SANDBOXES, again, buy, drop, held, opened
from webhooks.cli.data import status_line
from webhooks.pollers import Pollers
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.shopify.shop import ShopifyShop
from webhooks.sandbox.woocommerce.shop import WooShop


def polls(running: Running) -> list[Any]:
    """Give the inbox rows that were pulled."""
    return [row for row in running.deliveries() if row.source is DeliverySource.POLL]


@pytest.mark.parametrize("sandbox_class", SANDBOXES)
def test_all_webhooks_lost(tmp_path: Path, sandbox_class: type[Sandbox]) -> None:
    """With every webhook dropped one poll sees every order; a second one finds nothing."""
    with opened(tmp_path) as running, sandbox_class(queue_interval_s=0.01) as sandbox:
        shop = connect(running, sandbox)
        drop(sandbox)
        placed = sorted(buy(sandbox, email=f"b{number}@example.com") for number in range(5))
        found = reconcile(running.app.engine, again(running, shop))
        running.drain()
        assert held(running, shop) == placed
        assert (found.seen, found.missed) == (5, 5)
        assert sorted(miss.order_ref for miss in found.misses) == placed
        assert all(0 <= miss.delay_s < 3600 for miss in found.misses)
        second = reconcile(running.app.engine, again(running, shop))
        assert (second.seen, second.missed, second.misses) == (5, 0, ())
        assert len(polls(running)) == 5


def test_a_told_order_is_no_miss(tmp_path: Path) -> None:
    """An order whose webhook came is listed by the shop and is not called missed."""
    with opened(tmp_path) as running, WooShop(queue_interval_s=3600) as woo:
        shop = connect(running, woo)
        told = buy(woo)
        woo.run_queue()
        # The webhook waits in the inbox, nobody has worked it off yet.
        found = reconcile(running.app.engine, again(running, shop))
        assert (found.seen, found.misses) == (1, ())
        running.drain()
        assert held(running, shop) == [told]
        assert reconcile(running.app.engine, again(running, shop)).missed == 0


def test_a_young_change_is_left_to_the_next_look(tmp_path: Path) -> None:
    """A change younger than the time a webhook may take is not called missed yet."""
    with opened(tmp_path) as running, WooShop(queue_interval_s=3600) as woo:
        shop = connect(running, woo)
        ref = buy(woo)
        first = reconcile(running.app.engine, again(running, shop), settle=timedelta(minutes=30))
        assert (first.seen, first.missed) == (1, 0)
        # As if it were older than that by now.
        second = reconcile(running.app.engine, again(running, shop))
        running.drain()
        assert ([miss.order_ref for miss in second.misses], held(running, shop)) == ([ref], [ref])


@pytest.mark.parametrize("hours", [-5, 5])
@pytest.mark.parametrize("sandbox_class", SANDBOXES)
def test_a_clock_that_is_hours_wrong_misses_nothing(
    tmp_path: Path, sandbox_class: type[Sandbox], hours: int
) -> None:
    """Looks begin by the shop's clock, also after our own was wrong and was put right."""
    wrong = datetime.now(UTC) + timedelta(hours=hours)
    with sandbox_class(queue_interval_s=0.01) as sandbox:
        drop(sandbox)
        with Running(tmp_path, clock=FrozenClock(wrong)) as running:
            shop = connect(running, sandbox)
            first = buy(sandbox, email="b1@example.com")
            # With an hour before the connection, as if our clock were right.
            assert reconcile(running.app.engine, shop).seen == 1
            second = buy(sandbox, email="b2@example.com")
            found = reconcile(running.app.engine, again(running, shop))
            assert [miss.order_ref for miss in found.misses] == [second]
            told = again(running, shop).polled_until
            assert told is not None
            assert abs(told - datetime.now(UTC)) < timedelta(minutes=10)
            assert abs(found.since - told) < timedelta(minutes=25)
            running.drain()
        with Running(tmp_path) as running:
            third = buy(sandbox, email="b3@example.com")
            reconcile(running.app.engine, again(running, shop))
            running.drain()
            assert held(running, shop) == sorted([first, second, third])


@pytest.mark.parametrize("sandbox_class", SANDBOXES)
def test_the_server_polls_by_itself(tmp_path: Path, sandbox_class: type[Sandbox]) -> None:
    """A running server sees orders whose webhooks were lost, and its status tells of them."""
    with (
        Running(tmp_path, workers=2, poll_interval_s=0.5) as running,
        sandbox_class(queue_interval_s=0.01) as sandbox,
    ):
        shop = connect(running, sandbox)
        drop(sandbox)
        placed = sorted(buy(sandbox, email=f"b{number}@example.com") for number in range(3))
        until(lambda: held(running, shop) == placed, what="all orders polled")
        (line,) = status_line(running.app)["shops"]
        assert sorted(miss["order"] for miss in line["missed"]) == placed
        assert set(line["missed"][0]) == {"order", "changed_at", "found_at", "delay_s"}


def test_a_hanging_shop_holds_up_nobody(tmp_path: Path) -> None:
    """While one shop does not answer the others are polled."""
    with (
        WooShop(queue_interval_s=3600) as stuck,
        WooShop(queue_interval_s=3600) as quick,
        Running(tmp_path, workers=2, poll_interval_s=0.5) as running,
    ):
        first, second = connect(running, stuck), connect(running, quick)
        assert first.id != second.id
        stuck.faults.add(Fault("hang_before", match="", times=None, hang_s=20))
        ref = buy(quick)
        until(lambda: held(running, second) == [ref], what="the quick shop polled")
        assert held(running, first) == []
        stuck.faults.clear()


def test_two_processes_poll_once(tmp_path: Path) -> None:
    """Two pollers over one store ask a shop once a turn and store each order once."""
    with (
        WooShop(queue_interval_s=3600) as woo,
        Running(tmp_path, poll_interval_s=3600) as running,
        # One installation: both know the same address.
        Running(tmp_path, poll_interval_s=3600, base_url=running.url) as other,
    ):
        shop = connect(running, woo)
        placed = sorted(buy(woo, email=f"b{number}@example.com") for number in range(4))
        # Changed before the time that a webhook may take.
        for order in woo.store.orders.values():
            order.modified_at -= timedelta(minutes=5)
        before = Counter(call["path"] for call in woo.calls_json())
        pollers = [Pollers(running.app), Pollers(other.app)]
        for poller in pollers:
            poller.start()
        # The last thing a look does is to count the days.
        until(lambda: status_line(running.app)["shops"][0]["ledger"] != [], what="the look to end")
        for poller in pollers:
            poller.stop()
        running.drain()
        other.drain()
        assert held(running, shop) == placed
        assert len(polls(running)) == 4
        asked = Counter(call["path"] for call in woo.calls_json()) - before
        assert asked["/wp-json/wc/v3/webhooks"] == 1
        # The changed ones and the trash; then two numbers for each day since an hour before
        # the connection, which may have been yesterday.
        days = len(status_line(running.app)["shops"][0]["ledger"])
        assert asked["/wp-json/wc/v3/orders"] == 2 + 2 * days


def test_two_looks_at_the_same_time(tmp_path: Path) -> None:
    """Looks that run side by side in two processes make no double inbox row."""
    with (
        WooShop(queue_interval_s=3600) as woo,
        opened(tmp_path) as running,
        opened(tmp_path) as other,
    ):
        shop = connect(running, woo)
        placed = sorted(buy(woo, email=f"b{number}@example.com") for number in range(8))
        found: list[int] = []

        def look(server: Running) -> None:
            found.append(reconcile(server.app.engine, shop).missed)

        threads = [threading.Thread(target=look, args=(server,)) for server in (running, other) * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert sum(found) == 8
        assert sorted(row.lane for row in polls(running)) == placed
        assert len(misses(running)) == 8


def misses(running: Running) -> list[Any]:
    """Give the misses of the only shop, as status tells them."""
    (line,) = status_line(running.app)["shops"]
    return list(line["missed"])


@pytest.mark.parametrize("sandbox_class", SANDBOXES)
def test_a_day_that_differs_is_pulled(tmp_path: Path, sandbox_class: type[Sandbox]) -> None:
    """Orders that no look has seen are found by counting, and then the day agrees."""
    with opened(tmp_path) as running, sandbox_class(queue_interval_s=0.01) as sandbox:
        shop = connect(running, sandbox)
        drop(sandbox)
        placed = sorted(buy(sandbox, email=f"b{number}@example.com") for number in range(3))
        first = check_ledger(running.app.engine, shop)
        says = sum(day.line.shop_says for day in first)
        hold = sum(day.line.we_hold for day in first)
        missing = sorted(ref for day in first for ref in day.line.missing)
        assert (says, hold, missing) == (3, 0, placed)
        assert sorted(miss.order_ref for day in first for miss in day.misses) == placed
        running.drain()
        second = check_ledger(running.app.engine, shop)
        assert all(day.line.agrees for day in second)
        assert sum(day.line.we_hold for day in second) == 3
        (line,) = status_line(running.app)["shops"]
        assert [(day["shop_says"], day["we_hold"]) for day in line["ledger"]][-1] == (3, 3)


def test_an_order_that_the_shop_has_no_more(tmp_path: Path) -> None:
    """An order we hold and the shop has purged is asked for, and is deleted here too."""
    with opened(tmp_path) as running, WooShop(queue_interval_s=3600) as woo:
        shop = connect(running, woo)
        gone, kept = buy(woo), buy(woo, email="b@example.com")
        reconcile(running.app.engine, again(running, shop))
        running.drain()
        del woo.store.orders[int(gone)]
        first = check_ledger(running.app.engine, shop)
        assert [(day.line.shop_says, day.line.we_hold) for day in first][-1] == (1, 2)
        running.drain()
        assert all(day.line.agrees for day in check_ledger(running.app.engine, shop))
        states = {line["ref"]: line["state"] for line in running.export("orders", shop.id)}
        assert states == {gone: "deleted", kept: "processing"}


def test_drafts_count_on_neither_side(tmp_path: Path) -> None:
    """A basket that nobody ordered is in neither number."""
    with opened(tmp_path) as running, WooShop(queue_interval_s=3600) as woo:
        shop = connect(running, woo)
        buy(woo, status="checkout-draft", paid=False)
        ref = buy(woo)
        reconcile(running.app.engine, again(running, shop))
        running.drain()
        day = check_ledger(running.app.engine, shop)[-1]
        assert (day.line.shop_says, day.line.we_hold, day.line.missing) == (1, 1, ())
        assert held(running, shop) == [ref]


def test_days_are_those_of_the_shop(tmp_path: Path) -> None:
    """An order of 23:30 UTC belongs to the next day in Madrid, on both sides."""
    with opened(tmp_path) as running, WooShop(queue_interval_s=3600) as woo:
        shop = connect(running, woo)
        with running.storage.transaction() as tx:
            tx.update_shop(shop.id, facts={"timezone": "Pacific/Kiritimati"})
        shop = again(running, shop)
        buy(woo)
        reconcile(running.app.engine, shop)
        running.drain()
        day = check_ledger(running.app.engine, shop)[-1]
        # Kiritimati is fourteen hours ahead of UTC.
        assert day.line.day == (datetime.now(UTC) + timedelta(hours=14)).date()
        assert (day.line.shop_says, day.line.we_hold) == (1, 1)


def test_days_before_the_connection_are_left_alone(tmp_path: Path) -> None:
    """The ledger begins when the shop was connected: older orders are pulled by no look."""
    with opened(tmp_path) as running, WooShop(queue_interval_s=3600) as woo:
        buy(woo, days_ago=3)
        shop = connect(running, woo)
        put_rules(running, shop)
        assert all(day.line.shop_says == 0 for day in check_ledger(running.app.engine, shop))
        running.drain()
        assert held(running, shop) == []


def test_the_command_prints_the_ledger(tmp_path: Path) -> None:
    """`reconcile --json` gives shop, since, seen, each miss with its delay, and the days."""
    with ShopifyShop(queue_interval_s=0.01) as shopify:
        cli = Cli(tmp_path)
        shop_id = cli.add(shopify)["id"]
        drop(shopify)
        placed = sorted(buy(shopify, email=f"b{number}@example.com") for number in range(2))
        (line,) = cli.data("reconcile")["shops"]
        assert (line["shop"], line["seen"], line["error"]) == (shop_id, 2, None)
        assert sorted(miss["order"] for miss in line["missed"]) == placed
        assert all(miss["delay_s"] >= 0 for miss in line["missed"])
        says = [(day["shop_says"], day["we_hold"], day["missing"]) for day in line["days"]]
        assert says[-1] == (2, 2, [])
        (shop,) = cli.data("status")["shops"]
        assert shop["ledger"][-1]["we_hold"] == 2
        table = cli.ok("reconcile", "--since", "1d")
        assert "shop says" in table
        assert "agrees" in table
        assert "2 missed and found" in cli.ok("status")


def test_the_command_repairs_a_day(tmp_path: Path) -> None:
    """A hole in our rows is named, filled and told as repaired by one command."""
    with WooShop(queue_interval_s=3600) as woo:
        cli = Cli(tmp_path)
        cli.add(woo)
        ref = buy(woo)
        cli.ok("reconcile")
        # A row that was lost: what a restored backup lacks.
        with cli.opened() as app, app.storage.transaction() as tx:
            for table in ("orders", "inbox", "missed_orders"):
                tx.connection.execute(text(f"DELETE FROM {table}"))  # type: ignore[attr-defined] # noqa: S608 - three words
        for order in woo.store.orders.values():
            order.modified_at -= timedelta(hours=2)
        (line,) = cli.data("reconcile")["shops"]
        assert (line["seen"], [miss["order"] for miss in line["missed"]]) == (0, [ref])
        assert line["days"][-1]["repaired"] == [ref]
        assert (line["days"][-1]["shop_says"], line["days"][-1]["we_hold"]) == (1, 1)
