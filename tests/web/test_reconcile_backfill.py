"""Old orders are read in pieces, once, and fire no rules."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.errors import AdapterError, AuthRejected, RateLimited
from connector.flows import backfill as flow
from connector.flows.backfill import Backfill, backfill, unfinished_backfill
from connector.flows.ledger import check_ledger
from connector.flows.reconcile import reconcile
from connector.storage.records import ShopRecord
from tests.running import Running
from tests.web.cli import Cli
from tests.web.connected import Sandbox, ask, connect, put_rules
from tests.web.reconciling import SANDBOXES, again, buy, drop, held, opened
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.shopify.shop import ShopifyShop
from webhooks.sandbox.woocommerce.shop import WooShop

SINCE = datetime.now(UTC) - timedelta(days=60)


class StoppedHere(BaseException):
    """What Ctrl+C is to the command."""


def past(sandbox: Sandbox, count: int) -> list[str]:
    """Place orders over the last fifty days; give their references, sorted."""
    return sorted(
        buy(sandbox, days_ago=1 + 50 * number / count, email=f"old{number}@example.com")
        for number in range(count)
    )


def read_all(
    running: Running, shop: ShopRecord, report: Callable[[Backfill], None] = lambda _: None
) -> Backfill:
    """Read the old orders and work them off."""

    def wait(_: float) -> None:
        """Ask again at once: the pretend shop goes on with every look."""

    done = backfill(running.app.engine, again(running, shop), SINCE, report=report, wait=wait)
    running.drain()
    return done


@pytest.mark.parametrize("sandbox_class", SANDBOXES)
def test_old_orders_are_read_and_fire_nothing(tmp_path: Path, sandbox_class: type[Sandbox]) -> None:
    """All orders of the past are held and counted; no rule acts on them; twice is once."""
    with opened(tmp_path) as running, sandbox_class(queue_interval_s=0.01) as sandbox:
        drop(sandbox)
        placed = past(sandbox, 12)
        shop = connect(running, sandbox)
        put_rules(running, shop)
        done = read_all(running, shop)
        assert (done.done, done.new, done.total, done.finished) == (12, 12, 12, True)
        assert held(running, shop) == placed
        assert running.export("effects") == []
        verdicts = Counter(line["verdict"] for line in running.export("evaluations"))
        assert verdicts == {"too_old": 12}
        second = read_all(running, shop)
        assert (second.done, second.new) == (12, 0)
        assert len(running.deliveries()) == 12


ANY_AGE = """
rules:
  - id: paid
    name: Paid
    trigger: order.paid
    max_age: 365d
    actions:
      - note: {text: "Pagado", to_buyer: false}
    enabled: true
  - id: canceled
    name: Canceled
    trigger: order.canceled
    actions:
      - note: {text: "Anulado", to_buyer: false}
    enabled: true
"""


@pytest.mark.parametrize("sandbox_class", SANDBOXES)
def test_old_orders_keep_their_own_times(tmp_path: Path, sandbox_class: type[Sandbox]) -> None:
    """What an old order went through is dated by the shop, fires nothing, and later things do."""
    with opened(tmp_path) as running, sandbox_class(queue_interval_s=0.01) as sandbox:
        drop(sandbox)
        ref = buy(sandbox, days_ago=40)
        if isinstance(sandbox, WooShop):
            # Changed today: the day of the change is not the day of its payment.
            ask(sandbox, "POST", f"/_sandbox/orders/{ref}/edit", {"note": "Llamar antes"})
        shop = connect(running, sandbox)
        put_rules(running, shop, ANY_AGE)
        read_all(running, shop)
        (order,) = running.export("orders")
        at = {line["kind"]: line["occurred_at"] for line in running.export("occurrences")}
        assert at["order.created"] == order["placed_at"]
        assert at["order.paid"] == order["paid_at"]
        assert datetime.fromisoformat(order["placed_at"]) < datetime.now(UTC) - timedelta(days=39)
        assert running.export("effects") == []
        verdicts = [line["verdict"] for line in running.export("evaluations")]
        assert verdicts == ["too_old"]
        # What happens from now on is no thing of the past.
        ask(sandbox, "POST", f"/_sandbox/orders/{ref}/cancel", {})
        running.app.clock.move(minutes=1)  # type: ignore[attr-defined]
        reconcile(running.app.engine, again(running, shop))
        running.drain()
        assert [line["rule"] for line in running.export("effects")] == ["canceled"]


def test_a_recent_order_fires_as_always(tmp_path: Path) -> None:
    """A backfill that meets an order placed after the connection does not silence its rules."""
    with opened(tmp_path) as running, WooShop(queue_interval_s=3600) as woo:
        shop = connect(running, woo)
        put_rules(running, shop)
        buy(woo)
        read_all(running, shop)
        assert sorted(line["kind"] for line in running.export("effects")) == [
            "coupon",
            "note",
            "tag",
        ]


@pytest.mark.parametrize("sandbox_class", SANDBOXES)
def test_stopped_half_way_it_goes_on(
    tmp_path: Path, sandbox_class: type[Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped in the middle, the next start goes on there and ends with each order once."""
    monkeypatch.setattr(flow, "CHUNK", 4)
    with opened(tmp_path) as running, sandbox_class(queue_interval_s=0.01) as sandbox:
        drop(sandbox)
        placed = past(sandbox, 20)
        shop = connect(running, sandbox)

        def stop(state: Backfill) -> None:
            if state.done >= 8:
                raise StoppedHere

        with pytest.raises(StoppedHere):
            read_all(running, shop, stop)
        running.drain()
        early = held(running, shop)
        assert 8 <= len(early) < 20
        with running.storage.reading() as tx:
            known = unfinished_backfill(tx, shop)
        assert known is not None
        assert (known.total, known.finished) == (20, False)
        seen: list[int] = []
        done = read_all(running, shop, lambda state: seen.append(state.done))
        assert (done.done, done.new, done.finished) == (20, 20, True)
        assert seen[0] == known.done
        assert held(running, shop) == placed
        assert Counter(row.lane for row in running.deliveries()) == Counter(placed)
        with running.storage.reading() as tx:
            assert unfinished_backfill(tx, shop) is None


def test_a_shop_that_fails_half_way(tmp_path: Path) -> None:
    """When the shop fails, what was read is kept, and the next start goes on."""
    with opened(tmp_path) as running, WooShop(queue_interval_s=3600) as woo:
        placed = past(woo, 12)
        shop = connect(running, woo)

        def fail_later(state: Backfill) -> None:
            if state.done >= 3 and not woo.faults.as_json():
                woo.faults.add(Fault("status_503", match="GET", times=None))

        with pytest.raises(AdapterError):
            read_all(running, shop, fail_later)
        woo.faults.clear()
        # A shop that failed is given a rest first.
        running.app.clock.move(minutes=30)
        assert read_all(running, shop).finished
        assert held(running, shop) == placed


def test_the_ledger_reaches_back_as_far(tmp_path: Path) -> None:
    """After the backfill the days before the connection are counted, and agree."""
    with opened(tmp_path) as running, WooShop(queue_interval_s=3600) as woo:
        past(woo, 12)
        buy(woo, days_ago=3.5)
        shop = connect(running, woo)
        assert sum(day.line.shop_says for day in check_ledger(running.app.engine, shop)) == 0
        read_all(running, shop)
        days = check_ledger(running.app.engine, shop)
        assert len(days) == 7
        assert all(day.line.agrees for day in days)
        assert sum(day.line.shop_says for day in days) >= 2


def test_bulk_orders_are_like_those_read_one_by_one(tmp_path: Path) -> None:
    """An order out of the bulk file equals the same order read by its number."""
    with opened(tmp_path) as running, ShopifyShop(queue_interval_s=0.01) as shopify:
        drop(shopify)
        lines = [
            {"sku": f"S{number}", "name": "Taza", "quantity": 1 + number % 3, "price": "7.35"}
            for number in range(15)
        ]
        shop = connect(running, shopify)
        many = buy(shopify, days_ago=9, lines=lines, email="many@example.com")
        shipped = buy(shopify, days_ago=8, email="shipped@example.com")
        ask(shopify, "POST", f"/_sandbox/orders/{shipped}/ship", {})
        refunded = buy(shopify, days_ago=7, email="refunded@example.com")
        ask(shopify, "POST", f"/_sandbox/orders/{refunded}/refund", {})
        guest = buy(shopify, days_ago=6, guest=True, digital=True)
        adapter = running.app.adapter_of(again(running, shop))
        ref = adapter.start_bulk(SINCE, datetime.now(UTC))  # type: ignore[attr-defined]
        while not adapter.look_at_bulk(ref).done:  # type: ignore[attr-defined]
            pass
        found = {order.ref: order for order in adapter.read_bulk(ref, 0)}  # type: ignore[attr-defined]
        assert sorted(found) == sorted([many, shipped, refunded, guest])
        for order in found.values():
            assert order == adapter.fetch_order(order.ref)
        assert len(found[many].lines) == 15  # type: ignore[index]
        rest = [order.ref for order in adapter.read_bulk(ref, 2)]  # type: ignore[attr-defined]
        assert rest == list(found)[2:]


def test_an_expired_bulk_file_is_asked_for_anew(tmp_path: Path) -> None:
    """A file that the shop keeps no more is written again; nothing is stored twice."""
    with opened(tmp_path) as running, ShopifyShop(queue_interval_s=0.01) as shopify:
        drop(shopify)
        placed = past(shopify, 6)
        shop = connect(running, shopify)

        def stop(state: Backfill) -> None:
            if state.done:
                raise StoppedHere

        with pytest.raises(StoppedHere):
            read_all(running, shop, stop)
        shopify.store.bulks.clear()
        done = read_all(running, shop)
        assert (done.done, done.new, held(running, shop)) == (6, 6, placed)


def test_too_many_bulk_operations(tmp_path: Path) -> None:
    """Five running operations are too many for a sixth: it is waited for, and then refused."""
    with opened(tmp_path) as running, ShopifyShop(queue_interval_s=0.01) as shopify:
        shop = connect(running, shopify)
        adapter = running.app.adapter_of(again(running, shop))
        for _ in range(5):
            adapter.start_bulk(SINCE, datetime.now(UTC))  # type: ignore[attr-defined]
        waits: list[float] = []
        with pytest.raises(RateLimited, match="still running"):
            backfill(running.app.engine, again(running, shop), SINCE, wait=waits.append)
        assert waits == [60.0] * (flow.PATIENCE - 1)


@pytest.mark.parametrize("why", ["INTERNAL_SERVER_ERROR", "ACCESS_DENIED"])
def test_a_bulk_operation_that_fails(tmp_path: Path, why: str) -> None:
    """A failed operation is begun anew by itself; one that lacks a scope says so and stops."""
    with opened(tmp_path) as running, ShopifyShop(queue_interval_s=0.01) as shopify:
        drop(shopify)
        placed = past(shopify, 2)
        shop = connect(running, shopify)

        def stop(state: Backfill) -> None:
            if state.done:
                raise StoppedHere

        with pytest.raises(StoppedHere):
            read_all(running, shop, stop)
        for item in shopify.store.bulks.values():
            item.status, item.error = "FAILED", why
        if why == "ACCESS_DENIED":
            with pytest.raises(AuthRejected, match="scope"):
                read_all(running, shop)
        else:
            assert (read_all(running, shop).done, held(running, shop)) == (2, placed)


def test_a_short_pause_is_waited_for(tmp_path: Path) -> None:
    """A shop that is busy for a moment is asked again, and no order is lost or doubled."""
    with opened(tmp_path) as running, WooShop(queue_interval_s=3600) as woo:
        placed = past(woo, 12)
        shop = connect(running, woo)

        def fail_once(state: Backfill) -> None:
            if 3 <= state.done < 12 and not woo.faults.as_json():
                woo.faults.add(Fault("status_429", match="GET", times=1, retry_after_s=7))

        waits: list[float] = []

        def wait(seconds: float) -> None:
            waits.append(seconds)
            woo.faults.clear()
            running.app.clock.move(seconds=seconds + 1)

        done = backfill(
            running.app.engine, again(running, shop), SINCE, report=fail_once, wait=wait
        )
        running.drain()
        assert (done.done, done.finished, held(running, shop)) == (12, True, placed)
        assert waits
        assert len(running.deliveries()) == 12


def test_a_shop_without_old_orders(tmp_path: Path) -> None:
    """An empty bulk result has no file, and is no error."""
    with opened(tmp_path) as running, ShopifyShop(queue_interval_s=0.01) as shopify:
        shop = connect(running, shopify)
        done = read_all(running, shop)
        assert (done.done, done.total, done.finished) == (0, 0, True)


@pytest.mark.parametrize("sandbox_class", SANDBOXES)
def test_the_command(tmp_path: Path, sandbox_class: type[Sandbox]) -> None:
    """`reconcile --backfill --since` reads, works off and counts; without --since it resumes."""
    with sandbox_class(queue_interval_s=0.01) as sandbox:
        drop(sandbox)
        placed = past(sandbox, 5)
        cli = Cli(tmp_path)
        cli.add(sandbox)
        cli.refused("reconcile", "--backfill", says="say with --since how far to go back")
        (line,) = cli.data("reconcile", "--backfill", "--since", "60d")["shops"]
        assert (line["orders"], line["new"], line["total"], line["error"]) == (5, 5, 5, None)
        assert line["worked"] == 5
        assert sorted(item["ref"] for item in cli.lines("export", "orders")) == placed
        assert "orders read" in cli.ok("reconcile", "--backfill", "--since", "60d")


def test_the_command_stopped_by_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl+C says how far it came; the same command, or one without --since, goes on."""
    monkeypatch.setattr(flow, "CHUNK", 2)
    with WooShop(queue_interval_s=3600) as woo:
        placed = past(woo, 6)
        cli = Cli(tmp_path)
        cli.add(woo)
        from connector.jobs.worker import Worker

        work = Worker.drain
        calls: list[int] = []

        def pressed(self: Worker, **more: int) -> int:
            calls.append(1)
            if len(calls) == 3:
                raise KeyboardInterrupt
            return work(self, **more)

        monkeypatch.setattr(Worker, "drain", pressed)
        cli.refused("reconcile", "--backfill", "--since", "60d", says="goes on from there", code=1)
        monkeypatch.undo()
        (line,) = cli.data("reconcile", "--backfill")["shops"]
        assert (line["orders"], line["total"]) == (6, 6)
        assert sorted(item["ref"] for item in cli.lines("export", "orders")) == placed
