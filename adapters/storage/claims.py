"""Choose what may run next: fair to shops, one job of an order at a time."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from adapters.storage.tables import OPEN_DELIVERY, OPEN_EFFECT, effects, inbox, shops
from connector.storage.records import ShopState

# Rows of one order stand side by side, and only one of them may be taken: so more
# are looked at than are wanted.
_SPARE: Final = 4
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that could be claimed now; rows with the same lane exclude each other."""

    id: int
    lane: str
    due_at: datetime
    state: str


def _open(table: sa.FromClause, condition: str) -> sa.TextClause:
    # Spelled as in the index, for this table's name in the query.
    return sa.text(condition.replace("state", f"{table.description}.state"))


def _due_deliveries() -> sa.Select[Any]:
    """Select the deliveries of one shop that may run, oldest first."""
    other = inbox.alias("other")
    same_lane = (
        sa.exists()
        .where(
            other.c.shop_id == inbox.c.shop_id,
            other.c.lane == inbox.c.lane,
            other.c.id != inbox.c.id,
            sa.text("other.state = 'working' AND other.lane <> ''"),
        )
        .correlate(inbox)
    )
    same_order = (
        sa.exists()
        .where(
            effects.c.shop_id == inbox.c.shop_id,
            effects.c.order_ref == inbox.c.lane,
            sa.text("effects.state = 'sending'"),
            effects.c.due_at > sa.bindparam("now"),
        )
        .correlate(inbox)
    )
    return (
        sa.select(inbox.c.id, inbox.c.lane, inbox.c.due_at, inbox.c.state)
        .where(
            inbox.c.shop_id == sa.bindparam("shop"),
            _open(inbox, OPEN_DELIVERY),
            inbox.c.due_at <= sa.bindparam("now"),
            sa.or_(inbox.c.lane == "", sa.and_(~same_lane, ~same_order)),
        )
        .order_by(inbox.c.due_at, inbox.c.id)
        .limit(sa.bindparam("most"))
    )


def _due_effects() -> sa.Select[Any]:
    """Select the effects of one shop that may run, oldest first."""
    other = effects.alias("other")
    before = effects.alias("before")
    waits = (
        sa.exists()
        .where(
            before.c.key == effects.c.waits_for,
            sa.text(OPEN_EFFECT.replace("state", "before.state")),
        )
        .correlate(effects)
    )
    same_order = (
        sa.exists()
        .where(
            other.c.shop_id == effects.c.shop_id,
            other.c.order_ref == effects.c.order_ref,
            other.c.id != effects.c.id,
            sa.text("other.state = 'sending'"),
        )
        .correlate(effects)
    )
    same_lane = (
        sa.exists()
        .where(
            inbox.c.shop_id == effects.c.shop_id,
            inbox.c.lane == effects.c.order_ref,
            sa.text("inbox.state = 'working' AND inbox.lane <> ''"),
            inbox.c.due_at > sa.bindparam("now"),
        )
        .correlate(effects)
    )
    return (
        sa.select(
            effects.c.id,
            effects.c.order_ref.label("lane"),
            effects.c.due_at,
            effects.c.state,
        )
        .where(
            effects.c.shop_id == sa.bindparam("shop"),
            _open(effects, OPEN_EFFECT),
            effects.c.due_at <= sa.bindparam("now"),
            ~waits,
            ~same_order,
            ~same_lane,
        )
        .order_by(effects.c.due_at, effects.c.id)
        .limit(sa.bindparam("most"))
    )


def _oldest(table: sa.Table, condition: str, *states: ShopState) -> sa.Select[Any]:
    """Select each shop with its oldest open row, the longest waiting shop first."""
    oldest = (
        sa.select(table.c.due_at)
        .where(table.c.shop_id == shops.c.id, _open(table, condition))
        .order_by(table.c.due_at)
        .limit(1)
        .correlate(shops)
        .scalar_subquery()
    )
    query = sa.select(shops.c.id, oldest.label("oldest"))
    if states:
        query = query.where(shops.c.state.in_([state.value for state in states]))
    waiting = query.subquery("waiting")
    return (
        sa.select(waiting.c.id, waiting.c.oldest)
        .where(waiting.c.oldest <= sa.bindparam("now"))
        .order_by(waiting.c.oldest, waiting.c.id)
    )


def _next(table: sa.Table, condition: str, *states: ShopState) -> sa.Select[Any]:
    """Select the first time after `now` at which a row becomes due or a lease ends."""
    first = (
        sa.select(table.c.due_at)
        .where(
            table.c.shop_id == shops.c.id,
            _open(table, condition),
            table.c.due_at > sa.bindparam("now"),
        )
        .order_by(table.c.due_at)
        .limit(1)
        .correlate(shops)
        .scalar_subquery()
    )
    query = sa.select(first.label("first"))
    if states:
        query = query.where(shops.c.state.in_([state.value for state in states]))
    each = query.select_from(shops).subquery("each")
    return sa.select(sa.func.min(each.c.first))


@dataclass(frozen=True, slots=True)
class Queue:
    """A table of work: how its waiting shops, due rows and next time are found."""

    shops: sa.Select[Any]
    due: sa.Select[Any]
    next: sa.Select[Any]


DELIVERIES: Final = Queue(
    _oldest(inbox, OPEN_DELIVERY), _due_deliveries(), _next(inbox, OPEN_DELIVERY)
)
EFFECTS: Final = Queue(
    # Those of a removed shop are closed.
    _oldest(effects, OPEN_EFFECT, ShopState.CONNECTED, ShopState.REMOVED),
    _due_effects(),
    _next(effects, OPEN_EFFECT, ShopState.CONNECTED, ShopState.REMOVED),
)


def choose(
    connection: sa.Connection, queue: Queue, *, now: datetime, limit: int, busy: Iterable[str]
) -> list[Candidate]:
    """Choose what to claim: shops in turn, each shop's oldest first.

    Args: busy: shops that are left out.
    Returns: at most `limit` rows, no two of one lane.
    """
    left_out = set(busy)
    waiting = [
        row.id for row in connection.execute(queue.shops, {"now": now}) if row.id not in left_out
    ]

    def of_shop(shop: str, most: int) -> list[Candidate]:
        rows = connection.execute(queue.due, {"shop": shop, "now": now, "most": most * _SPARE})
        return one_a_lane([Candidate(*row) for row in rows])[:most]

    return in_turn(waiting, of_shop, limit)


def next_after(connection: sa.Connection, queue: Queue, now: datetime) -> datetime | None:
    """Tell when the next row becomes due or a lease ends, later than `now`."""
    found: datetime | None = connection.execute(queue.next, {"now": now}).scalar()
    return found


def one_a_lane(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Keep one row of each lane, oldest first; one whose lease ended goes before all."""
    taken: dict[str, Candidate] = {}
    kept: list[Candidate] = []
    for item in candidates:
        if not item.lane or item.lane not in taken:
            taken[item.lane] = item
            kept.append(item)
    return kept


def in_turn(
    waiting: Sequence[str], of_shop: Callable[[str, int], list[Item]], limit: int
) -> list[Item]:
    """Take one of each shop in turn until there are enough.

    Args: of_shop: gives at most so many rows of a shop.
    """
    if not waiting or limit <= 0:
        return []
    share = -(-limit // len(waiting))
    found = {shop: of_shop(shop, share) for shop in waiting[:limit]}
    if sum(map(len, found.values())) < limit:
        # Some shops have less than their share: the others may use the rest.
        for shop, items in found.items():
            if len(items) == share:
                found[shop] = of_shop(shop, limit)
    chosen: list[Item] = []
    for turn in range(limit):
        chosen += [items[turn] for items in found.values() if len(items) > turn]
    return chosen[:limit]
