"""Order states and buyers."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from adapters.storage.base import Part
from adapters.storage.columns import Text, Time, clean_text
from adapters.storage.dialect import Dialect
from adapters.storage.tables import buyer_keys, buyers, orders
from adapters.storage.written import Written
from connector.model.codec import decode_order, encode_order
from connector.model.order import Order, OrderRef, OrderState, ShopId
from connector.storage.records import StoredOrder

# An order in one of these states is no purchase.
NOT_BOUGHT: Final = (
    OrderState.PENDING,
    OrderState.FAILED,
    OrderState.CANCELED,
    OrderState.DELETED,
)

# Nobody asks whether it is somebody's 1,002nd order.
MOST_COUNTED: Final = 1_000
# A buyer has at most an address, a number and an account.
_MOST_KEYS: Final = 3


class Orders(Part):
    """The verbs of a transaction about orders and buyers."""

    def lock_order(self, shop_id: ShopId, ref: OrderRef) -> None:
        """Wait until no other transaction works on this order."""
        self.dialect.lock_order(self.connection, shop_id, ref)

    def order(self, shop_id: ShopId, ref: OrderRef) -> StoredOrder | None:
        """Read the newest known state of an order."""
        rows = _one(self.dialect).run(self.connection, {"of_shop": shop_id, "of_ref": ref})
        for snapshot, buyer_id, seen_at, fetched_at in rows:
            return StoredOrder(decode_order(snapshot), buyer_id, seen_at, fetched_at)
        return None

    def put_order(
        self,
        shop_id: ShopId,
        order: Order,
        *,
        buyer_id: int | None,
        seen_at: datetime,
        fetched_at: datetime | None = None,
    ) -> None:
        """Store the newest known state; the caller has compared."""
        _put(self.dialect).run(
            self.connection,
            {
                "shop_id": shop_id,
                "ref": order.ref,
                "number": order.number,
                "state": order.state,
                "test": order.test,
                "placed_at": order.placed_at,
                "modified_at": order.modified_at,
                "buyer_id": buyer_id,
                "seen_at": seen_at,
                "fetched_at": fetched_at,
                "snapshot": encoded(order),
            },
        )

    def find_buyer(self, keys: Sequence[str]) -> int:
        """Find the buyer with one of the keys, or make one; new keys are added."""
        wanted = list(dict.fromkeys(clean_text(key) for key in keys))
        known = self._owners(wanted)
        if known:
            buyer = _strongest(wanted, known)
            self._add_keys([key for key in wanted if key not in known], buyer)
            return buyer
        made: int = self.connection.execute(
            sa.insert(buyers).values({}).returning(buyers.c.id)
        ).scalar_one()
        if not wanted:
            return made
        self._add_keys(wanted, made)
        # Another transaction may have brought one of the keys while this one waited.
        others = {key: owner for key, owner in self._owners(wanted).items() if owner != made}
        if not others:
            return made
        buyer = _strongest(wanted, others)
        self._changed(
            sa.update(buyer_keys).where(buyer_keys.c.buyer_id == made).values(buyer_id=buyer)
        )
        self._changed(sa.delete(buyers).where(buyers.c.id == made))
        return buyer

    def count_buyer_orders(
        self, buyer_id: int, *, before: datetime, shop_id: ShopId, ref: OrderRef
    ) -> int:
        """Count the buyer's earlier orders in all shops that count as bought, up to 1,000.

        A till that books every sale on one customer would have its whole past counted
        with each of them.

        Of two placed at the same time the one of the smaller (shop, number) is the
        earlier, in whatever order they came.
        """
        values = {"of_buyer": buyer_id, "before": before, "of_shop": shop_id, "of_ref": ref}
        ((number,),) = _earlier(self.dialect).run(self.connection, values)
        return int(number)

    def _owners(self, keys: Sequence[str]) -> dict[str, int]:
        owners: dict[str, int] = {}
        for start in range(0, len(keys), _MOST_KEYS):
            some = keys[start : start + _MOST_KEYS]
            values = {f"key_{place}": key for place, key in enumerate(some)}
            owners.update(_owners(self.dialect).run(self.connection, values))
        return owners

    def _add_keys(self, keys: Sequence[str], buyer_id: int) -> None:
        # In one order for all: two transactions with the same keys wait, and do not
        # lock each other out.
        for key in sorted(keys):
            _add_key(self.dialect).run(self.connection, {"key": key, "buyer_id": buyer_id})


def earlier(
    table: sa.FromClause, buyer_id: Any, before: Any, shop_id: Any, ref: Any
) -> tuple[sa.ColumnElement[bool], ...]:
    """Give the conditions of a buyer's earlier purchases."""
    columns = table.c
    # References are numbers that grow: of two the shorter one is the smaller.
    length, theirs = sa.func.length(columns.ref), sa.func.length(sa.cast(ref, sa.Text))
    return (
        columns.buyer_id == buyer_id,
        *(columns.state != state.value for state in NOT_BOUGHT),
        sa.not_(columns.test),
        sa.or_(
            columns.placed_at < before,
            sa.and_(
                columns.placed_at == before,
                sa.or_(
                    columns.shop_id < shop_id,
                    sa.and_(
                        columns.shop_id == shop_id,
                        sa.or_(length < theirs, sa.and_(length == theirs, columns.ref < ref)),
                    ),
                ),
            ),
        ),
    )


def _strongest(keys: Sequence[str], owners: dict[str, int]) -> int:
    return next(owners[key] for key in keys if key in owners)


def encoded(order: Order) -> bytes:
    """Write an order as it is stored."""
    try:
        return encode_order(order)
    except UnicodeEncodeError:
        # A lone surrogate somewhere in it: no JSON can hold that.
        return msgspec.json.encode(_cleaned(msgspec.to_builtins(order)))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value


@cache
def _one(dialect: Dialect) -> Written:
    columns = (orders.c.snapshot, orders.c.buyer_id, orders.c.seen_at, orders.c.fetched_at)
    return dialect.ready(
        sa.select(*columns).where(
            orders.c.shop_id == sa.bindparam("of_shop"), orders.c.ref == sa.bindparam("of_ref")
        ),
        *columns,
    )


@cache
def _owners(dialect: Dialect) -> Written:
    columns = (buyer_keys.c.key, buyer_keys.c.buyer_id)
    places = [sa.bindparam(f"key_{place}", type_=Text) for place in range(_MOST_KEYS)]
    return dialect.ready(sa.select(*columns).where(buyer_keys.c.key.in_(places)), *columns)


@cache
def _earlier(dialect: Dialect) -> Written:
    found = (
        sa.select(orders.c.id)
        .where(
            *earlier(
                orders,
                sa.bindparam("of_buyer", type_=sa.BigInteger),
                sa.bindparam("before", type_=Time),
                sa.bindparam("of_shop", type_=Text),
                sa.bindparam("of_ref", type_=Text),
            )
        )
        .limit(MOST_COUNTED)
        .subquery()
    )
    return dialect.ready(sa.select(sa.func.count()).select_from(found))


@cache
def _put(dialect: Dialect) -> Written:
    names = [column.name for column in orders.c if column.name != "id"]
    statement = dialect.insert(orders).values({name: sa.bindparam(name) for name in names})
    new = statement.excluded
    kept = sa.func.coalesce(new.fetched_at, orders.c.fetched_at)
    return dialect.ready(
        statement.on_conflict_do_update(
            index_elements=["shop_id", "ref"],
            set_={
                "number": new.number,
                "state": new.state,
                "test": new.test,
                "placed_at": new.placed_at,
                "modified_at": new.modified_at,
                "buyer_id": new.buyer_id,
                "seen_at": new.seen_at,
                "fetched_at": kept,
                "snapshot": new.snapshot,
            },
        )
    )


@cache
def _add_key(dialect: Dialect) -> Written:
    return dialect.ready(
        dialect.insert(buyer_keys)
        .values(key=sa.bindparam("key"), buyer_id=sa.bindparam("buyer_id"))
        .on_conflict_do_nothing(index_elements=["key"])
    )
