"""Work off one inbox row: understand it, read the order again where needed, store."""

from datetime import datetime
from typing import Final

from connector.errors import InvalidRequest, PayloadInvalid
from connector.flows.engine import Engine
from connector.flows.kept import GONE, keep_answer
from connector.flows.order_gone import gone_again, read_again, store_gone
from connector.flows.privacy_requests import answer_request
from connector.flows.record_order import Held, Recorded, deleted_state, held_now, record_order
from connector.flows.settle import forget_delivery, settle
from connector.flows.shop_events import close_shop
from connector.flows.unreadable import UNREADABLE
from connector.model.codec import decode_order
from connector.model.event import EventType, ShopEvent, WebhookDelivery
from connector.model.order import Order, OrderRef
from connector.storage.records import (
    DeliveryRecord,
    DeliverySource,
    DeliveryState,
    ShopRecord,
    ShopState,
    StoredOrder,
)

SHOP_REMOVED: Final = "the shop was removed"


def ingest(engine: Engine, delivery: DeliveryRecord) -> str:
    """Work off one claimed row and close it.

    Returns: what became of it, in words.

    Raises:
        AdapterError: the shop could not be asked; the row is to be tried again.
        StorageUnavailable: nothing was stored.
        FencedOff: another worker has the row now; nothing was stored.
    """
    shop = engine.shop(delivery.shop_id)
    if shop is None or shop.state is ShopState.REMOVED:
        return _close(engine, delivery, DeliveryState.DONE, SHOP_REMOVED)
    if delivery.source is not DeliverySource.WEBHOOK and delivery.topic == UNREADABLE:
        return _read_at_last(engine, shop, delivery)
    if delivery.body is None:
        return _close(engine, delivery, DeliveryState.DONE, "its body is not kept any more")
    if delivery.source is DeliverySource.FETCH and delivery.topic == GONE:
        return gone_again(engine, shop, delivery)
    if delivery.source is not DeliverySource.WEBHOOK:
        try:
            order = decode_order(delivery.body)
        except PayloadInvalid as err:
            return _close(engine, delivery, DeliveryState.DEAD, str(err))
        old = delivery.source is DeliverySource.BACKFILL
        return _store(engine, shop, delivery, order, fetched_at=delivery.received_at, old=old)
    try:
        events = engine.adapter_of(shop).parse(
            WebhookDelivery(shop.id, delivery.headers, delivery.body, delivery.received_at)
        )
    except PayloadInvalid as err:
        return _close(engine, delivery, DeliveryState.DEAD, f"cannot be read: {err}")
    if not events:
        return _close(engine, delivery, DeliveryState.DONE, "nothing in it")
    return _understood(engine, shop, delivery, events[0])


def _read_at_last(engine: Engine, shop: ShopRecord, delivery: DeliveryRecord) -> str:
    """Read an order from the shop that could not be read when it was listed."""
    ref = OrderRef(delivery.lane)
    why = "it could not be read before"
    if not ref:
        # Without a number it cannot be asked for; mended, it comes with the next look.
        return _close(engine, delivery, DeliveryState.DEAD, delivery.reason or why)
    try:
        read = read_again(engine, shop, ref, why)
    except InvalidRequest as err:
        return _close(
            engine, delivery, DeliveryState.DEAD, f"needs a person: {ref} cannot be read: {err}"
        )
    if read.order is None:
        return store_gone(engine, shop, delivery, ref, read, None)
    old = delivery.source is DeliverySource.BACKFILL
    return _store(
        engine,
        shop,
        delivery,
        read.order,
        fetched_at=read.at,
        note=f"needs fetch: {why}",
        old=old,
    )


def _understood(
    engine: Engine, shop: ShopRecord, delivery: DeliveryRecord, event: ShopEvent
) -> str:
    if event.type in {EventType.ORDER, EventType.ORDER_HINT, EventType.ORDER_DELETED}:
        return _about_order(engine, shop, delivery, event)
    if event.type is EventType.SHOP_UNINSTALLED:
        reason = close_shop(engine, shop)
        return _close(engine, delivery, DeliveryState.DONE, reason)
    if event.type in {
        EventType.CUSTOMER_DATA_REQUEST,
        EventType.CUSTOMER_REDACT,
        EventType.SHOP_REDACT,
    }:
        return answer_request(engine, shop, delivery, event)
    words = {
        EventType.PING: "ping",
        EventType.IGNORED: f"ignored: {event.topic}",
    }
    reason = words.get(event.type, f"unknown: {event.topic}")
    return _close(
        engine,
        delivery,
        DeliveryState.DONE,
        f"{reason}: {event.detail}" if event.detail else reason,
    )


def _about_order(
    engine: Engine, shop: ShopRecord, delivery: DeliveryRecord, event: ShopEvent
) -> str:
    if event.order is not None and event.order.drafted:
        return _close(engine, delivery, DeliveryState.DONE, "draft: a basket that nobody ordered")
    ref = event.order.ref if event.order is not None else event.order_ref
    if ref is None:
        return _close(
            engine, delivery, DeliveryState.DONE, f"unknown: {event.detail or event.topic}"
        )
    why = event.needs_fetch or _why_fetch(engine, shop, event)
    if not why and event.order is not None:
        return _store(engine, shop, delivery, event.order)
    with engine.storage.reading() as tx:
        stored = tx.order(shop.id, ref)
    said = _said(event, stored)
    # A time ahead of the clock was noted by a clock that was wrong.
    read_at = stored.fetched_at if stored is not None else None
    if read_at is not None and delivery.received_at < read_at <= engine.clock.now():
        # Asked after this row came in: the answer held whatever it hints at. Its own
        # words are still read for what they prove, where the shop is proven.
        note = f"needs fetch: {why}; the order was read since"
        if said is not None:
            return _store(engine, shop, delivery, said, note=note)
        return _close(engine, delivery, DeliveryState.DONE, note)
    read = read_again(engine, shop, ref, why)
    if read.order is None:
        return store_gone(engine, shop, delivery, ref, read, said)
    if said is None and event.type is EventType.ORDER_DELETED and not event.needs_fetch:
        said = deleted_state(read.order)
    return _store(
        engine,
        shop,
        delivery,
        read.order,
        fetched_at=read.at,
        note=f"needs fetch: {why}",
        also=said,
    )


def _said(event: ShopEvent, stored: StoredOrder | None) -> Order | None:
    """Give the state that the row itself tells of, where its shop is proven."""
    if event.needs_fetch:
        return None
    if event.type is EventType.ORDER_DELETED:
        return deleted_state(stored.order) if stored is not None else None
    return event.order


def _why_fetch(engine: Engine, shop: ShopRecord, event: ShopEvent) -> str:
    """Tell why the body alone will not do; empty when it does."""
    if event.type is EventType.ORDER_DELETED:
        return "the shop says that it was deleted"
    if event.type is EventType.ORDER_HINT:
        return event.detail or f"{event.topic} does not carry the order"
    if event.order is None:
        return ""
    with engine.storage.reading() as tx:
        hold = held_now(tx, shop, event.order.ref)
    return why_unsure(hold, event.order)


def why_unsure(hold: Held, order: Order) -> str:
    """Tell why a state that a shop sent has to be read again; empty when it does not."""
    stored = hold.stored
    if hold.gone:
        return "the shop did not have it any more"
    if stored is None or order == stored.order:
        return ""
    # Whole seconds: two states of one second cannot be put in order by their stamps.
    # An older one needs no look: what it proves is kept, the newer state stays.
    if order.modified_at == stored.order.modified_at:
        return "another state of the same second is known"
    return ""


def _store(
    engine: Engine,
    shop: ShopRecord,
    delivery: DeliveryRecord,
    order: Order,
    *,
    fetched_at: datetime | None = None,
    note: str = "",
    also: Order | None = None,
    old: bool = False,
) -> str:
    """Store a state and close the row in one transaction.

    Args: also: a state that the row itself carried; what it proves is kept too. old: it
        came from the reading of old orders.
    """
    with engine.storage.transaction() as tx:
        extra = Recorded(newer=False, occurrences=0, effects=0)
        if also is not None and also.modified_at <= order.modified_at:
            extra = record_order(tx, engine, shop, also)
        recorded = record_order(tx, engine, shop, order, fetched_at=fetched_at, old=old)
        if note and fetched_at is not None and not recorded.erased:
            keep_answer(tx, shop, order, fetched_at, cause=str(delivery.id))
        text = told(order, recorded, extra)
        if note:
            text = f"{note}; {text}"
        settle(tx, engine, delivery, text)
        if recorded.erased:
            forget_delivery(tx, engine, delivery)
    if recorded.effects or extra.effects:
        engine.bell.ring(shop.id)
    return text


def told(order: Order, recorded: Recorded, extra: Recorded) -> str:
    """Say what came of storing a state, and of another one that came with it."""
    what = "stored" if recorded.newer else "known already"
    fresh = recorded.occurrences + extra.occurrences
    effects = recorded.effects + extra.effects
    return f"order {order.ref} {what} as {order.state}: {fresh} new occurrences, {effects} effects"


def _close(engine: Engine, delivery: DeliveryRecord, state: DeliveryState, reason: str) -> str:
    with engine.storage.transaction() as tx:
        settle(tx, engine, delivery, reason, state)
        if delivery.lane and tx.is_erased(delivery.shop_id, OrderRef(delivery.lane)):
            forget_delivery(tx, engine, delivery, reason)
    return reason
