"""Tickets: rows that count once and for a short time."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from adapters.storage.base import Part
from adapters.storage.columns import Json, Text, Time
from adapters.storage.tables import metadata
from connector.secret import Secret
from connector.storage.tickets import Ticket, ticket_name

tickets: Final = sa.Table(
    "tickets",
    metadata,
    sa.Column("purpose", Text, primary_key=True),
    sa.Column("name", Text, primary_key=True),
    sa.Column("expires_at", Time, nullable=False),
    sa.Column("data", Json, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=True),
    sa.Index("ix_tickets_expires", "expires_at"),
)

# What is asked after its end is still told apart from what never was, for a while.
_KEPT: Final = timedelta(days=1)


class Tickets(Part):
    """The verbs of a transaction about tickets."""

    def put_ticket(
        self,
        purpose: str,
        token: str,
        *,
        now: datetime,
        expires_at: datetime,
        data: Mapping[str, Any] | None = None,
        secret: Secret | None = None,
    ) -> bool:
        """Store a ticket; False when it was there already."""
        self.connection.execute(sa.delete(tickets).where(tickets.c.expires_at < now - _KEPT))
        name = ticket_name(token)
        statement = self.dialect.insert(tickets).values(
            purpose=purpose,
            name=name,
            expires_at=expires_at,
            data=dict(data or {}),
            sealed=None if secret is None else self.sealer.seal(purpose, name, secret),
        )
        return self._inserted(statement.on_conflict_do_nothing().returning(tickets.c.name))

    def ticket(self, purpose: str, token: str, *, now: datetime) -> Ticket | None:
        """Read a ticket that has not expired; it stays."""
        return self._opened(sa.select(tickets).where(*_this(purpose, token)), purpose, now)

    def change_ticket(
        self, purpose: str, token: str, *, data: Mapping[str, Any], secret: Secret | None = None
    ) -> bool:
        """Replace what a ticket holds."""
        changes: dict[str, Any] = {"data": dict(data)}
        if secret is not None:
            changes["sealed"] = self.sealer.seal(purpose, ticket_name(token), secret)
        found = sa.update(tickets).where(*_this(purpose, token)).values(changes)
        return self._changed(found) > 0

    def take_ticket(self, purpose: str, token: str, *, now: datetime) -> Ticket | None:
        """Read and delete a ticket."""
        taken = sa.delete(tickets).where(*_this(purpose, token)).returning(*tickets.c)
        return self._opened(taken, purpose, now)

    def _opened(self, statement: Any, purpose: str, now: datetime) -> Ticket | None:
        row = self.connection.execute(statement).first()
        if row is None or row.expires_at <= now:
            return None
        secret = None
        if row.sealed is not None:
            secret = self.sealer.unseal(purpose, row.name, row.sealed)
        return Ticket(row.data, row.expires_at, secret)


def _this(purpose: str, token: str) -> tuple[sa.ColumnElement[bool], ...]:
    return tickets.c.purpose == purpose, tickets.c.name == ticket_name(token)
