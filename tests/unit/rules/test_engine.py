"""Asking rules: the tree of conditions and what is recorded of it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from connector.model.effect import ConditionSeen
from connector.model.event import OccurrenceKind
from connector.model.order import Order
from connector.model.parcel import ParcelState
from connector.rules.engine import RuleSet, compile_rule, evaluate
from connector.rules.fields import Facts, facts_of, field_list
from connector.rules.load import rule_from_source
from tests.unit.rules.cases import BARE_ORDER, ORDER, SHOP, happened, holds, source_of

YES = {"field": "order.country", "op": "eq", "value": "ES"}
NO = {"field": "order.country", "op": "eq", "value": "FR"}


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (None, True),
        ({}, True),
        (YES, True),
        (NO, False),
        ({"all": []}, True),
        ({"all": [YES, YES]}, True),
        ({"all": [YES, NO]}, False),
        ({"any": [NO, YES]}, True),
        ({"any": [NO, NO]}, False),
        ({"not": NO}, True),
        ({"not": {"not": YES}}, True),
        ({"not": {"all": [YES, NO]}}, True),
        ({"all": [{"any": [NO, YES]}, {"not": {"any": [NO, NO]}}]}, True),
        ({"any": [{"all": [YES, NO]}, {"not": YES}]}, False),
    ],
)
def test_trees(tree: Any, expected: bool) -> None:
    """Conditions are joined by all, any and not; none at all always hold."""
    assert holds(tree) is expected


def test_every_condition_is_recorded_as_written() -> None:
    """The record keeps the written order and what the verdict did not need."""
    tree = {
        "all": [
            {"field": "order.note", "op": "matches", "value": "x$"},
            {"field": "order.total", "op": "gte", "value": "20.00"},
            {"not": {"field": "order.tags", "op": "contains", "value": "gift"}},
            {"any": [YES, {"field": "order.placed_at", "op": "gte", "value": "2026-11-21"}]},
        ]
    }
    compiled = compile_rule(rule_from_source(source_of(conditions=tree)))
    facts = facts_of(ORDER, happened(), SHOP)
    held, seen = evaluate(compiled, facts)
    assert not held
    assert seen == (
        ConditionSeen("all[0]", "order.note", "matches", "x$", "Llamar antes", held=False),
        ConditionSeen("all[1]", "order.total", "gte", "20.00", "43.74", held=True),
        ConditionSeen(
            "all[2].not", "order.tags", "contains", "gift", ["Wholesale", "gift"], held=True
        ),
        ConditionSeen("all[3].any[0]", "order.country", "eq", "ES", "ES", held=True),
        ConditionSeen(
            "all[3].any[1]",
            "order.placed_at",
            "gte",
            "2026-11-21",
            "2026-11-20T23:30:00Z",
            held=True,
        ),
    )


def test_records_are_those_of_the_order_asked_about() -> None:
    """A rule that was asked about many orders records the value of each."""
    tree = {"field": "order.total", "op": "gte", "value": "0.50"}
    compiled = compile_rule(rule_from_source(source_of(conditions=tree)))
    for minor in (*range(100), *range(100)):
        facts = facts_of(replace(ORDER, total_minor=minor), happened(), SHOP)
        held, (seen,) = evaluate(compiled, facts)
        assert (held, seen.held, seen.seen) == (minor >= 50, minor >= 50, f"0.{minor:02}")


def test_one_and_true_are_recorded_apart() -> None:
    """A number 1 that follows a true is recorded as a number."""
    tree = {"field": "order.item_count", "op": "in", "value": [1, 1.0]}
    compiled = compile_rule(rule_from_source(source_of(conditions=tree)))
    facts = facts_of(BARE_ORDER, happened(), SHOP)
    for value in (True, 1, 1.0, 0, False):
        asked = Facts({"order.item_count": value}, {}, "EUR", facts.zone, facts.before)
        (seen,) = evaluate(compiled, asked)[1]
        assert seen.seen is value


@pytest.mark.parametrize(
    ("kind", "part", "carrier", "amount"),
    [
        (OccurrenceKind.PARCEL_SHIPPED, "p2", "Correos", None),
        (OccurrenceKind.PARCEL_SHIPPED, "gone", None, None),
        (OccurrenceKind.ORDER_REFUNDED, "r1", None, 300),
        (OccurrenceKind.ORDER_REFUNDED, "r2", None, 200),
        (OccurrenceKind.ORDER_PAID, "", None, None),
    ],
)
def test_facts_are_of_the_parcel_or_refund_that_happened(
    kind: OccurrenceKind, part: str, carrier: str | None, amount: int | None
) -> None:
    """Of many parcels and refunds a rule sees the one that its trigger is about."""
    values = facts_of(ORDER, happened(kind, part), SHOP).values
    assert (values["parcel.carrier"], values["refund.amount"]) == (carrier, amount)


def test_the_only_parcel_is_seen_from_any_trigger() -> None:
    """With one parcel alone there is no doubt which is meant."""
    order = replace(ORDER, parcels=ORDER.parcels[:1])
    values = facts_of(order, happened(), SHOP).values
    assert values["parcel.state"] == ParcelState.IN_TRANSIT.value
    assert values["parcel.has_number"] is True


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("order.subtotal", 3879),
        ("order.shipping", 495),
        ("order.item_count", 3),
        ("order.skus", ("OIL-1",)),
        ("order.product_refs", ("9", "10")),
        ("order.shipping_methods", ("Envío 24 h",)),
        ("order.weekday", "saturday"),
        ("order.hour", 0),
        ("order.region", "M"),
        ("buyer.email_domain", "mail.example"),
        ("buyer.language", "es"),
        ("buyer.accepts_marketing", True),
        ("buyer.is_guest", False),
        ("buyer.has_phone", False),
        ("shop.platform", "woocommerce"),
        ("order.meta.channel", "Instagram"),
    ],
)
def test_facts(field: str, expected: object) -> None:
    """Fields are read off the order as documented."""
    assert facts_of(ORDER, happened(), SHOP).values[field] == expected


@pytest.mark.parametrize("order", [ORDER, BARE_ORDER])
def test_every_listed_field_has_a_fact(order: Order) -> None:
    """What `rules fields` lists is what conditions can ask, and nothing else."""
    listed = {item["name"] for item in field_list()} - {"order.meta.<key>"}
    facts = {
        name
        for name in facts_of(order, happened(), SHOP).values
        if not name.startswith("order.meta.")
    }
    assert facts == listed
    for item in field_list():
        assert item["help"]["es"]
        assert item["help"]["en"]
        assert {"is_set", "changed"} <= set(item["operators"])
        assert ("choices" in item) is (item["type"] == "choice")


def test_the_same_value_may_hold_or_not() -> None:
    """What is recorded follows the order asked about, not an earlier one with that value."""
    tree = {"field": "order.note", "op": "changed"}
    compiled = compile_rule(rule_from_source(source_of(conditions=tree)))
    for note, changed in (("old", True), (ORDER.note, False), ("old", True)):
        facts = facts_of(ORDER, happened(), SHOP, replace(ORDER, note=note))
        held, (seen,) = evaluate(compiled, facts)
        assert (held, seen.held, seen.seen) == (changed, changed, "Llamar antes")


def test_equal_tests_of_many_rules_are_made_once() -> None:
    """Rules asked together share their tests; each keeps its own verdict."""
    one = {"field": "order.item_count", "op": "in", "value": [1]}
    other = {"field": "order.item_count", "op": "in", "value": [1.0]}
    trees = [YES, {"all": [YES, NO]}, {"any": [NO, YES]}, {"not": YES}, one, other]
    rules = [(rule_from_source(source_of(conditions=tree)), 1) for tree in trees]
    together = RuleSet(rules)
    answers, broken = together.ask(facts_of(ORDER, happened(), SHOP))
    assert not broken
    # Spain, France, and two lists that are equal in Python and not the same data.
    assert answers == [True, False, False, False]
    held = [together.holds(number, answers) for number in range(4)]
    assert held == [True, False, True, False]
    tests, told = json.loads(together.asked.text)
    assert tests[:2] == [["order.country", "eq", "ES"], ["order.country", "eq", "FR"]]
    assert told[1] == ["r", 1, [["all[0]", 0], ["all[1]", 1]]]


def test_a_test_that_breaks_keeps_only_its_own_rules_from_acting() -> None:
    """A value no test was made for is a fault of the rules that ask for it alone."""
    asks_a_number = {"field": "order.item_count", "op": "gt", "value": 1}
    trees = [YES, asks_a_number, {"all": [YES, asks_a_number]}, {"not": NO}]
    together = RuleSet([(rule_from_source(source_of(conditions=tree)), 1) for tree in trees])
    facts = facts_of(ORDER, happened(), SHOP)
    strange = Facts(
        {**facts.values, "order.item_count": "three"}, {}, "EUR", facts.zone, facts.before
    )
    answers, broken = together.ask(strange)
    assert broken == {1, 2}
    assert together.holds(0, answers)
    assert together.holds(3, answers)


def test_the_same_rules_have_one_name() -> None:
    """What is asked is named by its content: another version is another set."""
    rule = rule_from_source(source_of(conditions=YES))
    first = RuleSet([(rule, 1)]).asked
    assert RuleSet([(rule, 1)]).asked == first
    assert RuleSet([(rule, 2)]).asked.name != first.name
