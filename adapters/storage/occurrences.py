"""What happened to an order, and what of it was our own doing."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import sqlalchemy as sa

from adapters.storage.base import Part
from adapters.storage.dialect import Dialect
from adapters.storage.strange import word
from adapters.storage.tables import occurrences, own_writes
from adapters.storage.written import Written
from connector.model.event import Occurrence, OccurrenceKind
from connector.model.order import OrderRef, ShopId
from connector.storage.records import OccurrenceRecord

_ADDED: Final = (
    "shop_id",
    "order_ref",
    "kind",
    "discriminator",
    "occurred_at",
    "seen_at",
    "own",
)
_ONE: Final = sa.select(occurrences).where(occurrences.c.id == sa.bindparam("of_id"))


class Occurrences(Part):
    """The verbs of a transaction about occurrences."""

    def add_occurrence(self, occurrence: Occurrence, *, seen_at: datetime, own: bool) -> int | None:
        """Store an occurrence; None when it was there already, the earlier time is kept."""
        rows = _add_occurrence(self.dialect).run(
            self.connection,
            {
                "shop_id": occurrence.shop_id,
                "order_ref": occurrence.order_ref,
                "kind": occurrence.kind,
                "discriminator": occurrence.discriminator,
                "occurred_at": occurrence.occurred_at,
                "seen_at": seen_at,
                "own": own,
            },
        )
        for (number,) in rows:
            return int(number)
        self._changed(
            sa.update(occurrences)
            .where(
                occurrences.c.shop_id == occurrence.shop_id,
                occurrences.c.order_ref == occurrence.order_ref,
                occurrences.c.kind == occurrence.kind,
                occurrences.c.discriminator == occurrence.discriminator,
                occurrences.c.occurred_at > occurrence.occurred_at,
            )
            .values(occurred_at=occurrence.occurred_at)
        )
        return None

    def occurrences_of(self, shop_id: ShopId, ref: OrderRef) -> Sequence[OccurrenceRecord]:
        """Read what happened to an order, oldest number first."""
        values = {"of_shop": shop_id, "of_ref": ref}
        return [
            occurrence_record(row) for row in _of_order(self.dialect).run(self.connection, values)
        ]

    def occurrence(self, occurrence_id: int) -> OccurrenceRecord | None:
        """Read one occurrence."""
        row = self.connection.execute(_ONE, {"of_id": occurrence_id}).first()
        return None if row is None else occurrence_record(tuple(row))

    def note_own_write(
        self, shop_id: ShopId, ref: OrderRef, kind: OccurrenceKind, at: datetime
    ) -> None:
        """Remember that a write of ours will cause this kind of occurrence."""
        statement = self.dialect.insert(own_writes).values(
            shop_id=shop_id, order_ref=ref, kind=kind, at=at
        )
        self.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["shop_id", "order_ref", "kind"],
                set_={"at": statement.excluded.at},
            )
        )

    def own_writes_of(self, shop_id: ShopId, ref: OrderRef) -> frozenset[OccurrenceKind]:
        """Name the kinds of occurrence that writes of ours were meant to cause."""
        values = {"of_shop": shop_id, "of_ref": ref}
        rows = _own_writes(self.dialect).run(self.connection, values)
        return frozenset(word(OccurrenceKind, kind) for (kind,) in rows)

    def forget_own_write(self, shop_id: ShopId, ref: OrderRef, kind: OccurrenceKind) -> None:
        """Take it back when the write was surely not done."""
        self._changed(sa.delete(own_writes).where(*_own(shop_id, ref, kind)))


def occurrence_record(row: tuple[Any, ...]) -> OccurrenceRecord:
    """Read one row of the table."""
    number, shop_id, ref, kind, discriminator, occurred_at, seen_at, own = row
    return OccurrenceRecord(
        id=number,
        occurrence=Occurrence(
            shop_id=ShopId(shop_id),
            order_ref=OrderRef(ref),
            kind=word(OccurrenceKind, kind),
            discriminator=discriminator,
            occurred_at=occurred_at,
        ),
        seen_at=seen_at,
        own=bool(own),
    )


def _own(shop_id: str, ref: str, kind: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        own_writes.c.shop_id == shop_id,
        own_writes.c.order_ref == ref,
        own_writes.c.kind == kind,
    )


@cache
def _add_occurrence(dialect: Dialect) -> Written:
    return dialect.ready(
        dialect.insert(occurrences)
        .values({name: sa.bindparam(name) for name in _ADDED})
        .on_conflict_do_nothing(index_elements=["shop_id", "order_ref", "kind", "discriminator"])
        .returning(occurrences.c.id),
        occurrences.c.id,
    )


@cache
def _of_order(dialect: Dialect) -> Written:
    return dialect.ready(
        sa.select(occurrences)
        .where(
            occurrences.c.shop_id == sa.bindparam("of_shop"),
            occurrences.c.order_ref == sa.bindparam("of_ref"),
        )
        .order_by(occurrences.c.id),
        *occurrences.c,
    )


@cache
def _own_writes(dialect: Dialect) -> Written:
    return dialect.ready(
        sa.select(own_writes.c.kind).where(
            own_writes.c.shop_id == sa.bindparam("of_shop"),
            own_writes.c.order_ref == sa.bindparam("of_ref"),
        ),
        own_writes.c.kind,
    )
