"""Just before acting: what stops an effect, what does not, and until when it waits."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.flows.should_happen import hold_until, why_not
from connector.model.effect import EffectKind, PlannedEffect
from connector.model.event import Occurrence, OccurrenceKind
from connector.model.order import (
    FulfillmentState,
    Order,
    OrderRef,
    OrderState,
    PaymentState,
    Refund,
    ShopId,
)
from connector.storage.records import OccurrenceRecord, RuleRecord

SHOP, REF = ShopId("shop-1"), OrderRef("81")
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
K = OccurrenceKind
TRIGGER_ID = 1

PAID = Order(
    ref=REF,
    number="#81",
    state=OrderState.PROCESSING,
    platform_state="processing",
    payment_state=PaymentState.PAID,
    fulfillment_state=FulfillmentState.UNFULFILLED,
    currency="EUR",
    total_minor=4374,
    placed_at=NOON - HOUR,
    modified_at=NOON,
    paid_at=NOON,
)
EFFECT = PlannedEffect(
    key=f"{SHOP}:thanks:1:1",
    shop_id=SHOP,
    order_ref=REF,
    rule_id="thanks",
    rule_version=1,
    occurrence_id=TRIGGER_ID,
    step=1,
    kind=EffectKind.NOTE,
    payload={"text": "Gracias"},
    due_at=NOON,
)


def rule(trigger: K = K.ORDER_PAID, stop_if: Sequence[K] | None = None) -> RuleRecord:
    """Store a rule; without `stop_if` it has the usual stops."""
    source: dict[str, Any] = {
        "id": "thanks",
        "name": {"es": "Gracias", "en": "Thanks"},
        "trigger": trigger.value,
        "actions": [{"note": {"text": "Gracias", "to_buyer": False}}],
        "enabled": True,
    }
    if stop_if is not None:
        source["stop_if"] = [kind.value for kind in stop_if]
    return RuleRecord(SHOP, "thanks", 1, enabled=True, source=source, created_at=NOON)


def seen(number: int, kind: K, at: datetime = NOON, part: str = "") -> OccurrenceRecord:
    """Store an occurrence of the order."""
    return OccurrenceRecord(number, Occurrence(SHOP, REF, kind, part, at), seen_at=at)


TRIGGER = seen(TRIGGER_ID, K.ORDER_PAID)


def test_nothing_in_the_way() -> None:
    """An effect may happen when nothing stops it."""
    assert why_not(rule(), EFFECT, PAID, [TRIGGER]) == ""


def test_rule_that_is_gone() -> None:
    """Without the version of the rule that planned it, an effect does not happen."""
    assert why_not(None, EFFECT, PAID, [TRIGGER]) == "the rule's version is not stored any more"


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (OrderState.CANCELED, K.ORDER_CANCELED),
        (OrderState.FAILED, K.ORDER_FAILED),
        (OrderState.DELETED, K.ORDER_DELETED),
        (OrderState.ON_HOLD, K.ORDER_ON_HOLD),
        (OrderState.COMPLETED, K.ORDER_COMPLETED),
    ],
)
def test_each_state_that_stops(state: OrderState, kind: K) -> None:
    """A state named by stop_if stops while the order stands in it, not after."""
    stopping = rule(stop_if=[kind])
    after = [TRIGGER, seen(2, kind, NOON + HOUR)]
    assert why_not(stopping, EFFECT, replace(PAID, state=state), after) == f"stopped: {kind}"
    # The shop's word of now is enough: the occurrence may not be stored yet.
    assert why_not(stopping, EFFECT, replace(PAID, state=state), [TRIGGER]) == f"stopped: {kind}"
    assert why_not(stopping, EFFECT, PAID, after) == ""
    # And a rule that does not name it goes on.
    assert why_not(rule(stop_if=[]), EFFECT, replace(PAID, state=state), after) == ""


@pytest.mark.parametrize(
    "kind",
    [
        *[K.ORDER_CREATED, K.PARCEL_SHIPPED, K.PARCEL_IN_TRANSIT, K.PARCEL_OUT_FOR_DELIVERY],
        *[K.PARCEL_READY_FOR_PICKUP, K.PARCEL_DELIVERED, K.PARCEL_DELIVERY_FAILED],
        *[K.PARCEL_EXCEPTION],
    ],
)
def test_each_event_that_stops(kind: K) -> None:
    """An event named by stop_if stops when it came with the trigger or after it."""
    stopping = rule(stop_if=[kind])
    for later in (timedelta(0), timedelta(seconds=1), 9 * HOUR):
        happened = [TRIGGER, seen(2, kind, NOON + later, "p1")]
        assert why_not(stopping, EFFECT, PAID, happened) == f"stopped: {kind}"
        assert why_not(rule(stop_if=[]), EFFECT, PAID, happened) == ""
    before = [TRIGGER, seen(2, kind, NOON - timedelta(seconds=1), "p1")]
    assert why_not(stopping, EFFECT, PAID, before) == ""


def test_payment_stops_a_reminder() -> None:
    """A reminder of payment is not sent once the order is paid."""
    created = seen(TRIGGER_ID, K.ORDER_CREATED, NOON - HOUR)
    reminder = rule(K.ORDER_CREATED, [K.ORDER_PAID])
    pending = replace(PAID, state=OrderState.PENDING, paid_at=None)
    assert why_not(reminder, EFFECT, pending, [created]) == ""
    assert why_not(reminder, EFFECT, PAID, [created, seen(2, K.ORDER_PAID)]) == (
        "stopped: order.paid"
    )


def test_unknown_trigger_counts_every_event() -> None:
    """When the trigger is not known any more, every event of the kind stops."""
    early = [seen(2, K.PARCEL_DELIVERED, NOON - 9 * HOUR, "p1")]
    assert why_not(rule(stop_if=[K.PARCEL_DELIVERED]), EFFECT, PAID, early) == (
        "stopped: parcel.delivered"
    )


@pytest.mark.parametrize("trigger", list(K))
def test_trigger_never_stops_itself(trigger: K) -> None:
    """An effect is not stopped by what called for it, even with the usual stops."""
    states = {
        K.ORDER_CANCELED: OrderState.CANCELED,
        K.ORDER_FAILED: OrderState.FAILED,
        K.ORDER_DELETED: OrderState.DELETED,
        K.ORDER_ON_HOLD: OrderState.ON_HOLD,
        K.ORDER_COMPLETED: OrderState.COMPLETED,
        K.ORDER_REFUNDED: OrderState.REFUNDED,
    }
    order = replace(PAID, state=states.get(trigger, OrderState.PROCESSING))
    assert why_not(rule(trigger), EFFECT, order, [seen(TRIGGER_ID, trigger)]) == ""


def test_trigger_named_as_a_stop() -> None:
    """Even a rule that stops at an occurrence is not stopped by the very one that called it."""
    held = replace(PAID, state=OrderState.ON_HOLD)
    stopping = rule(K.ORDER_CREATED, [K.ORDER_ON_HOLD, K.PARCEL_DELIVERED])
    assert why_not(stopping, EFFECT, held, [seen(TRIGGER_ID, K.ORDER_ON_HOLD)]) == ""
    assert why_not(stopping, EFFECT, PAID, [seen(TRIGGER_ID, K.PARCEL_DELIVERED)]) == ""
    assert why_not(stopping, EFFECT, held, [seen(TRIGGER_ID, K.ORDER_CREATED)]) == (
        "stopped: order.on_hold"
    )


def test_usual_stops() -> None:
    """A rule that says nothing is stopped by cancel, failure, deletion and full refund."""
    for state, kind in (
        (OrderState.CANCELED, "order.canceled"),
        (OrderState.FAILED, "order.failed"),
        (OrderState.DELETED, "order.deleted"),
        (OrderState.REFUNDED, "order.refunded in full"),
    ):
        assert why_not(rule(), EFFECT, replace(PAID, state=state), [TRIGGER]) == f"stopped: {kind}"
    for state in (OrderState.ON_HOLD, OrderState.COMPLETED, OrderState.UNKNOWN):
        assert why_not(rule(), EFFECT, replace(PAID, state=state), [TRIGGER]) == ""


@pytest.mark.parametrize(
    "given_back",
    [
        {"state": OrderState.REFUNDED},
        {"payment_state": PaymentState.REFUNDED},
        {"state": OrderState.REFUNDED, "payment_state": PaymentState.REFUNDED},
    ],
)
def test_full_refund(given_back: Mapping[str, Any]) -> None:
    """All money given back stops, whether the state or the payment says so."""
    order = replace(PAID, **given_back)
    assert why_not(rule(stop_if=[K.ORDER_REFUNDED]), EFFECT, order, [TRIGGER]) == (
        "stopped: order.refunded in full"
    )
    assert why_not(rule(stop_if=[]), EFFECT, order, [TRIGGER]) == ""


def test_partial_refund() -> None:
    """A part of the money given back stops nothing: the rest is still sold."""
    order = replace(
        PAID,
        payment_state=PaymentState.PARTIALLY_REFUNDED,
        refunded_minor=500,
        refunds=(Refund("r1", 500, at=NOON + HOUR),),
    )
    happened = [TRIGGER, seen(2, K.ORDER_REFUNDED, NOON + HOUR, "r1")]
    for stopping in (rule(), rule(stop_if=[K.ORDER_REFUNDED])):
        assert why_not(stopping, EFFECT, order, happened) == ""


def windowed(window: object, timezone: object = "Europe/Madrid") -> PlannedEffect:
    """Plan an effect that is sent in certain hours only."""
    return replace(EFFECT, payload={"window": window, "timezone": timezone})


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        # Madrid is one hour before UTC in November: 09:00 there is 08:00 UTC.
        ((22, 7, 59), (22, 8, 0)),
        ((22, 8, 0), None),
        ((22, 19, 59), None),
        ((22, 20, 0), (23, 8, 0)),
        ((22, 23, 30), (23, 8, 0)),
        ((23, 0, 0), (23, 8, 0)),
    ],
)
def test_hours(now: tuple[int, int, int], opens: tuple[int, int, int] | None) -> None:
    """Outside its hours an effect waits for their next opening in the shop's zone."""
    expected = None if opens is None else datetime(2026, 11, *opens, tzinfo=UTC)
    moment = datetime(2026, 11, *now, tzinfo=UTC)
    assert hold_until(windowed("09:00-21:00"), moment) == expected


def test_hours_over_midnight() -> None:
    """Hours may pass midnight: 22:00 to 06:00 in Madrid is 21:00 to 05:00 UTC."""
    night = windowed("22:00-06:00")
    assert hold_until(night, datetime(2026, 11, 22, 23, 0, tzinfo=UTC)) is None
    assert hold_until(night, datetime(2026, 11, 22, 4, 59, tzinfo=UTC)) is None
    assert hold_until(night, NOON) == datetime(2026, 11, 22, 21, 0, tzinfo=UTC)


def test_hours_across_the_clock_change() -> None:
    """On 25 October 2026 Madrid goes from UTC+2 to UTC+1, and 09:00 stays 09:00."""
    day = windowed("09:00-21:00")
    before = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)
    assert hold_until(day, before) == datetime(2026, 10, 25, 8, 0, tzinfo=UTC)
    assert hold_until(day, before - timedelta(days=1)) == datetime(2026, 10, 24, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize("effect", [EFFECT, windowed(None), windowed("09:00-21:00", None)])
def test_no_hours(effect: PlannedEffect) -> None:
    """An effect without hours never waits."""
    assert hold_until(effect, datetime(2026, 11, 22, 3, 0, tzinfo=UTC)) is None


def test_another_parcel_stops_nothing() -> None:
    """A rule on one parcel is stopped by what happens to that parcel, not to its neighbor."""
    record = rule(K.PARCEL_SHIPPED, [K.PARCEL_DELIVERED])
    trigger = seen(TRIGGER_ID, K.PARCEL_SHIPPED, NOON, "box-a")
    other = seen(2, K.PARCEL_DELIVERED, NOON + HOUR, "box-b")
    same = seen(3, K.PARCEL_DELIVERED, NOON + HOUR, "box-a")
    assert why_not(record, EFFECT, PAID, [trigger, other]) == ""
    assert why_not(record, EFFECT, PAID, [trigger, other, same]) == "stopped: parcel.delivered"
