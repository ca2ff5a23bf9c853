"""Keep what the shop answered beside the webhooks: a rebuild needs it."""

from datetime import datetime
from typing import Final

from connector.model.codec import encode_order
from connector.model.order import Order, OrderRef
from connector.storage.port import Transaction
from connector.storage.records import DeliverySource, DeliveryState, NewDelivery, ShopRecord

ORDER: Final = "order"
GONE: Final = "gone"
"""Topics of kept answers: a whole order, or that the shop has it no more."""
CAUSE: Final = "cause"
"""The header that names the delivery whose work asked the shop; `effect` for others."""


def keep_answer(
    tx: Transaction, shop: ShopRecord, order: Order, at: datetime, *, cause: str
) -> None:
    """Keep an order that the shop gave on our asking."""
    _keep(tx, shop, order.ref, at, cause, ORDER, encode_order(order), "read from the shop")


def keep_gone(
    tx: Transaction, shop: ShopRecord, ref: OrderRef, at: datetime, *, cause: str
) -> None:
    """Keep that the shop did not have an order any more."""
    _keep(tx, shop, ref, at, cause, GONE, b"", "the shop did not have it any more")


def _keep(
    tx: Transaction,
    shop: ShopRecord,
    ref: OrderRef,
    at: datetime,
    cause: str,
    topic: str,
    body: bytes,
    reason: str,
) -> None:
    tx.add_deliveries(
        [
            NewDelivery(
                shop.id,
                f"fetch:{ref}:{at.isoformat()}:{cause}",
                DeliverySource.FETCH,
                topic,
                ref,
                {CAUSE: cause},
                body,
                at,
                DeliveryState.DONE,
                reason,
            )
        ]
    )
