"""Ask rules about what happened already: the live judging, and nothing leaves.

What happened in the last days is gone through in the order it happened. Each rule is
asked by the flow that asks it live, with a clock put to that time; what it plans goes
through the checks made before sending. The engine in between raises on any write.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from connector.errors import RuleInvalid
from connector.flows.course import Course, Held, held_of
from connector.flows.engine import Engine
from connector.flows.run_rules import CLOCK_GRACE
from connector.flows.simulation_report import NOT_KNOWN, Difference, rule_line, together
from connector.flows.simulation_samples import sample_lines
from connector.model.order import Order, OrderRef
from connector.rules.load import rule_from_source
from connector.rules.rule import Rule
from connector.storage.port import Transaction
from connector.storage.records import OccurrenceRecord, ShopRecord

_Read = tuple[OccurrenceRecord, Held, Mapping[str, Any] | None]
_CHUNK: Final = 500
_KEPT_ORDERS: Final = 4_000


def simulate(
    engine: Engine,
    shop: ShopRecord,
    rules: Sequence[Rule],
    *,
    days: int,
    progress: Callable[[int, int], None] | None = None,
    canceled: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Ask rules about the last days, and compare them with the versions in force.

    Args: days: how far to look back. progress: is told how many of how many
        occurrences are through. canceled: asked now and then; when it says so the
        counts so far are given, and `complete` is false.

    Returns: plain data, see docs/reference/output.md.
    """
    until = engine.clock.now()
    since = until - timedelta(days=days)
    # Orders from before the shop was connected are what a new rule is tried on.
    stand_in = replace(shop, created_at=min(shop.created_at, since))
    drafts = Course(engine, stand_in, [(rule, 0) for rule in rules])
    with engine.storage.reading() as tx:
        in_force = _in_force(tx, shop, rules)
        changed = [one for one in in_force.values() if not _same(one, rules)]
        forced = Course(engine, stand_in, changed)
        kinds = sorted(drafts.kinds | forced.kinds)
        total = sum(tx.happened_kinds(shop.id, since, until).values())
        numbers = tx.happened_numbers(shop.id, since, until, kinds)
    difference = Difference({rule.id for rule, _ in changed})
    past = _Past(engine, shop, tags=_ask_for_tags(rules, changed))
    tests: set[OrderRef] = set()
    through = 0
    stopped = False
    for start in range(0, len(numbers), _CHUNK):
        if canceled is not None and canceled():
            stopped = True
            break
        for item, held, seen in past.read(numbers[start : start + _CHUNK]):
            if held.order.erased:
                # Kept without its buyer: no rule is asked about it.
                continue
            if held.order.test:
                tests.add(held.order.ref)
                continue
            now = learned_at(item, held.order, shop)
            new = drafts.step(item, held, now, seen)
            old = forced.step(item, held, now, seen)
            if new or old:
                difference.take(new, old, held.order.number)
        through = min(start + _CHUNK, len(numbers))
        if progress is not None:
            progress(through, len(numbers))
    return {
        "shop": str(shop.id),
        "days": days,
        "since": _text(since),
        "until": _text(until),
        "complete": not stopped,
        "asked": through,
        "occurrences": total,
        "test_orders": len(tests),
        "rules": [
            rule_line(tally, drafts, forced, in_force, difference)
            for tally in drafts.tallies.values()
        ],
        **together(drafts),
        "samples": sample_lines(stand_in, list(drafts.tallies.values())),
        "not_known": [{"id": name, **texts} for name, texts in NOT_KNOWN.items()],
    }


class _Past:
    """Reads what happened, in the order it happened, a few orders at a time."""

    def __init__(self, engine: Engine, shop: ShopRecord, *, tags: bool) -> None:
        self._storage = engine.storage
        self._shop = shop
        self._tags = tags
        self._kept: OrderedDict[OrderRef, Held] = OrderedDict()

    def read(self, numbers: Sequence[int]) -> Iterator[_Read]:
        """Read some occurrences with their orders; what has no order is left out."""
        with self._storage.reading() as tx:
            items = tx.happened(numbers)
            seen = tx.seen_of(numbers)
            refs = list(dict.fromkeys(item.occurrence.order_ref for item in items))
            lacking = [ref for ref in refs if ref not in self._kept]
            happened = tx.happened_to(self._shop.id, lacking)
            for ref, counted in tx.counted_orders(self._shop.id, lacking).items():
                self._kept[ref] = held_of(
                    *(tx, self._shop, ref, counted),
                    tags=self._tags,
                    happened=happened.get(ref, ()),
                )
            for ref in refs:
                if ref in self._kept:
                    self._kept.move_to_end(ref)
        for item in items:
            held = self._kept.get(item.occurrence.order_ref)
            if held is not None:
                yield item, held, seen.get(item.id)
        while len(self._kept) > _KEPT_ORDERS:
            self._kept.popitem(last=False)


def learned_at(item: OccurrenceRecord, order: Order, shop: ShopRecord) -> datetime:
    """Tell when the live engine judged this; the time it happened, when it never did."""
    connected_at = shop.created_at - CLOCK_GRACE
    happened_at = item.occurrence.occurred_at
    if happened_at < connected_at or order.placed_at < connected_at:
        return happened_at
    return max(happened_at, item.seen_at)


def _in_force(
    tx: Transaction, shop: ShopRecord, rules: Sequence[Rule]
) -> dict[str, tuple[Rule, int]]:
    """Read the enabled versions of the rules that are tried."""
    wanted = {rule.id for rule in rules}
    found: dict[str, tuple[Rule, int]] = {}
    for record in tx.rules(shop.id):
        if record.enabled and record.rule_id in wanted:
            try:
                found[record.rule_id] = (rule_from_source(record.source), record.version)
            except RuleInvalid:
                # Stored by another version of the program: it is not asked live either.
                continue
    return found


def _same(one: tuple[Rule, int], rules: Sequence[Rule]) -> bool:
    """Tell whether a rule in force means the same as the one that is tried."""
    plain = replace(one[0], source={}, enabled=False)
    return any(replace(rule, source={}, enabled=False) == plain for rule in rules)


def _ask_for_tags(rules: Sequence[Rule], changed: Sequence[tuple[Rule, int]]) -> bool:
    asked = [*rules, *(rule for rule, _ in changed)]
    return any("order.tags" in repr(rule.conditions) for rule in asked)


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
