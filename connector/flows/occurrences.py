"""Read off one state of an order everything that must have happened to it.

Occurrences are read from each authentic state on its own, not from the difference of
two: so they do not depend on the order in which states arrive, and a state seen twice
adds nothing.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from connector.model.event import Occurrence, OccurrenceKind
from connector.model.order import Order, OrderState, PaymentState, ShopId
from connector.model.parcel import Parcel, ParcelState

_BY_STATE: Final = {
    OrderState.ON_HOLD: OccurrenceKind.ORDER_ON_HOLD,
    OrderState.FAILED: OccurrenceKind.ORDER_FAILED,
    OrderState.COMPLETED: OccurrenceKind.ORDER_COMPLETED,
    OrderState.CANCELED: OccurrenceKind.ORDER_CANCELED,
    OrderState.DELETED: OccurrenceKind.ORDER_DELETED,
}
_BY_PARCEL: Final = {
    ParcelState.SHIPPED: OccurrenceKind.PARCEL_SHIPPED,
    ParcelState.IN_TRANSIT: OccurrenceKind.PARCEL_IN_TRANSIT,
    ParcelState.OUT_FOR_DELIVERY: OccurrenceKind.PARCEL_OUT_FOR_DELIVERY,
    ParcelState.READY_FOR_PICKUP: OccurrenceKind.PARCEL_READY_FOR_PICKUP,
    ParcelState.DELIVERED: OccurrenceKind.PARCEL_DELIVERED,
    ParcelState.DELIVERY_FAILED: OccurrenceKind.PARCEL_DELIVERY_FAILED,
    ParcelState.EXCEPTION: OccurrenceKind.PARCEL_EXCEPTION,
}
# A store that ships on account sets "processing" before the money is there: for the
# shop this order is accepted, which is what rules on a paid order wait for.
_PAID_STATES: Final = frozenset({OrderState.PAID, OrderState.PROCESSING, OrderState.COMPLETED})

STATE_OF_KIND: Final = {kind: state for state, kind in _BY_STATE.items()}


def is_paid(order: Order) -> bool:
    """Tell whether an order was accepted as paid at some time."""
    return (
        order.paid_at is not None
        or order.payment_state is PaymentState.PAID
        or order.state in _PAID_STATES
    )


def occurrences_of(shop_id: ShopId, order: Order) -> tuple[Occurrence, ...]:
    """Read off everything that this state proves, in the order it must have happened."""
    return tuple(
        Occurrence(shop_id, order.ref, kind, discriminator, at)
        for kind, discriminator, at in _happened(order)
    )


def _happened(order: Order) -> Iterator[tuple[OccurrenceKind, str, datetime]]:
    yield OccurrenceKind.ORDER_CREATED, "", order.placed_at
    if is_paid(order):
        yield OccurrenceKind.ORDER_PAID, "", order.paid_at or order.modified_at
    for parcel in order.parcels:
        yield from _parcel_happened(parcel, order.modified_at)
    for refund in order.refunds:
        yield OccurrenceKind.ORDER_REFUNDED, refund.ref, refund.at or order.modified_at
    kind = _BY_STATE.get(order.state)
    if kind is OccurrenceKind.ORDER_COMPLETED:
        yield kind, "", order.completed_at or order.modified_at
    elif kind is OccurrenceKind.ORDER_CANCELED:
        yield kind, "", order.canceled_at or order.modified_at
    elif kind is not None:
        yield kind, "", order.modified_at


def _parcel_happened(
    parcel: Parcel, modified_at: datetime
) -> Iterator[tuple[OccurrenceKind, str, datetime]]:
    seen: dict[OccurrenceKind, datetime] = {}
    if parcel.state is ParcelState.CANCELED:
        return
    if parcel.tracking_number or parcel.shipped_at:
        seen[OccurrenceKind.PARCEL_SHIPPED] = parcel.shipped_at or modified_at
    for scan in parcel.events:
        kind = _BY_PARCEL.get(scan.state)
        if kind is not None:
            seen[kind] = min(scan.occurred_at, seen.get(kind, scan.occurred_at))
    kind = _BY_PARCEL.get(parcel.state)
    if kind is not None and kind not in seen:
        delivered = kind is OccurrenceKind.PARCEL_DELIVERED
        seen[kind] = (parcel.delivered_at if delivered else None) or modified_at
    for kind, at in seen.items():
        yield kind, parcel.ref, at
