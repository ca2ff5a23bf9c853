"""An order as it stood at an earlier time, as far as the newest state tells.

Only the newest state of an order is stored. What has a time in it (payment, refunds,
parcels, the end of the order) is taken back to an earlier time; the rest is as today.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from connector.errors import PayloadInvalid
from connector.flows.occurrences import STATE_OF_KIND, is_paid
from connector.model.event import OccurrenceKind
from connector.model.money import to_minor
from connector.model.order import FulfillmentState, Order, OrderState, PaymentState
from connector.model.parcel import Parcel, ParcelState
from connector.storage.records import OccurrenceRecord

Times = Mapping[tuple[OccurrenceKind, str], datetime]

_PAID: Final = frozenset({OrderState.PAID, OrderState.PROCESSING})
_STEADY: Final = frozenset({OrderState.PENDING, OrderState.UNKNOWN})
_BACK: Final = frozenset({PaymentState.REFUNDED, PaymentState.PARTIALLY_REFUNDED})
_BY_PARCEL: Final = {
    OccurrenceKind.PARCEL_SHIPPED: ParcelState.SHIPPED,
    OccurrenceKind.PARCEL_IN_TRANSIT: ParcelState.IN_TRANSIT,
    OccurrenceKind.PARCEL_OUT_FOR_DELIVERY: ParcelState.OUT_FOR_DELIVERY,
    OccurrenceKind.PARCEL_READY_FOR_PICKUP: ParcelState.READY_FOR_PICKUP,
    OccurrenceKind.PARCEL_DELIVERED: ParcelState.DELIVERED,
    OccurrenceKind.PARCEL_DELIVERY_FAILED: ParcelState.DELIVERY_FAILED,
    OccurrenceKind.PARCEL_EXCEPTION: ParcelState.EXCEPTION,
}


def times_of(happened: Sequence[OccurrenceRecord]) -> Times:
    """Tell when each thing happened to an order."""
    return {
        (item.occurrence.kind, item.occurrence.discriminator): item.occurrence.occurred_at
        for item in happened
    }


def as_of(order: Order, times: Times, at: datetime, *, paid_state: OrderState) -> Order:
    """Take an order back to a time.

    Args: times: see times_of. paid_state: what the platform calls an order that is paid
        and not yet finished.
    """
    if order.modified_at <= at:
        return order
    paid_time = times.get((OccurrenceKind.ORDER_PAID, ""), order.paid_at)
    paid = is_paid(order) and (paid_time is None or paid_time <= at)
    changes: dict[str, Any] = _money(order, times, at, paid=paid)
    state = _state(order, times, at, paid_state if paid else OrderState.PENDING)
    if state is not order.state:
        changes["state"] = state
    for name in ("paid_at", "completed_at", "canceled_at"):
        moment = getattr(order, name)
        if moment is not None and moment > at:
            changes[name] = None
    if order.parcels:
        changes["parcels"] = tuple(
            then for parcel in order.parcels if (then := _parcel(parcel, times, at)) is not None
        )
    return replace(order, **changes)


def as_seen(order: Order, seen: Mapping[str, Any]) -> Order:
    """Give an order what the live engine saw of it, where that is known.

    Args: seen: field to value, as an evaluation keeps them.
    """
    changes: dict[str, Any] = {}
    for name, value in seen.items():
        read = _READ.get(name)
        if read is None or value is None:
            continue
        part, reader = read
        try:
            changes[part] = reader(value, order)
        except (ValueError, TypeError, PayloadInvalid):
            # Written by another version of the program: today's value stands in.
            continue
    if "buyer.order_count" in seen:
        changes["buyer"] = replace(order.buyer, order_count=seen["buyer.order_count"])
    return replace(order, **changes) if changes else order


def _amount(value: Any, order: Order) -> int:
    return to_minor(str(value), order.currency)


_READ: Final[Mapping[str, tuple[str, Callable[[Any, Order], Any]]]] = {
    "order.state": ("state", lambda value, _: OrderState(value)),
    "order.platform_state": ("platform_state", lambda value, _: str(value)),
    "order.payment_state": ("payment_state", lambda value, _: PaymentState(value)),
    "order.fulfillment_state": ("fulfillment_state", lambda value, _: FulfillmentState(value)),
    "order.payment_method": ("payment_method", lambda value, _: str(value)),
    "order.total": ("total_minor", _amount),
    "order.tax": ("tax_minor", _amount),
    "order.shipping": ("shipping_minor", _amount),
    "order.discount": ("discount_minor", _amount),
    "order.refunded": ("refunded_minor", _amount),
    "order.tags": ("tags", lambda value, _: tuple(str(tag) for tag in value)),
}


def _money(order: Order, times: Times, at: datetime, *, paid: bool) -> dict[str, Any]:
    kept = tuple(
        refund
        for refund in order.refunds
        if times.get((OccurrenceKind.ORDER_REFUNDED, refund.ref), refund.at or at) <= at
    )
    changes: dict[str, Any] = {}
    if len(kept) != len(order.refunds):
        changes["refunds"] = kept
        changes["refunded_minor"] = sum(refund.amount_minor for refund in kept)
        if order.payment_state in _BACK:
            changes["payment_state"] = (
                PaymentState.PARTIALLY_REFUNDED if kept else PaymentState.PAID
            )
    if not paid and order.payment_state in {*_BACK, PaymentState.PAID}:
        changes["payment_state"] = PaymentState.PENDING
    return changes


def _state(order: Order, times: Times, at: datetime, before: OrderState) -> OrderState:
    """Name the state whose time was the last one by then."""
    if order.state in _STEADY:
        return order.state
    if order.state in _PAID:
        # Of a state that comes with the payment; the word for it is the shop's own.
        before = order.state if before is not OrderState.PENDING else before
    known: list[tuple[datetime, OrderState]] = [
        (moment, STATE_OF_KIND[kind])
        for (kind, _), moment in times.items()
        if kind in STATE_OF_KIND and moment <= at
    ]
    if order.state is OrderState.REFUNDED:
        back = [moment for (kind, _), moment in times.items() if kind == "order.refunded"]
        if not back or max(back) <= at:
            return order.state
    elif (_kind_of(order.state), "") in times and times[_kind_of(order.state), ""] <= at:
        return order.state
    paid_time = times.get((OccurrenceKind.ORDER_PAID, ""))
    if before is not OrderState.PENDING and paid_time is not None:
        known.append((paid_time, before))
    return max(known, key=lambda one: one[0])[1] if known else before


def _kind_of(state: OrderState) -> OccurrenceKind:
    for kind, its in STATE_OF_KIND.items():
        if its is state:
            return kind
    return (
        OccurrenceKind.ORDER_CREATED if state is OrderState.PENDING else OccurrenceKind.ORDER_PAID
    )


def _parcel(parcel: Parcel, times: Times, at: datetime) -> Parcel | None:
    """Take a parcel back; None when it was not there yet."""
    told = sorted(
        (moment, state)
        for kind, state in _BY_PARCEL.items()
        if (moment := times.get((kind, parcel.ref))) is not None
    )
    if not told or told[-1][0] <= at:
        return parcel
    before = [state for moment, state in told if moment <= at]
    if not before:
        return None
    delivered = parcel.delivered_at
    return replace(
        parcel,
        state=before[-1],
        delivered_at=None if delivered is None or delivered > at else delivered,
        events=tuple(scan for scan in parcel.events if scan.occurred_at <= at),
    )
