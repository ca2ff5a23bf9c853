"""The past, for simulations and for "why not": reads only."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from adapters.storage.base import Part
from adapters.storage.columns import clean_text
from adapters.storage.occurrences import occurrence_record
from adapters.storage.packed import unpack, unpack_seen
from adapters.storage.reports import ORDER_COUNT
from adapters.storage.strange import word
from adapters.storage.tables import (
    asked_rules,
    buyer_keys,
    evaluations,
    occurrences,
    once,
    orders,
)
from connector.model.codec import decode_order
from connector.model.event import OccurrenceKind
from connector.model.order import OrderRef, ShopId
from connector.storage.history import CountedOrder
from connector.storage.records import OccurrenceRecord

# What both databases take in one statement with ease.
_MOST: Final = 500


class History(Part):
    """The verbs of a transaction about the past."""

    def happened_kinds(
        self, shop_id: ShopId, since: datetime, until: datetime
    ) -> Mapping[OccurrenceKind, int]:
        """Count by kind what happened in a span; what our own writes caused is left out."""
        rows = self.connection.execute(
            sa.select(occurrences.c.kind, sa.func.count())
            .where(*_within(shop_id, since, until))
            .group_by(occurrences.c.kind)
        )
        return {word(OccurrenceKind, kind): int(number) for kind, number in rows}

    def happened_numbers(
        self,
        shop_id: ShopId,
        since: datetime,
        until: datetime,
        kinds: Sequence[OccurrenceKind],
    ) -> Sequence[int]:
        """Number what happened in a span, in the order it happened, own writes left out."""
        query = (
            sa.select(occurrences.c.id)
            .where(
                *_within(shop_id, since, until),
                occurrences.c.kind.in_([kind.value for kind in kinds]),
            )
            .order_by(occurrences.c.occurred_at, occurrences.c.id)
        )
        found = array("q")
        rows = self.connection.execution_options(yield_per=5_000).execute(query)
        for part in rows.scalars().partitions():
            found.extend(part)
        return found

    def happened(self, numbers: Sequence[int]) -> Sequence[OccurrenceRecord]:
        """Read some occurrences, in the order of their numbers as given."""
        found: dict[int, OccurrenceRecord] = {}
        for start in range(0, len(numbers), _MOST):
            some = list(numbers[start : start + _MOST])
            for row in self.connection.execute(
                sa.select(occurrences).where(occurrences.c.id.in_(some))
            ):
                found[row.id] = occurrence_record(tuple(row))
        return [found[number] for number in numbers if number in found]

    def happened_to(
        self, shop_id: ShopId, refs: Sequence[OrderRef]
    ) -> Mapping[OrderRef, Sequence[OccurrenceRecord]]:
        """Read what happened to some orders, oldest number first."""
        found: dict[OrderRef, list[OccurrenceRecord]] = {}
        for start in range(0, len(refs), _MOST):
            some = list(refs[start : start + _MOST])
            for row in self.connection.execute(
                sa.select(occurrences)
                .where(occurrences.c.shop_id == shop_id, occurrences.c.order_ref.in_(some))
                .order_by(occurrences.c.id)
            ):
                item = occurrence_record(tuple(row))
                found.setdefault(item.occurrence.order_ref, []).append(item)
        return found

    def counted_orders(
        self, shop_id: ShopId, refs: Sequence[OrderRef]
    ) -> Mapping[OrderRef, CountedOrder]:
        """Read some orders, each with its buyer's order count; unknown ones are left out."""
        found: dict[OrderRef, CountedOrder] = {}
        for start in range(0, len(refs), _MOST):
            some = list(refs[start : start + _MOST])
            for row in self.connection.execute(
                sa.select(orders.c.ref, orders.c.snapshot, orders.c.buyer_id, ORDER_COUNT).where(
                    orders.c.shop_id == shop_id, orders.c.ref.in_(some)
                )
            ):
                order = decode_order(row.snapshot)
                if row.buyer_id is not None:
                    buyer = replace(order.buyer, order_count=int(row.order_count))
                    order = replace(order, buyer=buyer)
                found[OrderRef(row.ref)] = CountedOrder(order, row.buyer_id)
        return found

    def evaluation_of(self, occurrence_id: int) -> Sequence[Mapping[str, Any]]:
        """Read what each rule decided about an occurrence, with the values it saw."""
        row = self.connection.execute(
            sa.select(*evaluations.c, asked_rules.c.body)
            .join(asked_rules, asked_rules.c.name == evaluations.c.asked)
            .where(evaluations.c.occurrence_id == occurrence_id)
        ).first()
        if row is None:
            return []
        return [
            {
                "shop": row.shop_id,
                "order": row.order_ref,
                "occurrence": row.occurrence_id,
                "at": row.at,
                **answer,
            }
            for answer in unpack(row.body, row.answers)
        ]

    def seen_of(self, numbers: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
        """Read what orders had when rules were asked: occurrence to field to value."""
        found: dict[int, Mapping[str, Any]] = {}
        for start in range(0, len(numbers), _MOST):
            some = list(numbers[start : start + _MOST])
            rows = self.connection.execute(
                sa.select(evaluations.c.occurrence_id, evaluations.c.answers).where(
                    evaluations.c.occurrence_id.in_(some)
                )
            )
            for number, body in rows:
                seen = unpack_seen(bytes(body))
                if seen:
                    found[number] = seen
        return found

    def once_holder(self, shop_id: ShopId, rule_id: str, once_key: str) -> int | None:
        """Tell which occurrence took the one time a rule may act."""
        holder: int | None = self.connection.execute(
            sa.select(once.c.occurrence_id).where(
                once.c.shop_id == shop_id,
                once.c.rule_id == rule_id,
                once.c.once_key == once_key,
            )
        ).scalar()
        return holder

    def refs_of_number(self, shop_id: ShopId, number: str) -> Sequence[OrderRef]:
        """Find orders by the number that people see; newest first."""
        plain = clean_text(number)
        rows = self.connection.execute(
            sa.select(orders.c.ref)
            .where(orders.c.shop_id == shop_id, orders.c.number.in_((plain, f"#{plain}")))
            # Else SQLite reads all orders of the shop in the order that is asked for.
            .with_hint(orders, "INDEXED BY ix_orders_number", "sqlite")
            .order_by(orders.c.placed_at.desc(), orders.c.id.desc())
        )
        return [OrderRef(ref) for ref in rows.scalars()]

    def buyer_of(self, keys: Sequence[str]) -> int | None:
        """Find the buyer with one of the keys, strongest first; None makes none."""
        wanted = [clean_text(key) for key in keys]
        rows = self.connection.execute(
            sa.select(buyer_keys.c.key, buyer_keys.c.buyer_id).where(buyer_keys.c.key.in_(wanted))
        )
        owners = {key: int(owner) for key, owner in rows}
        return next((owners[key] for key in wanted if key in owners), None)

    def orders_of_buyer(self, buyer_id: int, shop_id: ShopId, limit: int) -> Sequence[OrderRef]:
        """Name a buyer's orders in one shop, newest first."""
        rows = self.connection.execute(
            sa.select(orders.c.ref)
            .where(orders.c.buyer_id == buyer_id, orders.c.shop_id == shop_id)
            .order_by(orders.c.placed_at.desc(), orders.c.id.desc())
            .limit(limit)
        )
        return [OrderRef(ref) for ref in rows.scalars()]


def _within(
    shop_id: ShopId, since: datetime, until: datetime
) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        occurrences.c.shop_id == shop_id,
        occurrences.c.occurred_at >= since,
        occurrences.c.occurred_at <= until,
        sa.not_(occurrences.c.own),
    )
