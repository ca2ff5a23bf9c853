"""One order, tried: every condition with its value, and what would follow."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.errors import NotFound
from connector.flows.try_rules import find_order, try_rules
from connector.model.event import OccurrenceKind
from connector.model.order import OrderRef
from tests.unit.rule_shop import Shop, ago, buyer, offer, opened, rule


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Give a shop without orders."""
    with opened(tmp_path) as made:
        yield made


def test_each_condition_shows_its_value(shop: Shop) -> None:
    """The tree is told leaf by leaf, with what the order has, and the verdict."""
    shop.tell(1, ago(days=2), total_minor=1999)
    tree = {
        "all": [
            {"field": "order.total", "op": "gte", "value": "20.00"},
            {"not": {"field": "order.city", "op": "is_set", "value": True}},
        ]
    }
    report = try_rules(shop.app.engine, shop.record, [rule(conditions=tree)], OrderRef("1"))
    (line,) = report["rules"]
    assert (line["verdict"], line["holds"], line["pretended"]) == ("not_matched", False, False)
    assert [
        (seen["path"], seen["field"], seen["seen"], seen["held"]) for seen in line["conditions"]
    ] == [("all[0]", "order.total", "19.99", False), ("all[1].not", "order.city", None, False)]
    assert line["planned"] == []


def test_what_would_be_planned_and_when(shop: Shop) -> None:
    """Effects come in order, with their time, their text and why they would be held back."""
    shop.tell(1, ago(days=2), buyer=buyer("ana", consents=False))
    actions = [
        {"coupon": {"kind": "percent", "value": "10", "prefix": "HOLA"}},
        {"note": {"text": "Vale {{ coupon.code }}"}},
        {"message": {"class": "marketing", "subject": "Vale", "body": "{{ coupon.code }}"}},
    ]
    asked = rule(actions=actions, delay="1d")
    (line,) = try_rules(shop.app.engine, shop.record, [asked], OrderRef("1"))["rules"]
    coupon, note, message = line["planned"]
    assert line["verdict"] == "matched"
    assert coupon["due_at"] == coupon["at"] == "2026-11-21T12:00:00Z"
    assert coupon["code"].startswith("HOLA-")
    assert (note["text"].split()[:2], note["waits_for_step"]) == (["Vale", coupon["code"]], 1)
    assert message["state"] == "skipped"
    assert message["reason"] == "the buyer has not agreed to offers by email"
    with shop.app.storage.reading() as tx:
        assert tx.effects_of(shop.record.id, OrderRef("1")) == []


def test_what_never_happened_is_pretended(shop: Shop) -> None:
    """A rule on completed orders is tried on a paid one as if it were completed now."""
    shop.tell(1, ago(days=2))
    asked = rule(trigger="order.completed")
    (line,) = try_rules(shop.app.engine, shop.record, [asked], OrderRef("1"))["rules"]
    assert (line["pretended"], line["occurred_at"]) == (True, "2026-11-22T12:00:00Z")
    assert line["verdict"] == "matched"


def test_another_trigger_is_not_asked(shop: Shop) -> None:
    """With a kind given, only the rules that wait for it are asked."""
    shop.tell(1, ago(days=2))
    rules = [rule("a"), rule("b", trigger="order.completed")]
    kind = OccurrenceKind.ORDER_COMPLETED
    report = try_rules(shop.app.engine, shop.record, rules, OrderRef("1"), kind=kind)
    assert [line["verdict"] for line in report["rules"]] == ["not_asked", "matched"]


def test_an_order_is_found_by_id_or_number(shop: Shop) -> None:
    """The platform's id comes first, then the number people see, with or without its sign."""
    shop.tell(77, ago(days=2), number="#1001")
    with shop.app.storage.reading() as tx:
        assert find_order(tx, shop.record, "77") == "77"
        assert find_order(tx, shop.record, "1001") == "77"
        assert find_order(tx, shop.record, " #1001 ") == "77"
        for nobody in ("1", "", "#"):
            with pytest.raises(NotFound, match="no order"):
                find_order(tx, shop.record, nobody)


def test_a_message_is_rendered_for_this_order(shop: Shop) -> None:
    """Subject and text are those the buyer would get."""
    shop.tell(1, ago(days=2), buyer=buyer("ana"))
    (line,) = try_rules(shop.app.engine, shop.record, [offer()], OrderRef("1"))["rules"]
    (message,) = line["planned"]
    assert (message["to"], message["subject"]) == ("ana@example.com", "Oferta")
    assert message["text"].startswith("Hola Ana")
