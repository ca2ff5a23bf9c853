"""Requests of people, and what is stored about them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from adapters.storage.base import Part
from adapters.storage.columns import Json, Text, Time, number_column
from adapters.storage.limits import attempts
from adapters.storage.packed import unpack
from adapters.storage.tables import (
    asked_rules,
    buyer_keys,
    effects,
    evaluations,
    inbox,
    messages,
    metadata,
    occurrences,
    orders,
)
from connector.model.codec import decode_order
from connector.model.order import Order, OrderRef, ShopId
from connector.storage.privacy import PrivacyKind, PrivacyRequest

privacy_requests: Final = sa.Table(
    "privacy_requests",
    metadata,
    number_column(),
    sa.Column("shop_id", Text, nullable=False),
    sa.Column("kind", Text, nullable=False),
    sa.Column("source", Text, nullable=False),
    sa.Column("digest", Text, nullable=False),
    sa.Column("received_at", Time, nullable=False),
    sa.Column("due_at", Time, nullable=False),
    sa.Column("state", Text, nullable=False),
    sa.Column("done_at", Time, nullable=True),
    sa.Column("result", Json, nullable=False),
    # Last: exports are long.
    sa.Column("subject", sa.LargeBinary, nullable=True),
    sa.Column("export", sa.LargeBinary, nullable=True),
    sa.Index("ux_privacy_requests", "shop_id", "kind", "digest", unique=True),
    sqlite_autoincrement=True,
)


class Privacy(Part):
    """The verbs of a transaction about the data of people."""

    def add_privacy_request(self, request: PrivacyRequest) -> PrivacyRequest | None:
        """Store a request; None when it was there already."""
        statement = (
            self.dialect.insert(privacy_requests)
            .values(
                shop_id=request.shop_id,
                kind=request.kind,
                source=request.source,
                digest=request.digest,
                received_at=request.received_at,
                **self._changing(request),
            )
            .on_conflict_do_nothing()
            .returning(privacy_requests.c.id)
        )
        row = self.connection.execute(statement).first()
        return None if row is None else self.privacy_request(row.id)

    def change_privacy_request(self, request: PrivacyRequest) -> None:
        """Replace what is stored of a request."""
        self._changed(
            sa.update(privacy_requests)
            .where(privacy_requests.c.id == request.id)
            .values(self._changing(request))
        )

    def privacy_request(self, number: int) -> PrivacyRequest | None:
        """Read one request."""
        found = self._requests(sa.select(privacy_requests).where(privacy_requests.c.id == number))
        return found[0] if found else None

    def privacy_requests(
        self, shop_id: ShopId | None = None, *, state: str = ""
    ) -> Sequence[PrivacyRequest]:
        """Read requests, the first to be done first."""
        query = sa.select(privacy_requests)
        if shop_id is not None:
            query = query.where(privacy_requests.c.shop_id == shop_id)
        if state:
            query = query.where(privacy_requests.c.state == state)
        return self._requests(query.order_by(privacy_requests.c.due_at, privacy_requests.c.id))

    def buyers_of(self, keys: Sequence[str]) -> Sequence[int]:
        """Number the buyers who have one of the keys."""
        query = sa.select(buyer_keys.c.buyer_id).where(buyer_keys.c.key.in_(list(keys))).distinct()
        return list(self.connection.execute(query).scalars())

    def orders_of_buyers(self, shop_id: ShopId, buyers: Sequence[int]) -> Sequence[OrderRef]:
        """Name the orders of buyers in one shop."""
        rows = self.connection.execute(
            sa.select(orders.c.ref)
            .where(orders.c.buyer_id.in_(list(buyers)), orders.c.shop_id == shop_id)
            .order_by(orders.c.placed_at, orders.c.ref)
        )
        return [OrderRef(row.ref) for row in rows]

    def bodies_of(
        self, shop_id: ShopId, *, after: int, limit: int
    ) -> Sequence[tuple[int, str, str, bytes]]:
        """Read kept deliveries of a shop, lowest number first."""
        rows = self.connection.execute(
            sa.select(inbox.c.id, inbox.c.lane, inbox.c.state, inbox.c.body)
            .where(inbox.c.id > after, inbox.c.shop_id == shop_id, inbox.c.body.is_not(None))
            .order_by(inbox.c.id)
            .limit(limit)
        )
        return [(row.id, row.lane, row.state, bytes(row.body)) for row in rows]

    def rows_of_order(self, shop_id: ShopId, ref: OrderRef) -> Mapping[str, Sequence[Any]]:
        """Read everything that is stored about an order, as plain rows by table."""
        happened = self._rows(occurrences, occurrences.c.order_ref == ref, shop_id)
        planned = self._rows(effects, effects.c.order_ref == ref, shop_id)
        keys = [row["key"] for row in planned]
        judged = self.connection.execute(
            sa.select(*evaluations.c, asked_rules.c.body)
            .join(asked_rules, asked_rules.c.name == evaluations.c.asked)
            .where(evaluations.c.occurrence_id.in_([row["id"] for row in happened]))
        )
        return {
            "deliveries": self._rows(inbox, inbox.c.lane == ref, shop_id),
            "occurrences": happened,
            "evaluations": [
                {"occurrence_id": row.occurrence_id, "at": row.at, **answer}
                for row in judged
                for answer in unpack(row.body, row.answers)
            ],
            "effects": planned,
            "attempts": self._rows(attempts, attempts.c.effect_key.in_(keys), shop_id),
            "messages": self._rows(messages, messages.c.order_ref == ref, shop_id),
        }

    def buyer_orders(self, buyers: Sequence[int]) -> Iterator[tuple[int, ShopId, Order]]:
        """Read the orders of buyers in all shops."""
        rows = self.connection.execute(
            sa.select(orders.c.buyer_id, orders.c.shop_id, orders.c.snapshot).where(
                orders.c.buyer_id.in_(list(buyers))
            )
        )
        for row in rows:
            yield row.buyer_id, ShopId(row.shop_id), decode_order(row.snapshot)

    def _rows(
        self, table: sa.Table, which: sa.ColumnElement[bool], shop_id: str
    ) -> list[dict[str, Any]]:
        query = sa.select(table).where(table.c.shop_id == shop_id, which)
        if "id" in table.c:
            query = query.order_by(table.c.id)
        return [dict(row) for row in self.connection.execute(query).mappings()]

    def _changing(self, request: PrivacyRequest) -> dict[str, Any]:
        sealed = {
            name: None
            if secret is None
            else self.sealer.seal(request.shop_id, f"privacy:{name}:{request.digest}", secret)
            for name, secret in (("subject", request.subject), ("export", request.export))
        }
        return {
            "due_at": request.due_at,
            "state": request.state,
            "done_at": request.done_at,
            "result": dict(request.result),
            **sealed,
        }

    def _requests(self, query: sa.Select[Any]) -> list[PrivacyRequest]:
        return [self._request(row) for row in self.connection.execute(query)]

    def _request(self, row: Any) -> PrivacyRequest:
        opened = {
            name: None
            if sealed is None
            else self.sealer.unseal(row.shop_id, f"privacy:{name}:{row.digest}", sealed)
            for name, sealed in (("subject", row.subject), ("export", row.export))
        }
        return PrivacyRequest(
            row.id,
            ShopId(row.shop_id),
            PrivacyKind(row.kind),
            row.source,
            row.digest,
            row.received_at,
            row.due_at,
            row.state,
            row.done_at,
            opened["subject"],
            opened["export"],
            row.result,
        )
