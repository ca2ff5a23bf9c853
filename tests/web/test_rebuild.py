"""A rebuild from what was kept gives the same orders, occurrences and effects."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.storage.tables import inbox, occurrences
from connector.flows.retention import prune
from connector.model.order import OrderRef, OrderState
from tests.recorded.test_deliveries import Played
from tests.recorded.test_deliveries import played as recorded
from tests.running import Running
from tests.support import FrozenClock, until
from tests.web.cli import Cli
from tests.web.connected import ANA, ask, connect, merchant_sees, put_rules
from tests.web.test_engine import Shop, note_rule
from webhooks.sandbox.shopify.shop import ShopifyShop
from webhooks.sandbox.woocommerce.shop import WooShop

played = recorded

COMPLETE = """
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
ONCE = """
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


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A connected shop; work is done only when the test says so."""
    clock = FrozenClock(datetime.now(UTC) + timedelta(minutes=1))
    with WooShop(queue_interval_s=3600.0) as sandbox, Running(tmp_path, clock=clock) as running:
        yield Shop(running, sandbox, clock)


def rebuilt(running: Running, path: Path, *, code: int = 0) -> dict[str, Any]:
    """Run the command into a new file; give what it says."""
    result = Cli(running.settings.data_dir).run(
        "rebuild", "--into", f"sqlite:///{path / 'rebuilt.db'}", "--json"
    )
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def change(running: Running, statement: Any) -> None:
    """Change a row behind everybody's back."""
    with running.storage.transaction() as tx:
        tx.connection.execute(statement)


def test_the_recorded_shop_is_rebuilt(played: Played, tmp_path: Path) -> None:
    """550 recorded deliveries give the same orders, occurrences and effects once more."""
    expected = [len(played.running.export(what)) for what in ("orders", "occurrences", "effects")]
    found = rebuilt(played.running, tmp_path)
    assert found["differences"] == []
    assert [found[what] for what in ("orders", "occurrences", "effects")] == expected
    assert found["left_out"] == {"deliveries": 0, "orders": 0}
    assert found["deliveries"] > 400


def test_a_changed_order_is_listed(shop: Shop, tmp_path: Path) -> None:
    """An order whose stored state was changed is named, with what differs and no values."""
    put_rules(shop.running, shop.record, note_rule())
    changed, _ = shop.order(), shop.order(email="berta@example.com")
    with shop.running.storage.transaction() as tx:
        stored = tx.order(shop.record.id, OrderRef(changed))
        assert stored is not None
        other = replace(stored.order, state=OrderState.CANCELED, total_minor=1)
        tx.put_order(
            shop.record.id,
            other,
            buyer_id=stored.buyer_id,
            seen_at=stored.seen_at,
        )
    found = rebuilt(shop.running, tmp_path, code=1)
    assert found["differences"] == [
        {
            "what": "order",
            "shop": shop.record.id,
            "order": changed,
            "key": "",
            "found": "differs",
            "fields": ["state", "total_minor"],
        }
    ]


def test_a_lost_occurrence_is_listed(shop: Shop, tmp_path: Path) -> None:
    """An occurrence that is gone here is found by the rebuild, with its effect as it was."""
    put_rules(shop.running, shop.record, note_rule())
    order = shop.order()
    change(shop.running, sa.delete(occurrences).where(occurrences.c.kind == "order.created"))
    found = rebuilt(shop.running, tmp_path, code=1)
    assert [
        (one["what"], one["order"], one["key"], one["found"]) for one in found["differences"]
    ] == [("occurrence", order, "order.created", "only_there")]


def test_a_lost_delivery_is_listed(shop: Shop, tmp_path: Path) -> None:
    """Without its deliveries an order cannot be rebuilt, and that is said."""
    put_rules(shop.running, shop.record, note_rule())
    order = shop.order()
    change(shop.running, sa.delete(inbox).where(inbox.c.lane == order))
    found = rebuilt(shop.running, tmp_path, code=1)
    assert {(one["what"], one["found"]) for one in found["differences"]} == {
        ("order", "only_here"),
        ("occurrence", "only_here"),
        ("effect", "only_here"),
    }


def test_what_we_did_ourselves_is_rebuilt(shop: Shop, tmp_path: Path) -> None:
    """Our own change of status starts no rule in the rebuild either."""
    put_rules(shop.running, shop.record, COMPLETE)
    shop.order()
    shop.order(email="berta@example.com")
    assert {line["rule"] for line in shop.effects()} == {"complete-it"}
    assert rebuilt(shop.running, tmp_path)["differences"] == []


def test_states_seen_before_an_effect_are_rebuilt(shop: Shop, tmp_path: Path) -> None:
    """A cancellation that no webhook told, read before an effect, is in the rebuild too."""
    put_rules(shop.running, shop.record, note_rule("delay: 10m"))
    canceled, deleted = shop.order(), shop.order()
    ask(shop.sandbox, "POST", "/_sandbox/settings", {"webhooks": "drop"})
    shop.act(canceled, "cancel")
    shop.act(deleted, "delete")
    shop.clock.move(minutes=11)
    shop.settle()
    assert {line["state"] for line in shop.effects()} == {"skipped"}
    found = rebuilt(shop.running, tmp_path)
    assert found["differences"] == []
    assert found["occurrences"] == len(shop.running.export("occurrences"))


def test_turns_that_were_given_back_are_rebuilt(shop: Shop, tmp_path: Path) -> None:
    """A buyer's one time, given back by a canceled order, went to the next order here and there."""
    put_rules(shop.running, shop.record, ONCE)
    first = shop.order()
    shop.act(first, "cancel")
    shop.clock.move(minutes=11)
    shop.settle()
    shop.order()
    shop.clock.move(minutes=11)
    shop.settle()
    shop.order()
    assert rebuilt(shop.running, tmp_path)["differences"] == []


def test_rules_that_were_off_are_no_difference(shop: Shop, tmp_path: Path) -> None:
    """What a rule did before it was switched off is rebuilt; what it would have done is not."""
    put_rules(shop.running, shop.record, note_rule())
    shop.order()
    with shop.running.storage.transaction() as tx:
        tx.enable_rule(shop.record.id, "paid-note", enabled=False)
    shop.clock.move(minutes=5)
    shop.order()
    found = rebuilt(shop.running, tmp_path)
    assert (found["differences"], found["effects"]) == ([], 1)


def test_orders_whose_bodies_are_gone_are_left_out(shop: Shop, tmp_path: Path) -> None:
    """What is not kept any more cannot be compared, and is counted."""
    put_rules(shop.running, shop.record, note_rule())
    shop.order()
    shop.clock.move(days=31)
    prune(shop.running.app.engine, keep_bodies=timedelta(days=30))
    found = rebuilt(shop.running, tmp_path)
    assert found["differences"] == []
    assert found["left_out"]["orders"] == 1
    assert found["orders"] == 0


def test_a_rebuild_calls_nobody_and_sends_nothing(shop: Shop, tmp_path: Path) -> None:
    """The shop hears nothing, and every effect of the new store is skipped as `rebuild`."""
    put_rules(shop.running, shop.record, note_rule())
    shop.order()
    heard = len(merchant_sees(shop.sandbox)["calls"])
    assert rebuilt(shop.running, tmp_path)["differences"] == []
    assert len(merchant_sees(shop.sandbox)["calls"]) == heard
    new = Cli(
        shop.running.settings.data_dir,
        {"POSTVENTA_DATABASE_URL": f"sqlite:///{tmp_path / 'rebuilt.db'}"},
    )
    effects = new.lines("export", "effects")
    assert [(line["state"], line["reason"]) for line in effects] == [("skipped", "rebuild")]
    assert new.data("status")["effects_stopped"] is True
    assert shop.only()["state"] == "done"


def test_only_an_empty_database_is_filled(shop: Shop, tmp_path: Path) -> None:
    """A second rebuild into the same database is refused, and so is one into our own."""
    shop.order()
    rebuilt(shop.running, tmp_path)
    cli = Cli(shop.running.settings.data_dir)
    for name in (tmp_path / "rebuilt.db", shop.running.settings.data_dir / "postventa.db"):
        cli.refused("rebuild", "--into", f"sqlite:///{name}", says="is not empty")


def test_shopify_is_rebuilt(tmp_path: Path) -> None:
    """Two shops of one app: every webhook was asked after, and the answers are used again."""
    clock = FrozenClock(datetime.now(UTC) + timedelta(minutes=1))
    with (
        ShopifyShop(queue_interval_s=0.05) as sandbox,
        Running(tmp_path, clock=clock) as running,
    ):
        record = connect(running, sandbox)
        put_rules(running, record, note_rule())
        with running.storage.transaction() as tx:
            tx.update_shop(record.id, settings={**record.settings, "own_secret": "no"})
        for number in range(1, 4):
            ask(sandbox, "POST", "/_sandbox/orders", ANA)

            def stored(wanted: int = number) -> bool:
                running.drain()
                return len(running.export("orders")) == wanted

            until(stored, what="the order came")
            clock.move(seconds=5)
        running.drain()
        assert any(row.source == "fetch" for row in running.deliveries())
        found = rebuilt(running, tmp_path)
        assert (found["differences"], found["orders"]) == ([], 3)
