"""Store one authentic state of an order, what it proves, and what rules want."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from connector.flows.engine import Engine
from connector.flows.nameless import without_person
from connector.flows.occurrences import STATE_OF_KIND, is_paid, occurrences_of
from connector.flows.run_rules import run_rules
from connector.model.customer import normal_email, normal_phone
from connector.model.event import Occurrence, OccurrenceKind
from connector.model.order import Order, OrderRef, OrderState, ShopId
from connector.storage.port import Transaction
from connector.storage.records import OccurrenceRecord, ShopRecord, StoredOrder

_WRITABLE: Final = frozenset({*STATE_OF_KIND, OccurrenceKind.ORDER_PAID})


@dataclass(frozen=True, slots=True)
class Recorded:
    """What storing one state brought.

    Attributes:
        newer: whether the state became the newest known one.
        occurrences: how many were new; effects: how many were planned.
        erased: it was stored without its buyer, and so must be what brought it.
    """

    newer: bool
    occurrences: int
    effects: int
    erased: bool = False


def keys_of(shop_id: ShopId, order: Order) -> tuple[str, ...]:
    """Name the buyer by everything that identifies one, strongest first."""
    keys: list[str] = []
    email = normal_email(order.buyer.email)
    if email:
        keys.append(f"email:{email}")
    country = order.billing_address.country if order.billing_address else ""
    phone = normal_phone(order.buyer.phone, country)
    if phone:
        keys.append(f"phone:{phone}")
    if order.buyer.ref:
        keys.append(f"ref:{shop_id}:{order.buyer.ref}")
    return tuple(keys)


def is_newer(order: Order, stored: StoredOrder | None, fetched_at: datetime | None) -> bool:
    """Tell whether a state replaces the stored one.

    A state just read from the shop wins over one of the same second; a state that
    was carried by a webhook has to be strictly newer.
    """
    if stored is None:
        return True
    if order.modified_at == stored.order.modified_at:
        return fetched_at is not None and (
            stored.fetched_at is None or fetched_at >= stored.fetched_at
        )
    return order.modified_at > stored.order.modified_at


@dataclass(frozen=True, slots=True)
class Held:
    """What we hold of an order, read under its lock.

    Attributes:
        known: what happened to it so far.
    """

    stored: StoredOrder | None
    known: Sequence[OccurrenceRecord]

    @property
    def gone(self) -> bool:
        """Tell whether the shop, when last asked, did not have the order any more."""
        if self.stored is not None:
            return self.stored.order.state is OrderState.DELETED
        return any(item.occurrence.kind is OccurrenceKind.ORDER_DELETED for item in self.known)


def held(tx: Transaction, shop: ShopRecord, ref: OrderRef) -> Held:
    """Lock an order and read what we hold of it."""
    tx.lock_order(shop.id, ref)
    return held_now(tx, shop, ref)


def held_now(tx: Transaction, shop: ShopRecord, ref: OrderRef) -> Held:
    """Read what we hold of an order at this moment; it may change at once."""
    return Held(tx.order(shop.id, ref), tx.occurrences_of(shop.id, ref))


def record_order(
    tx: Transaction,
    engine: Engine,
    shop: ShopRecord,
    order: Order,
    *,
    fetched_at: datetime | None = None,
    old: bool = False,
    hold: Held | None = None,
) -> Recorded:
    """Store a state, its occurrences, evaluations and planned effects.

    Args: fetched_at: when the shop was asked, for a state read through its API. old: it
        came from the reading of old orders. hold: what `held` gave in this transaction.
    """
    if order.drafted:
        return Recorded(newer=False, occurrences=0, effects=0)
    hold = hold or held(tx, shop, order.ref)
    stored, known = hold.stored, hold.known
    if is_erased(tx, shop, order.ref, stored):
        return _record_nameless(tx, engine, shop, order, fetched_at, hold)
    if stored is not None and fetched_at is None:
        order = _with_known(order, stored.order)
    now = engine.clock.now()
    if stored is not None and stored.fetched_at is not None and stored.fetched_at > now:
        # Noted by a clock that was wrong: it must not outlive what is read now.
        stored = replace(stored, fetched_at=None)
    newer = is_newer(order, stored, fetched_at)
    buyer_id = stored.buyer_id if stored else None
    keys = keys_of(shop.id, order)
    if keys and (newer or buyer_id is None):
        buyer_id = tx.find_buyer(keys)
    current = stored.order if stored is not None else order
    if newer:
        # Only the shop's own answer brings an order back that it did not have any more.
        current = deleted_state(order) if fetched_at is None and hold.gone else order
        tx.put_order(shop.id, current, buyer_id=buyer_id, seen_at=now, fetched_at=fetched_at)
    elif stored is not None and buyer_id != stored.buyer_id:
        # Without the time of the read: an answer that is older than what we hold came
        # from a cache, and does not answer the hints that wait.
        tx.put_order(shop.id, current, buyer_id=buyer_id, seen_at=stored.seen_at)
    happened = _new_occurrences(tx, shop, order, known, now)
    if not happened:
        return Recorded(newer=newer, occurrences=0, effects=0)
    current = with_order_count(tx, shop, current, buyer_id)
    previous = stored.order if stored else None
    effects = 0
    for item in happened:
        effects += run_rules(tx, engine, shop, item, current, previous, buyer_id, old=old)
    return Recorded(newer=newer, occurrences=len(happened), effects=effects)


def is_erased(tx: Transaction, shop: ShopRecord, ref: OrderRef, stored: StoredOrder | None) -> bool:
    """Tell whether an order is kept without its buyer."""
    return tx.is_erased(shop.id, ref) if stored is None else stored.order.erased


def _record_nameless(
    tx: Transaction,
    engine: Engine,
    shop: ShopRecord,
    order: Order,
    fetched_at: datetime | None,
    hold: Held,
) -> Recorded:
    """Store a state without its buyer: the books go on, and no rule is asked any more."""
    now = engine.clock.now()
    order = without_person(order, engine.code_key)
    newer = is_newer(order, hold.stored, fetched_at)
    if newer:
        tx.put_order(shop.id, order, buyer_id=None, seen_at=now, fetched_at=fetched_at)
    happened = _new_occurrences(tx, shop, order, hold.known, now)
    return Recorded(newer=newer, occurrences=len(happened), effects=0, erased=True)


def deleted_state(order: Order) -> Order:
    """Give the state of an order that the shop has no more; the rest is as last known."""
    return replace(order, state=OrderState.DELETED)


def record_gone(tx: Transaction, shop: ShopRecord, ref: OrderRef, at: datetime) -> None:
    """Remember that the shop does not have an order we never saw.

    A state of it that arrives later is a late one: `record_order` stores it as deleted.
    """
    gone = Occurrence(shop.id, ref, OccurrenceKind.ORDER_DELETED, "", at)
    tx.add_occurrence(gone, seen_at=at, own=False)


def with_order_count(
    tx: Transaction, shop: ShopRecord, order: Order, buyer_id: int | None
) -> Order:
    """Fill in which order of this buyer it is, in all connected shops.

    Decided by when orders were placed, never by when they came: counted are this order
    and the purchases placed before it, of one second those with the smaller number. So
    orders that are known by then count the same in any order of arrival.

    What was evaluated before an earlier order was known, or before that one was paid,
    stays as it was: its effects may be done, so both may have counted as a first one.
    A rule that must act once for a buyer says `once_per: buyer`.
    """
    if buyer_id is None:
        # Nobody to compare with: whether a nameless sale is a first one is not known.
        return order
    count = 1 + tx.count_buyer_orders(
        buyer_id, before=order.placed_at, shop_id=shop.id, ref=order.ref
    )
    return replace(order, buyer=replace(order.buyer, order_count=count))


def _with_known(order: Order, known: Order) -> Order:
    """Keep the time of payment, which a webhook may not tell though it happened."""
    if order.paid_at is None and known.paid_at is not None and is_paid(order):
        return replace(order, paid_at=known.paid_at)
    return order


def _new_occurrences(
    tx: Transaction,
    shop: ShopRecord,
    order: Order,
    known: Sequence[OccurrenceRecord],
    now: datetime,
) -> list[OccurrenceRecord]:
    fresh: list[OccurrenceRecord] = []
    times = {
        (item.occurrence.kind, item.occurrence.discriminator): item.occurrence.occurred_at
        for item in known
    }
    ours: frozenset[OccurrenceKind] | None = None
    for occurrence in occurrences_of(shop.id, order):
        known_at = times.get((occurrence.kind, occurrence.discriminator))
        if known_at is not None and known_at <= occurrence.occurred_at:
            continue
        # Only a state can be written by us; the rest needs no look.
        if occurrence.kind in _WRITABLE and ours is None:
            ours = tx.own_writes_of(shop.id, order.ref)
        own = ours is not None and occurrence.kind in ours
        number = tx.add_occurrence(occurrence, seen_at=now, own=own)
        if number is not None:
            fresh.append(OccurrenceRecord(number, occurrence, now, own))
    return fresh
