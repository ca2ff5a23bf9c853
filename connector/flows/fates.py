"""What would become of planned effects: the checks made before sending, nothing sent."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from connector.errors import MessageInvalid
from connector.flows.engine import Engine
from connector.flows.order_then import Times, as_of
from connector.flows.run_rules import view_of
from connector.flows.send_effects import NOT_DONE
from connector.flows.should_happen import hold_until, stopped
from connector.flows.write_back import action_of
from connector.jobs.ceilings import hour_of, kind_of
from connector.messages.compose import SkipMessage, permitted
from connector.model.effect import EffectKind, EffectState, PlannedEffect
from connector.model.message import MessageClass
from connector.model.order import Order, OrderState
from connector.rules.rule import Rule
from connector.storage.records import EffectRecord, OccurrenceRecord, ShopRecord

_HOUR: Final = timedelta(hours=1)
TOO_LATE: Final = "too late: its time was over before it could be done"


@dataclass(frozen=True, slots=True)
class Fate:
    """What would become of one effect.

    Attributes:
        at: when that would be.
        reason: why it would be skipped, or needs a person; empty when it would be done.
        waited_s: how long it would have waited for the shop's ceiling.
        order: as it would be found then.
        coupon: the code the effect hands out, as texts read it.
    """

    planned: PlannedEffect
    state: EffectState
    at: datetime
    reason: str
    order: Order
    message_class: MessageClass | None = None
    coupon: dict[str, Any] | None = None
    waited_s: float = 0.0

    @property
    def done(self) -> bool:
        """Tell whether it would be done."""
        return self.state is EffectState.DONE

    @property
    def is_message(self) -> bool:
        """Tell whether it reaches the buyer."""
        planned = self.planned
        return planned.kind is EffectKind.MESSAGE or bool(
            planned.kind is EffectKind.NOTE and planned.payload.get("to_buyer")
        )


class Hours:
    """The places below the ceilings of each hour, counted in memory."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._used: Counter[tuple[str, datetime]] = Counter()
        self.reached: Counter[str] = Counter()

    def take(self, record: EffectRecord, at: datetime, until: datetime | None) -> datetime:
        """Take the first free place from a time on; give when it can leave."""
        kind = kind_of(record)
        if kind is None:
            return at
        most, moment = self._engine.ceilings.most(kind), at
        while self._used[kind, hour_of(moment)] >= most:
            self.reached[kind] += moment == at
            moment = hour_of(moment) + _HOUR
            if until is not None and moment > until:
                return moment
        self._used[kind, hour_of(moment)] += 1
        return moment


class Foreteller:
    """Judges planned effects as the sender does, at the time they would be due."""

    def __init__(self, engine: Engine, shop: ShopRecord, hours: Hours) -> None:
        self._engine = engine
        self._shop = shop
        self._view = view_of(shop)
        self._hours = hours
        self.paid_state = paid_word(engine, shop)

    def fates(
        self,
        rule: Rule,
        effects: Sequence[PlannedEffect],
        order: Order,
        happened: Sequence[OccurrenceRecord],
        times: Times,
        planned_at: tuple[datetime, Order],
    ) -> list[Fate]:
        """Judge all effects of one rule for one occurrence.

        Args: order: as it is today. happened: all that is known of it. planned_at: when
            they were planned, and the order as it was then.
        """
        found: dict[str, Fate] = {}
        now = planned_at[0]
        # To take an order back costs as much as to ask a rule.
        thens: dict[datetime, Order] = dict([planned_at])
        for planned in effects:
            first = found.get(planned.waits_for or "")
            at = max(planned.due_at, now, first.at if first else now)
            at = hold_until(planned, at) or at
            if at not in thens:
                thens[at] = self._then(order, times, at)
            fate = self._one(rule, planned, first, thens[at], happened, at, now)
            if fate.done and fate.at > at:
                fate = _looked_again(rule, fate, happened, self._then(order, times, fate.at))
            found[planned.key] = fate
        return list(found.values())

    def _then(self, order: Order, times: Times, at: datetime) -> Order:
        return as_of(order, times, at, paid_state=self.paid_state)

    def _one(
        self,
        rule: Rule,
        planned: PlannedEffect,
        first: Fate | None,
        then: Order,
        happened: Sequence[OccurrenceRecord],
        at: datetime,
        now: datetime,
    ) -> Fate:
        coupon = _code(first)
        skipped, done = EffectState.SKIPPED, EffectState.DONE
        if first is not None and not first.done:
            reason = f"{NOT_DONE.format(first.planned.step)}: {first.reason}"
            return Fate(planned, skipped, at, reason, then, coupon=coupon)
        by_then = [item for item in happened if item.occurrence.occurred_at <= at]
        reason = stopped(rule, planned, then, by_then)
        if reason:
            return Fate(planned, skipped, at, reason, then, coupon=coupon)
        record = EffectRecord(planned, EffectState.PLANNED, at, now)
        try:
            message_class = self._permitted(record, then, coupon)
        except SkipMessage as skip:
            return Fate(planned, skipped, at, skip.reason, then, coupon=coupon)
        except MessageInvalid as err:
            reason = f"the text cannot be made: {err}"
            return Fate(planned, EffectState.DEAD, at, reason, then, coupon=coupon)
        channel = planned.payload.get("channel") or "email"
        if planned.kind is EffectKind.MESSAGE and channel not in self._engine.channels:
            reason = f"no channel {channel!r} is set up"
            return Fate(planned, EffectState.DEAD, at, reason, then, coupon=coupon)
        leaves = self._hours.take(record, at, planned.expires_at)
        if planned.expires_at is not None and leaves > planned.expires_at:
            return Fate(planned, skipped, leaves, TOO_LATE, then, coupon=coupon)
        waited = (leaves - at).total_seconds()
        return Fate(planned, done, leaves, "", then, message_class, coupon, waited)

    def _permitted(
        self, record: EffectRecord, order: Order, coupon: dict[str, Any] | None
    ) -> MessageClass | None:
        planned = record.planned
        if planned.kind is EffectKind.MESSAGE:
            return permitted(planned.payload, order=order, shop=self._view, coupon=coupon)
        if planned.kind is EffectKind.NOTE:
            # The shop mails it, so to the buyer it is a message about the order.
            return MessageClass.SERVICE if planned.payload.get("to_buyer") else None
        action_of(self._engine, self._shop, record, order)
        return None


def _looked_again(
    rule: Rule, fate: Fate, happened: Sequence[OccurrenceRecord], then: Order
) -> Fate:
    """Look at the order once more after a wait: it may have ended in the meantime."""
    by_then = [item for item in happened if item.occurrence.occurred_at <= fate.at]
    reason = stopped(rule, fate.planned, then, by_then)
    state = EffectState.SKIPPED if reason else fate.state
    return replace(fate, state=state, reason=reason, order=then)


def paid_word(engine: Engine, shop: ShopRecord) -> OrderState:
    """Tell what the platform calls an order that is paid and not yet finished."""
    word = OrderState.PROCESSING
    return word if word.value in engine.adapter_of(shop).info.statuses else OrderState.PAID


def _code(first: Fate | None) -> dict[str, Any] | None:
    if first is None or first.planned.kind is not EffectKind.COUPON:
        return None
    return {**first.planned.payload, "made_at": first.at}
