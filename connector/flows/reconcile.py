"""Ask a shop what changed and put into the inbox what no webhook told us."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from connector.flows.engine import Engine
from connector.model.codec import encode_order
from connector.model.order import Order
from connector.storage.records import DeliverySource, NewDelivery, ShopRecord

# Source: RELIABILITY defaults; a shop's clock and its late commits are inside of it.
OVERLAP: Final = timedelta(minutes=15)
# A shop that was just connected is looked at from this long before.
FIRST_LOOK: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What one look brought.

    Attributes:
        seen: orders the shop listed; missed: those of which we held an older state.
    """

    shop_id: str
    since: datetime
    seen: int
    missed: int


def reconcile(engine: Engine, shop: ShopRecord, since: datetime | None = None) -> Reconciled:
    """Pull the orders that changed since a time, or since the last look.

    Raises: AdapterError: the shop could not be asked; the next look starts where
        this one did.
    """
    started_at = engine.clock.now()
    start = since or ((shop.polled_until or shop.created_at - FIRST_LOOK + OVERLAP) - OVERLAP)
    seen = missed = 0
    for order in engine.adapter_of(shop).orders_changed_since(start):
        seen += 1
        if not order.drafted and _put_in_inbox(engine, shop, order):
            missed += 1
    if since is None or shop.polled_until is None or since <= shop.polled_until:
        with engine.storage.transaction() as tx:
            tx.update_shop(shop.id, polled_until=started_at)
    if missed:
        engine.bell.ring(shop.id)
    return Reconciled(shop.id, start, seen, missed)


def _put_in_inbox(engine: Engine, shop: ShopRecord, order: Order) -> bool:
    with engine.storage.reading() as tx:
        stored = tx.order(shop.id, order.ref)
    if stored is not None and (
        stored.order == order or stored.order.modified_at > order.modified_at
    ):
        return False
    body = encode_order(order)
    digest = hashlib.sha256(body).hexdigest()
    delivery = NewDelivery(
        shop.id,
        f"poll:{order.ref}:{digest}",
        DeliverySource.POLL,
        "order",
        order.ref,
        {},
        body,
        engine.clock.now(),
    )
    with engine.storage.transaction() as tx:
        (number,) = tx.add_deliveries([delivery])
    return number is not None
