"""What the store promises about effects: planned once, sent by one, in order."""

from datetime import datetime
from typing import Any

import pytest

from connector.model.effect import EffectState
from connector.model.order import OrderRef
from connector.storage.port import Storage
from connector.storage.records import DeliveryState, EffectRecord, ShopState
from tests.contracts.storage_data import (
    LEASE,
    NOW,
    OTHER,
    SHOP,
    a_delivery,
    an_effect,
    claimed_effects,
    claimed_keys,
    later,
    state_of,
    with_first_shop,
    with_shops,
)


def plan(storage: Storage, *effects: object) -> int:
    """Plan effects of a connected shop."""
    with_first_shop(storage)
    with storage.transaction() as tx:
        return tx.add_effects(effects, now=NOW)  # type: ignore[arg-type] - effects only


def take(storage: Storage, now: datetime = NOW, until: datetime = LEASE) -> EffectRecord:
    """Claim the only effect that may be claimed."""
    with storage.transaction() as tx:
        found = tx.claim_effects(now=now, lease_until=until, limit=10)
    assert len(found) == 1
    return found[0]


def settle(
    storage: Storage, effect: EffectRecord, state: EffectState, reason: str = "", **words: Any
) -> bool:
    """Settle a claimed effect."""
    with storage.transaction() as tx:
        return tx.settle_effect(
            effect.key, effect.fence, **{"state": state, "reason": reason, "now": NOW, **words}
        )


class EffectContract:
    """Every promise about effects."""

    def test_an_effect_is_read_back_as_it_was(self, storage: Storage) -> None:
        """Every field of a planned effect comes back."""
        planned = an_effect(
            "e",
            "9",
            payload={"odd": "a\x00\ud800", "deep": {"list": [1, 2.5, None]}},
            waits_for="f",
            expires_at=later(days=3),
            due_at=later(days=2),
        )
        assert plan(storage, planned) == 1
        with storage.reading() as tx:
            found = tx.effect("e")
            assert found == EffectRecord(planned, EffectState.PLANNED, later(days=2), NOW)
            assert tx.effects_of(SHOP, OrderRef("9")) == [found]
            assert tx.effects_of(OTHER, OrderRef("9")) == []
            assert tx.effect("nothing") is None

    def test_an_effect_is_planned_once(self, storage: Storage) -> None:
        """A known key is passed over, in the same call or later, and nothing changes."""
        assert plan(storage, an_effect("a"), an_effect("a"), an_effect("b")) == 2
        assert plan(storage, an_effect("a", payload={"text": "other"}), an_effect("c")) == 1
        with storage.reading() as tx:
            keys = [item.key for item in tx.effects_of(SHOP, OrderRef("1"))]
            first = tx.effect("a")
        assert keys == ["a", "b", "c"]
        assert first is not None
        assert first.planned.payload["text"] == "¡Gracias!"

    def test_a_claimed_effect_is_sending(self, storage: Storage) -> None:
        """A claim gives the state before; in the store the effect is sending and counted."""
        plan(storage, an_effect("a"))
        taken = take(storage)
        assert (taken.state, taken.attempts, taken.fence) == (EffectState.PLANNED, 1, 1)
        assert taken.planned.due_at == NOW
        assert state_of(storage, "a")["state"] == "sending"
        assert claimed_effects(storage) == []

    def test_an_effect_that_is_not_due_is_left(self, storage: Storage) -> None:
        """An effect is claimed at its time and not earlier."""
        plan(storage, an_effect("a", due_at=later(days=30)))
        assert claimed_effects(storage, now=later(days=30, microseconds=-1)) == []
        assert claimed_effects(storage, now=later(days=30)) == ["a"]

    def test_done_with_a_result(self, storage: Storage) -> None:
        """A settled effect keeps its result, its time and its number of attempts."""
        plan(storage, an_effect("a"))
        taken = take(storage)
        assert settle(
            storage,
            taken,
            EffectState.DONE,
            "note written",
            result={"note": "7"},
            now=later(hours=1),
        )
        with storage.reading() as tx:
            found = tx.effect("a")
        assert found is not None
        assert (found.state, found.result, found.reason) == (
            EffectState.DONE,
            {"note": "7"},
            "note written",
        )
        assert (found.done_at, found.attempts) == (later(hours=1), 1)
        assert claimed_effects(storage, now=later(days=9)) == []

    def test_an_ended_lease_comes_as_unknown_and_fences_the_old(self, storage: Storage) -> None:
        """When the sender is gone the next one is told to look first, and the old is refused."""
        plan(storage, an_effect("a"))
        first = take(storage)
        second = take(storage, LEASE, later(minutes=5))
        assert (second.state, second.fence, second.attempts) == (EffectState.UNKNOWN, 2, 2)
        assert not settle(storage, first, EffectState.DONE, "too late")
        assert state_of(storage, "a")["state"] == "sending"
        assert settle(storage, second, EffectState.DONE)
        assert not settle(storage, second, EffectState.DEAD)
        assert state_of(storage, "a")["state"] == "done"

    def test_an_unknown_outcome_comes_back_as_unknown(self, storage: Storage) -> None:
        """An unknown effect waits for its time, and look-ups are counted."""
        plan(storage, an_effect("a"))
        taken = take(storage)
        assert settle(
            storage, taken, EffectState.UNKNOWN, "answer lost", due_at=later(minutes=1), probed=True
        )
        assert claimed_effects(storage) == []
        again = take(storage, later(minutes=1), later(minutes=2))
        assert (again.state, again.probes, again.attempts) == (EffectState.UNKNOWN, 1, 2)
        assert again.reason == "answer lost"

    def test_a_claim_that_had_to_wait_is_no_attempt(self, storage: Storage) -> None:
        """An uncounted claim takes its attempt back."""
        plan(storage, an_effect("a"))
        taken = take(storage)
        assert settle(
            storage,
            taken,
            EffectState.PLANNED,
            "shop is busy",
            due_at=later(minutes=1),
            uncount=True,
        )
        found = state_of(storage, "a")
        assert (found["state"], found["attempts"], found["done_at"]) == ("planned", 0, None)
        assert take(storage, later(minutes=1), later(minutes=2)).attempts == 1

    def test_one_effect_of_an_order_at_a_time(self, storage: Storage) -> None:
        """Of one order's effects one is claimed at a time; other orders go on."""
        plan(storage, an_effect("a", "1"), an_effect("b", "1"), an_effect("x", "2"))
        with storage.transaction() as tx:
            first, other = tx.claim_effects(now=NOW, lease_until=LEASE, limit=10)
        assert [first.key, other.key] == ["a", "x"]
        assert claimed_effects(storage) == []
        settle(storage, first, EffectState.DONE)
        assert claimed_effects(storage) == ["b"]

    def test_a_delivery_at_work_holds_the_order(self, storage: Storage) -> None:
        """While a delivery of the order is worked on, its effects wait, up to its lease."""
        with_first_shop(storage)
        with storage.transaction() as tx:
            tx.add_deliveries([a_delivery("d", "1")])
        assert claimed_keys(storage) == ["d"]
        plan(storage, an_effect("a", "1"), an_effect("b", "2"))
        assert claimed_effects(storage) == ["b"]
        assert "a" in claimed_effects(storage, now=LEASE, lease_until=later(minutes=5))

    @pytest.mark.parametrize("state", [EffectState.PLANNED, EffectState.UNKNOWN])
    def test_an_open_predecessor_is_waited_for(self, storage: Storage, state: EffectState) -> None:
        """An effect stays while the one it waits for is sending, planned anew or unknown."""
        plan(storage, an_effect("message", waits_for="coupon", due_at=later(hours=-1)))
        plan(storage, an_effect("coupon"))
        coupon = take(storage)
        assert coupon.key == "coupon"
        assert claimed_effects(storage) == []
        settle(storage, coupon, state, due_at=later(hours=1))
        assert claimed_effects(storage) == []

    @pytest.mark.parametrize("state", [EffectState.DONE, EffectState.SKIPPED, EffectState.DEAD])
    def test_a_closed_predecessor_lets_it_go(self, storage: Storage, state: EffectState) -> None:
        """When the predecessor is done, skipped or dead the effect is claimed."""
        plan(storage, an_effect("coupon"), an_effect("message", waits_for="coupon"))
        settle(storage, take(storage), state)
        assert claimed_effects(storage) == ["message"]

    def test_a_shop_that_is_not_connected_waits(self, storage: Storage) -> None:
        """Effects are claimed for connected shops only, and wait for the others."""
        plan(storage, an_effect("a"))
        for state in (ShopState.DISCONNECTED, ShopState.UNINSTALLED):
            with storage.transaction() as tx:
                tx.update_shop(SHOP, state=state)
                assert tx.next_due_at(now=NOW) is None
            assert claimed_effects(storage) == []
        with storage.transaction() as tx:
            tx.update_shop(SHOP, state=ShopState.CONNECTED)
        assert claimed_effects(storage) == ["a"]

    def test_effects_of_a_removed_shop_are_claimed(self, storage: Storage) -> None:
        """Effects of a removed shop are claimed, so that they can be closed."""
        plan(storage, an_effect("a"))
        with storage.transaction() as tx:
            tx.update_shop(SHOP, state=ShopState.REMOVED)
        assert claimed_effects(storage) == ["a"]

    def test_shops_take_turns_with_effects(self, storage: Storage) -> None:
        """A shop with many effects leaves room for the others; busy ones are left out."""
        with_shops(storage, OTHER)
        plan(storage, *(an_effect(f"a{n:02}", str(n)) for n in range(30)))
        plan(storage, an_effect("b", "1", OTHER))
        assert sorted(claimed_effects(storage, 4)) == ["a00", "a01", "a02", "b"]
        plan(storage, an_effect("c", "2", OTHER))
        assert claimed_effects(storage, busy=[SHOP]) == ["c"]

    def test_a_kept_lease_of_an_effect_goes_on(self, storage: Storage) -> None:
        """Extending a lease holds the effect longer; an old fence extends nothing."""
        plan(storage, an_effect("a"))
        taken = take(storage)
        with storage.transaction() as tx:
            tx.extend_leases({}, {"a": taken.fence}, lease_until=later(minutes=10))
            tx.extend_leases({}, {"a": taken.fence + 1}, lease_until=NOW)
        assert claimed_effects(storage, now=later(minutes=9)) == []
        assert claimed_effects(storage, now=later(minutes=10)) == ["a"]

    def test_a_dead_effect_is_looked_up_when_reopened(self, storage: Storage) -> None:
        """A reopened effect comes as unknown, with its attempts counted anew."""
        plan(storage, an_effect("a"), an_effect("b", "2"))
        with storage.transaction() as tx:
            for item in tx.claim_effects(now=NOW, lease_until=LEASE, limit=2):
                tx.settle_effect(
                    item.key, item.fence, state=EffectState.DEAD, reason="refused", now=NOW
                )
        with storage.transaction() as tx:
            assert [item.key for item in tx.dead_effects(SHOP, 10)] == ["b", "a"]
            assert [item.key for item in tx.dead_effects(None, 1)] == ["b"]
            assert tx.dead_effects(OTHER, 1) == []
            assert tx.reopen_effect("a", now=later(hours=1))
            assert not tx.reopen_effect("a", now=NOW)
            assert not tx.reopen_effect("nothing", now=NOW)
        taken = take(storage, later(hours=1), later(hours=2))
        assert (taken.key, taken.state, taken.attempts) == ("a", EffectState.UNKNOWN, 1)

    def test_the_next_time_is_told(self, storage: Storage) -> None:
        """The store tells when to look again: now, at the next time, or not at all."""
        with storage.reading() as tx:
            assert tx.next_due_at(now=NOW) is None
        plan(storage, an_effect("a", due_at=later(hours=2)))
        with storage.transaction() as tx:
            assert tx.next_due_at(now=NOW) == later(hours=2)
            assert tx.next_due_at(now=later(hours=3)) == later(hours=3)
            tx.add_deliveries([a_delivery("d", "1", received_at=later(hours=1))])
            assert tx.next_due_at(now=NOW) == later(hours=1)
            (item,) = tx.claim_deliveries(
                now=later(hours=1), lease_until=later(hours=1, minutes=1), limit=5
            )
            # The end of the lease is a time to look again.
            assert tx.next_due_at(now=later(hours=1)) == later(hours=1, minutes=1)
            tx.settle_delivery(
                item.id, item.fence, state=DeliveryState.DONE, reason="", now=later(hours=1)
            )
            assert tx.next_due_at(now=later(hours=1)) == later(hours=2)

    def test_what_was_skipped_for_another_is_planned_again(self, storage: Storage) -> None:
        """Only those that waited for this effect and were skipped for its sake are due anew."""
        plan(storage, an_effect("coupon"))
        first = take(storage)
        refused = "step 0 was not done: refused"
        why = {"message": refused, "late": "too late", "stranger": refused, "neighbor": refused}
        with storage.transaction() as tx:
            tx.settle_effect("coupon", 1, state=EffectState.DEAD, reason="refused", now=NOW)
            tx.add_effects(
                [
                    an_effect("message", waits_for="coupon"),
                    an_effect("late", waits_for="coupon"),
                    an_effect("stranger", waits_for="other"),
                    an_effect("neighbor", "2", waits_for="coupon"),
                ],
                now=NOW,
            )
            while found := tx.claim_effects(now=NOW, lease_until=LEASE, limit=9):
                for item in found:
                    tx.settle_effect(
                        item.key,
                        item.fence,
                        state=EffectState.SKIPPED,
                        reason=why[item.key],
                        now=NOW,
                    )
        with storage.transaction() as tx:
            assert tx.plan_again(first, reason="step 0 was not done", now=later(hours=1)) == 1
            assert tx.plan_again(first, reason="step 0 was not done", now=later(hours=1)) == 0
        assert state_of(storage, "message") == {
            "state": "planned",
            "attempts": 0,
            "probes": 0,
            "reason": "",
            "due_at": later(hours=1),
            "done_at": None,
        }
        states = [state_of(storage, key)["state"] for key in ("late", "stranger", "neighbor")]
        assert states == ["skipped"] * 3

    def test_what_is_blocked_is_no_reason_to_look_again(self, storage: Storage) -> None:
        """An overdue effect that waits for another one does not keep the worker turning."""
        plan(storage, an_effect("coupon", due_at=later(hours=1)))
        plan(storage, an_effect("message", waits_for="coupon"))
        with storage.reading() as tx:
            assert tx.next_due_at(now=NOW) == later(hours=1)
