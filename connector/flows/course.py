"""A set of rules on its way through what happened, judged as they are live."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connector.flows.engine import Engine
from connector.flows.fates import Foreteller, Hours
from connector.flows.no_effects import StandingClock, TrialStore, mute_engine
from connector.flows.order_then import Times, as_of, as_seen, times_of
from connector.flows.run_rules import run_rules
from connector.flows.tally import EXAMPLES, Caps, Conditions, Liability, RuleTally, coupons_of
from connector.model.effect import EffectKind, EffectState, PlannedEffect, Verdict
from connector.model.event import OccurrenceKind
from connector.model.order import Order, OrderRef
from connector.rules.rule import Rule
from connector.rules.zones import zone_of
from connector.storage.history import CountedOrder
from connector.storage.port import Transaction
from connector.storage.records import OccurrenceRecord, ShopRecord


@dataclass(frozen=True, slots=True)
class Held:
    """An order as it is today, with all that happened to it."""

    order: Order
    buyer_id: int | None
    happened: Sequence[OccurrenceRecord]
    times: Times
    own_tags: Sequence[tuple[str, datetime]]


class Course:
    """One set of rules on its way through what happened."""

    def __init__(self, engine: Engine, shop: ShopRecord, rules: Sequence[tuple[Rule, int]]) -> None:
        self.clock = StandingClock()
        self.engine = mute_engine(engine, self.clock, shop)
        self.tallies = {rule.id: RuleTally(rule) for rule, _ in rules}
        self.kinds = frozenset(rule.trigger for rule, _ in rules)
        self.conditions = Conditions()
        self.caps = Caps()
        self.liability = Liability()
        self.hours = Hours(self.engine)
        self._shop = shop
        self._store = TrialStore(shop.id, rules)
        self.foreteller = Foreteller(self.engine, shop, self.hours)
        self._zone = zone_of(shop.timezone)
        self._by_kind: dict[OccurrenceKind, list[RuleTally]] = {}
        for rule, _ in rules:
            self._by_kind.setdefault(rule.trigger, []).append(self.tallies[rule.id])
        # Seeded: the same orders give the same samples.
        self._chance = random.Random(0)  # noqa: S311 - samples, not secrets

    def step(
        self,
        item: OccurrenceRecord,
        held: Held,
        now: datetime,
        seen: Mapping[str, Any] | None = None,
    ) -> list[str]:
        """Let one thing happen; name the rules that act.

        Args: seen: what the live engine saw of the order then, where that is stored.
        """
        tallies = self._by_kind.get(item.occurrence.kind)
        if tallies is None:
            return []
        self.clock.at = now
        tx = self._store.begin(now)
        then = as_of(held.order, held.times, now, paid_state=self.foreteller.paid_state)
        order = without_later_tags(then, held, now)
        if seen:
            order = as_seen(order, seen)
        run_rules(tx, self.engine, self._shop, item, order, None, held.buyer_id)
        given = self._store.evaluation
        if given is None:
            return []
        self.conditions.take(given)
        matched: list[str] = []
        for tally, verdict in zip(tallies, given.verdicts, strict=True):
            tally.verdicts[verdict] += 1
            if verdict is Verdict.MATCHED:
                matched.append(tally.rule.id)
                if len(tally.examples) < EXAMPLES:
                    tally.examples.append(order.number)
        if self._store.planned:
            self._plan(item, held, now, then)
        return matched

    def _plan(self, item: OccurrenceRecord, held: Held, now: datetime, then: Order) -> None:
        by_rule: dict[str, list[PlannedEffect]] = {}
        for planned in self._store.planned:
            by_rule.setdefault(planned.rule_id, []).append(planned)
        for rule_id, effects in by_rule.items():
            tally = self.tallies[rule_id]
            fates = self.foreteller.fates(
                tally.rule, effects, held.order, held.happened, held.times, (now, then)
            )
            for fate in fates:
                day = fate.at.astimezone(self._zone).date().isoformat()
                tally.take(fate, day, self._chance)
                if fate.done and fate.is_message:
                    self.caps.take(held.buyer_id, fate, now)
            for fate in coupons_of(fates):
                self.liability.take(fate, self._shop.currency)
            if all(fate.state is EffectState.SKIPPED for fate in fates):
                self._store.give_back(rule_id, item.id, max(fate.at for fate in fates))


def without_later_tags(order: Order, held: Held, at: datetime) -> Order:
    """Leave out the labels that our own rules put on an order from a time on."""
    later = {tag for tag, put_at in held.own_tags if put_at >= at}
    if not later:
        return order
    return replace(order, tags=tuple(tag for tag in order.tags if tag not in later))


def held_of(
    tx: Transaction,
    shop: ShopRecord,
    ref: OrderRef,
    counted: CountedOrder,
    *,
    tags: bool,
    happened: Sequence[OccurrenceRecord] | None = None,
) -> Held:
    """Put together what is known of an order.

    Args: tags: also which labels are ours, and since when. happened: to the order, where
        that was read already.
    """
    if happened is None:
        happened = tx.occurrences_of(shop.id, ref)
    own: list[tuple[str, datetime]] = []
    if tags and counted.order.tags:
        own = [
            (tag, effect.done_at)
            for effect in tx.effects_of(shop.id, ref)
            if effect.planned.kind is EffectKind.TAG and effect.done_at is not None
            for tag in effect.planned.payload.get("add", ())
            if effect.state is EffectState.DONE
        ]
    return Held(counted.order, counted.buyer_id, happened, times_of(happened), own)
