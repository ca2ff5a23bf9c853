"""Try rules on one order: what they see, what they would do and when; nothing is done."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from connector.errors import NotFound
from connector.flows.course import Course, Held, held_of, without_later_tags
from connector.flows.engine import Engine
from connector.flows.fates import paid_word
from connector.flows.order_then import as_of, as_seen
from connector.flows.run_rules import view_of
from connector.flows.simulate import learned_at
from connector.flows.simulation_samples import fate_line
from connector.model.effect import ConditionSeen, Verdict
from connector.model.event import Occurrence, OccurrenceKind
from connector.model.order import Order, OrderRef
from connector.rules.engine import compile_rule, evaluate
from connector.rules.fields import facts_of
from connector.rules.plan import once_key
from connector.rules.rule import Rule
from connector.storage.port import Transaction
from connector.storage.records import OccurrenceRecord, ShopRecord


def find_order(tx: Transaction, shop: ShopRecord, text: str) -> OrderRef:
    """Find an order by its id in the shop, or by the number that people see.

    Raises: NotFound: there is none.
    """
    ref = OrderRef(text.strip())
    if ref and tx.order(shop.id, ref) is not None:
        return ref
    found = tx.refs_of_number(shop.id, text.strip().removeprefix("#")) if ref else ()
    if not found:
        raise NotFound(f"no order {text.strip()[:80]!r} is known of this shop")
    return found[0]


def try_rules(
    engine: Engine,
    shop: ShopRecord,
    rules: Sequence[Rule],
    ref: OrderRef,
    *,
    kind: OccurrenceKind | None = None,
) -> dict[str, Any]:
    """Ask rules about one order.

    Args: ref: the platform's id of the order. kind: what is to have happened to it; None
        for what each rule waits for.

    Returns: plain data, see docs/reference/output.md.
    Raises: NotFound: the order is not known.
    """
    with engine.storage.reading() as tx:
        counted = tx.counted_orders(shop.id, [ref]).get(ref)
        if counted is None:
            raise NotFound(f"no order {ref!r} is known of this shop")
        held = held_of(tx, shop, ref, counted, tags=True)
        lines = [
            _tried(engine, tx, shop, rule, held)
            if kind in {None, rule.trigger}
            else {"id": rule.id, "trigger": str(rule.trigger), "verdict": "not_asked"}
            for rule in rules
        ]
    return {
        "shop": str(shop.id),
        "order": str(ref),
        "number": held.order.number,
        "kind": None if kind is None else str(kind),
        "rules": lines,
    }


def seen_lines(seen: Sequence[ConditionSeen]) -> list[dict[str, Any]]:
    """Give conditions as plain data, in the order written."""
    return [
        {
            "path": one.path,
            "field": one.field,
            "op": one.op,
            "value": one.value,
            "seen": one.seen,
            "held": one.held,
        }
        for one in seen
    ]


def order_seen(engine: Engine, shop: ShopRecord, held: Held, at: datetime) -> Order:
    """Take an order back to a time, as rules asked then would have seen it."""
    order = as_of(held.order, held.times, at, paid_state=paid_word(engine, shop))
    return without_later_tags(order, held, at)


def occurrence_for(
    shop: ShopRecord, rule: Rule, held: Held, now: datetime
) -> tuple[OccurrenceRecord, bool]:
    """Find the last time that what a rule waits for happened to an order.

    Returns: it, and whether it is only pretended, as if it happened now.
    """
    known = [item for item in held.happened if item.occurrence.kind is rule.trigger]
    if known:
        return max(known, key=lambda item: item.occurrence.occurred_at), False
    pretended = Occurrence(shop.id, held.order.ref, rule.trigger, "", now)
    return OccurrenceRecord(0, pretended, now), True


def _tried(
    engine: Engine, tx: Transaction, shop: ShopRecord, rule: Rule, held: Held
) -> dict[str, Any]:
    now = engine.clock.now()
    item, pretended = occurrence_for(shop, rule, held, now)
    happened_at = item.occurrence.occurred_at
    asked_at = now if pretended else learned_at(item, held.order, shop)
    # A rule may be tried on an order from before the shop was connected.
    stand_in = replace(shop, created_at=min(shop.created_at, happened_at, held.order.placed_at))
    course = Course(engine, stand_in, [(rule, 0)])
    seen_then = tx.seen_of([item.id]).get(item.id, {})
    course.step(item, held, asked_at, seen_then)
    tally = course.tallies[rule.id]
    verdict = next(iter(tally.verdicts), Verdict.FAULT)
    order = as_seen(order_seen(engine, shop, held, asked_at), seen_then)
    facts = facts_of(order, item.occurrence, view_of(shop))
    holds, seen = evaluate(compile_rule(rule), facts)
    holder = tx.once_holder(shop.id, rule.id, once_key(rule, item.occurrence, held.buyer_id))
    return {
        "id": rule.id,
        "trigger": str(rule.trigger),
        "pretended": pretended,
        "occurred_at": _text(happened_at),
        "asked_at": _text(asked_at),
        "verdict": str(verdict),
        "holds": holds,
        "conditions": seen_lines(seen),
        "acted_before": holder is not None,
        "planned": [
            {
                **fate_line(stand_in, fate),
                "due_at": _text(fate.planned.due_at),
                "waits_for_step": _step(fate.planned.waits_for),
            }
            for fate in tally.samples
        ],
    }


def _step(key: str | None) -> int | None:
    return None if key is None else int(key.rpartition(":")[2])


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
