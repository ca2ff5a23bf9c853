"""Ask rules about what happened already, without doing anything."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from connector.flows.record_order import with_order_count
from connector.flows.run_rules import view_of
from connector.model.event import Occurrence, OccurrenceKind
from connector.model.order import Order, OrderRef
from connector.rules.engine import CompiledRule, compile_rule, evaluate
from connector.rules.fields import Facts, facts_of
from connector.rules.plan import once_key, plan_effects
from connector.rules.rule import Rule
from connector.storage.port import Transaction
from connector.storage.records import ShopRecord
from webhooks.exports import plain, time_text
from webhooks.wiring import Application

_EXAMPLES: Final = 5


@dataclass(slots=True)
class _Tally:
    """What one rule would have done."""

    compiled: CompiledRule
    seen: int = 0
    matched: int = 0
    not_matched: int = 0
    once_already: int = 0
    effects: Counter[str] = field(default_factory=Counter)
    once: set[str] = field(default_factory=set)
    examples: list[str] = field(default_factory=list)
    conditions: dict[str, dict[str, Any]] = field(default_factory=dict)

    def line(self) -> dict[str, Any]:
        """Give it as plain data."""
        rule = self.compiled.rule
        return {
            "id": rule.id,
            "trigger": str(rule.trigger),
            "occurrences": self.seen,
            "matched": self.matched,
            "not_matched": self.not_matched,
            "once_already": self.once_already,
            "effects": dict(sorted(self.effects.items())),
            "conditions": list(self.conditions.values()),
            "examples": self.examples,
        }


def simulated(
    app: Application, shop: ShopRecord, rules: Sequence[Rule], *, days: int
) -> dict[str, Any]:
    """Ask rules about the occurrences of the last days.

    Left out are test orders and what our own writes caused, as in the live engine.
    """
    since = app.clock.now() - timedelta(days=days)
    tallies = [_Tally(compile_rule(rule)) for rule in rules]
    happened = tests = 0
    with app.storage.reading() as tx:
        for row in _occurrences(app, shop, since):
            happened += 1
            found = _order(tx, shop, row["order"])
            if found is None or found[0].test:
                tests += found is not None
                continue
            order, buyer_id = found
            occurrence = Occurrence(
                shop.id,
                order.ref,
                OccurrenceKind(row["kind"]),
                row["discriminator"],
                row["occurred_at"],
            )
            facts: Facts | None = None
            for tally in tallies:
                if tally.compiled.rule.trigger == occurrence.kind:
                    facts = facts or facts_of(order, occurrence, view_of(shop), None)
                    _ask(app, shop, tally, occurrence, row["id"], order, buyer_id, facts)
    return {
        "shop": str(shop.id),
        "days": days,
        "since": time_text(since),
        "occurrences": happened,
        "test_orders": tests,
        "rules": [tally.line() for tally in tallies],
    }


def _occurrences(app: Application, shop: ShopRecord, since: datetime) -> list[dict[str, Any]]:
    """Read what happened, in the order it happened: only the first counts as "once"."""
    rows = [
        dict(row)
        for row in app.storage.iterate("occurrences", shop.id)
        if row["occurred_at"] >= since and not row["own"]
    ]
    return sorted(rows, key=lambda row: (row["occurred_at"], row["id"]))


def _order(tx: Transaction, shop: ShopRecord, ref: OrderRef) -> tuple[Order, int | None] | None:
    stored = tx.order(shop.id, ref)
    if stored is None:
        return None
    return with_order_count(tx, shop, stored.order, stored.buyer_id), stored.buyer_id


def _ask(
    app: Application,
    shop: ShopRecord,
    tally: _Tally,
    occurrence: Occurrence,
    number: int,
    order: Order,
    buyer_id: int | None,
    facts: Facts,
) -> None:
    rule = tally.compiled.rule
    tally.seen += 1
    held, seen = evaluate(tally.compiled, facts)
    for one in seen:
        start = {
            "path": one.path,
            "field": one.field,
            "op": one.op,
            "value": plain(one.value),
            "held": 0,
            "not_held": 0,
        }
        count = tally.conditions.setdefault(one.path, start)
        count["held" if one.held else "not_held"] += 1
    if not held:
        tally.not_matched += 1
        return
    key = once_key(rule, occurrence, buyer_id)
    if key in tally.once:
        tally.once_already += 1
        return
    tally.once.add(key)
    tally.matched += 1
    if len(tally.examples) < _EXAMPLES:
        tally.examples.append(order.number)
    effects = plan_effects(
        rule,
        0,
        number,
        occurrence,
        order,
        view_of(shop),
        occurrence.occurred_at,
        app.engine.code_key,
    )
    tally.effects.update(str(effect.kind) for effect in effects)
