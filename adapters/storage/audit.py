"""The log of what people did that matters for security."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from adapters.storage.base import Part
from adapters.storage.columns import Json, Text, Time, number_column, text_column
from adapters.storage.tables import metadata
from connector.model.order import ShopId
from connector.storage.access import AuditEntry, Door

audit: Final = sa.Table(
    "audit",
    metadata,
    number_column(),
    sa.Column("at", Time, nullable=False),
    sa.Column("actor", Text, nullable=False),
    sa.Column("door", Text, nullable=False),
    text_column("address"),
    sa.Column("act", Text, nullable=False),
    sa.Column("shop_id", Text, nullable=True),
    sa.Column("detail", Json, nullable=False),
    sa.Index("ix_audit_shop", "shop_id", "id"),
    sqlite_autoincrement=True,
)


class Audit(Part):
    """The verbs of a transaction about the log."""

    def add_audit(self, entry: AuditEntry) -> None:
        """Write down an act."""
        self.connection.execute(
            sa.insert(audit).values(
                at=entry.at,
                actor=entry.actor,
                door=entry.door,
                address=entry.address,
                act=entry.act,
                shop_id=entry.shop_id,
                detail=dict(entry.detail),
            )
        )

    def audit(
        self, *, shop_id: ShopId | None = None, before: int | None = None, limit: int
    ) -> Sequence[AuditEntry]:
        """Read acts, newest first."""
        query = sa.select(audit).order_by(audit.c.id.desc()).limit(limit)
        if shop_id is not None:
            query = query.where(audit.c.shop_id == shop_id)
        if before is not None:
            query = query.where(audit.c.id < before)
        return [
            AuditEntry(
                at=row.at,
                actor=row.actor,
                door=Door(row.door),
                act=row.act,
                address=row.address,
                shop_id=None if row.shop_id is None else ShopId(row.shop_id),
                detail=row.detail,
                id=row.id,
            )
            for row in self.connection.execute(query)
        ]
