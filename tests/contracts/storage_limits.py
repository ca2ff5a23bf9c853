"""What the store promises about limits, tries, retention and rebuilds."""

import threading
from datetime import timedelta

from connector.model.effect import EffectState
from connector.model.event import OccurrenceKind
from connector.model.order import OrderRef
from connector.storage.limits import AttemptRecord, CeilingCount, HostLimit, LimitKind
from connector.storage.port import Storage
from connector.storage.records import DeliverySource, DeliveryState
from tests.contracts.storage_data import (
    LEASE,
    NOW,
    OTHER,
    SHOP,
    a_delivery,
    a_message,
    an_effect,
    later,
    with_first_shop,
    with_shops,
)

HOUR = NOW.replace(minute=0, second=0, microsecond=0)


class LimitContract:
    """Every promise about limits."""

    def test_the_newest_word_about_a_host_holds(self, storage: Storage) -> None:
        """A later word replaces an earlier one; one that comes late changes nothing."""
        first = HostLimit("shop.example", LimitKind.BREAKER, NOW, {"opens": 1})
        second = HostLimit("shop.example", LimitKind.BREAKER, later(seconds=1), {})
        pause = HostLimit("other.example", LimitKind.QUIET, NOW, {"until": "x"})
        with storage.transaction() as tx:
            for limit in (second, first, pause):
                tx.put_host_limit(limit)
        with storage.reading() as tx:
            assert tx.host_limits("shop.example") == [second]
            assert tx.host_limits() == [pause, second]

    def test_a_ceiling_counts_to_its_number(self, storage: Storage) -> None:
        """Two places: the third is refused, in this hour, for this shop and kind."""
        with storage.transaction() as tx:
            taken = [tx.take_below_ceiling(SHOP, "coupons", HOUR, 2) for _ in range(3)]
            assert taken == [True, True, False]
            assert not tx.take_below_ceiling(SHOP, "messages", HOUR, 0)
            assert tx.take_below_ceiling(OTHER, "coupons", HOUR, 2)
            assert tx.take_below_ceiling(SHOP, "coupons", HOUR + timedelta(hours=1), 2)
            tx.give_back(SHOP, "coupons", HOUR)
            assert tx.ceiling_count(SHOP, "coupons", HOUR) == 1
            assert tx.ceiling_count(SHOP, "messages", HOUR) == 0

    def test_places_are_shared_by_threads(self, storage: Storage) -> None:
        """Eight threads that ask for five places each get ten together, when ten there are."""
        taken: list[bool] = []

        def ask() -> None:
            for _ in range(5):
                with storage.transaction() as tx:
                    taken.append(tx.take_below_ceiling(SHOP, "coupons", HOUR, 10))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert (len(taken), sum(taken)) == (40, 10)

    def test_a_reached_ceiling_is_noted_once(self, storage: Storage) -> None:
        """The first to see it is told so; the row tells when, also where nothing was counted."""
        with storage.transaction() as tx:
            tx.take_below_ceiling(SHOP, "coupons", HOUR, 5)
            assert tx.note_ceiling(SHOP, "coupons", HOUR, NOW)
            assert not tx.note_ceiling(SHOP, "coupons", HOUR, later(minutes=1))
            assert tx.note_ceiling(SHOP, "messages", HOUR, NOW)
        with storage.reading() as tx:
            assert tx.reached_ceilings(HOUR) == [
                CeilingCount(SHOP, "coupons", HOUR, 1, NOW),
                CeilingCount(SHOP, "messages", HOUR, 0, NOW),
            ]
            assert tx.reached_ceilings(later(hours=1)) == []

    def test_tries_are_kept(self, storage: Storage) -> None:
        """A try begins with its claim and has an end; a claim that waited leaves nothing."""
        with_first_shop(storage)
        with storage.transaction() as tx:
            tx.add_effects([an_effect("a", "1"), an_effect("b", "2")], now=NOW)
            first, second = tx.claim_effects(now=NOW, lease_until=LEASE, limit=5)
            tx.begin_attempts([first, second], now=NOW)
            tx.drop_attempt(second)
            tx.end_attempt(
                first,
                started_at=later(seconds=1),
                ended_at=later(seconds=2),
                outcome="dead",
                detail={"looked_for": "a note"},
            )
            tx.begin_attempts([], now=NOW)
        with storage.reading() as tx:
            assert tx.attempts_of("a") == [
                AttemptRecord(
                    "a",
                    SHOP,
                    1,
                    later(seconds=1),
                    later(seconds=2),
                    "dead",
                    {"looked_for": "a note"},
                )
            ]
            assert tx.attempts_of("b") == []

    def test_a_wait_is_no_attempt_of_a_delivery(self, storage: Storage) -> None:
        """A row that is put back without a try has as many attempts as before; waking it works."""
        with_first_shop(storage)
        with storage.transaction() as tx:
            tx.add_deliveries([a_delivery("a", "1"), a_delivery("b", "2", shop_id=OTHER)])
            (row,) = tx.claim_deliveries(now=NOW, lease_until=LEASE, limit=5)
            tx.settle_delivery(
                row.id,
                row.fence,
                state=DeliveryState.WAITING,
                reason="rests",
                now=NOW,
                due_at=later(hours=1),
                uncount=True,
            )
            found = tx.delivery(row.id)
            assert found is not None
            assert found.attempts == 0
            assert tx.wake_deliveries(SHOP, now=NOW) == 1
            assert [
                one.key for one in tx.claim_deliveries(now=NOW, lease_until=LEASE, limit=5)
            ] == ["a"]

    def test_only_closed_bodies_are_old(self, storage: Storage) -> None:
        """Bodies of done and dead rows before a time go; the rows stay until theirs comes."""
        with_first_shop(storage)
        states = (DeliveryState.DONE, DeliveryState.DEAD, DeliveryState.WAITING)
        with storage.transaction() as tx:
            rows = [a_delivery(state, state, state=state) for state in states]
            young = a_delivery("young", state=DeliveryState.DONE, received_at=later(days=2))
            numbers = tx.add_deliveries([*rows, young])
            before = later(days=1)
            assert tx.delete_old_deliveries(before, 10) == 0
            assert tx.old_bodies(before, after=0, limit=10) == numbers[:2]
            assert tx.old_bodies(before, after=numbers[0] or 0, limit=10) == numbers[1:2]
            assert tx.drop_bodies([number or 0 for number in numbers]) == 3
            left = [tx.delivery(number or 0) for number in numbers]
            assert [one is not None and one.body is None for one in left] == [
                True,
                True,
                False,
                True,
            ]
            assert sorted(tx.lanes_without_body()) == [(SHOP, "dead"), (SHOP, "done")]
            assert tx.delete_old_deliveries(before, 1) == 1
            assert tx.delete_old_deliveries(before, 9) == 1
            assert tx.delivery_numbers() == numbers[2:]

    def test_old_effects_go_with_what_belongs_to_them(self, storage: Storage) -> None:
        """Closed effects before a time go, with tries and messages; open ones stay."""
        with_first_shop(storage)
        with storage.transaction() as tx:
            tx.add_effects([an_effect("a", "1"), an_effect("b", "2")], now=NOW)
            effects = tx.claim_effects(now=NOW, lease_until=LEASE, limit=5)
            tx.begin_attempts(effects, now=NOW)
            tx.add_message(a_message("a"), sent_at=NOW, result={})
            first = effects[0]
            tx.settle_effect(first.key, first.fence, state=EffectState.DONE, reason="", now=NOW)
            assert tx.delete_old_effects(NOW, 10) == 0
            assert tx.delete_old_effects(later(seconds=1), 10) == 1
            assert tx.effect("a") is None
            assert tx.effect("b") is not None
            assert (len(tx.attempts_of("a")), len(tx.attempts_of("b"))) == (0, 1)
            assert tx.export("messages", None, after=0, limit=5) == []
            tx.take_below_ceiling(SHOP, "coupons", HOUR, 1)
            assert tx.delete_old_ceilings(HOUR) == 0
            assert tx.delete_old_ceilings(later(hours=1)) == 1

    def test_an_effect_stays_while_its_turn_is_not_over(self, storage: Storage) -> None:
        """A code that was made stays while the mail of the same turn waits, or ended late."""
        with_first_shop(storage)
        with storage.transaction() as tx:
            mail = an_effect("mail", step=1, waits_for="code", due_at=later(hours=1))
            tx.add_effects([an_effect("code"), mail], now=NOW)
            for hour in (0, 1):
                assert tx.delete_old_effects(later(hours=1), 10) == 0
                now = later(hours=hour)
                (item,) = tx.claim_effects(now=now, lease_until=later(hours=2), limit=5)
                tx.settle_effect(item.key, item.fence, state=EffectState.DONE, reason="", now=now)
            assert tx.delete_old_effects(later(hours=1), 10) == 0
            assert tx.delete_old_effects(later(hours=2), 10) == 2

    def test_evidence_goes_in_pieces(self, storage: Storage) -> None:
        """The oldest rows go first, `limit` of a kind at once; tries of what is open stay."""
        with_first_shop(storage)
        with storage.transaction() as tx:
            tx.add_effects([an_effect("a", "1"), an_effect("b", "2")], now=NOW)
            done, _ = effects = tx.claim_effects(now=NOW, lease_until=LEASE, limit=5)
            tx.begin_attempts(effects, now=NOW)
            tx.settle_effect(done.key, done.fence, state=EffectState.DONE, reason="", now=NOW)
            for key in "abc":
                tx.add_message(a_message(key), sent_at=NOW, result={})
            assert tx.delete_old_evidence(NOW, 9) == 0
            # Two messages and the try of the effect that is done.
            assert tx.delete_old_evidence(later(seconds=1), 2) == 3
            assert (len(tx.attempts_of("a")), len(tx.attempts_of("b"))) == (0, 1)
            assert tx.delete_old_evidence(later(seconds=1), 2) == 1
            assert tx.delete_old_evidence(later(seconds=1), 2) == 0
            assert tx.effect("a") is not None

    def test_what_a_rebuild_reads(self, storage: Storage) -> None:
        """Shops with removed ones, versions, own writes and kept answers, all in order."""
        with storage.reading() as tx:
            assert tx.is_empty()
        with_shops(storage, SHOP, OTHER)
        with storage.transaction() as tx:
            assert not tx.is_empty()
            for number in (1, 2):
                tx.put_rule(SHOP, "r", {"n": number}, enabled=True, now=later(minutes=number))
            tx.note_own_write(SHOP, OrderRef("9"), OccurrenceKind.ORDER_COMPLETED, NOW)
            tx.add_deliveries(
                [
                    a_delivery("w", "9"),
                    a_delivery(
                        "f",
                        "9",
                        source=DeliverySource.FETCH,
                        topic="gone",
                        headers={"cause": "1"},
                        state=DeliveryState.DONE,
                    ),
                ]
            )
            assert [shop.id for shop in tx.every_shop()] == [SHOP, OTHER]
            assert [(one.version, one.source["n"]) for one in tx.every_rule_version()] == [
                (1, 1),
                (2, 2),
            ]
            (own,) = tx.every_own_write()
            assert (own.order_ref, own.kind, own.at) == ("9", OccurrenceKind.ORDER_COMPLETED, NOW)
            (answer,) = tx.kept_answers()
            assert (answer.lane, answer.topic, answer.cause, answer.at) == ("9", "gone", "1", NOW)
            tx.add_effects([an_effect("a")], now=NOW)
            assert tx.skip_planned("rebuild", now=NOW) == 1
            found = tx.effect("a")
        assert found is not None
        assert (found.state, found.reason) == (EffectState.SKIPPED, "rebuild")
