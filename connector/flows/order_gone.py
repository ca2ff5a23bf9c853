"""Read an order again, and keep that the shop has it no more."""

from dataclasses import dataclass
from datetime import datetime

from connector.errors import NotFound
from connector.flows.engine import Engine
from connector.flows.kept import keep_gone
from connector.flows.record_order import Recorded, deleted_state, record_gone, record_order
from connector.flows.settle import forget_delivery, settle
from connector.model.order import Order, OrderRef
from connector.storage.records import DeliveryRecord, ShopRecord


@dataclass(frozen=True, slots=True)
class Read:
    """An order as the shop gave it on our asking; None when it has it no more."""

    order: Order | None
    at: datetime
    why: str


def read_again(engine: Engine, shop: ShopRecord, ref: OrderRef, why: str) -> Read:
    """Ask the shop for an order."""
    asked_at = engine.clock.now()
    try:
        order = engine.adapter_of(shop).fetch_order(ref)
    except NotFound:
        return Read(None, asked_at, why)
    return Read(order, asked_at, why)


def store_gone(
    engine: Engine,
    shop: ShopRecord,
    delivery: DeliveryRecord,
    ref: OrderRef,
    read: Read,
    said: Order | None,
) -> str:
    """Keep that the shop does not have the order any more, and what the row still proves."""
    text = f"needs fetch: {read.why}; then deleted: order {ref}"
    with engine.storage.transaction() as tx:
        tx.lock_order(shop.id, ref)
        stored = tx.order(shop.id, ref)
        last = stored.order if stored is not None else said
        if stored is None:
            record_gone(tx, shop, ref, read.at)
        recorded = Recorded(newer=False, occurrences=0, effects=0)
        if said is not None:
            recorded = record_order(tx, engine, shop, said)
        if last is None:
            text += ", which was never seen"
        else:
            if said is not None and said.modified_at >= last.modified_at:
                last = said
            recorded = record_order(tx, engine, shop, deleted_state(last), fetched_at=read.at)
        keep_gone(tx, shop, ref, read.at, cause=str(delivery.id))
        settle(tx, engine, delivery, text)
        if recorded.erased:
            forget_delivery(tx, engine, delivery)
    engine.bell.ring(shop.id)
    return text


def gone_again(engine: Engine, shop: ShopRecord, delivery: DeliveryRecord) -> str:
    """Work off a kept answer that the shop did not have the order any more."""
    ref = OrderRef(delivery.lane)
    text = f"deleted: order {ref}"
    with engine.storage.transaction() as tx:
        stored = tx.order(shop.id, ref)
        if stored is None:
            record_gone(tx, shop, ref, delivery.received_at)
        else:
            state = deleted_state(stored.order)
            record_order(tx, engine, shop, state, fetched_at=delivery.received_at)
        settle(tx, engine, delivery, text)
    engine.bell.ring(shop.id)
    return text
