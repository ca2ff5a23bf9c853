"""Lists and timelines of the admin pages: each page is found by an index, none by counting."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from adapters.storage.base import Part
from adapters.storage.columns import clean_text
from adapters.storage.effects import effect_record
from adapters.storage.occurrences import occurrence_record
from adapters.storage.strange import word
from adapters.storage.tables import OPEN_DELIVERY, OPEN_EFFECT, inbox, messages, occurrences, orders
from adapters.storage.tables import effects as effects_table
from connector.model.codec import decode_order
from connector.model.effect import EffectState
from connector.model.message import Message, MessageClass
from connector.model.order import OrderRef, OrderState, ShopId
from connector.storage.listings import EffectList, Place, ShopStanding
from connector.storage.records import (
    DeliveryRecord,
    DeliverySource,
    DeliveryState,
    EffectRecord,
    MessageRecord,
    OccurrenceRecord,
    StoredOrder,
)

# So many rows of all shops are looked at for the newest of one shop.
_LATELY: Final = 5_000
_DEAD: Final = sa.text("state = 'dead'")
_TOLD: Final = (
    (sa.text(OPEN_DELIVERY), "ix_inbox_lane"),
    (sa.text("state = 'done'"), "ix_inbox_told"),
    (_DEAD, "ix_inbox_dead"),
)
_LINES: Final = (
    *(column for column in inbox.c if column.name not in {"body", "headers"}),
    (inbox.c.body.is_not(None)).label("has_body"),
)


class Listings(Part):
    """The verbs of a transaction about lists."""

    def orders_page(
        self,
        shop_id: ShopId,
        *,
        state: OrderState | None = None,
        refs: Sequence[OrderRef] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: Place | None = None,
        limit: int,
    ) -> Sequence[tuple[Place, StoredOrder]]:
        """Read a page of orders, placed last first."""
        query = sa.select(orders).where(orders.c.shop_id == shop_id)
        if state is not None:
            query = _by(query.where(orders.c.state == state), orders, "ix_orders_state")
        if refs is not None:
            query = query.where(orders.c.ref.in_([clean_text(ref) for ref in refs]))
        if since is not None:
            query = query.where(orders.c.placed_at >= since)
        if until is not None:
            query = query.where(orders.c.placed_at < until)
        if after is not None:
            query = query.where(
                # The first is what the index is entered by.
                orders.c.placed_at <= after.at,
                sa.or_(orders.c.placed_at < after.at, orders.c.id < after.id),
            )
        rows: Sequence[Any]
        if refs is None:
            query = query.order_by(orders.c.placed_at.desc(), orders.c.id.desc()).limit(limit)
            rows = self.connection.execute(query).all()
        else:
            # Sorted here: a database that is asked for the order reads all orders of a shop
            # in that order, instead of looking up these few.
            found = self.connection.execute(query).all()
            rows = sorted(found, key=lambda row: (row.placed_at, row.id), reverse=True)[:limit]
        return [
            (
                Place(row.placed_at, row.id),
                StoredOrder(decode_order(row.snapshot), row.buyer_id, row.seen_at, row.fetched_at),
            )
            for row in rows
        ]

    def deliveries_of(self, shop_id: ShopId, lane: str, limit: int) -> Sequence[DeliveryRecord]:
        """Read the newest deliveries about an order, without their bodies, oldest first."""
        found: list[Any] = []
        # Each part has its own index, and repeats its condition.
        for part, index in _TOLD:
            query = (
                sa.select(*_LINES)
                .where(inbox.c.shop_id == shop_id, inbox.c.lane == clean_text(lane), part)
                .order_by(inbox.c.id.desc())
                .limit(limit)
            )
            found.extend(self.connection.execute(_by(query, inbox, index)))
        found.sort(key=lambda row: row.id)
        return [_line(row) for row in found[-limit:]]

    def occurrences_lately(self, shop_id: ShopId, limit: int) -> Sequence[OccurrenceRecord]:
        """Read what happened last in a shop, newest first; old times are not searched."""
        newest = self.connection.execute(sa.select(sa.func.max(occurrences.c.id))).scalar() or 0
        query = (
            sa.select(occurrences)
            .where(occurrences.c.id > newest - _LATELY, occurrences.c.shop_id == shop_id)
            .order_by(occurrences.c.id.desc())
            .limit(limit)
            # By the numbers alone.
            .with_hint(occurrences, "NOT INDEXED", "sqlite")
        )
        return [occurrence_record(tuple(row)) for row in self.connection.execute(query)]

    def messages_of(self, keys: Sequence[str]) -> Sequence[MessageRecord]:
        """Read the messages that effects sent, oldest first."""
        query = sa.select(messages).where(messages.c.key.in_(list(keys))).order_by(messages.c.id)
        return [_message(row) for row in self.connection.execute(query)]

    def effects_page(
        self, shop_id: ShopId, which: EffectList, *, after: Place | None = None, limit: int
    ) -> Sequence[tuple[Place, EffectRecord]]:
        """Read a page of one of the lists."""
        table = effects_table.c
        query = sa.select(effects_table).where(table.shop_id == shop_id)
        if which is EffectList.DEAD:
            query = _by(query.where(_DEAD), effects_table, "ix_effects_dead")
            if after is not None:
                query = query.where(table.id < after.id)
            query = query.order_by(table.id.desc())
        else:
            query = query.where(sa.text(OPEN_EFFECT))
            if after is not None:
                query = query.where(
                    table.due_at >= after.at,
                    sa.or_(table.due_at > after.at, table.id > after.id),
                )
            query = query.order_by(table.due_at, table.id)
        rows = self.connection.execute(query.limit(limit))
        return [(Place(row.due_at, row.id), effect_record(row)) for row in rows]

    def standing_of_shop(self, shop_id: ShopId, *, late: datetime, most: int) -> ShopStanding:
        """Count what waits and what failed in a shop, up to a number."""

        def up_to(table: sa.Table, *conditions: Any) -> sa.ScalarSelect[int]:
            some = sa.select(sa.literal(1)).where(table.c.shop_id == shop_id, *conditions)
            return (
                sa.select(sa.func.count())
                .select_from(some.limit(most).subquery())
                .scalar_subquery()
            )

        open_effect = sa.text(OPEN_EFFECT)
        row = self.connection.execute(
            sa.select(
                up_to(inbox, sa.text(OPEN_DELIVERY)),
                up_to(inbox, _DEAD),
                up_to(effects_table, open_effect),
                up_to(effects_table, open_effect, effects_table.c.due_at < late),
                up_to(effects_table, _DEAD),
            )
        ).one()
        return ShopStanding(*row)

    def move_effect(self, shop_id: ShopId, key: str, due_at: datetime) -> bool:
        """Give an effect that is planned another time; False when it is not planned."""
        return bool(
            self._changed(
                sa.update(effects_table).where(*_planned(shop_id, key)).values(due_at=due_at)
            )
        )

    def cancel_effect(self, shop_id: ShopId, key: str, *, reason: str, now: datetime) -> bool:
        """Close an effect that is planned as skipped; False when it is not planned."""
        return bool(
            self._changed(
                sa.update(effects_table)
                .where(*_planned(shop_id, key))
                .values(state=EffectState.SKIPPED, reason=reason, due_at=now, done_at=now)
            )
        )


def _by(query: sa.Select[Any], table: sa.Table, index: str) -> sa.Select[Any]:
    """Name the index to enter by: SQLite has no figures to choose by and takes a wrong one."""
    return query.with_hint(table, f"INDEXED BY {index}", "sqlite")


def _planned(shop_id: ShopId, key: str) -> tuple[sa.ColumnElement[bool], ...]:
    table = effects_table.c
    return table.shop_id == shop_id, table.key == key, table.state == EffectState.PLANNED


def _line(row: Any) -> DeliveryRecord:
    return DeliveryRecord(
        id=row.id,
        shop_id=ShopId(row.shop_id),
        key=row.key,
        source=word(DeliverySource, row.source),
        topic=row.topic,
        lane=row.lane,
        headers={},
        # Empty, where there is one: who wants it reads the whole row.
        body=b"" if row.has_body else None,
        received_at=row.received_at,
        state=word(DeliveryState, row.state),
        attempts=row.attempts,
        fence=row.fence,
        reason=row.reason,
        due_at=row.due_at,
        done_at=row.done_at,
    )


def _message(row: Any) -> MessageRecord:
    stored = {**row.message, "message_class": MessageClass(row.message["message_class"])}
    return MessageRecord(Message(**stored), row.sent_at, row.result)
