"""Compare, day by day, the orders that the shop counts with those we hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from connector.errors import NotFound, Unsupported
from connector.flows.engine import Engine
from connector.flows.reconcile import first_look, take_in
from connector.flows.record_order import deleted_state
from connector.flows.unreadable import set_aside
from connector.model.order import OrderRef, UnreadableOrder
from connector.rules.zones import instant, zone_of
from connector.storage.ledger import LedgerDay, MissedOrder
from connector.storage.port import Transaction
from connector.storage.records import ShopRecord

# How many days are looked at again and again.
DAYS: Final = 7
# A day that differs by more is pulled too, but not every number is kept in its line.
MOST_NAMED: Final = 100
# Orders of ours that the shop does not list, asked for one by one.
_MOST_ASKED: Final = 50


@dataclass(frozen=True, slots=True)
class CheckedDay:
    """One day of the ledger, and what its look brought.

    Attributes:
        pulled: rows put into the inbox; misses: those that nothing had told us of.
    """

    line: LedgerDay
    pulled: int = 0
    misses: tuple[MissedOrder, ...] = ()


def ledger_start(tx: Transaction, shop: ShopRecord) -> datetime:
    """Tell from when on a shop's orders are held: its connection, or its backfill."""
    known = tx.value(_start_name(shop))
    return first_look(shop) if known is None else datetime.fromisoformat(known)


def widen_ledger(tx: Transaction, shop: ShopRecord, since: datetime) -> None:
    """Let the ledger begin earlier, since older orders were pulled."""
    if since < ledger_start(tx, shop):
        tx.set_value(_start_name(shop), since.isoformat())


def check_ledger(
    engine: Engine,
    shop: ShopRecord,
    *,
    since: datetime | None = None,
    settle: timedelta = timedelta(0),
) -> list[CheckedDay]:
    """Count each day in the shop and here; pull a day whose numbers differ.

    What is pulled waits in the inbox: a second check after it was worked off tells
    whether the numbers are right then.

    Args: since: the first day holds this time; by default the last seven days. settle:
        orders younger than this count on neither side, since their webhook may still be
        on its way.

    Raises: AdapterError: the shop could not be asked; the days before are kept.
    """
    now = engine.clock.now()
    with engine.storage.reading() as tx:
        start = ledger_start(tx, shop)
    days = []
    for day, begins_at, ends_at in _spans(shop, since, now):
        begin, end = max(begins_at, start), min(ends_at, now - settle)
        if begin >= end:
            continue
        found = _check_day(engine, shop, day, begin, end)
        with engine.storage.transaction() as tx:
            tx.put_ledger_day(found.line)
        days.append(found)
    if any(found.pulled for found in days):
        engine.bell.ring(shop.id)
    return days


def _spans(
    shop: ShopRecord, since: datetime | None, now: datetime
) -> Iterator[tuple[date, datetime, datetime]]:
    """Give the days of the shop's zone, each with its begin and end in UTC."""
    zone = zone_of(shop.timezone)
    today = now.astimezone(zone).date()
    day = since.astimezone(zone).date() if since else today - timedelta(days=DAYS - 1)
    while day <= today:
        following = day + timedelta(days=1)
        yield day, instant(day, time(0), zone), instant(following, time(0), zone)
        day = following


def _check_day(
    engine: Engine, shop: ShopRecord, day: date, begin: datetime, end: datetime
) -> CheckedDay:
    adapter = engine.adapter_of(shop)
    asked_at = engine.clock.now()
    says = adapter.count_orders_placed(begin, end)
    with engine.storage.reading() as tx:
        held = tx.orders_placed(shop.id, begin, end)
    if says == len(held):
        return CheckedDay(_line(engine, shop, day, says, held, []))
    listed: dict[OrderRef, None] = {}
    missing: list[OrderRef] = []
    misses: list[MissedOrder] = []
    unreadable: list[OrderRef] = []
    pulled = 0
    ours = set(held)
    for order in adapter.orders_placed_between(begin, end):
        listed[order.ref] = None
        if isinstance(order, UnreadableOrder):
            set_aside(engine, shop, order)
            if order.ref not in ours:
                unreadable.append(order.ref)
            continue
        if order.ref in ours:
            continue
        missing.append(order.ref)
        taken = take_in(engine, shop, order, asked_at)
        pulled += taken.new
        if taken.miss is not None:
            misses.append(taken.miss)
    pulled += _ask_for(engine, shop, [ref for ref in held if ref not in listed])
    line = _line(engine, shop, day, says, held, missing, unreadable)
    if not line.agrees:
        engine.log(
            "ledger.differs", shop_id=shop.id, day=str(day), shop_says=says, we_hold=len(held)
        )
    return CheckedDay(line, pulled, tuple(misses))


def _ask_for(engine: Engine, shop: ShopRecord, refs: list[OrderRef]) -> int:
    """Read orders that we hold and the shop does not list: gone, or moved elsewhere."""
    pulled = 0
    for ref in refs[:_MOST_ASKED]:
        asked_at = engine.clock.now()
        try:
            order = engine.adapter_of(shop).fetch_order(ref)
        except NotFound:
            with engine.storage.reading() as tx:
                stored = tx.order(shop.id, ref)
            if stored is None:
                continue
            order = deleted_state(stored.order)
        except Unsupported:
            # Too old for what the key may see; nothing is known of it.
            continue
        pulled += take_in(engine, shop, order, asked_at).new
    return pulled


def _line(
    engine: Engine,
    shop: ShopRecord,
    day: date,
    says: int,
    held: Sequence[OrderRef],
    missing: list[OrderRef],
    unreadable: Sequence[OrderRef] = (),
) -> LedgerDay:
    return LedgerDay(
        shop.id,
        day,
        says,
        len(held),
        tuple(missing[:MOST_NAMED]),
        engine.clock.now(),
        tuple(unreadable[:MOST_NAMED]),
    )


def _start_name(shop: ShopRecord) -> str:
    return f"ledger.from:{shop.id}"
