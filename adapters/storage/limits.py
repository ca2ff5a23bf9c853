"""Limits of hosts, ceilings of shops, and the tries of effects."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from adapters.storage.base import Part
from adapters.storage.columns import Json, Text, Time, number_column
from adapters.storage.tables import metadata
from connector.model.order import ShopId
from connector.storage.limits import AttemptRecord, CeilingCount, HostLimit, LimitKind
from connector.storage.records import EffectRecord

host_limits: Final = sa.Table(
    "host_limits",
    metadata,
    sa.Column("host", Text, primary_key=True),
    sa.Column("kind", Text, primary_key=True),
    sa.Column("changed_at", Time, nullable=False),
    sa.Column("state", Json, nullable=False),
)

ceilings: Final = sa.Table(
    "ceilings",
    metadata,
    sa.Column("shop_id", Text, primary_key=True),
    sa.Column("kind", Text, primary_key=True),
    sa.Column("hour", Time, primary_key=True, autoincrement=False),
    sa.Column("used", sa.Integer, nullable=False),
    sa.Column("reached_at", Time, nullable=True),
)

attempts: Final = sa.Table(
    "attempts",
    metadata,
    number_column(),
    sa.Column("effect_key", Text, nullable=False),
    sa.Column("shop_id", Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("started_at", Time, nullable=False),
    sa.Column("ended_at", Time, nullable=True),
    sa.Column("outcome", Text, nullable=False, server_default=""),
    sa.Column("detail", Json, nullable=False),
    sa.Index("ux_attempts", "effect_key", "number", unique=True),
    sqlite_autoincrement=True,
)

_THIS_TRY: Final = sa.and_(
    attempts.c.effect_key == sa.bindparam("of_key"), attempts.c.number == sa.bindparam("of_number")
)
_END: Final = (
    sa.update(attempts)
    .where(_THIS_TRY)
    .values(
        started_at=sa.bindparam("new_started_at"),
        ended_at=sa.bindparam("new_ended_at"),
        outcome=sa.bindparam("new_outcome"),
        detail=sa.bindparam("new_detail"),
    )
)
_DROP: Final = sa.delete(attempts).where(_THIS_TRY)


class Limits(Part):
    """The verbs of a transaction about limits and tries."""

    def host_limits(self, host: str | None = None) -> Sequence[HostLimit]:
        """Read what is known of one host, or of all."""
        query = sa.select(host_limits).order_by(host_limits.c.host, host_limits.c.kind)
        if host is not None:
            query = query.where(host_limits.c.host == host)
        return [
            HostLimit(row.host, LimitKind(row.kind), row.changed_at, row.state)
            for row in self.connection.execute(query)
            # What a newer version learned means nothing to this one.
            if row.kind in LimitKind._value2member_map_
        ]

    def put_host_limit(self, limit: HostLimit) -> None:
        """Keep what was learned, unless something newer is known."""
        statement = self.dialect.insert(host_limits).values(
            host=limit.host,
            kind=limit.kind,
            changed_at=limit.changed_at,
            state=dict(limit.state),
        )
        new = statement.excluded
        self.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["host", "kind"],
                set_={"changed_at": new.changed_at, "state": new.state},
                where=host_limits.c.changed_at <= new.changed_at,
            )
        )

    def take_below_ceiling(self, shop_id: ShopId, kind: str, hour: datetime, most: int) -> bool:
        """Count one more in this hour; False when that would be more than `most`."""
        if most < 1:
            return False
        statement = self.dialect.insert(ceilings).values(
            shop_id=shop_id, kind=kind, hour=hour, used=1
        )
        return self._inserted(
            statement.on_conflict_do_update(
                index_elements=["shop_id", "kind", "hour"],
                set_={"used": ceilings.c.used + 1},
                where=ceilings.c.used < most,
            ).returning(ceilings.c.used)
        )

    def give_back(self, shop_id: ShopId, kind: str, hour: datetime) -> None:
        """Take one off the count: it was surely not done."""
        self._changed(
            sa.update(ceilings)
            .where(*_hour(shop_id, kind, hour), ceilings.c.used > 0)
            .values(used=ceilings.c.used - 1)
        )

    def ceiling_count(self, shop_id: ShopId, kind: str, hour: datetime) -> int:
        """Tell how much was counted in this hour."""
        found: int | None = self.connection.execute(
            sa.select(ceilings.c.used).where(*_hour(shop_id, kind, hour))
        ).scalar()
        return found or 0

    def note_ceiling(self, shop_id: ShopId, kind: str, hour: datetime, now: datetime) -> bool:
        """Remember that a ceiling was reached; True for the first to see it."""
        statement = self.dialect.insert(ceilings).values(
            shop_id=shop_id, kind=kind, hour=hour, used=0, reached_at=now
        )
        return self._inserted(
            statement.on_conflict_do_update(
                index_elements=["shop_id", "kind", "hour"],
                set_={"reached_at": statement.excluded.reached_at},
                where=ceilings.c.reached_at.is_(None),
            ).returning(ceilings.c.kind)
        )

    def reached_ceilings(self, since: datetime) -> Sequence[CeilingCount]:
        """Read the ceilings reached in hours from `since` on, newest first."""
        rows = self.connection.execute(
            sa.select(ceilings)
            .where(ceilings.c.hour >= since, ceilings.c.reached_at.is_not(None))
            .order_by(ceilings.c.hour.desc(), ceilings.c.shop_id, ceilings.c.kind)
        )
        return [
            CeilingCount(ShopId(row.shop_id), row.kind, row.hour, row.used, row.reached_at)
            for row in rows
        ]

    def begin_attempts(self, effects: Sequence[EffectRecord], *, now: datetime) -> None:
        """Write down that claimed effects are tried."""
        if not effects:
            return
        self.connection.execute(
            sa.insert(attempts),
            [
                {
                    "effect_key": effect.key,
                    "shop_id": effect.planned.shop_id,
                    "number": effect.fence,
                    "started_at": now,
                    "outcome": "",
                    "detail": {},
                }
                for effect in effects
            ],
        )

    def end_attempt(
        self,
        effect: EffectRecord,
        *,
        started_at: datetime,
        ended_at: datetime,
        outcome: str,
        detail: Mapping[str, Any],
    ) -> None:
        """Write down what came of a try."""
        self._changed(
            _END,
            {
                "of_key": effect.key,
                "of_number": effect.fence,
                "new_started_at": started_at,
                "new_ended_at": ended_at,
                "new_outcome": outcome,
                "new_detail": dict(detail),
            },
        )

    def drop_attempt(self, effect: EffectRecord) -> None:
        """Forget a claim that was no try: it had only to wait."""
        self._changed(_DROP, {"of_key": effect.key, "of_number": effect.fence})

    def attempts_of(self, effect_key: str) -> Sequence[AttemptRecord]:
        """Read the tries of an effect, oldest first."""
        rows = self.connection.execute(
            sa.select(attempts)
            .where(attempts.c.effect_key == effect_key)
            .order_by(attempts.c.number)
        )
        return [attempt_record(row) for row in rows]


def attempt_record(row: Any) -> AttemptRecord:
    """Read one row of the tries."""
    return AttemptRecord(
        row.effect_key,
        ShopId(row.shop_id),
        row.number,
        row.started_at,
        row.ended_at,
        row.outcome,
        row.detail,
    )


def _hour(shop_id: str, kind: str, hour: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (ceilings.c.shop_id == shop_id, ceilings.c.kind == kind, ceilings.c.hour == hour)
