"""Occurrences: what one state of an order proves, worked out by hand."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connector.flows.occurrences import STATE_OF_KIND, is_paid, occurrences_of
from connector.model.event import OccurrenceKind
from connector.model.order import (
    FulfillmentState,
    Order,
    OrderRef,
    OrderState,
    PaymentState,
    Refund,
    ShopId,
)
from connector.model.parcel import Parcel, ParcelState, TrackingEvent

SHOP = ShopId("shop-1")


def at(hour: int, minute: int = 0) -> datetime:
    """Give a time of the one day on which everything here happens."""
    return datetime(2026, 11, 22, hour, minute, tzinfo=UTC)


PLACED, PAID, REFUNDED, ENDED, CHANGED = at(8), at(9), at(14), at(15), at(16)
ORDER = Order(
    ref=OrderRef("81"),
    number="#81",
    state=OrderState.PENDING,
    platform_state="pending",
    payment_state=PaymentState.PENDING,
    fulfillment_state=FulfillmentState.UNFULFILLED,
    currency="EUR",
    total_minor=4374,
    placed_at=PLACED,
    modified_at=CHANGED,
)
CREATED = ("order.created", "", PLACED)


def read(order: Order) -> list[tuple[str, str, datetime]]:
    """List kind, discriminator and time of everything a state proves."""
    found = occurrences_of(SHOP, order)
    assert {(item.shop_id, item.order_ref) for item in found} == {(SHOP, order.ref)}
    return [(item.kind.value, item.discriminator, item.occurred_at) for item in found]


def parcel(**values: object) -> list[tuple[str, str, datetime]]:
    """List what one parcel proves beside the order's creation."""
    found = read(replace(ORDER, parcels=(replace(Parcel(ref="p1"), **values),)))  # type: ignore[arg-type]  # fields of any type
    assert found[0] == CREATED
    return found[1:]


@pytest.mark.parametrize(
    ("state", "more"),
    [
        (OrderState.PENDING, []),
        (OrderState.UNKNOWN, []),
        (OrderState.REFUNDED, []),
        (OrderState.PAID, [("order.paid", "", CHANGED)]),
        (OrderState.PROCESSING, [("order.paid", "", CHANGED)]),
        (OrderState.COMPLETED, [("order.paid", "", CHANGED), ("order.completed", "", CHANGED)]),
        (OrderState.ON_HOLD, [("order.on_hold", "", CHANGED)]),
        (OrderState.FAILED, [("order.failed", "", CHANGED)]),
        (OrderState.CANCELED, [("order.canceled", "", CHANGED)]),
        (OrderState.DELETED, [("order.deleted", "", CHANGED)]),
    ],
)
def test_each_state(state: OrderState, more: list[tuple[str, str, datetime]]) -> None:
    """A state proves itself, at the time of the change where no better one is known."""
    assert read(replace(ORDER, state=state)) == [CREATED, *more]


def test_states_are_all_in_the_table() -> None:
    """No state was forgotten in the table above."""
    assert len(OrderState) == 10


@pytest.mark.parametrize(
    ("state", "field", "kind"),
    [
        (OrderState.COMPLETED, "completed_at", "order.completed"),
        (OrderState.CANCELED, "canceled_at", "order.canceled"),
    ],
)
def test_time_the_platform_gives(state: OrderState, field: str, kind: str) -> None:
    """An end has the platform's own time where there is one."""
    order = replace(ORDER, state=state, **{field: ENDED})  # type: ignore[arg-type]  # a time field
    assert read(order)[-1] == (kind, "", ENDED)


def test_stale_times_prove_no_state() -> None:
    """An order that was reopened is not completed or canceled by its old dates."""
    order = replace(ORDER, completed_at=ENDED, canceled_at=ENDED)
    assert read(order) == [CREATED]


@pytest.mark.parametrize(
    ("payment", "paid"),
    [
        (PaymentState.PENDING, False),
        (PaymentState.AUTHORIZED, False),
        (PaymentState.PARTIALLY_PAID, False),
        (PaymentState.VOIDED, False),
        (PaymentState.FAILED, False),
        (PaymentState.UNKNOWN, False),
        (PaymentState.PAID, True),
    ],
)
def test_each_payment(payment: PaymentState, *, paid: bool) -> None:
    """Only money that is there in full counts as paid; a promise of it does not."""
    order = replace(ORDER, payment_state=payment)
    assert is_paid(order) is paid
    assert read(order) == [CREATED, *([("order.paid", "", CHANGED)] if paid else [])]


@pytest.mark.parametrize("payment", list(PaymentState))
def test_payment_date_proves_payment(payment: PaymentState) -> None:
    """An order with a date of payment was paid then, whatever became of the money."""
    order = replace(ORDER, payment_state=payment, paid_at=PAID)
    assert is_paid(order)
    assert read(order) == [CREATED, ("order.paid", "", PAID)]


def test_canceled_after_payment() -> None:
    """An order paid and then canceled proves both, in that order."""
    order = replace(ORDER, state=OrderState.CANCELED, paid_at=PAID, canceled_at=ENDED)
    assert read(order) == [CREATED, ("order.paid", "", PAID), ("order.canceled", "", ENDED)]


def test_each_refund() -> None:
    """Every refund is one of its own, named by its number, before the order's end."""
    order = replace(
        ORDER,
        state=OrderState.CANCELED,
        paid_at=PAID,
        canceled_at=ENDED,
        refunds=(Refund("r1", 500, at=REFUNDED), Refund("r2", 3874)),
    )
    assert read(order) == [
        CREATED,
        ("order.paid", "", PAID),
        ("order.refunded", "r1", REFUNDED),
        ("order.refunded", "r2", CHANGED),
        ("order.canceled", "", ENDED),
    ]


def test_state_refunded_without_refunds() -> None:
    """The bare word `refunded` names no refund: which and when is not known."""
    assert read(replace(ORDER, state=OrderState.REFUNDED, paid_at=PAID)) == [
        CREATED,
        ("order.paid", "", PAID),
    ]


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (ParcelState.UNKNOWN, None),
        (ParcelState.LABEL_CREATED, None),
        (ParcelState.CANCELED, None),
        (ParcelState.SHIPPED, "parcel.shipped"),
        (ParcelState.IN_TRANSIT, "parcel.in_transit"),
        (ParcelState.OUT_FOR_DELIVERY, "parcel.out_for_delivery"),
        (ParcelState.READY_FOR_PICKUP, "parcel.ready_for_pickup"),
        (ParcelState.DELIVERED, "parcel.delivered"),
        (ParcelState.DELIVERY_FAILED, "parcel.delivery_failed"),
        (ParcelState.EXCEPTION, "parcel.exception"),
    ],
)
def test_each_parcel_state(state: ParcelState, kind: str | None) -> None:
    """A parcel's state proves itself; what nobody knows and a printed label prove nothing."""
    assert parcel(state=state) == ([(kind, "p1", CHANGED)] if kind else [])


def test_parcel_states_are_all_in_the_table() -> None:
    """No parcel state was forgotten in the table above."""
    assert len(ParcelState) == 10


@pytest.mark.parametrize(
    ("values", "shipped_at"),
    [
        ({"tracking_number": "X1"}, CHANGED),
        ({"shipped_at": at(10)}, at(10)),
        ({"tracking_number": "X1", "shipped_at": at(10)}, at(10)),
    ],
)
def test_parcel_left(values: dict[str, object], shipped_at: datetime) -> None:
    """A tracking number or a date of shipping proves that the parcel left."""
    assert parcel(**values) == [("parcel.shipped", "p1", shipped_at)]


def test_parcel_without_number_or_date() -> None:
    """An empty tracking number proves nothing."""
    assert parcel(tracking_number="") == []


def test_delivered_parcel() -> None:
    """A delivery has its own time, or that of the change."""
    assert parcel(state=ParcelState.DELIVERED, delivered_at=at(12)) == [
        ("parcel.delivered", "p1", at(12))
    ]
    # That a delivery date stands there does not make another state a delivery.
    assert parcel(state=ParcelState.EXCEPTION, delivered_at=at(12)) == [
        ("parcel.exception", "p1", CHANGED)
    ]


def scan(state: ParcelState, hour: int, minute: int = 0) -> TrackingEvent:
    """Make one carrier scan."""
    return TrackingEvent(state, at(hour, minute))


def test_parcel_with_scans() -> None:
    """Each kind of scan counts once, at its earliest time, whatever their order."""
    scans = (
        scan(ParcelState.LABEL_CREATED, 9),
        scan(ParcelState.IN_TRANSIT, 11),
        scan(ParcelState.IN_TRANSIT, 10, 30),
        scan(ParcelState.UNKNOWN, 11, 30),
        scan(ParcelState.OUT_FOR_DELIVERY, 12),
        scan(ParcelState.DELIVERY_FAILED, 13),
        scan(ParcelState.OUT_FOR_DELIVERY, 14),
        scan(ParcelState.DELIVERED, 15),
    )
    expected = {
        ("parcel.shipped", "p1", at(10)),
        ("parcel.in_transit", "p1", at(10, 30)),
        ("parcel.out_for_delivery", "p1", at(12)),
        ("parcel.delivery_failed", "p1", at(13)),
        ("parcel.delivered", "p1", at(15)),
    }
    for events in (scans, scans[::-1]):
        found = parcel(
            tracking_number="X1",
            shipped_at=at(10),
            state=ParcelState.DELIVERED,
            delivered_at=at(15, 30),
            events=events,
        )
        assert len(found) == 5
        assert set(found) == expected


def test_scan_before_the_shop_said_so() -> None:
    """A scan that the parcel left is earlier than the shop's own date, and wins."""
    found = parcel(shipped_at=at(10), events=(scan(ParcelState.SHIPPED, 9),))
    assert found == [("parcel.shipped", "p1", at(9))]


def test_state_and_scans_differ() -> None:
    """A state that no scan tells of is proven as well."""
    found = parcel(state=ParcelState.READY_FOR_PICKUP, events=(scan(ParcelState.IN_TRANSIT, 10),))
    assert found == [
        ("parcel.in_transit", "p1", at(10)),
        ("parcel.ready_for_pickup", "p1", CHANGED),
    ]


def test_nothing_from_a_canceled_parcel() -> None:
    """A canceled parcel proves nothing, whatever it once had."""
    canceled = Parcel(
        ref="p1",
        tracking_number="X1",
        shipped_at=at(10),
        delivered_at=at(12),
        state=ParcelState.CANCELED,
        events=(scan(ParcelState.SHIPPED, 10), scan(ParcelState.DELIVERED, 12)),
    )
    assert read(replace(ORDER, parcels=(canceled,))) == [CREATED]
    other = Parcel(ref="p2", tracking_number="X2")
    assert read(replace(ORDER, parcels=(canceled, other))) == [
        CREATED,
        ("parcel.shipped", "p2", CHANGED),
    ]


def test_everything_at_once() -> None:
    """A long life is told in the order in which it must have happened."""
    order = replace(
        ORDER,
        state=OrderState.COMPLETED,
        payment_state=PaymentState.PARTIALLY_REFUNDED,
        paid_at=PAID,
        completed_at=ENDED,
        parcels=(
            Parcel(ref="p1", tracking_number="X1", shipped_at=at(10)),
            Parcel(ref="p2", tracking_number="X2", shipped_at=at(11)),
        ),
        refunds=(Refund("r1", 500, at=REFUNDED),),
    )
    assert read(order) == [
        CREATED,
        ("order.paid", "", PAID),
        ("parcel.shipped", "p1", at(10)),
        ("parcel.shipped", "p2", at(11)),
        ("order.refunded", "r1", REFUNDED),
        ("order.completed", "", ENDED),
    ]


def test_same_state_proves_the_same_again() -> None:
    """Asked twice the answer is the same, and no occurrence is in it twice."""
    order = replace(
        ORDER,
        state=OrderState.COMPLETED,
        parcels=(
            Parcel(
                ref="p1",
                tracking_number="X1",
                state=ParcelState.SHIPPED,
                events=(scan(ParcelState.SHIPPED, 10), scan(ParcelState.SHIPPED, 9)),
            ),
        ),
    )
    first = occurrences_of(SHOP, order)
    assert occurrences_of(SHOP, order) == first
    names = [(item.kind, item.discriminator) for item in first]
    assert len(set(names)) == len(names)


def test_kinds_that_are_states() -> None:
    """Only a state that we can write ourselves has to be told from our own writes."""
    assert STATE_OF_KIND == {
        OccurrenceKind.ORDER_ON_HOLD: OrderState.ON_HOLD,
        OccurrenceKind.ORDER_FAILED: OrderState.FAILED,
        OccurrenceKind.ORDER_COMPLETED: OrderState.COMPLETED,
        OccurrenceKind.ORDER_CANCELED: OrderState.CANCELED,
        OccurrenceKind.ORDER_DELETED: OrderState.DELETED,
    }
