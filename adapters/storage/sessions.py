"""Sessions of the admin pages, and tries to sign in."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from adapters.storage.base import Part
from adapters.storage.columns import Json, Text, Time, text_column
from adapters.storage.tables import metadata
from connector.storage.access import Door, Role, SessionRecord, Stage

sessions: Final = sa.Table(
    "sessions",
    metadata,
    sa.Column("digest", Text, primary_key=True),
    sa.Column("stage", Text, nullable=False),
    sa.Column("door", Text, nullable=False),
    sa.Column("user_id", Text, nullable=True),
    sa.Column("actor", Text, nullable=False),
    sa.Column("roles", Json, nullable=False),
    text_column("locale"),
    text_column("address"),
    text_column("agent"),
    sa.Column("created_at", Time, nullable=False),
    sa.Column("seen_at", Time, nullable=False),
    sa.Column("ends_at", Time, nullable=False),
    sa.Index("ix_sessions_user", "user_id"),
    sa.Index("ix_sessions_ends", "ends_at"),
)

tries: Final = sa.Table(
    "sign_in_tries",
    metadata,
    sa.Column("name", Text, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("last_at", Time, nullable=False),
    sa.Column("until_at", Time, nullable=False),
)


_COUNTED: Final = timedelta(days=2)


class Sessions(Part):
    """The verbs of a transaction about sessions."""

    def add_session(self, session: SessionRecord) -> None:
        """Store a new session."""
        self.connection.execute(
            sa.insert(sessions).values(
                digest=session.digest,
                stage=session.stage,
                door=session.door,
                user_id=session.user_id,
                actor=session.actor,
                roles={shop: str(role) for shop, role in session.roles.items()},
                locale=session.locale,
                address=session.address,
                agent=session.agent,
                created_at=session.created_at,
                seen_at=session.seen_at,
                ends_at=session.ends_at,
            )
        )

    def session(self, digest: str) -> SessionRecord | None:
        """Read one session."""
        row = self.connection.execute(
            sa.select(sessions).where(sessions.c.digest == digest)
        ).first()
        return None if row is None else _record(row)

    def sessions_of(self, user_id: str) -> Sequence[SessionRecord]:
        """Read the sessions of a user, newest first."""
        found = self.connection.execute(
            sa.select(sessions)
            .where(sessions.c.user_id == user_id)
            .order_by(sessions.c.created_at.desc(), sessions.c.digest)
        )
        return [_record(row) for row in found]

    def touch_session(
        self, digest: str, *, seen_at: datetime | None = None, locale: str | None = None
    ) -> None:
        """Note that a session was used, or its language."""
        given: dict[str, Any] = {"seen_at": seen_at, "locale": locale}
        changes = {name: value for name, value in given.items() if value is not None}
        if changes:
            self.connection.execute(
                sa.update(sessions).where(sessions.c.digest == digest).values(changes)
            )

    def end_session(self, digest: str) -> bool:
        """End one session; False when there is none."""
        return bool(self._changed(sa.delete(sessions).where(sessions.c.digest == digest)))

    def end_sessions(self, user_id: str, *, but: str = "") -> int:
        """End all sessions of a user but one; tell how many."""
        return self._changed(
            sa.delete(sessions).where(sessions.c.user_id == user_id, sessions.c.digest != but)
        )

    def end_old_sessions(self, *, now: datetime, idle_since: datetime) -> int:
        """Delete sessions that are over, and counts of tries as old; tell how many sessions."""
        # A count that old begins anew anyway.
        old = sa.and_(tries.c.last_at < now - _COUNTED, tries.c.until_at <= now)
        self.connection.execute(sa.delete(tries).where(old))
        return self._changed(
            sa.delete(sessions).where(
                sa.or_(sessions.c.ends_at <= now, sessions.c.seen_at <= idle_since)
            )
        )

    def count_try(
        self, name: str, *, now: datetime, forget_before: datetime
    ) -> tuple[int, datetime | None]:
        """Count one more try to sign in; see the port."""
        statement = self.dialect.insert(tries).values(name=name, count=1, last_at=now, until_at=now)
        row = self.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["name"],
                set_={
                    "count": sa.case(
                        (tries.c.until_at > now, tries.c.count),
                        (tries.c.last_at < forget_before, 1),
                        else_=tries.c.count + 1,
                    ),
                    "last_at": sa.case(
                        (tries.c.until_at > now, tries.c.last_at), else_=statement.excluded.last_at
                    ),
                },
            ).returning(tries.c.count, tries.c.until_at)
        ).one()
        number, until_at = row
        return number, until_at if until_at > now else None

    def refuse_tries(self, name: str, until: datetime) -> None:
        """Refuse tries until a time."""
        self.connection.execute(sa.update(tries).where(tries.c.name == name).values(until_at=until))

    def forget_tries(self, name: str) -> None:
        """Begin to count anew."""
        self.connection.execute(sa.delete(tries).where(tries.c.name == name))


def _record(row: sa.Row[Any]) -> SessionRecord:
    return SessionRecord(
        digest=row.digest,
        # A stage that this version does not know opens nothing.
        stage=Stage.OPEN if row.stage == Stage.OPEN else Stage.HALF,
        door=Door(row.door),
        actor=row.actor,
        created_at=row.created_at,
        seen_at=row.seen_at,
        ends_at=row.ends_at,
        user_id=row.user_id,
        roles={shop: Role(role) for shop, role in row.roles.items() if role in set(Role)},
        locale=row.locale,
        address=row.address,
        agent=row.agent,
    )
