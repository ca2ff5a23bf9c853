"""The inbox: deliveries from arrival until they are done or dead."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from adapters.storage.base import Part
from adapters.storage.claims import DELIVERIES, choose
from adapters.storage.columns import clean_text, to_json, to_micros
from adapters.storage.dialect import Dialect
from adapters.storage.strange import end_wrong_leases, readable, word
from adapters.storage.tables import OPEN_DELIVERY, inbox, rejected
from adapters.storage.written import Written, run_text
from connector.model.order import ShopId
from connector.storage.records import (
    LOST,
    DeliveryRecord,
    DeliverySource,
    DeliveryState,
    NewDelivery,
)

_WAITING = sa.text("state = 'waiting'")
_OPEN = sa.text(OPEN_DELIVERY)
_SETTLE: Final = (
    sa.update(inbox)
    .where(
        inbox.c.id == sa.bindparam("of_id"),
        inbox.c.fence == sa.bindparam("of_fence"),
        inbox.c.state == DeliveryState.WORKING,
    )
    .values(
        state=sa.bindparam("new_state"),
        reason=sa.bindparam("new_reason"),
        due_at=sa.bindparam("new_due_at"),
        done_at=sa.bindparam("new_done_at"),
        attempts=inbox.c.attempts - sa.bindparam("fewer_attempts"),
    )
)
_IN_LANE: Final = (
    sa.select(inbox)
    .where(
        inbox.c.shop_id == sa.bindparam("of_shop"),
        inbox.c.lane == sa.bindparam("of_lane"),
        _OPEN,
        _WAITING,
    )
    .order_by(inbox.c.id)
)
_CLAIM: Final = (
    sa.update(inbox)
    .where(inbox.c.id.in_(sa.bindparam("ids", expanding=True)))
    .values(
        state=DeliveryState.WORKING,
        fence=inbox.c.fence + 1,
        attempts=inbox.c.attempts + 1,
        due_at=sa.bindparam("lease_until"),
        reason=sa.case((inbox.c.state == DeliveryState.WORKING, LOST), else_=inbox.c.reason),
    )
    .returning(*inbox.c)
)
_ADDED: Final = (
    "shop_id",
    "key",
    "source",
    "topic",
    "lane",
    "headers",
    "body",
    "received_at",
    "due_at",
    "state",
    "reason",
    "done_at",
)
# Rows of one statement: more at once gain nothing.
_AT_ONCE: Final = 64
_VALUES: Final = re.compile(r"(?<= VALUES )(\([^()]*(?:\([^()]*\)[^()]*)*\))")
_PLACE: Final = re.compile(r"(\w+)_0\b")
_NAMES: Final = tuple(tuple(f"{name}_{n}" for name in _ADDED) for n in range(_AT_ONCE))


class Inbox(Part):
    """The verbs of a transaction about deliveries."""

    def add_deliveries(self, deliveries: Sequence[NewDelivery]) -> Sequence[int | None]:
        """Store inbox rows; None stands for one that was there already."""
        numbers: list[int | None] = []
        for start in range(0, len(deliveries), _AT_ONCE):
            numbers += self._add_some(deliveries[start : start + _AT_ONCE])
        return numbers

    def _add_some(self, deliveries: Sequence[NewDelivery]) -> list[int | None]:
        """Store rows by one statement; of two with the same key the first one counts."""
        rows = [_row(item) for item in deliveries]
        values: dict[str, Any] = {}
        for names, row in zip(_NAMES, rows, strict=False):
            values.update(zip(names, row, strict=True))
        text = _add(self.dialect, len(rows))
        found = run_text(self.connection, text, values, is_sqlite=not self.dialect.is_postgresql)
        added = {(shop_id, key): number for number, shop_id, key in found}
        return [added.pop((row[0], row[1]), None) for row in rows]

    def claim_deliveries(
        self, *, now: datetime, lease_until: datetime, limit: int, busy: Sequence[ShopId] = ()
    ) -> Sequence[DeliveryRecord]:
        """Take waiting rows that are due, and working ones whose lease is over.

        At most one row of a lane, oldest first, shops in turn, `busy` shops left out.
        """
        self.dialect.lock_claims(self.connection)
        end_wrong_leases(self.connection, self.dialect, now=now, lease_until=lease_until)
        chosen = choose(self.connection, DELIVERIES, now=now, limit=limit, busy=busy)
        if not chosen:
            return []
        ids: Sequence[int] = [item.id for item in chosen]
        if self.dialect.is_postgresql:
            ids = (
                self.connection.execute(
                    self.dialect.skip_locked(
                        sa.select(inbox.c.id).where(
                            inbox.c.id.in_(ids), _OPEN, inbox.c.due_at <= now
                        )
                    )
                )
                .scalars()
                .all()
            )
        rows = self.connection.execute(_CLAIM, {"ids": ids, "lease_until": lease_until})
        known = readable(self.connection, inbox, rows, "source", DeliverySource, now=now)
        records = {row.id: _record(row) for row in known}
        return [records[item.id] for item in chosen if item.id in records]

    def settle_delivery(
        self,
        delivery_id: int,
        fence: int,
        *,
        state: DeliveryState,
        reason: str,
        now: datetime,
        due_at: datetime | None = None,
        uncount: bool = False,
    ) -> bool:
        """Close a claimed row, or put it back as waiting until `due_at`."""
        back = state is DeliveryState.WAITING
        values = {
            "of_id": delivery_id,
            "of_fence": fence,
            "new_state": state,
            "new_reason": reason,
            "new_due_at": due_at or now,
            "new_done_at": None if back else now,
            "fewer_attempts": int(uncount),
        }
        return bool(_settle(self.dialect).run(self.connection, values))

    def wake_deliveries(self, shop_id: ShopId, *, now: datetime) -> int:
        """Make all waiting rows of a shop due; tell how many waited for later."""
        return self._changed(
            sa.update(inbox)
            .where(inbox.c.shop_id == shop_id, _OPEN, _WAITING, inbox.c.due_at > now)
            .values(due_at=now)
        )

    def delivery(self, delivery_id: int) -> DeliveryRecord | None:
        """Read one inbox row."""
        found = self._deliveries(sa.select(inbox).where(inbox.c.id == delivery_id))
        return found[0] if found else None

    def waiting_in_lane(self, shop_id: ShopId, lane: str) -> Sequence[DeliveryRecord]:
        """Read the waiting rows of a lane, oldest first."""
        rows = self.connection.execute(_IN_LANE, {"of_shop": shop_id, "of_lane": lane})
        return [_record(row) for row in rows]

    def reopen_delivery(self, delivery_id: int, *, now: datetime) -> bool:
        """Make a done or dead row wait again; its attempts start anew."""
        return bool(
            self._changed(
                sa.update(inbox)
                .where(
                    inbox.c.id == delivery_id,
                    inbox.c.state.in_([DeliveryState.DONE, DeliveryState.DEAD]),
                )
                .values(
                    state=DeliveryState.WAITING, attempts=0, reason="", due_at=now, done_at=None
                )
            )
        )

    def dead_deliveries(self, shop_id: ShopId | None, limit: int) -> Sequence[DeliveryRecord]:
        """Read dead rows, newest first."""
        query = sa.select(inbox).where(inbox.c.state == DeliveryState.DEAD)
        if shop_id is not None:
            query = query.where(inbox.c.shop_id == shop_id)
        return self._deliveries(query.order_by(inbox.c.id.desc()).limit(limit))

    def count_rejected(self, shop_id: ShopId | None, reason: str, count: int) -> None:
        """Add to the number of refused requests."""
        statement = self.dialect.insert(rejected).values(
            shop_id=shop_id or "", reason=reason, count=count
        )
        self.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["shop_id", "reason"],
                set_={"count": rejected.c.count + statement.excluded.count},
            )
        )

    def _deliveries(self, query: sa.Select[Any]) -> list[DeliveryRecord]:
        return [_record(row) for row in self.connection.execute(query)]


@cache
def _settle(dialect: Dialect) -> Written:
    return dialect.ready(_SETTLE.returning(inbox.c.id), inbox.c.id)


@cache
def _add(dialect: Dialect, count: int) -> str:
    """Write the statement for so many rows, once for good: every webhook runs it.

    The compiler writes it for one row; to have it write sixty takes it as long as it takes
    the database to store a hundred.
    """
    places: dict[str, Any] = {
        name: sa.bindparam(place) for name, place in zip(_ADDED, _NAMES[0], strict=True)
    }
    one = dialect.written(
        dialect.insert(inbox)
        .values(places)
        .on_conflict_do_nothing(index_elements=["shop_id", "key"])
        .returning(inbox.c.id, inbox.c.shop_id, inbox.c.key)
    )
    before, row, after = _VALUES.split(one, maxsplit=1)
    rows = [_PLACE.sub(rf"\g<1>_{number}", row) for number in range(count)]
    return before + ", ".join(rows) + after


def _headers(item: NewDelivery) -> str:
    headers = dict(item.headers)
    try:
        return msgspec.json.encode(headers).decode()
    except UnicodeEncodeError:
        # Half of a letter: the slower way takes it.
        return to_json(headers)


def _row(item: NewDelivery) -> tuple[Any, ...]:
    """Write a row as the columns' types would, in the order of `_ADDED`."""
    received_at = to_micros(item.received_at)
    return (
        clean_text(item.shop_id),
        clean_text(item.key),
        item.source.value,
        clean_text(item.topic),
        clean_text(item.lane),
        _headers(item),
        item.body,
        received_at,
        received_at,
        item.state.value,
        clean_text(item.reason),
        None if item.state is DeliveryState.WAITING else received_at,
    )


def _record(row: sa.Row[Any]) -> DeliveryRecord:
    return DeliveryRecord(
        id=row.id,
        shop_id=ShopId(row.shop_id),
        key=row.key,
        source=word(DeliverySource, row.source),
        topic=row.topic,
        lane=row.lane,
        headers=row.headers,
        body=None if row.body is None else bytes(row.body),
        received_at=row.received_at,
        state=word(DeliveryState, row.state),
        attempts=row.attempts,
        fence=row.fence,
        reason=row.reason,
        due_at=row.due_at,
        done_at=row.done_at,
    )
