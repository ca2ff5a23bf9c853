"""Close an inbox row within the transaction that stores what came of it."""

from connector.flows.engine import Engine
from connector.flows.nameless import ERASED
from connector.storage.port import Transaction
from connector.storage.records import DeliveryRecord, DeliveryState


class FencedOff(Exception):
    """Another worker has the row now; what was about to be stored is not."""


def settle(
    tx: Transaction,
    engine: Engine,
    delivery: DeliveryRecord,
    reason: str,
    state: DeliveryState = DeliveryState.DONE,
) -> None:
    """Close a row that is still ours.

    Raises: FencedOff: it is not.
    """
    kept = tx.settle_delivery(
        delivery.id, delivery.fence, state=state, reason=reason, now=engine.clock.now()
    )
    if not kept:
        raise FencedOff


def forget_delivery(
    tx: Transaction, engine: Engine, delivery: DeliveryRecord, reason: str = ERASED
) -> None:
    """Forget the body of a closed row: it names somebody whose data must not stay."""
    tx.erase_deliveries([delivery.id], reason=reason, now=engine.clock.now())
