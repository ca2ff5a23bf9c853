"""Why a rule acted and why not, for every way in which it can end."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from connector.errors import NotFound
from connector.flows.simulate import simulate
from connector.flows.try_rules import find_order, try_rules
from connector.flows.why import why, why_buyer
from connector.flows.why_words import (
    DONE,
    HAPPENED,
    NEXT,
    PER,
    SENTENCES,
    WHAT,
    condition_words,
    reason_words,
)
from connector.jobs.switch import KILL_SWITCH
from connector.model.effect import EffectKind, EffectState, Verdict
from connector.model.event import OccurrenceKind
from connector.model.order import OrderRef, OrderState, ShopId
from connector.rules.rule import Rule
from connector.storage.records import EffectRecord, ShopState
from tests.unit.rule_shop import NOW, SHOP, Shop, ago, buyer, offer, opened, rule


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Give a shop without orders."""
    with opened(tmp_path) as made:
        yield made


def put(shop: Shop, *rules: Rule, enabled: bool = True, days: float = 30) -> None:
    """Store rules some days ago."""
    with shop.app.storage.transaction() as tx:
        for one in rules:
            tx.put_rule(SHOP, one.id, one.source, enabled=enabled, now=ago(days=days))


def ask(shop: Shop, ref: str = "1", language: str = "en", rule_id: str = "r") -> dict[str, Any]:
    """Ask about one rule and one order."""
    answer = why(shop.app.engine, shop.record, OrderRef(ref), rule_id=rule_id, language=language)
    line: dict[str, Any] = answer["rules"][0]
    assert len(answer["rules"]) == 1
    return line


def settle(shop: Shop, state: EffectState, reason: str = "", **more: Any) -> EffectRecord:
    """Claim the effect that is due and settle it."""
    with shop.app.storage.transaction() as tx:
        (effect,) = tx.claim_effects(now=NOW, lease_until=NOW + timedelta(minutes=1), limit=1)
        tx.settle_effect(effect.key, effect.fence, state=state, reason=reason, now=NOW, **more)
    return effect


def test_a_rule_that_will_act(shop: Shop) -> None:
    """What is planned is told with its time of the shop's zone, which is the next date."""
    put(shop, rule(delay="3d"))
    shop.tell(1, ago(days=2))
    line = ask(shop)
    assert line["outcome"] == "planned"
    assert line["next"]["at"] == "2026-11-23T12:00:00Z"
    assert "The change of labels will go out on 23 November 2026 at 13:00." in line["answer"]
    told = ask(shop, language="es")
    assert "saldrá el 23 de noviembre de 2026 a las 13:00." in told["answer"]
    (once,) = line["occurrences"]
    assert (once["source"], once["version"], once["verdict"]) == ("stored", 1, "matched")


def test_conditions_are_those_that_were_seen(shop: Shop) -> None:
    """The values are those at the time of the question, though the order has changed since."""
    tree = {
        "all": [
            {"field": "order.total", "op": "gte", "value": "20.00"},
            {"not": {"field": "order.payment_method", "op": "eq", "value": "cod"}},
            {"field": "buyer.has_email", "op": "eq", "value": True},
        ]
    }
    put(shop, rule(conditions=tree))
    shop.tell(1, ago(days=3), total_minor=1999, payment_method="cod")
    shop.tell(1, ago(days=3), total_minor=9000, modified_at=ago(days=1))
    line = ask(shop)
    assert line["outcome"] == "not_matched"
    (once,) = line["occurrences"]
    assert [(one["seen"], one["held"], one["fits"]) for one in once["conditions"]] == [
        ("19.99", False, False),
        ("cod", True, False),
        (True, True, True),
    ]
    assert "Total as sold, with tax: must be 20.00 or more; the order has 19.99." in line["answer"]
    assert "Code of the payment method: must not be cod; the order has cod." in line["answer"]
    assert line["next"] == {
        "at": None,
        "sentence": "For this order it is decided: the same thing is not asked twice.",
    }
    spanish = ask(shop, language="es")["answer"]
    assert "debe ser 20.00 o más; el pedido tiene 19.99." in spanish


def test_a_date_that_comes(shop: Shop) -> None:
    """A condition on a later day tells from when it can hold: the day's start in the zone."""
    condition = {"field": "order.placed_at", "op": "gte", "value": "2026-12-01"}
    put(shop, rule(conditions=condition))
    shop.tell(1, ago(days=2))
    line = ask(shop)
    assert line["next"]["at"] == "2026-11-30T23:00:00Z"
    assert "1 December 2026 at 00:00" in line["next"]["sentence"]


def test_once_a_buyer(shop: Shop) -> None:
    """The order that had the buyer's turn is named."""
    put(shop, rule(once_per="buyer"))
    shop.tell(1, ago(days=5))
    shop.tell(2, ago(days=2))
    line = ask(shop, "2")
    assert line["outcome"] == "once_already"
    assert "The rule had acted before (for this buyer, for order 1)" in line["answer"]
    assert "(por este comprador, por el pedido 1)" in ask(shop, "2", "es")["answer"]


def test_what_bars_a_rule_is_told(shop: Shop) -> None:
    """Test orders, late news and what happened before the connection say so."""
    put(shop, rule())
    shop.tell(1, ago(days=2), test=True)
    shop.tell(2, ago(days=30), modified_at=ago(days=5))
    assert ask(shop, "1")["outcome"] == "test_order"
    late = ask(shop, "2")
    assert late["outcome"] == "too_old"
    assert "it happened on 23 October 2026" in late["answer"]
    assert late["occurrences"][0]["source"] == "now"


def test_an_own_write(shop: Shop) -> None:
    """A change that Postventa made itself sets no rule off, and the answer says so."""
    put(shop, rule(trigger="order.completed"))
    with shop.app.storage.transaction() as tx:
        tx.note_own_write(SHOP, OrderRef("1"), OccurrenceKind.ORDER_COMPLETED, ago(days=2))
    shop.tell(1, ago(days=2), state=OrderState.COMPLETED)
    line = ask(shop)
    assert line["outcome"] == "own_write"
    assert "Postventa itself" in line["answer"]


def test_a_rule_that_was_off(shop: Shop) -> None:
    """Off: it says so, asks now, and what happens from the switching on can change it."""
    put(shop, rule(), enabled=False)
    shop.tell(1, ago(days=2))
    line = ask(shop)
    assert line["outcome"] == "disabled"
    (once,) = line["occurrences"]
    assert (once["source"], once["verdict"], once["asked_at"]) == ("now", None, None)
    assert line["answer"].endswith("Asked now, its conditions would hold.")
    assert "switch the rule on" in line["next"]["sentence"]


def test_a_rule_that_is_younger(shop: Shop) -> None:
    """A rule made after what happened was never asked about it."""
    shop.tell(1, ago(days=5))
    put(shop, rule(conditions={"field": "order.total", "op": "gt", "value": "99.00"}), days=1)
    line = ask(shop)
    assert line["outcome"] == "younger"
    assert "made on 21 November 2026" in line["answer"]
    assert "must be more than 99.00; the order has 50.00" in line["answer"]


def test_a_rule_of_which_nothing_is_kept(shop: Shop) -> None:
    """Enabled, older and never asked: it was off, or the record is gone."""
    put(shop, rule(), enabled=False)
    shop.tell(1, ago(days=5))
    put(shop, rule())
    assert ask(shop)["outcome"] == "not_asked"


def test_what_has_not_happened_yet(shop: Shop) -> None:
    """A paid order is not completed yet: that is what it waits for."""
    put(shop, rule(trigger="order.completed"))
    shop.tell(1, ago(days=2))
    line = ask(shop)
    assert (line["outcome"], line["next"]["at"]) == ("not_happened", None)
    assert "the order was completed" in line["next"]["sentence"]
    assert "se completó el pedido" in ask(shop, language="es")["next"]["sentence"]


@pytest.mark.parametrize(
    ("state", "reason", "english", "spanish"),
    [
        (EffectState.DONE, "", "The labels were set on 22 November 2026 at 13:00.", "se pusieron"),
        (
            EffectState.SKIPPED,
            "stopped: order.canceled",
            "was not done: before its time the order was canceled.",
            "no se hizo: antes de que tocara, se canceló el pedido.",
        ),
        (
            EffectState.SKIPPED,
            "too late: its time was over before it could be done",
            "its time was over",
            "se le pasó el plazo",
        ),
        (
            EffectState.DEAD,
            "needs a person: tried 8 times. 500 from the shop",
            "needs a person: it was tried 8 times: 500 from the shop.",
            "necesita a una persona: se intentó 8 veces: «500 from the shop».",
        ),
    ],
)
def test_how_an_effect_ended(
    shop: Shop, state: EffectState, reason: str, english: str, spanish: str
) -> None:
    """Done, skipped and dead effects give their time or their reason, and no next date."""
    put(shop, rule())
    shop.tell(1, ago(days=1))
    settle(shop, state, reason)
    line = ask(shop)
    assert (line["outcome"], line["next"]["at"]) == (state.value, None)
    assert english in line["answer"]
    assert spanish in ask(shop, language="es")["answer"]


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("waits for its hours", "waits for the sending hours, which open on"),
        (
            "waits for the next hour: the shop's messages of this hour are used up (200, set by X)",
            "the limit of that hour was reached (the messages of this hour are used up (200))",
        ),
        ("the shop answers 503", "will be tried again on 22 November 2026 at 14:00"),
    ],
)
def test_what_an_effect_waits_for(shop: Shop, reason: str, says: str) -> None:
    """Hours, ceilings and tries that come give their date."""
    put(shop, rule())
    shop.tell(1, ago(days=1))
    settle(shop, EffectState.PLANNED, reason, due_at=NOW + timedelta(hours=1))
    line = ask(shop)
    assert line["next"]["at"] == "2026-11-22T13:00:00Z"
    assert says in line["answer"]


def test_an_unknown_outcome(shop: Shop) -> None:
    """When the answer was lost, the next date is that of the look into the shop."""
    put(shop, rule())
    shop.tell(1, ago(days=1))
    settle(shop, EffectState.UNKNOWN, "its outcome is unknown: x", due_at=NOW + timedelta(hours=1))
    line = ask(shop)
    assert (line["outcome"], line["next"]["at"]) == ("unknown", "2026-11-22T13:00:00Z")
    assert "not known whether the change of labels arrived" in line["answer"]


def test_a_message_behind_its_code(shop: Shop) -> None:
    """A message that names the code waits until that is made."""
    actions = [
        {"coupon": {"kind": "percent", "value": "10"}},
        {"note": {"text": "{{ coupon.code }}"}},
    ]
    put(shop, rule(actions=actions))
    shop.tell(1, ago(days=1))
    later = NOW + timedelta(minutes=5)
    settle(shop, EffectState.PLANNED, "the shop answers 503", due_at=later)
    line = ask(shop)
    assert "The note waits until the code is done." in line["answer"]
    assert line["next"]["at"] == "2026-11-22T12:05:00Z"


def test_the_kill_switch_and_a_paused_shop(shop: Shop) -> None:
    """Nothing has a date while effects are stopped or the shop is not connected."""
    put(shop, rule())
    shop.tell(1, ago(days=1))
    with shop.app.storage.transaction() as tx:
        tx.set_value(KILL_SWITCH, "by the test")
    line = ask(shop)
    assert "all effects are stopped" in line["answer"]
    assert line["next"] == {
        "at": None,
        "sentence": "It can change when effects are started again.",
    }
    with shop.app.storage.transaction() as tx:
        tx.set_value(KILL_SWITCH, "")
    shop.record = replace(shop.record, state=ShopState.DISCONNECTED)
    assert "the shop is not connected" in ask(shop)["answer"]


def test_all_rules_and_all_orders_of_a_buyer(shop: Shop) -> None:
    """Without a rule all in use answer; a buyer's orders come newest first."""
    put(shop, rule("a"), offer("b"))
    shop.tell(1, ago(days=5), buyer=buyer("ana"))
    shop.tell(2, ago(days=2), buyer=buyer("ana"))
    shop.tell(3, ago(days=1), buyer=buyer("luis"))
    answer = why(shop.app.engine, shop.record, OrderRef("1"))
    assert [line["rule"] for line in answer["rules"]] == ["a", "b"]
    report = why_buyer(shop.app.engine, shop.record, " ANA@example.com")
    assert [one["number"] for one in report["orders"]] == ["2", "1"]
    for nobody in ("nobody@example.com", "x", ""):
        with pytest.raises(NotFound, match="no buyer"):
            why_buyer(shop.app.engine, shop.record, nobody)


def test_unknown_rules_and_those_out_of_use(shop: Shop) -> None:
    """A rule out of use still answers for what it did; one that never was is refused."""
    put(shop, rule())
    shop.tell(1, ago(days=1))
    with shop.app.storage.transaction() as tx:
        tx.delete_rule(SHOP, "r")
    assert ask(shop)["outcome"] == "planned"
    assert why(shop.app.engine, shop.record, OrderRef("1"))["rules"] == []
    with pytest.raises(NotFound, match="no rule 'x'"):
        ask(shop, rule_id="x")
    with pytest.raises(NotFound, match="no order"):
        ask(shop, "999")


def test_another_shop_knows_nothing(shop: Shop) -> None:
    """Orders and buyers of one shop are not to be had by asking for another."""
    put(shop, rule())
    shop.tell(1, ago(days=1), number="#77")
    other = replace(shop.record, id=ShopId("s2"), address="http://127.0.0.1:10", hook_token="other")
    with shop.app.storage.transaction() as tx:
        tx.add_shop(other)
    with pytest.raises(NotFound):
        why(shop.app.engine, other, OrderRef("1"))
    with pytest.raises(NotFound):
        why_buyer(shop.app.engine, other, "ana@example.com")
    with shop.app.storage.reading() as tx, pytest.raises(NotFound):
        find_order(tx, other, "77")
    with pytest.raises(NotFound):
        try_rules(shop.app.engine, other, [rule()], OrderRef("1"))
    report = simulate(shop.app.engine, other, [rule()], days=30)
    assert (report["occurrences"], report["rules"][0]["occurrences"]) == (0, 0)


def test_every_sentence_stands_in_both_languages() -> None:
    """Both languages have each sentence, with the same places for values."""

    def places(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}

    tables = (SENTENCES, NEXT, DONE, WHAT, HAPPENED, PER)
    for texts in (texts for table in tables for texts in table.values()):
        assert set(texts) == {"es", "en"}
        assert places(texts["es"]) == places(texts["en"]), texts
    assert set(HAPPENED) == set(OccurrenceKind)
    assert set(DONE) == set(WHAT) == set(EffectKind)
    assert set(Verdict) <= set(SENTENCES)


REASONS = (
    "the order has no e-mail address",
    "the order's e-mail address is not a valid one",
    "the order has no phone number, which sms needs",
    "the buyer said no to offers by email",
    "the buyer has not agreed to offers by email",
    "the code is for one buyer, and the order names none",
    "step 1 was not done: the order has no e-mail address",
    "the shop was removed",
    "the rule's version is not stored any more",
    "stopped: order.refunded in full",
    "effects are stopped",
    "no channel 'sms' is set up; see `postventa doctor`",
    "needs a person: begun 9 times and never brought to an end",
    "needs a person: it may have been sent, and offers go out at most once",
)


@pytest.mark.parametrize("reason", REASONS)
def test_the_engines_reasons_are_translated(reason: str) -> None:
    """What the engine writes as a reason has words in both languages, no quotation."""
    spanish, english = reason_words(reason, "es"), reason_words(reason, "en")
    assert "«" not in spanish
    assert not re.search(r"\b(the|was|not|step|person)\b", spanish)
    assert spanish != english
    assert "{" not in spanish + english


def test_an_unknown_reason_is_quoted() -> None:
    """A text of the shop is quoted as it is."""
    assert reason_words("Bad gateway", "es") == "«Bad gateway»"
    assert reason_words("Bad gateway", "en") == "Bad gateway"


def test_conditions_in_words() -> None:
    """Operators, lists, flags and empty values read as sentences."""
    flag, unset = True, False

    def words(name: str, op: str, value: Any, seen: Any, language: str) -> str:
        return condition_words(name, op, value, seen, language, turned=False).partition(": ")[2]

    told = words("order.tags", "in", ["a", "b"], [], "en")
    assert told == "must be one of a, b; the order does not say"
    told = words("order.note", "is_set", flag, None, "es")
    assert told == "debe tener algún valor; en el pedido no consta"
    told = words("order.number", "matches", "^1", "1001", "es")
    assert told == "debe seguir el patrón ^1; el pedido tiene 1001"
    turned = condition_words("order.test", "eq", unset, flag, "es", turned=True)
    assert turned.endswith(": no debe ser no; el pedido tiene sí")
