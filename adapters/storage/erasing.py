"""Erasing: what goes, and what stays without a name."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import sqlalchemy as sa

from adapters.storage.base import Part
from adapters.storage.columns import Text, Time
from adapters.storage.dialect import Dialect
from adapters.storage.installs import apps
from adapters.storage.limits import attempts, host_limits
from adapters.storage.orders import encoded
from adapters.storage.tables import (
    asked_rules,
    buyer_keys,
    buyers,
    effects,
    evaluations,
    inbox,
    jobs,
    messages,
    metadata,
    occurrences,
    once,
    orders,
    secrets,
    shops,
)
from adapters.storage.written import Written
from connector.model.effect import EffectState
from connector.model.order import Order, OrderRef, ShopId
from connector.storage.records import DeliveryState, ShopState

erased_orders: Final = sa.Table(
    "erased_orders",
    metadata,
    sa.Column("shop_id", Text, primary_key=True),
    sa.Column("order_ref", Text, primary_key=True),
    sa.Column("at", Time, nullable=False),
)

_OPEN_EFFECT: Final = sa.text("state IN ('planned', 'unknown', 'sending')")
_DONE: Final = sa.text("state = 'done'")
_DEAD: Final = sa.text("state = 'dead'")
_OPEN_ROW: Final = sa.text("state IN ('waiting', 'working')")
_PARCEL: Final = "parcel."
# What says that something was asked or done, and nothing of anybody.
_STAYS: Final = frozenset({"privacy_requests", "shops"})


class Erasing(Part):
    """The verbs of a transaction about what is forgotten because a person asks."""

    def is_erased(self, shop_id: ShopId, ref: OrderRef) -> bool:
        """Tell whether an order is kept without its buyer."""
        values = {"of_shop": shop_id, "of_ref": ref}
        return bool(_erased(self.dialect).run(self.connection, values))

    def erase_order(
        self,
        shop_id: ShopId,
        ref: OrderRef,
        order: Order | None,
        names: Mapping[str, str],
        *,
        reason: str,
        now: datetime,
    ) -> Mapping[str, int]:
        """Keep an order without its buyer, now and whenever it is told of again."""
        self.connection.execute(
            self.dialect.insert(erased_orders)
            .values(shop_id=shop_id, order_ref=ref, at=now)
            .on_conflict_do_nothing()
        )
        found = self.connection.execute(
            sa.select(occurrences.c.id, occurrences.c.kind, occurrences.c.discriminator).where(
                occurrences.c.shop_id == shop_id, occurrences.c.order_ref == ref
            )
        ).all()
        numbers = [row.id for row in found]
        gone = {
            "orders": 0 if order is None else self._keep_nameless(shop_id, order),
            "evaluations": self._changed(
                sa.delete(evaluations).where(evaluations.c.occurrence_id.in_(numbers))
            ),
            **self._erase_effects(shop_id, ref, reason, now),
            "deliveries": sum(
                self._close_rows(
                    sa.and_(inbox.c.shop_id == shop_id, inbox.c.lane == ref, one), reason, now
                )
                for one in (_OPEN_ROW, _DONE, _DEAD)
            ),
        }
        for row in found:
            new = names.get(row.discriminator)
            if new is not None and row.kind.startswith(_PARCEL):
                self._rename(ref, row, new)
        return gone

    def erase_deliveries(self, numbers: Sequence[int], *, reason: str, now: datetime) -> int:
        """Forget the bodies of deliveries in whatever state, and close those that wait."""
        return self._close_rows(inbox.c.id.in_(list(numbers)), reason, now)

    def forget_buyers(self, buyers: Sequence[int], keep: Mapping[int, Sequence[str]]) -> int:
        """Delete the keys of buyers but those given, and buyers who have none left."""
        gone = 0
        for buyer in buyers:
            held = list(keep.get(buyer, ()))
            gone += self._changed(
                sa.delete(buyer_keys).where(
                    buyer_keys.c.buyer_id == buyer, buyer_keys.c.key.not_in(held)
                )
            )
            if not held:
                self._forget_buyer(buyer)
        return gone

    def erase_shop_rows(self, shop_id: ShopId, limit: int) -> int:
        """Delete at most so many rows of a shop, of any table but orders."""
        for table in metadata.sorted_tables[::-1]:
            if "shop_id" not in table.c or table.name in _STAYS or table is orders:
                continue
            key = list(table.primary_key.columns)
            chosen = sa.select(*key).where(table.c.shop_id == shop_id).limit(limit)
            where = key[0].in_(chosen) if len(key) == 1 else sa.tuple_(*key).in_(chosen)
            gone = self._changed(sa.delete(table).where(where))
            if gone:
                return gone
        return 0

    def erase_shop_orders(self, shop_id: ShopId, limit: int) -> tuple[int, Sequence[int]]:
        """Delete at most so many orders of a shop; tell how many, and of which buyers."""
        rows = self.connection.execute(
            sa.select(orders.c.id, orders.c.buyer_id)
            .where(orders.c.shop_id == shop_id)
            .order_by(orders.c.id)
            .limit(limit)
        ).all()
        self._changed(sa.delete(orders).where(orders.c.id.in_([row.id for row in rows])))
        return len(rows), sorted({row.buyer_id for row in rows if row.buyer_id is not None})

    def close_erased_shop(self, shop_id: ShopId, *, hook_token: str) -> None:
        """Leave of a shop only its number, its platform and that it was removed."""
        row = self.connection.execute(sa.select(shops).where(shops.c.id == shop_id)).first()
        if row is None:
            return
        self._changed(sa.delete(secrets).where(secrets.c.shop_id == shop_id))
        self._changed(sa.delete(jobs).where(jobs.c.name.endswith(f":{shop_id}", autoescape=True)))
        host = row.address.partition("://")[2].partition("/")[0] or row.address
        if host:
            self._changed(
                sa.delete(host_limits).where(host_limits.c.host.startswith(host, autoescape=True))
            )
        self._changed(
            sa.delete(asked_rules).where(
                asked_rules.c.name.not_in(sa.select(evaluations.c.asked).distinct())
            )
        )
        client = row.settings.get("client_id", "")
        others = self.connection.execute(
            sa.select(shops.c.settings).where(
                shops.c.id != shop_id, shops.c.state != ShopState.REMOVED.value
            )
        ).scalars()
        if client and all(settings.get("client_id") != client for settings in others):
            # An app whose last shop is gone stays: its next shop may come at any time.
            self._changed(sa.update(apps).where(apps.c.client_id == client).values(sealed_old=None))
        self._changed(
            sa.update(shops)
            .where(shops.c.id == shop_id)
            .values(
                name="",
                address="",
                hook_token=hook_token,
                state=ShopState.REMOVED.value,
                settings={},
                currency="",
                timezone="UTC",
                country="",
                region="",
                locale="",
                last_delivery_at=None,
                polled_until=None,
                webhooks={},
            )
        )

    def _forget_buyer(self, buyer: int) -> None:
        self._changed(sa.update(orders).where(orders.c.buyer_id == buyer).values(buyer_id=None))
        self._changed(sa.delete(buyers).where(buyers.c.id == buyer))

    def _keep_nameless(self, shop_id: str, order: Order) -> int:
        return self._changed(
            sa.update(orders)
            .where(orders.c.shop_id == shop_id, orders.c.ref == order.ref)
            .values(snapshot=encoded(order), buyer_id=None)
        )

    def _erase_effects(self, shop_id: str, ref: str, reason: str, now: datetime) -> dict[str, int]:
        of_order = (effects.c.shop_id == shop_id, effects.c.order_ref == ref)
        keys = list(self.connection.execute(sa.select(effects.c.key).where(*of_order)).scalars())
        skipped = self._changed(
            sa.update(effects)
            .where(*of_order, _OPEN_EFFECT)
            # The fence: whoever is at it just now settles nothing any more.
            .values(
                state=EffectState.SKIPPED.value,
                done_at=now,
                fence=effects.c.fence + 1,
            )
        )
        self._changed(sa.update(effects).where(*of_order).values(reason=reason, result={}))
        return {
            "effects_skipped": skipped,
            "effects": len(keys),
            "attempts": self._changed(sa.delete(attempts).where(attempts.c.effect_key.in_(keys))),
            "messages": self._changed(
                sa.delete(messages).where(
                    messages.c.shop_id == shop_id,
                    sa.or_(messages.c.key.in_(keys), messages.c.order_ref == ref),
                )
            ),
        }

    def _close_rows(self, which: sa.ColumnElement[bool], reason: str, now: datetime) -> int:
        is_open = inbox.c.state.in_([DeliveryState.WAITING.value, DeliveryState.WORKING.value])
        return self._changed(
            sa.update(inbox)
            .where(which)
            .values(
                body=None,
                headers={},
                reason=reason,
                state=DeliveryState.DONE.value,
                done_at=sa.func.coalesce(inbox.c.done_at, sa.bindparam("ends_at", now, Time)),
                fence=sa.case((is_open, inbox.c.fence + 1), else_=inbox.c.fence),
            )
        )

    def _rename(self, ref: str, row: Any, new: str) -> None:
        """Take a tracking number out of the names by which things count once."""
        old = f":{row.kind}:{row.discriminator}:"
        self._changed(
            sa.update(occurrences).where(occurrences.c.id == row.id).values(discriminator=new)
        )
        self._changed(
            sa.update(once)
            .where(
                once.c.occurrence_id == row.id,
                once.c.once_key == f"parcel:{ref}:{row.discriminator}",
            )
            .values(once_key=f"parcel:{ref}:{new}")
        )
        for column in (effects.c.key, effects.c.waits_for):
            self._changed(
                sa.update(effects)
                .where(effects.c.occurrence_id == row.id, column.contains(old, autoescape=True))
                .values({column: sa.func.replace(column, old, f":{row.kind}:{new}:")})
            )


@cache
def _erased(dialect: Dialect) -> Written:
    return dialect.ready(
        sa.select(erased_orders.c.at).where(
            erased_orders.c.shop_id == sa.bindparam("of_shop", type_=Text),
            erased_orders.c.order_ref == sa.bindparam("of_ref", type_=Text),
        ),
        erased_orders.c.at,
    )
