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
from connector.model.event import Occurrence, OccurrenceKind
from connector.model.order import OrderRef, ShopId
from connector.storage.records import OccurrenceRecord

_IS_OWN: Final = sa.select(own_writes.c.at).where(
    own_writes.c.shop_id == sa.bindparam("of_shop"),
    own_writes.c.order_ref == sa.bindparam("of_ref"),
    own_writes.c.kind == sa.bindparam("of_kind"),
)

_OF_ORDER: Final = (
    sa.select(occurrences)
    .where(
        occurrences.c.shop_id == sa.bindparam("of_shop"),
        occurrences.c.order_ref == sa.bindparam("of_ref"),
    )
    .order_by(occurrences.c.id)
)
_ONE: Final = sa.select(occurrences).where(occurrences.c.id == sa.bindparam("of_id"))


class Occurrences(Part):
    """The verbs of a transaction about occurrences."""

    def add_occurrence(self, occurrence: Occurrence, *, seen_at: datetime, own: bool) -> int | None:
        """Store an occurrence; None when it was there already, the earlier time is kept."""
        number: int | None = self.connection.execute(
            _add_occurrence(self.dialect),
            {
                "shop_id": occurrence.shop_id,
                "order_ref": occurrence.order_ref,
                "kind": occurrence.kind,
                "discriminator": occurrence.discriminator,
                "occurred_at": occurrence.occurred_at,
                "seen_at": seen_at,
                "own": own,
            },
        ).scalar()
        if number is None:
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
        return number

    def occurrences_of(self, shop_id: ShopId, ref: OrderRef) -> Sequence[OccurrenceRecord]:
        """Read what happened to an order, oldest number first."""
        rows = self.connection.execute(_OF_ORDER, {"of_shop": shop_id, "of_ref": ref})
        return [_record(row) for row in rows]

    def occurrence(self, occurrence_id: int) -> OccurrenceRecord | None:
        """Read one occurrence."""
        row = self.connection.execute(_ONE, {"of_id": occurrence_id}).first()
        return None if row is None else _record(row)

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

    def is_own_write(self, shop_id: ShopId, ref: OrderRef, kind: OccurrenceKind) -> bool:
        """Tell whether a write of ours was meant to cause this kind of occurrence."""
        values = {"of_shop": shop_id, "of_ref": ref, "of_kind": kind}
        return self.connection.execute(_IS_OWN, values).first() is not None

    def forget_own_write(self, shop_id: ShopId, ref: OrderRef, kind: OccurrenceKind) -> None:
        """Take it back when the write was surely not done."""
        self._changed(sa.delete(own_writes).where(*_own(shop_id, ref, kind)))


def _record(row: sa.Row[Any]) -> OccurrenceRecord:
    return OccurrenceRecord(
        id=row.id,
        occurrence=Occurrence(
            shop_id=ShopId(row.shop_id),
            order_ref=OrderRef(row.order_ref),
            kind=word(OccurrenceKind, row.kind),
            discriminator=row.discriminator,
            occurred_at=row.occurred_at,
        ),
        seen_at=row.seen_at,
        own=row.own,
    )


def _own(shop_id: str, ref: str, kind: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        own_writes.c.shop_id == shop_id,
        own_writes.c.order_ref == ref,
        own_writes.c.kind == kind,
    )


@cache
def _add_occurrence(dialect: Dialect) -> Any:
    return (
        dialect.insert(occurrences)
        .on_conflict_do_nothing(index_elements=["shop_id", "order_ref", "kind", "discriminator"])
        .returning(occurrences.c.id)
    )
