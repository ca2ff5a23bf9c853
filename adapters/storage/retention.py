"""What is forgotten after its time, and what a rebuild needs beside the usual."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from adapters.storage.base import Part
from adapters.storage.limits import attempts, ceilings
from adapters.storage.strange import word
from adapters.storage.tables import (
    effects,
    evaluations,
    inbox,
    messages,
    orders,
    own_writes,
    rule_versions,
    rules,
    shops,
)
from connector.model.effect import EffectState
from connector.model.event import OccurrenceKind
from connector.model.order import OrderRef, ShopId
from connector.storage.limits import KeptAnswer, OwnWrite
from connector.storage.records import DeliverySource, DeliveryState, RuleRecord

_CLOSED: Final = inbox.c.state.in_([DeliveryState.DONE.value, DeliveryState.DEAD.value])
_ENDED: Final = effects.c.state.in_(
    [EffectState.DONE.value, EffectState.SKIPPED.value, EffectState.DEAD.value]
)


def _needed(before: datetime) -> sa.ColumnElement[bool]:
    """Tell whether another effect of the same turn is open or was closed later."""
    other = effects.alias("other")
    return sa.exists().where(
        other.c.shop_id == effects.c.shop_id,
        other.c.order_ref == effects.c.order_ref,
        other.c.rule_id == effects.c.rule_id,
        other.c.occurrence_id == effects.c.occurrence_id,
        sa.or_(other.c.done_at.is_(None), other.c.done_at >= before),
    )


c: Final = inbox.c  # short for the long list below


class Retention(Part):
    """The verbs of a transaction about what is not kept for ever, and about rebuilds."""

    def old_bodies(self, before: datetime, *, after: int, limit: int) -> Sequence[int]:
        """Number closed deliveries received before a time that still have a body."""
        return self._numbers(
            sa.select(inbox.c.id)
            .where(
                inbox.c.id > after,
                _CLOSED,
                inbox.c.received_at < before,
                inbox.c.body.is_not(None),
            )
            .order_by(inbox.c.id)
            .limit(limit)
        )

    def drop_bodies(self, numbers: Sequence[int]) -> int:
        """Forget the bodies of closed deliveries; their keys stay."""
        return self._changed(
            sa.update(inbox).where(inbox.c.id.in_(numbers), _CLOSED).values(body=None)
        )

    def delete_old_deliveries(self, before: datetime, limit: int) -> int:
        """Delete closed deliveries without body, received before a time; tell how many."""
        numbers = self._numbers(
            sa.select(inbox.c.id)
            .where(_CLOSED, inbox.c.received_at < before, inbox.c.body.is_(None))
            .order_by(inbox.c.id)
            .limit(limit)
        )
        return self._changed(sa.delete(inbox).where(inbox.c.id.in_(numbers))) if numbers else 0

    def delete_old_effects(self, before: datetime, limit: int) -> int:
        """Delete effects closed before a time, with tries and messages; tell how many."""
        keys: Sequence[str] = (
            self.connection.execute(
                sa.select(effects.c.key)
                .where(_ENDED, effects.c.done_at < before, sa.not_(_needed(before)))
                .order_by(effects.c.id)
                .limit(limit)
            )
            .scalars()
            .all()
        )
        if not keys:
            return 0
        self._changed(sa.delete(attempts).where(attempts.c.effect_key.in_(keys)))
        self._changed(sa.delete(messages).where(messages.c.key.in_(keys)))
        return self._changed(sa.delete(effects).where(effects.c.key.in_(keys)))

    def delete_old_evidence(self, before: datetime, limit: int) -> int:
        """Delete evaluations, tries of closed effects and messages; tell how many."""
        # The rows of an effect that is open are what a person judges it by.
        is_open = sa.exists().where(effects.c.key == attempts.c.effect_key, sa.not_(_ENDED))
        kinds: tuple[tuple[sa.Table, sa.Column[Any], sa.ColumnElement[bool]], ...] = (
            (evaluations, evaluations.c.at, sa.true()),
            (attempts, attempts.c.started_at, sa.not_(is_open)),
            (messages, messages.c.sent_at, sa.true()),
        )
        gone = 0
        for table, at, free in kinds:
            # Numbers grow with time: the oldest stand first, and no index is needed.
            oldest = sa.select(table.c.id, at).order_by(table.c.id).limit(limit)
            rows = self.connection.execute(oldest).all()
            numbers = [row[0] for row in rows if row[1] < before]
            if numbers:
                gone += self._changed(sa.delete(table).where(table.c.id.in_(numbers), free))
        return gone

    def delete_old_ceilings(self, before: datetime) -> int:
        """Delete the counts of hours before a time; tell how many."""
        return self._changed(sa.delete(ceilings).where(ceilings.c.hour < before))

    def is_empty(self) -> bool:
        """Tell whether nothing was ever stored: no shop, delivery, order or effect."""
        return all(
            self.connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first()
            is None
            for table in (shops, inbox, orders, effects)
        )

    def every_rule_version(self) -> Sequence[RuleRecord]:
        """Read all versions of all rules of all shops, oldest first."""
        rows = self.connection.execute(
            sa.select(rule_versions, rules.c.enabled)
            .join_from(
                rule_versions,
                rules,
                sa.and_(
                    rules.c.shop_id == rule_versions.c.shop_id,
                    rules.c.rule_id == rule_versions.c.rule_id,
                ),
            )
            .order_by(rule_versions.c.created_at, rules.c.position, rule_versions.c.version)
        )
        return [
            RuleRecord(
                ShopId(row.shop_id),
                row.rule_id,
                row.version,
                row.enabled,
                row.source,
                row.created_at,
            )
            for row in rows
        ]

    def every_own_write(self) -> Sequence[OwnWrite]:
        """Read all changes of status that were ours, oldest first."""
        rows = self.connection.execute(sa.select(own_writes).order_by(own_writes.c.at))
        return [
            OwnWrite(
                ShopId(row.shop_id), OrderRef(row.order_ref), word(OccurrenceKind, row.kind), row.at
            )
            for row in rows
        ]

    def delivery_numbers(self) -> Sequence[int]:
        """Number all deliveries in the order in which they were received."""
        return self._numbers(sa.select(inbox.c.id).order_by(inbox.c.id))

    def kept_answers(self) -> Sequence[KeptAnswer]:
        """List what shops answered when they were asked, oldest first."""
        columns = (c.id, c.shop_id, c.lane, c.topic, c.headers, c.received_at)
        rows = self.connection.execute(
            sa.select(*columns).where(c.source == DeliverySource.FETCH.value).order_by(c.id)
        )
        return [
            KeptAnswer(
                row.id,
                ShopId(row.shop_id),
                row.lane,
                row.topic,
                row.headers.get("cause", ""),
                row.received_at,
            )
            for row in rows
        ]

    def lanes_without_body(self) -> Sequence[tuple[ShopId, str]]:
        """Name the orders some of whose deliveries have no body any more."""
        rows = self.connection.execute(
            sa.select(inbox.c.shop_id, inbox.c.lane)
            .where(inbox.c.body.is_(None), inbox.c.lane != "")
            .distinct()
        )
        return [(ShopId(row.shop_id), row.lane) for row in rows]

    def skip_planned(self, reason: str, *, now: datetime) -> int:
        """Close all effects that are planned as skipped; tell how many."""
        return self._changed(
            sa.update(effects)
            .where(effects.c.state == EffectState.PLANNED.value)
            .values(state=EffectState.SKIPPED.value, reason=reason, done_at=now)
        )

    def _numbers(self, query: sa.Select[Any]) -> list[int]:
        return list(self.connection.execute(query).scalars())
