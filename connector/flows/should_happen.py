"""Judge just before acting whether an effect should still happen, and when."""

from collections.abc import Sequence
from datetime import datetime

from connector.model.effect import PlannedEffect
from connector.model.event import OccurrenceKind
from connector.model.order import Order, OrderState, PaymentState
from connector.rules.delays import next_open
from connector.rules.load import rule_from_source
from connector.rules.rule import Rule
from connector.storage.records import OccurrenceRecord, RuleRecord

_STOPPED = {
    OccurrenceKind.ORDER_CANCELED: OrderState.CANCELED,
    OccurrenceKind.ORDER_FAILED: OrderState.FAILED,
    OccurrenceKind.ORDER_DELETED: OrderState.DELETED,
    OccurrenceKind.ORDER_ON_HOLD: OrderState.ON_HOLD,
    OccurrenceKind.ORDER_COMPLETED: OrderState.COMPLETED,
}


def why_not(
    record: RuleRecord | None,
    planned: PlannedEffect,
    order: Order,
    happened: Sequence[OccurrenceRecord],
) -> str:
    """Tell why an effect must not happen any more; empty when it may.

    Args: order: as the shop has it now. happened: everything known of the order.
    """
    if record is None:
        return "the rule's version is not stored any more"
    return stopped(rule_from_source(record.source), planned, order, happened)


def stopped(
    rule: Rule, planned: PlannedEffect, order: Order, happened: Sequence[OccurrenceRecord]
) -> str:
    """Tell what stops an effect of a rule; empty when nothing does."""
    trigger = next((item for item in happened if item.id == planned.occurrence_id), None)
    for kind in rule.stop_if:
        if trigger is not None and kind is trigger.occurrence.kind:
            continue
        state = _STOPPED.get(kind)
        if state is not None and order.state is state:
            return f"stopped: {kind}"
        after = [
            item
            for item in happened
            if item.occurrence.kind is kind
            and _same_parcel(item, trigger)
            and (trigger is None or item.occurrence.occurred_at >= trigger.occurrence.occurred_at)
        ]
        # A state that has passed again, like a lifted hold, stops nothing.
        if after and state is None:
            return f"stopped: {kind}"
    if rule.stop_on_full_refund and _given_back(order):
        return f"stopped: {OccurrenceKind.ORDER_REFUNDED} in full"
    return ""


def _same_parcel(item: OccurrenceRecord, trigger: OccurrenceRecord | None) -> bool:
    """Tell whether a stop concerns the parcel that the rule acts for, if it acts for one."""
    parcels = "parcel."
    if trigger is None or not trigger.occurrence.kind.startswith(parcels):
        return True
    if not item.occurrence.kind.startswith(parcels):
        return True
    return item.occurrence.discriminator == trigger.occurrence.discriminator


def _given_back(order: Order) -> bool:
    return order.state is OrderState.REFUNDED or order.payment_state is PaymentState.REFUNDED


def hold_until(planned: PlannedEffect, now: datetime) -> datetime | None:
    """Tell until when an effect waits for its hours; None when it may go now."""
    window = planned.payload.get("window")
    timezone = planned.payload.get("timezone")
    if not isinstance(window, str) or not isinstance(timezone, str):
        return None
    opens_at = next_open(window, now, timezone)
    return opens_at if opens_at > now else None
