"""Compile rules to closures and ask them about the facts of an order."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from connector.model.effect import AskedRules, ConditionSeen
from connector.rules.fields import Facts
from connector.rules.operators import Check, check_of, cost_of
from connector.rules.rule import All, Condition, Not, Rule, Test

Verdict = Callable[[Sequence[bool]], bool]


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule ready to be asked by itself, by any number of threads.

    Attributes:
        leaves: its conditions in the order written, each with its path and its test.
    """

    rule: Rule
    leaves: tuple[tuple[str, Test, Check], ...]
    verdict: Verdict
    check: Check


def compile_rule(rule: Rule) -> CompiledRule:
    """Prepare a rule for many orders."""
    leaves = tuple((path, test, check_of(test)) for path, test in _leaves(rule.conditions, ""))
    return CompiledRule(
        rule, leaves, _verdict(rule.conditions, iter(range(len(leaves)))), _check(rule.conditions)
    )


def evaluate(compiled: CompiledRule, facts: Facts) -> tuple[bool, tuple[ConditionSeen, ...]]:
    """Tell whether the conditions hold, and what each of them saw.

    Every condition is recorded in the order written, those too that the verdict did
    not need: each is the answer to somebody's "why not".
    """
    answers = [check(facts) for _, _, check in compiled.leaves]
    seen = tuple(
        ConditionSeen(path, test.field, test.op.value, test.value, facts.show(test.field), held)
        for (path, test, _), held in zip(compiled.leaves, answers, strict=True)
    )
    return compiled.verdict(answers), seen


def quick(compiled: CompiledRule, facts: Facts) -> bool:
    """Tell whether the conditions hold, cheap ones first, without a record."""
    return compiled.check(facts)


class RuleSet:
    """All rules that wait for the same thing, asked together.

    Two hundred rules are asked about each order. They share most of what they ask for,
    so a test that stands in many of them is made once, and what was asked is written
    down once for all orders.

    Args: rules: each with its version.
    """

    def __init__(self, rules: Sequence[tuple[Rule, int]]) -> None:
        self._places: dict[tuple[str, str, str, str], int] = {}
        self._tests: list[Test] = []
        self._used: list[frozenset[int]] = []
        self._verdicts: list[Verdict] = []
        told: list[tuple[str, int, list[tuple[str, int]]]] = []
        for rule, version in rules:
            leaves = [(path, self._place(test)) for path, test in _leaves(rule.conditions, "")]
            told.append((rule.id, version, leaves))
            self._used.append(frozenset(place for _, place in leaves))
            self._verdicts.append(_verdict(rule.conditions, iter([place for _, place in leaves])))
        self._checks = [check_of(test) for test in self._tests]
        self._fields = tuple(dict.fromkeys(test.field for test in self._tests))
        tests = [(test.field, test.op.value, test.value) for test in self._tests]
        text = json.dumps([tests, told], separators=(",", ":"), default=str).encode()
        self.asked = AskedRules(hashlib.sha256(text).hexdigest()[:32], text)

    def ask(self, facts: Facts) -> tuple[list[bool], frozenset[int]]:
        """Make every test once.

        Returns: their answers in the order of the tests, and the numbers of the rules
            that could not be asked.
        """
        try:
            return [check(facts) for check in self._checks], frozenset()
        except Exception:  # noqa: BLE001 - found out below which it was
            return self._ask_apart(facts)

    def holds(self, number: int, answers: Sequence[bool]) -> bool:
        """Tell whether the conditions of a rule hold."""
        return self._verdicts[number](answers)

    def seen(self, facts: Facts) -> dict[str, Any]:
        """Give what the order had in each field that any rule asks for."""
        return {name: facts.show(name) for name in self._fields}

    def _ask_apart(self, facts: Facts) -> tuple[list[bool], frozenset[int]]:
        answers: list[bool] = []
        broken: set[int] = set()
        for place, check in enumerate(self._checks):
            try:
                answers.append(check(facts))
            except Exception:  # noqa: BLE001 - one test must not keep the other rules from acting
                answers.append(False)
                broken.add(place)
        return answers, frozenset(number for number, used in enumerate(self._used) if used & broken)

    def _place(self, test: Test) -> int:
        """Give the number of a test; equal ones have the same."""
        # As text: 1, 1.0 and True are equal and not the same.
        key = (test.field, test.type.value, test.op.value, repr(test.value))
        place = self._places.setdefault(key, len(self._tests))
        if place == len(self._tests):
            self._tests.append(test)
        return place


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
