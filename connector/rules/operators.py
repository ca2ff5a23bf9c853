"""Which operators fit which type of field, and the test each of them makes."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from operator import eq, ge, gt, le, lt
from typing import TYPE_CHECKING, Any, Final

import regex

from connector.model.money import exponent
from connector.rules.rule import FieldType, Operator, Test
from connector.rules.values import read_time
from connector.rules.zones import instant

if TYPE_CHECKING:
    from connector.rules.fields import Facts

Check = Callable[["Facts"], bool]

_O = Operator
_ORDER: Final = (_O.GT, _O.GTE, _O.LT, _O.LTE)
_ALWAYS: Final = (_O.IS_SET, _O.CHANGED)
OPERATORS: Final[Mapping[FieldType, tuple[Operator, ...]]] = {
    FieldType.TEXT: (
        *(_O.EQ, _O.NE, _O.IN, _O.NOT_IN, _O.CONTAINS, _O.STARTS_WITH, _O.MATCHES),
        *_ALWAYS,
    ),
    FieldType.TEXTS: (_O.CONTAINS, _O.IN, _O.NOT_IN, _O.STARTS_WITH, _O.MATCHES, *_ALWAYS),
    FieldType.NUMBER: (_O.EQ, _O.NE, *_ORDER, _O.IN, _O.NOT_IN, *_ALWAYS),
    FieldType.MONEY: (_O.EQ, _O.NE, *_ORDER, *_ALWAYS),
    FieldType.FLAG: (_O.EQ, _O.NE, *_ALWAYS),
    FieldType.TIME: (*_ORDER, *_ALWAYS),
    FieldType.CHOICE: (_O.EQ, _O.NE, _O.IN, _O.NOT_IN, *_ALWAYS),
}
MATCH_TIMEOUT_S: Final = 0.05
_MATCHED_LETTERS: Final = 10_000
_COMPARE: Final[Mapping[Operator, Callable[[Any, Any], bool]]] = {
    _O.GT: gt,
    _O.GTE: ge,
    _O.LT: lt,
    _O.LTE: le,
}
# What a test costs, from a comparison of two words to a pattern.
_COST: Final = {_O.MATCHES: 50, _O.CHANGED: 30, _O.CONTAINS: 3, _O.STARTS_WITH: 3}


def cost_of(test: Test) -> int:
    """Estimate what a test costs, so that cheap ones run first."""
    return _COST.get(test.op, 1) * (2 if test.type in {FieldType.TEXT, FieldType.TEXTS} else 1)


def check_of(test: Test) -> Check:
    """Make the test of one condition.

    A field without a value fails every comparison but `ne` and `not_in`. Texts are
    compared without regard to capitals, patterns as they are written.
    """
    if test.op is _O.IS_SET:
        return _is_set(test.field, wanted=bool(test.value))
    if test.op is _O.CHANGED:
        return _changed(test.field, wanted=bool(test.value))
    if test.op in {_O.NE, _O.NOT_IN}:
        opposite = _O.EQ if test.op is _O.NE else _O.IN
        inner = check_of(Test(test.field, test.type, opposite, test.value))
        return lambda facts: not inner(facts)
    match test.type:
        case FieldType.MONEY:
            return _money(test)
        case FieldType.TIME:
            return _time(test)
        case FieldType.TEXTS:
            return _texts(test)
        case FieldType.TEXT:
            return _text(test)
        case FieldType.NUMBER | FieldType.FLAG | FieldType.CHOICE:
            return _plain(test)


def _is_set(name: str, *, wanted: bool) -> Check:
    def check(facts: "Facts") -> bool:
        value = facts.values.get(name)
        return (value not in {None, (), ""}) is wanted

    return check


def _changed(name: str, *, wanted: bool) -> Check:
    def check(facts: "Facts") -> bool:
        before = facts.before()
        changed = before is not None and before.values.get(name) != facts.values.get(name)
        return changed is wanted

    return check


def _plain(test: Test) -> Check:
    name, wanted = test.field, test.value
    if test.op is _O.EQ:
        return lambda facts: bool(facts.values.get(name) == wanted)
    if test.op is _O.IN:
        among = frozenset(wanted)
        return lambda facts: facts.values.get(name) in among
    compare = _COMPARE[test.op]

    def check(facts: "Facts") -> bool:
        value = facts.values.get(name)
        return value is not None and compare(value, wanted)

    return check


def _money(test: Test) -> Check:
    name, amount = test.field, Decimal(str(test.value))
    compare: Callable[[Any, Any], bool] = _COMPARE.get(test.op, eq)
    limits: dict[str, Decimal | int] = {}

    def check(facts: "Facts") -> bool:
        value: int | None = facts.values.get(name)
        if value is None:
            return False
        limit = limits.get(facts.currency)
        if limit is None:
            exact = amount.scaleb(exponent(facts.currency))
            # An amount between two coins stays exact: nothing is rounded here.
            limit = int(exact) if exact == exact.to_integral_value() else exact
            limits[facts.currency] = limit
        return compare(value, limit)

    return check


def _time(test: Test) -> Check:
    name, compare = test.field, _COMPARE[test.op]
    wanted = read_time(test.value)
    limits: dict[tzinfo, datetime] = {}

    def limit_of(zone: tzinfo) -> datetime:
        if isinstance(wanted, datetime):
            if wanted.tzinfo is not None:
                return wanted.astimezone(UTC)
            return instant(wanted.date(), wanted.time(), zone)
        # A date is a whole day: after it means after its end.
        later = test.op in {_O.GT, _O.LTE}
        day = wanted or date.min
        return instant(day + timedelta(days=1) if later else day, time(0), zone)

    if not isinstance(wanted, datetime):
        compare = ge if test.op in {_O.GT, _O.GTE} else lt

    def check(facts: "Facts") -> bool:
        value = facts.values.get(name)
        if value is None:
            return False
        limit = limits.get(facts.zone)
        if limit is None:
            limit = limits[facts.zone] = limit_of(facts.zone)
        return compare(value, limit)

    return check


def _text(test: Test) -> Check:
    name = test.field
    if test.op is _O.MATCHES:
        search = _search(test.value)
        return lambda facts: search(facts.values.get(name) or "")
    if test.op is _O.IN:
        among = frozenset(item.casefold() for item in test.value)
        return lambda facts: (facts.values.get(name) or "").casefold() in among
    wanted = test.value.casefold()
    if test.op is _O.CONTAINS:
        return lambda facts: wanted in (facts.values.get(name) or "").casefold()
    if test.op is _O.STARTS_WITH:
        return lambda facts: (facts.values.get(name) or "").casefold().startswith(wanted)
    return lambda facts: (facts.values.get(name) or "").casefold() == wanted


def _texts(test: Test) -> Check:
    name, nothing = test.field, frozenset[str]()
    if test.op is _O.MATCHES:
        search = _search(test.value)
        return lambda facts: any(search(item) for item in facts.values.get(name) or ())
    if test.op is _O.IN:
        among = frozenset(item.casefold() for item in test.value)
        return lambda facts: not among.isdisjoint(facts.sets.get(name, nothing))
    wanted = test.value.casefold()
    if test.op is _O.STARTS_WITH:
        return lambda facts: any(item.startswith(wanted) for item in facts.sets.get(name, nothing))
    return lambda facts: wanted in facts.sets.get(name, nothing)


def _search(text: str) -> Callable[[str], bool]:
    pattern: Any = regex.compile(text, regex.V1)

    def search(value: str) -> bool:
        try:
            found = pattern.search(value[:_MATCHED_LETTERS], timeout=MATCH_TIMEOUT_S)
        except TimeoutError:
            # A pattern that runs away must not hold up the orders behind it.
            return False
        return found is not None

    return search
