"""Compile rules to closures and ask them about the facts of an order."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connector.model.effect import ConditionSeen
from connector.rules.fields import Facts
from connector.rules.operators import Check, check_of, cost_of
from connector.rules.rule import All, Condition, Not, Rule, Test

Verdict = Callable[[Sequence[bool]], bool]
_REMEMBERED: Final = 16


class _Leaf:
    """One condition: its test, and what it last recorded."""

    __slots__ = ("check", "field", "held", "not_held", "op", "path", "value")

    def __init__(self, path: str, test: Test) -> None:
        self.path = path
        self.field = test.field
        self.op = test.op.value
        self.value = test.value
        self.check = check_of(test)
        # Most orders show the same few values; a record is made once for each.
        self.held: dict[Hashable, ConditionSeen] = {}
        self.not_held: dict[Hashable, ConditionSeen] = {}

    def remember(self, key: Hashable, seen: Any, held: bool) -> ConditionSeen:
        """Make the record of a value that was not seen lately."""
        made = ConditionSeen(self.path, self.field, self.op, self.value, seen, held)
        records = self.held if held else self.not_held
        if len(records) >= _REMEMBERED:
            records.clear()
        records[key] = made
        return made


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule ready to be asked, by any number of threads."""

    rule: Rule
    leaves: tuple[_Leaf, ...]
    verdict: Verdict
    check: Check


def compile_rule(rule: Rule) -> CompiledRule:
    """Prepare a rule for many orders."""
    leaves = tuple(_Leaf(path, test) for path, test in _leaves(rule.conditions, ""))
    return CompiledRule(
        rule, leaves, _verdict(rule.conditions, iter(range(len(leaves)))), _check(rule.conditions)
    )


def evaluate(compiled: CompiledRule, facts: Facts) -> tuple[bool, tuple[ConditionSeen, ...]]:
    """Tell whether the conditions hold, and what each of them saw.

    Every condition is recorded in the order written, those too that the verdict did
    not need: each is the answer to somebody's "why not".
    """
    # Two hundred rules are asked about each order, so this loop calls little.
    answers: list[bool] = []
    seen: list[ConditionSeen] = []
    shown = facts.shown
    for leaf in compiled.leaves:
        held = leaf.check(facts)
        key, plain = shown.get(leaf.field) or facts.show(leaf.field)
        record = (leaf.held if held else leaf.not_held).get(key)
        answers.append(held)
        seen.append(record or leaf.remember(key, plain, held))
    return compiled.verdict(answers), tuple(seen)


def quick(compiled: CompiledRule, facts: Facts) -> bool:
    """Tell whether the conditions hold, cheap ones first, without a record."""
    return compiled.check(facts)


def _leaves(condition: Condition, path: str) -> Iterator[tuple[str, Test]]:
    if isinstance(condition, Test):
        yield path, condition
        return
    dot = f"{path}." if path else ""
    if isinstance(condition, Not):
        yield from _leaves(condition.part, f"{dot}not")
        return
    word = "all" if isinstance(condition, All) else "any"
    for index, part in enumerate(condition.parts):
        yield from _leaves(part, f"{dot}{word}[{index}]")


def _verdict(condition: Condition, places: Iterator[int]) -> Verdict:
    """Make the function that joins the answers of the leaves, in the order written."""
    if isinstance(condition, Test):
        place = next(places)
        return lambda answers: answers[place]
    if isinstance(condition, Not):
        inner = _verdict(condition.part, places)
        return lambda answers: not inner(answers)
    parts = [_verdict(part, places) for part in condition.parts]
    if isinstance(condition, All):

        def every(answers: Sequence[bool]) -> bool:
            for part in parts:  # noqa: SIM110 - a loop is twice as fast as all()
                if not part(answers):
                    return False
            return True

        return every

    def some(answers: Sequence[bool]) -> bool:
        for part in parts:  # noqa: SIM110 - a loop is twice as fast as any()
            if part(answers):
                return True
        return False

    return some


def _check(condition: Condition) -> Check:
    if isinstance(condition, Test):
        return check_of(condition)
    if isinstance(condition, Not):
        inner = _check(condition.part)
        return lambda facts: not inner(facts)
    checks = [_check(part) for part in sorted(condition.parts, key=_cost)]
    if isinstance(condition, All):

        def every(facts: Facts) -> bool:
            for check in checks:  # noqa: SIM110 - a loop is twice as fast as all()
                if not check(facts):
                    return False
            return True

        return every

    def some(facts: Facts) -> bool:
        for check in checks:  # noqa: SIM110 - a loop is twice as fast as any()
            if check(facts):
                return True
        return False

    return some


def _cost(condition: Condition) -> int:
    if isinstance(condition, Test):
        return cost_of(condition)
    if isinstance(condition, Not):
        return _cost(condition.part)
    return 1 + sum(_cost(part) for part in condition.parts)
