"""Read the orders of the past, in pieces, so that it can be stopped and gone on with."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, TypeVar

from connector.bulk import BulkReader
from connector.errors import NotFound, PlatformDown, TemporaryFailure
from connector.flows.engine import Engine
from connector.flows.ledger import widen_ledger
from connector.flows.reconcile import is_news, polled
from connector.flows.unreadable import set_aside_with
from connector.model.order import ListedOrder, UnreadableOrder
from connector.storage.port import Transaction
from connector.storage.records import DeliverySource, ShopRecord

# Rows in one transaction, and the most that stand before a live webhook.
CHUNK: Final = 50
_FIRST_SPAN: Final = timedelta(days=7)
_SHORTEST: Final = timedelta(days=1)
_LONGEST: Final = timedelta(days=90)
_FEW, _MANY = 50, 500
# "365d" typed again later means the backfill that was begun with it.
_SAME: Final = timedelta(days=1)
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 10.0
# Failures in a row without anything read in between.
PATIENCE: Final = 6
_LONGEST_PAUSE_S: Final = 60.0

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Backfill:
    """How far the reading of old orders has come.

    Attributes:
        since: orders placed from here; until: to here, the time it was begun.
        total: how many the shop counted at the start.
        done: orders read; new: those put into the inbox.
        cursor: everything placed before it was read.
        unreadable: orders that became dead letters.
        bulk: the number of the shop's own bulk operation, where it has such.
    """

    since: datetime
    until: datetime
    total: int
    cursor: datetime
    done: int = 0
    new: int = 0
    bulk: str = ""
    finished: bool = False
    unreadable: int = 0


Report = Callable[[Backfill], None]
"""Told after every piece; it may work off the inbox, and what it raises stops it all."""


def unfinished_backfill(tx: Transaction, shop: ShopRecord) -> Backfill | None:
    """Read where an earlier backfill was stopped; None when there is none to go on with."""
    text = tx.value(_name(shop))
    if text is None:
        return None
    known = _decoded(text)
    return None if known.finished else known


def backfill(
    engine: Engine,
    shop: ShopRecord,
    since: datetime,
    *,
    report: Report = lambda _: None,
    wait: Callable[[float], None],
) -> Backfill:
    """Put all orders placed since a time into the inbox; go on where it was stopped.

    Silent by design: the rows are marked as those of a backfill, and for an order placed
    before the shop was connected no rule is asked, whatever times its state tells. What
    it went through is dated as the shop dates it (placed, paid, completed, canceled,
    refunded, parcels), and by its last change only where the shop gives no time; the
    row itself and `seen_at` say when we learned of it. So its next webhook or look finds
    all of that known, and only what happens from then on is news. An order that is read
    a second time is known by its state and is not stored twice.

    Args: wait: sleeps for some seconds while the shop prepares its answer.
    Raises: AdapterError: the shop could not be asked; call again to go on.
    """
    adapter = engine.adapter_of(shop)
    with engine.storage.reading() as tx:
        known = unfinished_backfill(tx, shop)
    if known is not None and known.since <= since < known.since + _SAME:
        state = known
    else:
        now = engine.clock.now()
        total = adapter.count_orders_placed(since, now)
        state = Backfill(since, now, total, cursor=since)
        _save(engine, shop, state)
    report(state)
    state = replace(_patiently(engine, shop, state, report, wait), finished=True)
    with engine.storage.transaction() as tx:
        widen_ledger(tx, shop, state.since)
        _put(tx, shop, state)
    report(state)
    return state


def _patiently(
    engine: Engine,
    shop: ShopRecord,
    state: Backfill,
    report: Report,
    wait: Callable[[float], None],
) -> Backfill:
    """Read to the end; a shop that asks for a pause gets it, some times in a row."""
    adapter = engine.adapter_of(shop)
    failures = 0
    while True:
        try:
            if isinstance(adapter, BulkReader):
                return _in_bulk(engine, shop, adapter, state, report, wait)
            return _by_spans(engine, shop, state, report)
        except TemporaryFailure as err:
            with engine.storage.reading() as tx:
                kept = unfinished_backfill(tx, shop) or state
            failures = 1 if kept.done > state.done else failures + 1
            state = kept
            engine.log("backfill.waits", shop_id=shop.id, error=type(err).__name__)
            if failures >= PATIENCE:
                raise
            wait(min(err.retry_after_s or 2.0**failures, _LONGEST_PAUSE_S))


def _by_spans(engine: Engine, shop: ShopRecord, state: Backfill, report: Report) -> Backfill:
    """Read span after span, oldest first; a span that was cut off is read again."""
    adapter = engine.adapter_of(shop)
    length = _FIRST_SPAN
    while state.cursor < state.until:
        end = min(state.cursor + length, state.until)
        read = state
        for piece in _pieces(adapter.orders_placed_between(state.cursor, end)):
            with engine.storage.transaction() as tx:
                read = _take(tx, engine, shop, read, piece)
                # Counts of a half-read span are not kept: it begins anew.
                _put(tx, shop, replace(state, new=read.new, unreadable=read.unreadable))
            engine.bell.ring(shop.id)
            report(read)
        count = read.done - state.done
        state = replace(read, cursor=end)
        _save(engine, shop, state)
        if count < _FEW:
            length = min(length * 2, _LONGEST)
        elif count > _MANY:
            length = max(length / 2, _SHORTEST)
    return state


def _in_bulk(
    engine: Engine,
    shop: ShopRecord,
    adapter: BulkReader,
    state: Backfill,
    report: Report,
    wait: Callable[[float], None],
) -> Backfill:
    """Let the shop write one file of all orders and read it line by line."""
    if state.bulk:
        try:
            return _read_bulk(engine, shop, adapter, state, report, wait)
        except NotFound:
            # Its file is kept for some days only.
            engine.log("backfill.expired", shop_id=shop.id, bulk=state.bulk)
    ref = adapter.start_bulk(state.since, state.until)
    state = replace(state, bulk=ref, done=0)
    _save(engine, shop, state)
    return _read_bulk(engine, shop, adapter, state, report, wait)


def _read_bulk(
    engine: Engine,
    shop: ShopRecord,
    adapter: BulkReader,
    state: Backfill,
    report: Report,
    wait: Callable[[float], None],
) -> Backfill:
    pause_s = _FIRST_WAIT_S
    while not (look := adapter.look_at_bulk(state.bulk)).done:
        report(state)
        wait(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_WAIT_S)
    if look.error:
        _save(engine, shop, replace(state, bulk="", done=0))
        raise PlatformDown(
            f"The shop could not write the file of its orders ({look.error}); begin again.",
            platform=shop.platform,
        )
    # The file does not change, so the orders of an earlier start are passed over.
    for piece in _pieces(adapter.read_bulk(state.bulk, state.done)):
        with engine.storage.transaction() as tx:
            state = _take(tx, engine, shop, state, piece)
            _put(tx, shop, state)
        engine.bell.ring(shop.id)
        report(state)
    return state


def _take(
    tx: Transaction,
    engine: Engine,
    shop: ShopRecord,
    state: Backfill,
    orders: Sequence[ListedOrder | None],
) -> Backfill:
    now = engine.clock.now()
    rows = []
    odd = 0
    for order in orders:
        if isinstance(order, UnreadableOrder):
            odd += set_aside_with(tx, shop, order, now, DeliverySource.BACKFILL)
        elif (
            order is not None and not order.drafted and is_news(order, tx.order(shop.id, order.ref))
        ):
            rows.append(polled(shop, order, now, DeliverySource.BACKFILL))
    added = sum(number is not None for number in tx.add_deliveries(rows)) if rows else 0
    return replace(
        state,
        done=state.done + len(orders),
        new=state.new + added,
        unreadable=state.unreadable + odd,
    )


def _pieces(orders: Iterable[_T]) -> Iterator[list[_T]]:
    given = iter(orders)
    while piece := list(islice(given, CHUNK)):
        yield piece


def _save(engine: Engine, shop: ShopRecord, state: Backfill) -> None:
    with engine.storage.transaction() as tx:
        _put(tx, shop, state)


def _put(tx: Transaction, shop: ShopRecord, state: Backfill) -> None:
    plain = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(state).items()
    }
    tx.set_value(_name(shop), json.dumps(plain))


def _decoded(text: str) -> Backfill:
    plain = json.loads(text)
    times = {name: datetime.fromisoformat(plain[name]) for name in ("since", "until", "cursor")}
    return Backfill(**{**plain, **times})


def _name(shop: ShopRecord) -> str:
    return f"backfill:{shop.id}"
