"""Every operator on every type of field; held or not is worked out by hand."""

from dataclasses import replace
from typing import Any

import pytest

from connector.errors import RuleInvalid
from connector.model.order import OrderState
from connector.rules.field_table import FIELDS, META
from connector.rules.operators import OPERATORS
from connector.rules.rule import FieldType, Operator
from tests.unit.rules.cases import BARE_ORDER, ORDER, holds

# Field, operator, a value that holds and one that does not, for ORDER.
TABLE: list[tuple[str, str, Any, Any]] = [
    ("order.city", "eq", "getafe", "Getaf"),
    ("order.city", "ne", "Madrid", "GETAFE"),
    ("order.city", "in", ["Parla", "Getafe"], ["Parla"]),
    ("order.city", "not_in", ["Parla"], ["Parla", "getafe"]),
    ("order.note", "contains", "ANTES", "después"),
    ("order.postal_code", "starts_with", "28", "08"),
    ("order.postal_code", "matches", "^28[0-9]{3}$", "^08"),
    ("order.note", "is_set", True, False),
    ("order.note", "changed", False, True),
    ("order.meta.channel", "eq", "instagram", "google"),
    ("order.tags", "contains", "wholesale", "whole"),
    ("order.tags", "in", ["vip", "gift"], ["vip"]),
    ("order.tags", "not_in", ["vip"], ["vip", "GIFT"]),
    ("order.skus", "starts_with", "oil-", "IL"),
    ("order.product_names", "matches", "(?i)manchego", "manchego"),
    ("order.tags", "is_set", True, False),
    ("order.tags", "changed", False, True),
    ("order.item_count", "eq", 3, 2),
    ("order.item_count", "ne", 2, 3),
    ("order.item_count", "gt", 2, 3),
    ("order.item_count", "gte", 3, 4),
    ("order.item_count", "lt", 4, 3),
    ("order.item_count", "lte", 3, 2),
    ("order.item_count", "in", [1, 3], [1, 2]),
    ("order.item_count", "not_in", [1, 2], [3]),
    ("buyer.order_count", "is_set", True, False),
    ("order.item_count", "changed", False, True),
    ("order.total", "eq", "43.74", "43.75"),
    ("order.total", "ne", "43.7", "43.740"),
    ("order.total", "gt", "43.73", "43.74"),
    ("order.total", "gt", "43.735", "43.745"),
    ("order.total", "gte", "43.74", "43.75"),
    ("order.total", "gte", 20, 44),
    ("order.total", "lt", "43.75", "43.74"),
    ("order.total", "lte", 43.74, 43.73),
    ("order.total", "is_set", True, False),
    ("order.total", "changed", False, True),
    ("buyer.accepts_marketing", "eq", True, False),
    ("buyer.is_guest", "ne", True, False),
    ("buyer.has_phone", "is_set", True, False),
    ("order.test", "changed", False, True),
    # Placed at 23:30 UTC on the 20th: the 21st at 00:30 in Madrid.
    ("order.placed_at", "gte", "2026-11-21", "2026-11-22"),
    ("order.placed_at", "gt", "2026-11-20", "2026-11-21"),
    ("order.placed_at", "lt", "2026-11-22", "2026-11-21"),
    ("order.placed_at", "lte", "2026-11-21", "2026-11-20"),
    ("order.placed_at", "gte", "2026-11-20T23:30:00Z", "2026-11-20T23:30:01Z"),
    ("order.placed_at", "gt", "2026-11-21T00:29:00", "2026-11-21T00:30:00"),
    ("order.paid_at", "is_set", False, True),
    ("order.placed_at", "changed", False, True),
    ("order.weekday", "eq", "saturday", "friday"),
    ("order.state", "ne", "pending", "processing"),
    ("order.weekday", "in", ["saturday", "sunday"], ["monday"]),
    ("order.weekday", "not_in", ["monday"], ["saturday"]),
    ("order.state", "is_set", True, False),
    ("order.state", "changed", False, True),
]


@pytest.mark.parametrize(("field", "op", "yes", "no"), TABLE)
def test_operator(field: str, op: str, yes: Any, no: Any) -> None:
    """Each operator holds for the one value and not for the other."""
    assert holds({"field": field, "op": op, "value": yes})
    assert not holds({"field": field, "op": op, "value": no})


def test_table_is_complete() -> None:
    """The table above names every operator of every type."""
    kinds = {
        **{name: field.type for name, field in FIELDS.items()},
        "order.meta.channel": META.type,
    }
    tried = {(kinds[field], Operator(op)) for field, op, _, _ in TABLE}
    wanted = {(kind, op) for kind, ops in OPERATORS.items() for op in ops}
    assert tried == wanted


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"field": "order.city", "op": "eq", "value": "Getafe"}, False),
        ({"field": "order.city", "op": "ne", "value": "Getafe"}, True),
        ({"field": "order.city", "op": "contains", "value": "e"}, False),
        ({"field": "order.city", "op": "starts_with", "value": "e"}, False),
        ({"field": "order.city", "op": "matches", "value": ".+"}, False),
        ({"field": "order.city", "op": "in", "value": ["Getafe"]}, False),
        ({"field": "order.city", "op": "not_in", "value": ["Getafe"]}, True),
        ({"field": "order.city", "op": "is_set"}, False),
        ({"field": "order.tags", "op": "is_set"}, False),
        ({"field": "order.tags", "op": "contains", "value": "x"}, False),
        ({"field": "order.tags", "op": "not_in", "value": ["x"]}, True),
        ({"field": "buyer.order_count", "op": "eq", "value": 1}, False),
        ({"field": "buyer.order_count", "op": "lt", "value": 9}, False),
        ({"field": "refund.amount", "op": "gte", "value": "0"}, False),
        ({"field": "order.paid_at", "op": "gt", "value": "2020-01-01"}, False),
        ({"field": "buyer.accepts_marketing", "op": "eq", "value": False}, True),
        ({"field": "order.meta.nothing", "op": "is_set", "value": False}, True),
        ({"field": "parcel.has_number", "op": "eq", "value": False}, False),
    ],
)
def test_values_that_are_not_there(condition: dict[str, Any], expected: bool) -> None:
    """A field without a value fails all comparisons but `ne` and `not_in`."""
    assert holds(condition, BARE_ORDER) is expected


def test_changed_needs_a_state_before() -> None:
    """`changed` compares with the state held before, and is false without one."""
    condition = {"field": "order.state", "op": "changed"}
    assert not holds(condition)
    assert not holds(condition, previous=ORDER)
    assert holds(condition, previous=replace(ORDER, state=OrderState.ON_HOLD))
    assert holds({"field": "order.tags", "op": "changed"}, previous=replace(ORDER, tags=()))


@pytest.mark.parametrize(
    ("currency", "minor", "holds_at_20"),
    [("EUR", 2000, True), ("JPY", 19, False), ("JPY", 20, True), ("KWD", 19_999, False)],
)
def test_money_counts_in_the_orders_currency(currency: str, minor: int, holds_at_20: bool) -> None:
    """Twenty is 2000 cents, 20 yen and 20,000 fils."""
    order = replace(ORDER, currency=currency, total_minor=minor)
    condition = {"field": "order.total", "op": "gte", "value": "20.00"}
    assert holds(condition, order) is holds_at_20


def test_a_pattern_that_runs_away_does_not_hold() -> None:
    """A pattern with endless ways to fail is given up, and the order goes on."""
    order = replace(ORDER, note="a" * 5000 + "!")
    pattern = "^(a|a?)+$"
    assert not holds({"field": "order.note", "op": "matches", "value": pattern}, order)


@pytest.mark.parametrize(
    ("kind", "field", "op", "value", "problem"),
    [
        (
            FieldType.TEXT,
            "order.city",
            "eq",
            5,
            "must be a text, not the number 5: put it in quotes",
        ),
        (FieldType.TEXT, "order.city", "eq", None, "must be a text, not nothing"),
        (FieldType.TEXT, "order.city", "in", "Getafe", "the value of in must be a list"),
        (FieldType.TEXT, "order.city", "in", [], "the list of in is empty"),
        (FieldType.TEXT, "order.city", "matches", "(a", 'the pattern "(a" cannot be used'),
        (FieldType.TEXT, "order.city", "matches", "(a{999}){999}", "repeats more than 10000"),
        (FieldType.TEXT, "order.city", "gt", "a", 'the operator "gt" does not fit order.city'),
        (FieldType.TEXTS, "order.tags", "contains", True, "must be a text, not true"),
        (FieldType.TEXTS, "order.tags", "eq", "a", 'the operator "eq" does not fit order.tags'),
        (FieldType.NUMBER, "order.item_count", "eq", "1", 'must be a number, not the text "1"'),
        (FieldType.NUMBER, "order.item_count", "eq", True, "must be a number, not true"),
        (FieldType.NUMBER, "order.item_count", "eq", 10**13, "must be a believable number"),
        (FieldType.MONEY, "order.total", "eq", "twenty", 'must be an amount like "20.00"'),
        (FieldType.MONEY, "order.total", "eq", "-5", 'must be an amount like "20.00"'),
        (FieldType.MONEY, "order.total", "eq", True, 'must be an amount like "20.00", not true'),
        (FieldType.MONEY, "order.total", "contains", "5", "does not fit order.total"),
        (FieldType.FLAG, "order.test", "eq", "yes", "must be true or false"),
        (
            FieldType.FLAG,
            "order.test",
            "gt",
            True,
            "does not fit order.test, which is true or false",
        ),
        (FieldType.TIME, "order.placed_at", "gt", "soon", "must be a date like"),
        (FieldType.TIME, "order.placed_at", "gt", "2026-13-01", "must be a date like"),
        (FieldType.TIME, "order.placed_at", "gt", 20261101, "must be a date like"),
        (FieldType.TIME, "order.placed_at", "eq", "2026-11-01", "does not fit order.placed_at"),
        (FieldType.CHOICE, "order.weekday", "eq", "Monday", 'Did you mean "monday"?'),
        (FieldType.CHOICE, "order.weekday", "eq", 1, "must be one of monday, tuesday"),
        (FieldType.CHOICE, "order.state", "in", ["payed"], 'Did you mean "paid"?'),
        (FieldType.CHOICE, "order.state", "contains", "paid", "does not fit order.state"),
    ],
)
def test_wrong_types_are_refused(
    kind: FieldType, field: str, op: str, value: Any, problem: str
) -> None:
    """A value or operator that does not fit the field's type is refused when saved."""
    assert FIELDS[field].type is kind
    with pytest.raises(RuleInvalid) as caught:
        holds({"field": field, "op": op, "value": value})
    assert problem in caught.value.problems[0]
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("op", ["is_set", "changed"])
def test_questions_take_true_or_false(op: str) -> None:
    """`is_set` and `changed` need no value, and take no other than true and false."""
    assert holds({"field": "order.tags", "op": "is_set"})
    with pytest.raises(RuleInvalid) as caught:
        holds({"field": "order.tags", "op": op, "value": "yes"})
    assert caught.value.problems == (f'rule "r": {op} takes true or false, not the text "yes"',)
