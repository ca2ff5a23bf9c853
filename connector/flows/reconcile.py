"""Ask a shop what changed and put into the inbox what no webhook told us."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from connector.flows.engine import Engine
from connector.flows.unreadable import set_aside
from connector.model.codec import encode_order
from connector.model.order import Order, OrderRef, UnreadableOrder
from connector.ports import TellsTime
from connector.storage.ledger import MissedOrder
from connector.storage.port import Transaction
from connector.storage.records import (
    DeliverySource,
    NewDelivery,
    ShopRecord,
    StoredOrder,
)

# Source: RELIABILITY defaults; a shop's clock and its late commits are inside of it.
OVERLAP: Final = timedelta(minutes=15)
# A shop that was just connected is looked at from this long before.
FIRST_LOOK: Final = timedelta(hours=1)
_AT_ONCE: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What one look brought.

    Attributes:
        seen: orders the shop listed.
        missed: those that were put into the inbox.
        misses: those of which we held nothing, or an older state, and no webhook waits.
        unreadable: those that cannot be read; each is a dead letter.
    """

    shop_id: str
    since: datetime
    seen: int
    missed: int
    misses: tuple[MissedOrder, ...] = ()
    unreadable: tuple[OrderRef, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one order that the shop listed."""

    new: bool
    miss: MissedOrder | None = None


def reconcile(
    engine: Engine,
    shop: ShopRecord,
    since: datetime | None = None,
    *,
    settle: timedelta = _AT_ONCE,
    stopping: Callable[[], bool] = lambda: False,
) -> Reconciled:
    """Pull the orders that changed since a time, or since the last look.

    All times are the shop's, as it tells them: our clock may be wrong by hours.

    Args: settle: changes younger than this are left to the next look, since their
        webhook may still be on its way and they would look missed. stopping: asked
        between two orders; when true the look ends and does not count.

    Raises: AdapterError: the shop could not be asked; the next look starts where
        this one did.
    """
    there = at_shop(engine, shop, engine.clock.now())
    started_at = engine.clock.now()
    # Never from the future: an earlier look may have used a clock that was wrong.
    until = min(shop.polled_until or first_look(shop) + (there - started_at) + OVERLAP, there)
    start = since or until - OVERLAP
    seen = missed = 0
    misses: list[MissedOrder] = []
    unreadable: list[OrderRef] = []
    whole = True
    for order in engine.adapter_of(shop).orders_changed_since(start):
        if stopping():
            whole = False
            break
        seen += 1
        if isinstance(order, UnreadableOrder):
            set_aside(engine, shop, order)
            unreadable.append(order.ref)
            continue
        if order.drafted or (settle and order.modified_at > there - settle):
            continue
        taken = take_in(engine, shop, order, started_at)
        missed += taken.new
        if taken.miss is not None:
            misses.append(taken.miss)
    if whole and (since is None or shop.polled_until is None or since <= shop.polled_until):
        with engine.storage.transaction() as tx:
            tx.update_shop(shop.id, polled_until=there)
    if missed:
        engine.bell.ring(shop.id)
        engine.log("poll.missed", shop_id=shop.id, orders=missed)
    return Reconciled(shop.id, start, seen, missed, tuple(misses), tuple(unreadable))


def at_shop(engine: Engine, shop: ShopRecord, at: datetime) -> datetime:
    """Turn a time of our clock into that of the shop's; the same where it tells none.

    Raises: AdapterError: the shop had to be asked and did not answer.
    """
    adapter = engine.adapter_of(shop)
    told = adapter.server_time() if isinstance(adapter, TellsTime) else None
    return at if told is None else at + (told - engine.clock.now())


def first_look(shop: ShopRecord) -> datetime:
    """Tell from when on a shop is looked at that was never looked at before."""
    return shop.created_at - FIRST_LOOK


def take_in(engine: Engine, shop: ShopRecord, order: Order, asked_at: datetime) -> Taken:
    """Put a state that the shop told into the inbox, if it is news; note a miss.

    Args: asked_at: before the shop was asked; webhooks that came later may say more.
    """
    with engine.storage.reading() as tx:
        stored = tx.order(shop.id, order.ref)
    if not is_news(order, stored):
        return Taken(new=False)
    found_at = engine.clock.now()
    with engine.storage.transaction() as tx:
        return take_in_with(tx, shop, order, stored, found_at, asked_at)


def take_in_with(
    tx: Transaction,
    shop: ShopRecord,
    order: Order,
    stored: StoredOrder | None,
    found_at: datetime,
    asked_at: datetime,
) -> Taken:
    """Do the same inside of an open transaction, for a state that is news."""
    told = any(
        row.source is DeliverySource.WEBHOOK for row in tx.waiting_in_lane(shop.id, order.ref)
    )
    (number,) = tx.add_deliveries([polled(shop, order, asked_at)])
    if number is None:
        # Another process was quicker; its row does it.
        return Taken(new=False)
    known = stored is not None and stored.order.modified_at >= order.modified_at
    if told or known:
        return Taken(new=True)
    miss = MissedOrder(shop.id, order.ref, order.modified_at, found_at)
    tx.add_missed(miss)
    return Taken(new=True, miss=miss)


def is_news(order: Order, stored: StoredOrder | None) -> bool:
    """Tell whether a state that the shop told says more than what we hold."""
    if stored is None:
        return True
    if stored.order.erased:
        # Kept without its buyer, it differs from what the shop tells for ever.
        return stored.order.modified_at < order.modified_at
    return stored.order != order and stored.order.modified_at <= order.modified_at


def polled(
    shop: ShopRecord,
    order: Order,
    at: datetime,
    source: DeliverySource = DeliverySource.POLL,
) -> NewDelivery:
    """Make the inbox row of a state that was pulled; the same state has one key for ever."""
    body = encode_order(order)
    digest = hashlib.sha256(body).hexdigest()
    return NewDelivery(
        shop.id,
        f"poll:{order.ref}:{digest}",
        source,
        "order",
        order.ref,
        {},
        body,
        at,
    )
