"""The judge, judged: each rule by hand, on histories of a few lines."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.faults.checker import Evidence, SeenOrder, StoredDelivery, judge

EFFECT: Mapping[str, Any] = {
    "key": "s:gracias:1:0",
    "shop": "woocommerce",
    "order": "5",
    "kind": "note",
    "state": "done",
    "reason": "",
    "done_at": "2026-11-22T08:00:00Z",
}
SENT: Mapping[str, Any] = {
    "event": "webhook",
    "shop": "woocommerce",
    "topic": "order.created",
    "digest": "aa",
    "status": 200,
}
STORED = StoredDelivery("woocommerce", "order.created", "aa", "done")
ORDER = SeenOrder(
    "woocommerce", "5", paid=True, wanted={"note:Gracias": 1}, found={"note:Gracias": 1}
)
GOOD = Evidence([SENT], [STORED], [EFFECT], {"done": 1}, [ORDER])


def findings(**changes: Any) -> list[str]:
    """Judge the good run with something changed."""
    return judge(replace(GOOD, **changes)).findings


def test_a_good_run_is_green() -> None:
    """One webhook, one effect, one note: nothing is found, and the figures say so."""
    verdict = judge(GOOD)
    assert verdict.green
    assert verdict.figures["acked"] == 1
    assert verdict.figures["stored"] == 1
    assert verdict.figures["lost"] == 0
    assert verdict.figures["effects done"] == 1


def test_an_acknowledged_delivery_must_be_stored() -> None:
    """A 200 for a body that is in no row is a loss."""
    assert findings(deliveries=[]) == [
        "acknowledged, not stored: order.created of woocommerce, body aa"
    ]


def test_another_body_is_no_proof() -> None:
    """A row of the same topic with another body does not stand for the one that was sent."""
    found = findings(deliveries=[replace(STORED, digest="bb")])
    assert [text.partition(":")[0] for text in found] == [
        "acknowledged, not stored",
        "stored, never sent",
    ]


def test_what_was_refused_may_be_missing_or_stored() -> None:
    """503 and no answer promise nothing: the row may be there or not."""
    for status in (503, None):
        sent = {**SENT, "status": status}
        assert findings(history=[sent]) == []
        assert findings(history=[sent], deliveries=[]) == []


def test_an_own_shop_is_answered_200_or_503() -> None:
    """A signed webhook of a connected shop is never answered with another status."""
    found = findings(history=[SENT, {**SENT, "status": 500}])
    assert found == ["answered 500 to order.created of an own shop"]


def test_a_second_note_is_found() -> None:
    """Two notes where the rule wants one are a double, counted in the figures."""
    verdict = judge(replace(GOOD, orders=[replace(ORDER, found={"note:Gracias": 2})]))
    assert verdict.figures["doubled"] == 1
    assert verdict.findings == ["2 instead of 1: note:Gracias at order 5 of woocommerce"]


def test_an_unpaid_order_gets_nothing() -> None:
    """Any note at an order that was not paid is one too many."""
    assert findings(orders=[replace(ORDER, paid=False)]) == [
        "1 instead of 0: note:Gracias at order 5 of woocommerce"
    ]


def test_what_no_rule_wants_is_found() -> None:
    """Something in the shop that no matching rule asked for is one too many."""
    found = {"note:Gracias": 1, "coupon:GRACIAS": 1}
    assert findings(orders=[replace(ORDER, found=found)]) == [
        "1 instead of 0: coupon:GRACIAS at order 5 of woocommerce"
    ]


def test_a_missing_note_is_found() -> None:
    """A paid order without its note is missing it, even if our own tables say done."""
    verdict = judge(replace(GOOD, orders=[replace(ORDER, found={})]))
    assert verdict.figures["missing"] == 1
    assert not verdict.green


def test_what_a_person_was_told_of_is_no_silence() -> None:
    """A note that is missing is excused by one dead letter of that order, and by one only."""
    dead = {**EFFECT, "state": "dead", "reason": "needs a person: refused"}
    both = {"note:Gracias": 1, "note:Grande": 1}
    orders = [replace(ORDER, wanted=both, found={})]
    verdict = judge(replace(GOOD, effects=[dead], counts={"dead": 1}, orders=orders))
    assert verdict.figures["left to a person"] == 1
    assert verdict.findings == ["0 instead of 1: note:Grande at order 5 of woocommerce"]


def test_effects_must_end() -> None:
    """An effect that is still waiting at the end is named."""
    waiting = {**EFFECT, "state": "sending", "done_at": None}
    assert findings(effects=[waiting], counts={"sending": 1}) == [
        "never came to an end: note of order 5: sending"
    ]


def test_an_end_without_a_reason_is_silent() -> None:
    """Skipped and dead need a reason."""
    skipped = {**EFFECT, "state": "skipped"}
    found = findings(effects=[skipped], counts={"skipped": 1})
    assert found == ["skipped without a reason: s:gracias:1:0"]


def test_the_status_must_agree_with_the_export() -> None:
    """Planned is all the states summed: counts and rows tell the same."""
    assert findings(counts={"done": 2}) == [
        "the status counts {'done': 2}, the export has {'done': 1}"
    ]


def test_a_state_nobody_knows_is_found() -> None:
    """The list of states is closed."""
    found = findings(effects=[{**EFFECT, "state": "lost", "reason": "?"}], counts={"lost": 1})
    assert found == ["effects in states that nobody knows: ['lost']"]


def test_deliveries_must_be_worked_off() -> None:
    """A stored delivery that still waits at the end is counted."""
    found = findings(deliveries=[replace(STORED, state="working")])
    assert found == ["1 deliveries were never worked off"]


def test_what_is_settled_stays() -> None:
    """An effect that was done is not opened, settled again or removed."""
    snapshot = {"event": "effects", "lines": [EFFECT]}
    assert findings(history=[SENT, snapshot]) == []
    later = {**EFFECT, "done_at": "2026-11-22T08:00:09Z"}
    assert findings(history=[SENT, snapshot], effects=[later]) == ["settled twice: s:gracias:1:0"]
    gone = findings(history=[SENT, snapshot], effects=[], counts={})
    assert gone == ["an effect is gone: s:gracias:1:0"]


def test_a_damaged_database_is_found() -> None:
    """The judge repeats what the database's own check says."""
    assert findings(sound="row 7 missing") == ["the database is damaged: row 7 missing"]
