"""What the shop counts and what we hold, misses that were mended, repaired webhooks."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

import sqlalchemy as sa

from adapters.storage.base import Part
from adapters.storage.columns import Json, Text, Time, number_column
from adapters.storage.tables import metadata, orders
from connector.model.order import OrderRef, OrderState, ShopId
from connector.storage.ledger import LedgerDay, MissedOrder, WebhookRepair

missed_orders: Final = sa.Table(
    "missed_orders",
    metadata,
    number_column(),
    sa.Column("shop_id", Text, nullable=False),
    sa.Column("order_ref", Text, nullable=False),
    sa.Column("changed_at", Time, nullable=False),
    sa.Column("found_at", Time, nullable=False),
    sa.Index("ux_missed_orders", "shop_id", "order_ref", "changed_at", unique=True),
    sa.Index("ix_missed_orders_found", "shop_id", "found_at"),
    sqlite_autoincrement=True,
)

ledger_days: Final = sa.Table(
    "ledger_days",
    metadata,
    sa.Column("shop_id", Text, primary_key=True),
    sa.Column("day", Text, primary_key=True),
    sa.Column("shop_says", sa.Integer, nullable=False),
    sa.Column("we_hold", sa.Integer, nullable=False),
    sa.Column("missing", Json, nullable=False),
    sa.Column("checked_at", Time, nullable=False),
    # Last, where the migration that brought it puts it.
    sa.Column("unreadable", Json, nullable=False, server_default="[]"),
)

webhook_repairs: Final = sa.Table(
    "webhook_repairs",
    metadata,
    number_column(),
    sa.Column("shop_id", Text, nullable=False),
    sa.Column("topic", Text, nullable=False),
    sa.Column("was", Text, nullable=False),
    sa.Column("became", Text, nullable=False),
    sa.Column("repaired_at", Time, nullable=False),
    sa.Column("gap_since", Time, nullable=False),
    sa.Index("ix_webhook_repairs", "shop_id", "repaired_at"),
    sqlite_autoincrement=True,
)


class Ledger(Part):
    """The verbs of a transaction about the ledger of a shop."""

    def orders_placed(
        self, shop_id: ShopId, since: datetime, until: datetime
    ) -> Sequence[OrderRef]:
        """Name the orders we hold that were placed in a span; deleted ones left out."""
        rows = self.connection.execute(
            sa.select(orders.c.ref)
            .where(
                orders.c.shop_id == shop_id,
                orders.c.placed_at >= since,
                orders.c.placed_at < until,
                orders.c.state != OrderState.DELETED.value,
            )
            .order_by(orders.c.placed_at, orders.c.ref)
        )
        return [OrderRef(row.ref) for row in rows]

    def add_missed(self, missed: MissedOrder) -> bool:
        """Write a mended miss down; False when the same change stands there already."""
        statement = (
            self.dialect.insert(missed_orders)
            .values(
                shop_id=missed.shop_id,
                order_ref=missed.order_ref,
                changed_at=missed.changed_at,
                found_at=missed.found_at,
            )
            .on_conflict_do_nothing()
            .returning(missed_orders.c.id)
        )
        return self._inserted(statement)

    def missed_orders(self, shop_id: ShopId, since: datetime, limit: int) -> Sequence[MissedOrder]:
        """Read mended misses found since a time, newest first."""
        rows = self.connection.execute(
            sa.select(missed_orders)
            .where(missed_orders.c.shop_id == shop_id, missed_orders.c.found_at >= since)
            .order_by(missed_orders.c.found_at.desc(), missed_orders.c.id.desc())
            .limit(limit)
        )
        return [
            MissedOrder(ShopId(row.shop_id), OrderRef(row.order_ref), row.changed_at, row.found_at)
            for row in rows
        ]

    def put_ledger_day(self, line: LedgerDay) -> None:
        """Keep what was found for one day; it replaces what was found before."""
        statement = self.dialect.insert(ledger_days).values(
            shop_id=line.shop_id,
            day=line.day.isoformat(),
            shop_says=line.shop_says,
            we_hold=line.we_hold,
            missing=list(line.missing),
            checked_at=line.checked_at,
            unreadable=list(line.unreadable),
        )
        new = statement.excluded
        self.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["shop_id", "day"],
                set_={
                    "shop_says": new.shop_says,
                    "we_hold": new.we_hold,
                    "missing": new.missing,
                    "checked_at": new.checked_at,
                    "unreadable": new.unreadable,
                },
            )
        )

    def ledger_days(self, shop_id: ShopId, since: date) -> Sequence[LedgerDay]:
        """Read the days from one on, oldest first."""
        rows = self.connection.execute(
            sa.select(ledger_days)
            .where(ledger_days.c.shop_id == shop_id, ledger_days.c.day >= since.isoformat())
            .order_by(ledger_days.c.day)
        )
        return [
            LedgerDay(
                ShopId(row.shop_id),
                date.fromisoformat(row.day),
                row.shop_says,
                row.we_hold,
                tuple(OrderRef(ref) for ref in row.missing),
                row.checked_at,
                tuple(OrderRef(ref) for ref in row.unreadable),
            )
            for row in rows
        ]

    def add_webhook_repair(self, repair: WebhookRepair) -> None:
        """Write down that a webhook was found off and mended."""
        self.connection.execute(
            sa.insert(webhook_repairs).values(
                shop_id=repair.shop_id,
                topic=repair.topic,
                was=repair.was,
                became=repair.became,
                repaired_at=repair.repaired_at,
                gap_since=repair.gap_since,
            )
        )

    def webhook_repairs(
        self, shop_id: ShopId, since: datetime, limit: int
    ) -> Sequence[WebhookRepair]:
        """Read the repairs since a time, newest first."""
        rows = self.connection.execute(
            sa.select(webhook_repairs)
            .where(webhook_repairs.c.shop_id == shop_id, webhook_repairs.c.repaired_at >= since)
            .order_by(webhook_repairs.c.repaired_at.desc(), webhook_repairs.c.id.desc())
            .limit(limit)
        )
        return [
            WebhookRepair(
                ShopId(row.shop_id), row.topic, row.was, row.became, row.repaired_at, row.gap_since
            )
            for row in rows
        ]
