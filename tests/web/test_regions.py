"""Working days are those of the place where the shop is."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.flows.record_order import record_order
from connector.model.order import OrderRef
from tests.contracts.storage_data import an_order
from tests.running import Running
from tests.support import FrozenClock
from tests.web.connected import Sandbox, connect, put_rules
from tests.web.reconciling import SANDBOXES
from webhooks.sandbox.woocommerce.shop import WooShop
from webhooks.shops import check_shop

NEXT_WORKING_DAY = """
rules:
  - id: later
    name: {es: Después, en: Later}
    trigger: order.paid
    delay: {working_days: 1}
    actions:
      - note: {text: Gracias, to_buyer: false}
    enabled: true
"""
# A Wednesday; Thursday, 1 May, is a holiday in all of Spain and Friday, 2 May, in Madrid.
WEDNESDAY = datetime(2025, 4, 30, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize("make", SANDBOXES)
def test_the_holidays_of_the_shops_region_count(make: type[Sandbox], tmp_path: Path) -> None:
    """A shop in Madrid, paid on 30 April, acts on Monday, 5 May: 1 and 2 May are off."""
    with make() as sandbox, Running(tmp_path, clock=FrozenClock(WEDNESDAY)) as running:
        shop = connect(running, sandbox, register=False)
        assert (shop.country, shop.region) == ("ES", "M")
        put_rules(running, shop, NEXT_WORKING_DAY)
        order = an_order("1", placed_at=WEDNESDAY, modified_at=WEDNESDAY)
        with running.storage.transaction() as tx:
            record_order(tx, running.app.engine, shop, order)
            [effect] = tx.effects_of(shop.id, OrderRef("1"))
    assert effect.due_at == datetime(2025, 5, 5, 10, 0, tzinfo=UTC)


def test_a_shop_that_moved_is_known_at_the_next_check(tmp_path: Path) -> None:
    """`shops check` takes the place that the shop tells now."""
    with WooShop() as sandbox, Running(tmp_path) as running:
        shop = connect(running, sandbox, register=False)
        sandbox.store.place = "ES:B"
        check_shop(running.app, shop.id)
        with running.storage.reading() as tx:
            found = tx.shop(shop.id)
    assert found is not None
    assert (found.country, found.region) == ("ES", "B")
