"""Store what several rows carry in one transaction: a commit costs a sync of the disk.

Taken are webhooks that carry a whole order and need no call to the shop, which are most
of them. Every other row, and all of them when one cannot be stored, is worked off by
itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connector.errors import PayloadInvalid
from connector.flows.engine import Engine
from connector.flows.ingest import told, why_unsure
from connector.flows.record_order import Recorded, held, record_order
from connector.flows.settle import forget_delivery, settle
from connector.model.event import EventType, WebhookDelivery
from connector.model.order import Order
from connector.storage.records import LOST, DeliveryRecord, DeliverySource, ShopRecord, ShopState


@dataclass(frozen=True, slots=True)
class _Whole:
    """A row with the order that it carries."""

    delivery: DeliveryRecord
    shop: ShopRecord
    order: Order


def ingest_together(engine: Engine, deliveries: Sequence[DeliveryRecord]) -> list[DeliveryRecord]:
    """Work off those rows that need no call, in one transaction; give them.

    Raises:
        StorageUnavailable: nothing was stored.
        FencedOff: another worker has one of the rows now; nothing was stored.
    """
    whole = sorted(_whole(engine, deliveries), key=lambda item: (item.shop.id, item.order.ref))
    done: list[DeliveryRecord] = []
    if not whole:
        return done
    shops = set()
    nothing = Recorded(newer=False, occurrences=0, effects=0)
    with engine.storage.transaction() as tx:
        for item in whole:
            # In one order in all processes: two of them wait, and do not lock each other out.
            hold = held(tx, item.shop, item.order.ref)
            if why_unsure(hold, item.order):
                continue
            recorded = record_order(tx, engine, item.shop, item.order, hold=hold)
            settle(tx, engine, item.delivery, told(item.order, recorded, nothing))
            if recorded.erased:
                forget_delivery(tx, engine, item.delivery)
            done.append(item.delivery)
            if recorded.effects:
                shops.add(item.shop.id)
    for shop_id in shops:
        engine.bell.ring(shop_id)
    return done


def _whole(engine: Engine, deliveries: Sequence[DeliveryRecord]) -> Iterator[_Whole]:
    """Find the rows that carry an order in full, from a proven shop."""
    for delivery in deliveries:
        if delivery.source is not DeliverySource.WEBHOOK or delivery.reason == LOST:
            continue
        shop = engine.shop(delivery.shop_id)
        if shop is None or shop.state is ShopState.REMOVED or delivery.body is None:
            continue
        try:
            events = engine.adapter_of(shop).parse(
                WebhookDelivery(shop.id, delivery.headers, delivery.body, delivery.received_at)
            )
        except PayloadInvalid:
            continue
        event = events[0] if events else None
        if event is None or event.type is not EventType.ORDER or event.needs_fetch:
            continue
        if event.order is not None and not event.order.drafted:
            yield _Whole(delivery, shop, event.order)
