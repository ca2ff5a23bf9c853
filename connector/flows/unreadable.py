"""Keep an order that the shop lists and that cannot be read, for a person."""

import hashlib
from datetime import datetime
from typing import Final

from connector.flows.engine import Engine
from connector.model.order import UnreadableOrder
from connector.storage.port import Transaction
from connector.storage.records import DeliverySource, DeliveryState, NewDelivery, ShopRecord

UNREADABLE: Final = "unreadable"
"""Topic of such a row; retrying it reads the order from the shop again."""


def set_aside(
    engine: Engine,
    shop: ShopRecord,
    order: UnreadableOrder,
    source: DeliverySource = DeliverySource.POLL,
) -> bool:
    """Store it as a dead letter; False when this state of it is one already."""
    with engine.storage.transaction() as tx:
        new = set_aside_with(tx, shop, order, engine.clock.now(), source)
    if new:
        engine.log("order.unreadable", shop_id=shop.id, order_ref=order.ref)
    return new


def set_aside_with(
    tx: Transaction,
    shop: ShopRecord,
    order: UnreadableOrder,
    at: datetime,
    source: DeliverySource,
) -> bool:
    """Do the same inside of an open transaction."""
    digest = hashlib.sha256(order.body).hexdigest()
    row = NewDelivery(
        shop.id,
        f"{UNREADABLE}:{order.ref}:{digest}",
        source,
        UNREADABLE,
        order.ref,
        {},
        order.body,
        at,
        DeliveryState.DEAD,
        f"needs a person: {order.ref or 'an order'} cannot be read: {order.why}",
    )
    (number,) = tx.add_deliveries([row])
    return number is not None
