"""Effects: planned writes to the outside, and messages that left."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from functools import cache
from typing import Any, Final

import sqlalchemy as sa

from adapters.storage.base import Part
from adapters.storage.claims import EFFECTS, choose
from adapters.storage.dialect import Dialect
from adapters.storage.strange import end_wrong_leases, readable, word
from adapters.storage.tables import OPEN_EFFECT, messages
from adapters.storage.tables import effects as effects_table
from adapters.storage.written import Written
from connector.model.effect import EffectKind, EffectState, PlannedEffect
from connector.model.message import Message
from connector.model.order import OrderRef, ShopId
from connector.storage.records import EffectRecord

_CLOSED: Final = frozenset({EffectState.DONE, EffectState.SKIPPED, EffectState.DEAD})
_SETTLE: Final = (
    sa.update(effects_table)
    .where(
        effects_table.c.key == sa.bindparam("of_key"),
        effects_table.c.fence == sa.bindparam("of_fence"),
        effects_table.c.state == EffectState.SENDING,
    )
    .values(
        state=sa.bindparam("new_state"),
        reason=sa.bindparam("new_reason"),
        due_at=sa.bindparam("new_due_at"),
        done_at=sa.bindparam("new_done_at"),
        probes=effects_table.c.probes + sa.bindparam("more_probes"),
        attempts=effects_table.c.attempts - sa.bindparam("fewer_attempts"),
    )
)
_SETTLE_WITH: Final = _SETTLE.values(result=sa.bindparam("new_result"))
_CLAIM: Final = (
    sa.update(effects_table)
    .where(effects_table.c.id.in_(sa.bindparam("ids", expanding=True)))
    .values(
        state=EffectState.SENDING,
        fence=effects_table.c.fence + 1,
        attempts=effects_table.c.attempts + 1,
        due_at=sa.bindparam("lease_until"),
    )
    .returning(*effects_table.c)
)
_ADDED: Final = (
    "key",
    "shop_id",
    "order_ref",
    "rule_id",
    "rule_version",
    "occurrence_id",
    "step",
    "kind",
    "payload",
    "planned_at",
    "waits_for",
    "expires_at",
    "state",
    "due_at",
    "created_at",
    "result",
)
_ONE: Final = sa.select(effects_table).where(effects_table.c.key == sa.bindparam("of_key"))


class Effects(Part):
    """The verbs of a transaction about effects."""

    def add_effects(self, effects: Sequence[PlannedEffect], *, now: datetime) -> int:
        """Plan effects; those whose key is known are passed over. Tell how many are new."""
        statement = _add(self.dialect)
        new = 0
        for item in effects:
            row = statement.run(
                self.connection,
                {
                    "key": item.key,
                    "shop_id": item.shop_id,
                    "order_ref": item.order_ref,
                    "rule_id": item.rule_id,
                    "rule_version": item.rule_version,
                    "occurrence_id": item.occurrence_id,
                    "step": item.step,
                    "kind": item.kind,
                    "payload": item.payload,
                    "planned_at": item.due_at,
                    "waits_for": item.waits_for,
                    "expires_at": item.expires_at,
                    "state": EffectState.PLANNED,
                    "due_at": item.due_at,
                    "created_at": now,
                    "result": {},
                },
            )
            new += bool(row)
        return new

    def claim_effects(
        self, *, now: datetime, lease_until: datetime, limit: int, busy: Sequence[ShopId] = ()
    ) -> Sequence[EffectRecord]:
        """Take effects that are due: planned, unknown, or sending with an ended lease.

        Gives each in the state it had before; an ended `sending` comes as `unknown`.
        """
        self.dialect.lock_claims(self.connection)
        end_wrong_leases(self.connection, self.dialect, now=now, lease_until=lease_until)
        chosen = choose(self.connection, EFFECTS, now=now, limit=limit, busy=busy)
        if not chosen:
            return []
        before = {item.id: item.state for item in chosen}
        if self.dialect.is_postgresql:
            locked = self.connection.execute(
                self.dialect.skip_locked(
                    sa.select(effects_table.c.id, effects_table.c.state).where(
                        effects_table.c.id.in_(before),
                        sa.text(OPEN_EFFECT),
                        effects_table.c.due_at <= now,
                    )
                )
            )
            before = {row.id: row.state for row in locked}
        rows = self.connection.execute(_CLAIM, {"ids": list(before), "lease_until": lease_until})
        known = readable(self.connection, effects_table, rows, "kind", EffectKind, now=now)
        records = {row.id: _claimed(row, before[row.id]) for row in known}
        return [records[item.id] for item in chosen if item.id in records]

    def settle_effect(
        self,
        key: str,
        fence: int,
        *,
        state: EffectState,
        reason: str,
        now: datetime,
        due_at: datetime | None = None,
        result: Mapping[str, Any] | None = None,
        probed: bool = False,
        uncount: bool = False,
    ) -> bool:
        """Close a claimed effect, or put it back for later."""
        values: dict[str, Any] = {
            "of_key": key,
            "of_fence": fence,
            "new_state": state,
            "new_reason": reason,
            "new_due_at": due_at or now,
            "new_done_at": now if state in _CLOSED else None,
            "more_probes": int(probed),
            "fewer_attempts": int(uncount),
        }
        if result is None:
            return bool(self._changed(_SETTLE, values))
        return bool(self._changed(_SETTLE_WITH, {**values, "new_result": dict(result)}))

    def effect(self, key: str) -> EffectRecord | None:
        """Read one effect."""
        row = self.connection.execute(_ONE, {"of_key": key}).first()
        return None if row is None else effect_record(row)

    def effects_of(self, shop_id: ShopId, ref: OrderRef) -> Sequence[EffectRecord]:
        """Read the effects of an order, in the order they were planned."""
        return self._effects(
            sa.select(effects_table)
            .where(effects_table.c.shop_id == shop_id, effects_table.c.order_ref == ref)
            .order_by(effects_table.c.id)
        )

    def dead_effects(self, shop_id: ShopId | None, limit: int) -> Sequence[EffectRecord]:
        """Read effects that need a person, newest first."""
        query = sa.select(effects_table).where(effects_table.c.state == EffectState.DEAD)
        if shop_id is not None:
            query = query.where(effects_table.c.shop_id == shop_id)
        return self._effects(query.order_by(effects_table.c.id.desc()).limit(limit))

    def reopen_effect(self, key: str, *, now: datetime) -> bool:
        """Let a dead effect be tried again; its outcome is looked up first."""
        return bool(
            self._changed(
                sa.update(effects_table)
                .where(effects_table.c.key == key, effects_table.c.state == EffectState.DEAD)
                .values(
                    state=EffectState.UNKNOWN,
                    attempts=0,
                    probes=0,
                    reason="",
                    due_at=now,
                    done_at=None,
                )
            )
        )

    def plan_again(self, first: EffectRecord, *, reason: str, now: datetime) -> int:
        """Let effects that waited for this one be tried after all; tell how many."""
        table, planned = effects_table.c, first.planned
        return self._changed(
            sa.update(effects_table)
            .where(
                # The first two are those of the index.
                table.shop_id == planned.shop_id,
                table.order_ref == planned.order_ref,
                table.waits_for == planned.key,
                table.state == EffectState.SKIPPED,
                table.reason.startswith(reason, autoescape=True),
            )
            .values(
                state=EffectState.PLANNED,
                attempts=0,
                probes=0,
                reason="",
                due_at=now,
                done_at=None,
            )
        )

    def add_message(
        self, message: Message, *, sent_at: datetime, result: Mapping[str, str]
    ) -> None:
        """Keep a message that was handed over; unique on its key."""
        self.connection.execute(
            self.dialect.insert(messages)
            .values(
                key=message.key,
                shop_id=message.shop_id,
                order_ref=message.order_ref,
                sent_at=sent_at,
                result=dict(result),
                message=asdict(message),
            )
            .on_conflict_do_nothing(index_elements=["key"])
        )

    def _effects(self, query: sa.Select[Any]) -> list[EffectRecord]:
        return [effect_record(row) for row in self.connection.execute(query)]


@cache
def _add(dialect: Dialect) -> Written:
    return dialect.ready(
        dialect.insert(effects_table)
        .values({name: sa.bindparam(name) for name in _ADDED})
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(effects_table.c.id),
        effects_table.c.id,
    )


def _claimed(row: sa.Row[Any], before: str) -> EffectRecord:
    if before != EffectState.SENDING:
        return _record(row, EffectState(before))
    # Whoever had it is gone: what became of the call is not known.
    return replace(_record(row, EffectState.UNKNOWN), abandoned=True)


def effect_record(row: sa.Row[Any]) -> EffectRecord:
    """Read an effect from its row."""
    return _record(row, word(EffectState, row.state))


def _record(row: sa.Row[Any], state: EffectState) -> EffectRecord:
    return EffectRecord(
        planned=PlannedEffect(
            key=row.key,
            shop_id=ShopId(row.shop_id),
            order_ref=OrderRef(row.order_ref),
            rule_id=row.rule_id,
            rule_version=row.rule_version,
            occurrence_id=row.occurrence_id,
            step=row.step,
            kind=word(EffectKind, row.kind),
            payload=row.payload,
            due_at=row.planned_at,
            waits_for=row.waits_for,
            expires_at=row.expires_at,
        ),
        state=state,
        due_at=row.due_at,
        created_at=row.created_at,
        attempts=row.attempts,
        probes=row.probes,
        fence=row.fence,
        reason=row.reason,
        done_at=row.done_at,
        result=row.result,
    )
