"""Bugs on purpose: each one must turn the harness red, or the harness is blind.

They are planted by the launcher in the child process only; nothing of the program
knows of them.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Final

# How long a commit is late: the window in which a kill loses what was answered.
_LATE_S: Final = 2.0


def ack_before_commit() -> None:
    """Answer 200 when the rows are written but not yet committed."""
    from adapters.storage.group_commit import GroupCommit, _run_pieces

    def run(self: Any) -> None:
        while group := self._next_group():
            with self._transaction() as tx:
                _run_pieces(tx, group)
                for piece in group:
                    piece.finish()
                time.sleep(_LATE_S)

    GroupCommit._run = run  # type: ignore[method-assign]  # planted


def synchronous_normal() -> None:
    """Let SQLite commit without a sync of its log, and let nobody notice."""
    from adapters.storage import sqlite

    prepare = sqlite._prepare

    def relaxed(connection: Any, record: Any) -> None:
        prepare(connection, record)
        connection.execute("PRAGMA synchronous = NORMAL")

    sqlite._prepare = relaxed
    sqlite.require_durable = lambda _facts: None


def dedup_by_delivery_id() -> None:
    """Take WooCommerce's delivery id for the name of a delivery."""
    from adapters.shops.woocommerce import webhook

    webhook.key = lambda delivery: str(delivery.headers[webhook.DELIVERY_ID.lower()])


def no_look_up() -> None:
    """Never look whether a write is in the shop already."""
    from adapters.shops.shopify.adapter import ShopifyAdapter
    from adapters.shops.woocommerce.adapter import WooCommerceAdapter

    for adapter in (ShopifyAdapter, WooCommerceAdapter):
        adapter.find = lambda _self, _action: None  # type: ignore[method-assign]  # planted


def no_fencing() -> None:
    """Let whoever comes settle an effect, however long ago it lost its claim."""
    import sqlalchemy as sa

    from adapters.storage import effects

    table = effects.effects_table
    settle = (
        sa.update(table)
        .where(table.c.key == sa.bindparam("of_key"))
        .values(
            state=sa.bindparam("new_state"),
            reason=sa.bindparam("new_reason"),
            due_at=sa.bindparam("new_due_at"),
            done_at=sa.bindparam("new_done_at"),
            probes=table.c.probes + sa.bindparam("more_probes"),
            attempts=table.c.attempts - sa.bindparam("fewer_attempts"),
        )
    )
    with_result = settle.values(result=sa.bindparam("new_result"))

    def changed(self: Any, statement: Any, values: Any = None) -> int:
        if statement is effects._SETTLE or statement is effects._SETTLE_WITH:
            statement = settle if statement is effects._SETTLE else with_result
            values = {name: item for name, item in values.items() if name != "of_fence"}
        return int(self.connection.execute(statement, values).rowcount)

    effects.Effects._changed = changed  # type: ignore[method-assign]  # planted


PLANTED: Final[dict[str, Callable[[], None]]] = {
    "ack-before-commit": ack_before_commit,
    "synchronous-normal": synchronous_normal,
    "dedup-by-delivery-id": dedup_by_delivery_id,
    "no-look-up": no_look_up,
    "no-fencing": no_fencing,
}


def plant(name: str) -> None:
    """Plant one bug in this process."""
    assert threading.active_count() == 1, "planted too late"
    PLANTED[name]()
