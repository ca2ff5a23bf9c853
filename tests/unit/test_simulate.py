"""What a simulation counts, worked out by hand."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connector.flows.no_effects import (
    NothingLeaves,
    StandingClock,
    TrialStore,
    mute_engine,
)
from connector.model.message import Message, MessageClass
from connector.model.order import (
    OrderRef,
    OrderState,
    PaymentState,
    Refund,
)
from connector.model.write import AddNote
from connector.rules.rule import Rule
from connector.secret import Secret
from tests.unit.rule_shop import NOW, SHOP, Shop, ago, buyer, offer, opened, rule


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Give a shop without orders."""
    with opened(tmp_path) as made:
        yield made


def test_messages_are_counted_by_day_of_the_shop(shop: Shop) -> None:
    """An offer at 23:30 UTC belongs to the next day in Madrid; held-back ones to none."""
    shop.tell(1, datetime(2026, 11, 19, 23, 30, tzinfo=UTC))
    shop.tell(2, datetime(2026, 11, 20, 10, 0, tzinfo=UTC), buyer=buyer("luis"))
    shop.tell(3, datetime(2026, 11, 20, 10, 0, tzinfo=UTC), buyer=buyer("eva", consents=False))
    report = shop.simulate(offer())
    assert report["messages_per_day"] == {"2026-11-20": {"offer": 2}}
    assert report["effects"] == {"message": 3}
    assert report["would_do"] == {"message": 2}
    assert report["held_back"] == {"the buyer has not agreed to offers by email": 1}


def test_buyers_over_the_cap(shop: Shop) -> None:
    """Three offers in a week are over the cap of two; three in three weeks are not."""
    for day in (10, 12, 14):
        shop.tell(day, ago(days=day), buyer=buyer("ana"))
        shop.tell(100 + day, ago(days=day + (day - 10) * 4), buyer=buyer("luis"))
    over = shop.simulate(offer())["buyers_over_cap"]
    assert (over["buyers"], over["most"], over["cap"], over["days"]) == (1, 3, 2, 7)


def test_the_liability_of_codes(shop: Shop) -> None:
    """Fixed amounts times their uses, percents of the orders seen, shipping as charged."""
    shop.tell(1, ago(days=3), total_minor=10_05)
    shop.tell(2, ago(days=2), total_minor=20_00, buyer=buyer("luis"))
    fixed = rule("fixed", actions=[{"coupon": {"kind": "fixed", "value": "5.00", "uses": 2}}])
    percent = rule("percent", actions=[{"coupon": {"kind": "percent", "value": "10"}}])
    free = rule("free", actions=[{"coupon": {"kind": "free_shipping"}}])
    assert shop.simulate(fixed, percent, free)["coupons"] == {
        "EUR": {
            "codes": 6,
            "uses": 8,
            "percent_minor": 101 + 200,
            "fixed_minor": 4 * 500,
            "free_shipping_minor": 2 * 495,
            "maximum_minor": 301 + 2000 + 990,
        }
    }


def test_an_order_is_taken_back_to_its_time(shop: Shop) -> None:
    """A condition on state and refunds sees the order as it was paid, not as it ended."""
    shop.tell(1, ago(days=9))
    shop.tell(
        1,
        ago(days=9),
        state=OrderState.REFUNDED,
        payment_state=PaymentState.REFUNDED,
        refunds=(Refund("r1", 5000, None, ago(days=5)),),
        refunded_minor=5000,
        modified_at=ago(days=5),
    )
    as_paid = {
        "all": [
            {"field": "order.state", "op": "eq", "value": "processing"},
            {"field": "order.payment_state", "op": "eq", "value": "paid"},
            {"field": "order.refunded", "op": "eq", "value": "0"},
        ]
    }
    report = shop.simulate(rule("soon", conditions=as_paid), rule("late", delay="5d"))
    soon, late = report["rules"]
    assert (soon["matched"], soon["would_do"]) == (1, {"tag": 1})
    assert (late["matched"], late["would_do"]) == (1, {})
    assert late["held_back"] == {"stopped: order.refunded in full": 1}


def test_the_ceiling_of_an_hour_moves_what_is_too_much(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three offers in an hour with a limit of two, the third leaves in the next hour."""
    monkeypatch.setitem(shop.app.engine.ceilings._most, "messages", 2)
    for ref, name in enumerate(("ana", "luis", "eva"), start=1):
        shop.tell(ref, datetime(2026, 11, 20, 10, ref, tzinfo=UTC), buyer=buyer(name))
    report = shop.simulate(offer())
    assert report["would_do"] == {"message": 3}
    assert report["waited_for_next_hour"] == {"messages": 1}
    assert sorted(line["at"] for line in report["samples"]) == [
        "2026-11-20T10:01:00Z",
        "2026-11-20T10:02:00Z",
        "2026-11-20T11:00:00Z",
    ]


def test_what_waits_for_the_next_hour_is_looked_at_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order that waits for eleven o'clock is canceled at half past ten: nothing is sent."""
    monkeypatch.setitem(shop.app.engine.ceilings._most, "messages", 1)
    shop.tell(1, datetime(2026, 11, 20, 10, 1, tzinfo=UTC))
    half_past = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
    for changes in ({}, {"state": OrderState.CANCELED, "canceled_at": half_past}):
        at = {"modified_at": half_past} if changes else {}
        shop.tell(
            2, datetime(2026, 11, 20, 10, 2, tzinfo=UTC), buyer=buyer("luis"), **changes, **at
        )
    line = shop.simulate(offer())["rules"][0]
    assert line["would_do"] == {"message": 1}
    assert line["held_back"] == {"stopped: order.canceled": 1}


def test_a_turn_of_which_nothing_came_can_be_taken_again(shop: Shop) -> None:
    """Once a buyer: the first order is canceled before its time, so the second one acts."""
    canceled = {
        "state": OrderState.CANCELED,
        "canceled_at": ago(days=8),
        "modified_at": ago(days=8),
    }
    shop.tell(1, ago(days=9), **canceled)
    shop.tell(2, ago(days=8, hours=-1))
    shop.tell(3, ago(days=5))
    line = shop.simulate(rule(once_per="buyer", delay="2d"))["rules"][0]
    # The first turn is given back when its effect is skipped, two days after the payment:
    # the second order comes before that, the third after.
    assert (line["matched"], line["once_already"]) == (2, 1)
    assert line["would_do"] == {"tag": 1}


def test_what_is_learned_late_is_too_old(shop: Shop) -> None:
    """An order told ten days after it was paid fires nothing with an age limit of a week."""
    shop.tell(1, ago(days=20), modified_at=ago(days=10))
    shop.tell(2, ago(days=20))
    line = shop.simulate(rule())["rules"][0]
    assert line["verdicts"] == {"matched": 1, "too_old": 1}
    assert line["held_back"] == {"too_old": 1}


def test_orders_from_before_the_connection_count(shop: Shop) -> None:
    """What happened before the shop was connected is what a new rule is tried on."""
    shop.tell(1, ago(days=70))
    assert shop.simulate(rule(), days=90)["rules"][0]["matched"] == 1
    assert shop.simulate(rule(), days=30)["rules"][0]["occurrences"] == 0


def test_test_orders_are_passed_over(shop: Shop) -> None:
    """A test order is counted by itself and asked about nothing."""
    shop.tell(1, ago(days=2), test=True)
    report = shop.simulate(rule())
    assert (report["test_orders"], report["rules"][0]["occurrences"]) == (1, 0)


def test_the_version_in_force_is_compared(shop: Shop) -> None:
    """A lower limit matches one order more; a higher one, one less; the same, the same."""
    for ref, total in ((1, 1000), (2, 3000), (3, 5000)):
        shop.tell(ref, ago(days=ref), total_minor=total)

    def limited(amount: str) -> Rule:
        return rule(conditions={"field": "order.total", "op": "gte", "value": amount})

    with shop.app.storage.transaction() as tx:
        tx.put_rule(SHOP, "r", limited("30.00").source, enabled=True, now=NOW)

    def compared(amount: str) -> dict[str, Any]:
        found: dict[str, Any] = shop.simulate(limited(amount))["rules"][0]["compared"]
        return found

    same = compared("30.00")
    assert (same["version"], same["same"], same["matched"]) == (1, True, 2)
    assert (same["newly_matched"], same["no_longer_matched"]) == (0, 0)
    lower = compared("10.00")
    assert (lower["same"], lower["matched"]) == (False, 2)
    assert (lower["newly_matched"], lower["newly_matched_examples"]) == (1, ["1"])
    assert lower["no_longer_matched"] == 0
    higher = compared("50.00")
    assert (higher["newly_matched"], higher["no_longer_matched_examples"]) == (0, ["2"])


def test_a_rule_that_is_not_in_force_is_all_new(shop: Shop) -> None:
    """Without a version in force every match is new."""
    shop.tell(1, ago(days=2))
    compared = shop.simulate(rule())["rules"][0]["compared"]
    assert (compared["version"], compared["matched"], compared["newly_matched"]) == (None, 0, 1)


def test_progress_and_cancel(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """It tells how far it has come, and when canceled gives what it has, marked as such."""
    monkeypatch.setattr("connector.flows.simulate._CHUNK", 2)
    for ref in range(1, 6):
        shop.tell(ref, ago(days=ref))
    told: list[tuple[int, int]] = []
    report = shop.simulate(rule(), progress=lambda done, total: told.append((done, total)))
    assert told == [(2, 5), (4, 5), (5, 5)]
    assert (report["complete"], report["asked"]) == (True, 5)
    report = shop.simulate(
        rule(), canceled=lambda: len(told) > 3, progress=lambda *at: told.append(at)
    )
    assert (report["complete"], report["asked"], report["rules"][0]["occurrences"]) == (False, 2, 2)


def test_samples_are_rendered(shop: Shop) -> None:
    """Twenty samples at most, of every rule, each with its text for that order."""
    for ref in range(1, 31):
        shop.tell(ref, ago(days=20, minutes=-ref), buyer=buyer(f"b{ref}"))
    note = {"note": {"text": "Pedido {{ order.number }}"}}
    samples = shop.simulate(offer(), rule("note", actions=[note]))["samples"]
    assert len(samples) == 20
    assert {line["rule"] for line in samples} == {"offer", "note"}
    for line in samples:
        if line["rule"] == "note":
            assert line["text"].startswith(f"Pedido {line['order']}")
        else:
            assert line["to"] == f"b{line['order']}@example.com"
            assert line["text"].lower().startswith(f"hola b{line['order']}")


def test_nothing_can_leave_or_be_stored(shop: Shop) -> None:
    """Whatever the engine of a simulation tries to write, send, ring or open is refused."""
    engine = mute_engine(shop.app.engine, StandingClock(NOW), shop.record)
    adapter = engine.adapter_of(shop.record)
    message = Message("k", SHOP, None, "email", MessageClass.SERVICE, "a@b.es", "A", "s", "t")
    tries: list[Callable[[], object]] = [
        lambda: adapter.write(AddNote(OrderRef("1"), "x", "m")),
        lambda: adapter.find(AddNote(OrderRef("1"), "x", "m")),
        lambda: adapter.fetch_order(OrderRef("1")),
        lambda: adapter.register_webhooks("x", Secret("y")),
        lambda: engine.channels["email"].send(message),
        lambda: engine.bell.ring("s1"),
        lambda: engine.storage.transaction().__enter__(),
        lambda: engine.storage.submit(lambda _: None),
    ]
    for attempt in tries:
        with pytest.raises(NothingLeaves):
            attempt()
    with shop.app.storage.transaction() as real:
        verbs = [name for name in dir(real) if not name.startswith("_")]
    changing = ("add_", "put_", "claim_", "delete_", "update_", "settle_", "enable_", "set_")
    writes = [name for name in verbs if name.startswith(changing)]
    assert len(writes) > 20
    trial = TrialStore(SHOP, []).begin(NOW)
    with engine.storage.reading() as tx:
        for name in writes:
            with pytest.raises(NothingLeaves):
                getattr(tx, name)
            if name not in {"add_effects", "add_evaluation", "claim_once"}:
                with pytest.raises(NothingLeaves):
                    getattr(trial, name)
