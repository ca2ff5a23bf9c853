"""With a million rows a list must enter by its index: SQLite is asked how it will read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.storage.database import Database
from connector.model.order import OrderRef, OrderState
from connector.storage.listings import EffectList, Place
from tests.contracts.storage_data import NOW, SHOP, later

_READS: dict[str, tuple[Callable[[Any], object], set[str]]] = {
    "orders": (lambda tx: tx.orders_page(SHOP, limit=5), {"ix_orders_placed"}),
    "orders of a state, in a span": (
        lambda tx: tx.orders_page(
            SHOP, state=OrderState.FAILED, since=NOW, until=later(days=9), limit=5
        ),
        {"ix_orders_state"},
    ),
    "orders by name": (
        lambda tx: tx.orders_page(SHOP, refs=[OrderRef("1")], limit=5),
        {"ux_orders_ref"},
    ),
    "orders by number": (lambda tx: tx.refs_of_number(SHOP, "7"), {"ix_orders_number"}),
    "orders of a buyer": (lambda tx: tx.orders_of_buyer(1, SHOP, 5), {"ix_orders_buyer"}),
    "deliveries of an order": (
        lambda tx: tx.deliveries_of(SHOP, "7", 5),
        {"ix_inbox_lane", "ix_inbox_told", "ix_inbox_dead"},
    ),
    "what happened lately": (lambda tx: tx.occurrences_lately(SHOP, 5), {"INTEGER PRIMARY KEY"}),
    "messages": (lambda tx: tx.messages_of(["a"]), {"ux_messages_key"}),
    "scheduled": (
        lambda tx: tx.effects_page(SHOP, EffectList.SCHEDULED, after=Place(NOW, 1), limit=5),
        {"ix_effects_due"},
    ),
    "dead": (lambda tx: tx.effects_page(SHOP, EffectList.DEAD, limit=5), {"ix_effects_dead"}),
    "counts": (
        lambda tx: tx.standing_of_shop(SHOP, late=NOW, most=9),
        {"ix_inbox_due", "ix_inbox_dead", "ix_effects_due", "ix_effects_dead"},
    ),
}


@pytest.mark.parametrize("what", _READS)
def test_lists_enter_by_their_index(
    what: str, sqlite_folder: Path, opened: Callable[..., Database]
) -> None:
    """Every list finds its rows by the index made for it, never by going through a shop."""
    read, wanted = _READS[what]
    asked: list[tuple[str, Any]] = []
    with opened("", sqlite_folder).reading() as tx:
        connection: sa.Connection = tx.connection

        @sa.event.listens_for(connection, "before_cursor_execute")
        def keep(*given: Any) -> None:
            asked.append((given[2], given[3]))

        read(tx)
        told = [
            row[3]
            for text, values in list(asked)
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)
        ]
    used = {name for name in wanted if any(name in line for line in told)}
    assert used == wanted, told
    searched = [line for line in told if line.startswith("SEARCH") and "USING" in line]
    assert all(any(name in line for name in wanted) for line in searched), told
