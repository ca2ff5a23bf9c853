"""Which order of a buyer one is goes by when orders were placed."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest

from connector.flows.record_order import record_order
from connector.model.order import Order, OrderRef, OrderState
from connector.storage.records import ShopRecord
from tests.contracts.storage_data import a_shop, an_order
from tests.running import Running
from tests.support import FrozenClock
from tests.web.connected import put_rules

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ON_COMPLETED = """
rules:
  - id: first
    name: First
    trigger: order.completed
    conditions:
      all:
        - {field: buyer.order_count, op: eq, value: 1}
    actions:
      - note: {text: "Primera", to_buyer: false}
    enabled: true
"""
# The last two in the same second.
PLACED = {"9": -20, "10": -10, "11": -10}


def state(ref: str, minutes: int, **changes: object) -> Order:
    """Make a state of an order of one buyer, changed some minutes from noon."""
    at = NOON + timedelta(minutes=PLACED[ref])
    return an_order(
        ref, placed_at=at, paid_at=at, modified_at=NOON + timedelta(minutes=minutes), **changes
    )


def tell(running: Running, shop: ShopRecord, order: Order) -> None:
    """Take in a state of an order."""
    with running.storage.transaction() as tx:
        record_order(tx, running.app.engine, shop, order)


@pytest.mark.parametrize("arrived", list(permutations(PLACED)))
def test_the_count_does_not_depend_on_the_order_of_arrival(
    tmp_path: Path, arrived: tuple[str, ...]
) -> None:
    """What is evaluated once all are known counts as they were placed: one is the first."""
    with Running(tmp_path, clock=FrozenClock(NOON)) as running:
        shop = running.add_shop(a_shop(created_at=NOON - timedelta(days=1)))
        put_rules(running, shop, ON_COMPLETED)
        for ref in arrived:
            tell(running, shop, state(ref, -5))
        for ref in reversed(arrived):
            done = {"state": OrderState.COMPLETED, "completed_at": NOON - timedelta(minutes=1)}
            tell(running, shop, state(ref, -1, **done))
        assert [effect["order"] for effect in running.export("effects")] == ["9"]
        counts = {line["ref"]: line["buyer"]["order_count"] for line in running.export("orders")}
        assert counts == {"9": 1, "10": 2, "11": 3}


def test_what_was_evaluated_before_stays(tmp_path: Path) -> None:
    """An older order that is told later is a first one too; the effect made before stays."""
    with Running(tmp_path, clock=FrozenClock(NOON)) as running:
        shop = running.add_shop(a_shop(created_at=NOON - timedelta(days=1)))
        put_rules(running, shop, ON_COMPLETED)
        done = {"state": OrderState.COMPLETED, "completed_at": NOON - timedelta(minutes=1)}
        for ref in ("10", "9"):
            tell(running, shop, state(ref, -1, **done))
        assert [effect["order"] for effect in running.export("effects")] == ["10", "9"]
        with running.storage.reading() as tx:
            assert len(tx.effects_of(shop.id, OrderRef("10"))) == 1
        # Once for a buyer is once, whatever the counts said.
        put_rules(running, shop, ON_COMPLETED.replace("trigger:", "once_per: buyer\n    trigger:"))
        tell(running, shop, state("11", -1, **done))
        assert len(running.export("effects")) == 2
