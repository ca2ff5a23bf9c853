"""Ask the rules about one occurrence and plan what they want done."""

from datetime import datetime, timedelta
from typing import Final

from connector.flows.engine import Engine
from connector.flows.rulebook import ActiveRule
from connector.model.effect import ConditionSeen, Evaluation, PlannedEffect, Verdict
from connector.model.order import Order
from connector.rules.engine import evaluate
from connector.rules.fields import ShopView, facts_of
from connector.rules.plan import once_key, plan_effects
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
    rules = engine.rulebook.enabled(tx, shop.id, happened.occurrence.kind)
    if not rules:
        return 0
    now = engine.clock.now()
    facts = facts_of(order, happened.occurrence, view_of(shop), previous)
    planned = 0
    answers: list[Evaluation] = []
    for active in rules:
        rule, version = active.compiled.rule, active.record.version
        seen: tuple[ConditionSeen, ...] = ()
        effects: list[PlannedEffect] = []
        try:
            verdict = _bar(active, shop, happened, order, now, old=old)
            if verdict is None:
                held, seen = evaluate(active.compiled, facts)
                verdict = Verdict.MATCHED if held else Verdict.NOT_MATCHED
            if verdict is Verdict.MATCHED:
                effects = _plan(engine, shop, active, happened, order)
        except Exception as err:  # noqa: BLE001 - one rule must not keep the order from being stored
            engine.log("rule.fault", shop_id=shop.id, rule_id=rule.id, fault=err)
            verdict = Verdict.FAULT
        if effects:
            key = once_key(rule, happened.occurrence, buyer_id)
            if tx.claim_once(shop.id, rule.id, key, happened.id):
                planned += tx.add_effects(effects, now=now)
            else:
                verdict = Verdict.ONCE_ALREADY
        answers.append(
            Evaluation(shop.id, order.ref, rule.id, version, happened.id, verdict, now, seen)
        )
    tx.add_evaluations(answers)
    return planned


def _plan(
    engine: Engine,
    shop: ShopRecord,
    active: ActiveRule,
    happened: OccurrenceRecord,
    order: Order,
) -> list[PlannedEffect]:
    return plan_effects(
        active.compiled.rule,
        active.record.version,
        happened.id,
        happened.occurrence,
        order,
        view_of(shop),
        engine.clock.now(),
        engine.code_key,
    )


def _bar(
    active: ActiveRule,
    shop: ShopRecord,
    happened: OccurrenceRecord,
    order: Order,
    now: datetime,
    *,
    old: bool,
) -> Verdict | None:
    """Tell why a rule is not even asked, or None."""
    if happened.own:
        return Verdict.OWN_WRITE
    occurred_at = happened.occurrence.occurred_at
    if occurred_at + active.compiled.rule.max_age < now:
        return Verdict.TOO_OLD
    connected_at = shop.created_at - CLOCK_GRACE
    if occurred_at < connected_at or (old and order.placed_at < connected_at):
        return Verdict.TOO_OLD
    if order.test:
        return Verdict.TEST_ORDER
    return None
