"""Ask the rules about one occurrence and plan what they want done."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from connector.flows.engine import Engine
from connector.flows.rulebook import ActiveRules
from connector.model.effect import Evaluation, PlannedEffect, Verdict
from connector.model.order import Order
from connector.rules.fields import ShopView, facts_of
from connector.rules.plan import once_key, plan_effects
from connector.rules.rule import Rule
from connector.storage.port import Transaction
from connector.storage.records import OccurrenceRecord, ShopRecord

# A shop's clock may be this far from ours when we judge "before it was connected".
CLOCK_GRACE: Final = timedelta(minutes=15)


def view_of(shop: ShopRecord) -> ShopView:
    """Give what rules and messages may know of a shop."""
    return ShopView(
        id=shop.id,
        platform=shop.platform,
        name=shop.name,
        url=shop.address,
        currency=shop.currency,
        timezone=shop.timezone,
        country=shop.country,
        locale=shop.locale,
        contact=shop.settings.get("contact", ""),
        region=shop.region,
    )


def run_rules(
    tx: Transaction,
    engine: Engine,
    shop: ShopRecord,
    happened: OccurrenceRecord,
    order: Order,
    previous: Order | None,
    buyer_id: int | None,
    *,
    old: bool = False,
) -> int:
    """Evaluate each enabled rule that waits for this kind; tell how many effects are new.

    Args: order: the newest known state, with the buyer's order count. previous: the
        state we held before, for the operator `changed`. old: the order came from the
        reading of old orders, whose own times may be those of a later edit.
    """
    active = engine.rulebook.enabled(tx, shop.id, happened.occurrence.kind)
    if active is None:
        return 0
    judged = _Judged(engine, shop, happened, order, active)
    judged.ask(previous, old=old)
    planned = 0
    for number, effects in judged.wanted:
        rule, _ = active.rules[number]
        key = once_key(rule, happened.occurrence, buyer_id)
        if tx.claim_once(shop.id, rule.id, key, happened.id):
            planned += tx.add_effects(effects, now=judged.now)
        else:
            judged.verdicts[number] = Verdict.ONCE_ALREADY
    tx.add_evaluation(judged.evaluation())
    return planned


class _Judged:
    """What the rules of one kind say about one occurrence, before anything is stored."""

    def __init__(
        self,
        engine: Engine,
        shop: ShopRecord,
        happened: OccurrenceRecord,
        order: Order,
        active: ActiveRules,
    ) -> None:
        self.now = engine.clock.now()
        self.wanted: list[tuple[int, list[PlannedEffect]]] = []
        self.verdicts: list[Verdict] = []
        self._engine = engine
        self._shop = shop
        self._view = view_of(shop)
        self._happened = happened
        self._order = order
        self._active = active
        self._answers: Sequence[bool] = ()
        self._seen: Mapping[str, Any] = {}

    def ask(self, previous: Order | None, *, old: bool) -> None:
        """Ask all rules, and plan what those that hold want done."""
        together, rules = self._active.together, self._active.rules
        bar = self._bar(old=old)
        if bar is not None:
            self.verdicts = [bar] * len(rules)
            return
        facts = facts_of(self._order, self._happened.occurrence, self._view, previous)
        self._answers, broken = together.ask(facts)
        self._seen = together.seen(facts)
        age = self.now - self._happened.occurrence.occurred_at
        for number, (rule, _) in enumerate(rules):
            if rule.max_age < age:
                verdict = Verdict.TOO_OLD
            elif number in broken:
                verdict = self._fault(rule, None)
            elif together.holds(number, self._answers):
                verdict = self._plan(number)
            else:
                verdict = Verdict.NOT_MATCHED
            self.verdicts.append(verdict)

    def evaluation(self) -> Evaluation:
        """Give the record of it."""
        occurrence = self._happened.occurrence
        return Evaluation(
            occurrence.shop_id,
            self._order.ref,
            self._happened.id,
            self.now,
            self._active.together.asked,
            self._seen,
            self._answers,
            self.verdicts,
        )

    def _plan(self, number: int) -> Verdict:
        rule, version = self._active.rules[number]
        try:
            effects = plan_effects(
                rule,
                version,
                self._happened.id,
                self._happened.occurrence,
                self._order,
                self._view,
                self.now,
                self._engine.code_key,
            )
        except Exception as err:  # noqa: BLE001 - one rule must not keep the order from being stored
            return self._fault(rule, err)
        if effects:
            self.wanted.append((number, effects))
        return Verdict.MATCHED

    def _fault(self, rule: Rule, err: Exception | None) -> Verdict:
        self._engine.log("rule.fault", shop_id=self._shop.id, rule_id=rule.id, fault=err)
        return Verdict.FAULT

    def _bar(self, *, old: bool) -> Verdict | None:
        """Tell why no rule is even asked, or None."""
        if self._happened.own:
            return Verdict.OWN_WRITE
        connected_at = self._shop.created_at - CLOCK_GRACE
        occurred_at = self._happened.occurrence.occurred_at
        if occurred_at < connected_at or (old and self._order.placed_at < connected_at):
            return Verdict.TOO_OLD
        if self._order.test:
            return Verdict.TEST_ORDER
        return None
