"""Leases, recurring jobs, small values, counts and exports."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from adapters.storage.base import Part
from adapters.storage.claims import DELIVERIES, EFFECTS, choose, next_after
from adapters.storage.effects import effect_record
from adapters.storage.limits import attempt_record, attempts
from adapters.storage.orders import earlier
from adapters.storage.packed import unpack
from adapters.storage.tables import (
    OPEN_DELIVERY,
    asked_rules,
    evaluations,
    inbox,
    jobs,
    messages,
    occurrences,
    orders,
    rejected,
    values,
)
from adapters.storage.tables import effects as effects_table
from connector.errors import InvalidRequest
from connector.model.codec import decode_order
from connector.model.effect import EffectState
from connector.model.message import Message, MessageClass
from connector.model.order import ShopId
from connector.storage.records import Counts, DeliveryState


class Reports(Part):
    """The verbs of a transaction about leases, values, counts and exports."""

    def extend_leases(
        self, deliveries: Mapping[int, int], effects: Mapping[str, int], *, lease_until: datetime
    ) -> int:
        """Keep claimed rows, each given with its fence; tell how many are still claimed so."""
        kept = 0
        for number, fence in sorted(deliveries.items()):
            kept += self._changed(
                sa.update(inbox)
                .where(
                    inbox.c.id == number,
                    inbox.c.fence == fence,
                    inbox.c.state == DeliveryState.WORKING,
                )
                .values(due_at=lease_until)
            )
        for key, fence in sorted(effects.items()):
            kept += self._changed(
                sa.update(effects_table)
                .where(
                    effects_table.c.key == key,
                    effects_table.c.fence == fence,
                    effects_table.c.state == EffectState.SENDING,
                )
                .values(due_at=lease_until)
            )
        return kept

    def claim_job(self, name: str, *, now: datetime, every_s: float) -> bool:
        """Take the turn of a recurring job: True at most once in `every_s` for all processes."""
        every = timedelta(seconds=every_s)
        statement = self.dialect.insert(jobs).values(name=name, last_at=now)
        return self._inserted(
            statement.on_conflict_do_update(
                index_elements=["name"],
                set_={"last_at": statement.excluded.last_at},
                # A turn far in the future was taken by a clock that was wrong.
                where=sa.or_(jobs.c.last_at <= now - every, jobs.c.last_at > now + every),
            ).returning(jobs.c.name)
        )

    def value(self, name: str) -> str | None:
        """Read one small value of the whole installation."""
        found: str | None = self.connection.execute(
            sa.select(values.c.value).where(values.c.name == name)
        ).scalar()
        return found

    def set_value(self, name: str, value: str) -> None:
        """Store one small value of the whole installation."""
        statement = self.dialect.insert(values).values(name=name, value=value)
        self.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["name"], set_={"value": statement.excluded.value}
            )
        )

    def counts(self) -> Counts:
        """Count rows by state, all in one instant."""
        deliveries: dict[str, int] = {}
        planned: dict[str, int] = {}
        refused = 0
        oldest: datetime | None = None
        for row in self.connection.execute(_COUNTS):
            match row.what:
                case "inbox":
                    deliveries[row.state] = row.number
                case "effects":
                    planned[row.state] = row.number
                case "rejected":
                    refused = int(row.number)
                case _:
                    oldest = row.at
        return Counts(deliveries, planned, refused, oldest)

    def next_due_at(self, *, now: datetime, busy: Sequence[ShopId] = ()) -> datetime | None:
        """Tell when the next row becomes due; None when nothing waits.

        Gives `now` when a row may be claimed at once. A row that waits for another
        one counts again when that one is settled.
        """
        for queue in (DELIVERIES, EFFECTS):
            if choose(self.connection, queue, now=now, limit=1, busy=busy):
                return now
        times = [next_after(self.connection, queue, now) for queue in (DELIVERIES, EFFECTS)]
        return min((at for at in times if at is not None), default=None)

    def export(
        self, what: str, shop_id: ShopId | None, *, after: int, limit: int
    ) -> Sequence[tuple[int, Mapping[str, Any]]]:
        """Read one page of an export; its names are those of `_EXPORTS`.

        Raises: InvalidRequest: there is no such export.
        """
        if what not in _EXPORTS:
            raise InvalidRequest(f"no export {what!r}: there are {', '.join(_EXPORTS)}")
        table, read = _EXPORTS[what]
        query = _whole(table).where(table.c.id > after).order_by(table.c.id).limit(limit)
        if shop_id is not None:
            query = query.where(table.c.shop_id == shop_id)
        rows = self.connection.execute(query)
        return [(row.id, line) for row in rows for line in read(row)]


def _whole(table: sa.Table) -> sa.Select[Any]:
    """Select the rows of a table, with what stands elsewhere and belongs to them."""
    if table is orders:
        return sa.select(*table.c, ORDER_COUNT)
    if table is evaluations:
        return sa.select(*table.c, asked_rules.c.body).join(
            asked_rules, asked_rules.c.name == table.c.asked
        )
    return sa.select(table)


def _by_state(table: sa.Table, what: str) -> sa.Select[Any]:
    return sa.select(
        sa.literal_column(f"'{what}'").label("what"),
        table.c.state,
        sa.func.count().label("number"),
        sa.cast(sa.null(), inbox.c.received_at.type).label("at"),
    ).group_by(table.c.state)


_NOTHING: Final[sa.Label[str]] = sa.literal_column("''").label("state")
_COUNTS: Final[sa.CompoundSelect[Any]] = sa.union_all(
    _by_state(inbox, "inbox"),
    _by_state(effects_table, "effects"),
    sa.select(
        sa.literal_column("'rejected'"),
        _NOTHING,
        sa.cast(sa.func.coalesce(sa.func.sum(rejected.c.count), 0), sa.BigInteger),
        sa.cast(sa.null(), inbox.c.received_at.type),
    ),
    sa.select(
        sa.literal_column("'oldest'"),
        _NOTHING,
        sa.literal_column("0"),
        sa.func.min(inbox.c.received_at),
    ).where(sa.text(OPEN_DELIVERY)),
)

_same_buyer = orders.alias("same_buyer")
ORDER_COUNT: Final = sa.case(
    (
        orders.c.buyer_id.is_not(None),
        1
        + sa.select(sa.func.count())
        .where(
            *earlier(
                _same_buyer,
                orders.c.buyer_id,
                orders.c.placed_at,
                orders.c.shop_id,
                orders.c.ref,
            )
        )
        .correlate(orders)
        .scalar_subquery(),
    ),
).label("order_count")


def _order_row(row: Any) -> Iterator[dict[str, Any]]:
    yield {
        "shop": row.shop_id,
        "order": decode_order(row.snapshot),
        "order_count": row.order_count,
        "buyer_id": row.buyer_id,
        "seen_at": row.seen_at,
    }


def _occurrence_row(row: Any) -> Iterator[dict[str, Any]]:
    yield {
        "id": row.id,
        "shop": row.shop_id,
        "order": row.order_ref,
        "kind": row.kind,
        "discriminator": row.discriminator,
        "occurred_at": row.occurred_at,
        "seen_at": row.seen_at,
        "own": row.own,
    }


def _evaluation_rows(row: Any) -> Iterator[dict[str, Any]]:
    for answer in unpack(row.body, row.answers):
        yield {
            "shop": row.shop_id,
            "order": row.order_ref,
            "occurrence": row.occurrence_id,
            "at": row.at,
            **answer,
        }


def _effect_row(row: Any) -> Iterator[dict[str, Any]]:
    yield {"record": effect_record(row)}


def _attempt_row(row: Any) -> Iterator[dict[str, Any]]:
    yield {"attempt": attempt_record(row)}


def _message_row(row: Any) -> Iterator[dict[str, Any]]:
    stored = {**row.message, "message_class": MessageClass(row.message["message_class"])}
    yield {"message": Message(**stored), "sent_at": row.sent_at, "result": row.result}


_EXPORTS: Final[Mapping[str, tuple[sa.Table, Callable[[Any], Iterator[dict[str, Any]]]]]] = {
    "orders": (orders, _order_row),
    "occurrences": (occurrences, _occurrence_row),
    "evaluations": (evaluations, _evaluation_rows),
    "effects": (effects_table, _effect_row),
    "messages": (messages, _message_row),
    "attempts": (attempts, _attempt_row),
}
