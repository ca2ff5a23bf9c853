"""What the store promises about deliveries: no doubles, one claim, lanes, fairness."""

from connector.model.order import ShopId
from connector.storage.port import Storage
from connector.storage.records import DeliveryRecord, DeliverySource, DeliveryState, ShopState
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
    with_first_shop,
    with_shops,
)


def stored(storage: Storage, *deliveries: object) -> list[int | None]:
    """Store rows, with their shop."""
    with_first_shop(storage)
    with storage.transaction() as tx:
        return list(tx.add_deliveries(deliveries))  # type: ignore[arg-type] - rows only


def claim_one(storage: Storage, **words: object) -> DeliveryRecord:
    """Claim the only row there is."""
    with storage.transaction() as tx:
        found = tx.claim_deliveries(
            **{"now": NOW, "lease_until": LEASE, "limit": 10, **words}  # type: ignore[arg-type] - words of the verb
        )
    assert len(found) == 1
    return found[0]


def read(storage: Storage, number: int | None) -> DeliveryRecord:
    """Read a row that must be there."""
    assert number is not None
    with storage.reading() as tx:
        found = tx.delivery(number)
    assert found is not None
    return found


class InboxContract:
    """Every promise about deliveries."""

    def test_a_delivery_is_read_back_as_it_was(self, storage: Storage) -> None:
        """Every field of a stored delivery comes back, its body to the byte."""
        body = bytes(range(256)) * 50
        item = a_delivery("k", "77", body=body, headers={"x-a": "é", "x-b": ""})
        (number,) = stored(storage, item)
        found = read(storage, number)
        assert (found.shop_id, found.key, found.topic, found.lane) == (
            SHOP,
            "k",
            "order.updated",
            "77",
        )
        assert found.body == body
        assert found.headers == {"x-a": "é", "x-b": ""}
        assert (found.received_at, found.due_at, found.done_at) == (NOW, NOW, None)
        assert (found.state, found.attempts, found.fence) == (DeliveryState.WAITING, 0, 0)
        assert found.source is DeliverySource.WEBHOOK

    def test_text_no_database_can_hold_is_stored(self, storage: Storage) -> None:
        """NUL and lone surrogates in headers, keys and reasons stop nothing."""
        odd = "a\x00b\ud800c\udc00"
        item = a_delivery(f"key{odd}", f"lane{odd}", headers={odd: odd}, topic=odd, reason=odd)
        (number,) = stored(storage, item)
        assert read(storage, number).headers == {odd: odd}
        assert "\x00" not in read(storage, number).key
        assert stored(storage, item) == [None]
        taken = claim_one(storage)
        with storage.transaction() as tx:
            done = tx.settle_delivery(
                taken.id, taken.fence, state=DeliveryState.DEAD, reason=odd, now=NOW
            )
            tx.count_rejected(None, odd, 1)
            tx.set_value(odd, odd)
        assert done

    def test_the_same_key_is_stored_once(self, storage: Storage) -> None:
        """A second row with the same key gives None, in the same call or later."""
        first, twin, second = stored(storage, a_delivery("a"), a_delivery("a"), a_delivery("b"))
        assert first is not None
        assert second is not None
        assert twin is None
        assert stored(storage, a_delivery("a", body=b"other")) == [None]
        assert read(storage, first).body == b'{"id":1}'

    def test_a_key_counts_within_its_shop(self, storage: Storage) -> None:
        """Two shops may use the same key."""
        first, second = stored(storage, a_delivery("a"), a_delivery("a", shop_id=OTHER))
        assert None not in {first, second}

    def test_a_row_can_be_stored_done(self, storage: Storage) -> None:
        """A row stored as done is never claimed and keeps its reason."""
        (number,) = stored(storage, a_delivery("a", state=DeliveryState.DONE, reason="a ping"))
        assert claimed_keys(storage) == []
        assert (read(storage, number).reason, read(storage, number).done_at) == ("a ping", NOW)

    def test_a_claim_counts_before_the_run(self, storage: Storage) -> None:
        """A claim raises attempts and fence, and keeps the row until the lease ends."""
        stored(storage, a_delivery("a"))
        taken = claim_one(storage)
        assert (taken.state, taken.attempts, taken.fence) == (DeliveryState.WORKING, 1, 1)
        assert read(storage, taken.id).attempts == 1
        assert claimed_keys(storage) == []

    def test_what_is_not_due_is_left(self, storage: Storage) -> None:
        """A row is claimed at its time and not a microsecond earlier."""
        stored(storage, a_delivery("a", received_at=later(microseconds=1)))
        assert claimed_keys(storage) == []
        assert claimed_keys(storage, now=later(microseconds=1)) == ["a"]

    def test_an_ended_lease_is_claimed_again_and_fences_the_old(self, storage: Storage) -> None:
        """After a lease the next claim wins, and the first worker's word counts no more."""
        stored(storage, a_delivery("a", "1"))
        first = claim_one(storage)
        second = claim_one(storage, now=LEASE, lease_until=later(minutes=5))
        assert (second.fence, second.attempts) == (2, 2)
        with storage.transaction() as tx:
            assert not tx.settle_delivery(
                first.id, first.fence, state=DeliveryState.DONE, reason="", now=LEASE
            )
        assert read(storage, first.id).state is DeliveryState.WORKING
        with storage.transaction() as tx:
            assert tx.settle_delivery(
                first.id, second.fence, state=DeliveryState.DONE, reason="stored", now=LEASE
            )
        found = read(storage, first.id)
        assert (found.state, found.reason, found.done_at) == (DeliveryState.DONE, "stored", LEASE)

    def test_a_settled_row_is_not_settled_twice(self, storage: Storage) -> None:
        """A second settlement with the same fence does nothing."""
        stored(storage, a_delivery("a"))
        taken = claim_one(storage)
        with storage.transaction() as tx:
            assert tx.settle_delivery(
                taken.id, taken.fence, state=DeliveryState.DONE, reason="one", now=NOW
            )
            assert not tx.settle_delivery(
                taken.id, taken.fence, state=DeliveryState.DEAD, reason="two", now=NOW
            )
        assert read(storage, taken.id).reason == "one"

    def test_a_row_is_put_back_for_later(self, storage: Storage) -> None:
        """A row put back waits until its new time and keeps its attempts."""
        stored(storage, a_delivery("a"))
        taken = claim_one(storage)
        with storage.transaction() as tx:
            assert tx.settle_delivery(
                taken.id,
                taken.fence,
                state=DeliveryState.WAITING,
                reason="shop is down",
                now=NOW,
                due_at=later(minutes=5),
            )
        assert claimed_keys(storage, now=later(minutes=4), lease_until=later(minutes=9)) == []
        again = claim_one(storage, now=later(minutes=5), lease_until=later(minutes=9))
        assert (again.attempts, again.reason) == (2, "shop is down")

    def test_a_kept_lease_goes_on(self, storage: Storage) -> None:
        """Extending a lease holds the row longer; an old fence extends nothing."""
        stored(storage, a_delivery("a"))
        taken = claim_one(storage)
        with storage.transaction() as tx:
            tx.extend_leases({taken.id: taken.fence}, {}, lease_until=later(minutes=10))
        assert claimed_keys(storage, now=later(minutes=9)) == []
        again = claim_one(storage, now=later(minutes=10), lease_until=later(minutes=11))
        with storage.transaction() as tx:
            tx.extend_leases({taken.id: taken.fence}, {}, lease_until=later(hours=9))
        assert read(storage, taken.id).due_at == later(minutes=11)
        assert again.fence == 2

    def test_one_row_of_a_lane_at_a_time(self, storage: Storage) -> None:
        """Of one order's rows one is claimed, and the next when that one is settled."""
        stored(storage, *(a_delivery(key, "1") for key in "abc"), a_delivery("x", "2"))
        with storage.transaction() as tx:
            first, other = tx.claim_deliveries(now=NOW, lease_until=LEASE, limit=10)
        assert [first.key, other.key] == ["a", "x"]
        assert claimed_keys(storage) == []
        with storage.transaction() as tx:
            tx.settle_delivery(first.id, first.fence, state=DeliveryState.DONE, reason="", now=NOW)
        assert claimed_keys(storage) == ["b"]

    def test_a_lane_stays_single_when_its_lease_has_ended(self, storage: Storage) -> None:
        """Of a lane with an ended lease that very row is claimed, and no second one."""
        stored(storage, a_delivery("b", "1", received_at=later(seconds=1)))
        assert claimed_keys(storage, now=later(seconds=1)) == ["b"]
        stored(storage, a_delivery("a", "1"))
        assert claimed_keys(storage, now=later(seconds=2)) == []
        assert claimed_keys(storage, now=LEASE, lease_until=later(minutes=5)) == ["b"]

    def test_an_empty_lane_blocks_nobody(self, storage: Storage) -> None:
        """Rows without a lane run side by side."""
        stored(storage, *(a_delivery(key) for key in "abc"))
        assert claimed_keys(storage) == ["a", "b", "c"]

    def test_the_same_order_number_of_two_shops_is_two_lanes(self, storage: Storage) -> None:
        """A lane is an order of one shop."""
        with_shops(storage, OTHER)
        stored(storage, a_delivery("a", "1"), a_delivery("b", "1", shop_id=OTHER))
        assert sorted(claimed_keys(storage)) == ["a", "b"]

    def test_an_effect_on_its_way_holds_the_lane(self, storage: Storage) -> None:
        """While an effect of an order is being sent, its deliveries wait, up to its lease."""
        stored(storage, a_delivery("a", "1"), a_delivery("b", "2"))
        with storage.transaction() as tx:
            tx.add_effects([an_effect("e", "1")], now=NOW)
        assert claimed_effects(storage) == ["e"]
        assert claimed_keys(storage) == ["b"]
        assert claimed_keys(storage, now=LEASE, lease_until=later(minutes=5))[0] == "a"

    def test_the_oldest_comes_first(self, storage: Storage) -> None:
        """Rows are claimed by their time, at the same time in the order stored."""
        times = {"c": 0, "a": -5, "b": -5, "d": -9}
        stored(
            storage, *(a_delivery(key, received_at=later(seconds=at)) for key, at in times.items())
        )
        assert claimed_keys(storage, 3) == ["d", "a", "b"]
        assert claimed_keys(storage, 3) == ["c"]

    def test_shops_take_turns(self, storage: Storage) -> None:
        """A shop with a long queue does not keep the others waiting."""
        with_shops(storage, OTHER, "shop-3")
        stored(storage, *(a_delivery(f"a{n:03}") for n in range(50)))
        stored(storage, *(a_delivery(f"b{n}", shop_id=OTHER) for n in range(5)))
        stored(storage, a_delivery("c0", shop_id="shop-3"))
        first = claimed_keys(storage, 9)
        assert sorted(first) == [
            *("a000", "a001", "a002", "a003"),
            *("b0", "b1", "b2", "b3"),
            "c0",
        ]

    def test_a_single_shop_may_take_all(self, storage: Storage) -> None:
        """When the others have nothing, one shop fills the whole claim."""
        with_shops(storage, OTHER)
        stored(storage, *(a_delivery(f"a{n}") for n in range(20)))
        stored(storage, a_delivery("b", shop_id=OTHER))
        assert len(claimed_keys(storage, 10)) == 10

    def test_a_busy_shop_is_left_out(self, storage: Storage) -> None:
        """Rows of a shop that is busy are not claimed."""
        with_shops(storage, OTHER)
        stored(storage, a_delivery("a"), a_delivery("b", shop_id=OTHER))
        assert claimed_keys(storage, busy=[SHOP]) == ["b"]
        assert claimed_keys(storage, busy=[ShopId("nobody")]) == ["a"]

    def test_a_disconnected_shop_is_still_listened_to(self, storage: Storage) -> None:
        """Deliveries are claimed whatever the state of the shop."""
        stored(storage, a_delivery("a"))
        with storage.transaction() as tx:
            tx.update_shop(SHOP, state=ShopState.DISCONNECTED)
        assert claimed_keys(storage) == ["a"]

    def test_what_waits_in_a_lane_is_listed(self, storage: Storage) -> None:
        """The waiting rows of one lane of one shop are read, oldest first, and no others."""
        stored(
            storage,
            a_delivery("a", "1"),
            a_delivery("poll", "1", source=DeliverySource.POLL),
            a_delivery("other", "2"),
            a_delivery("elsewhere", "1", shop_id=OTHER),
            a_delivery("last", "1"),
        )
        working = claim_one(storage, limit=1)
        assert working.key == "a"
        with storage.reading() as tx:
            assert [item.key for item in tx.waiting_in_lane(SHOP, "1")] == ["poll", "last"]

    def test_a_dead_row_can_be_tried_again(self, storage: Storage) -> None:
        """A dead row is listed, and waits anew when reopened; an open one is not touched."""
        stored(storage, a_delivery("a", "1"), a_delivery("b", "2"))
        with storage.transaction() as tx:
            for item in tx.claim_deliveries(now=NOW, lease_until=LEASE, limit=2):
                tx.settle_delivery(
                    item.id, item.fence, state=DeliveryState.DEAD, reason="no order", now=NOW
                )
        with storage.reading() as tx:
            dead = tx.dead_deliveries(SHOP, 10)
            assert [item.key for item in tx.dead_deliveries(None, 1)] == ["b"]
            assert tx.dead_deliveries(OTHER, 10) == []
        assert [item.key for item in dead] == ["b", "a"]
        with storage.transaction() as tx:
            assert tx.reopen_delivery(dead[0].id, now=later(hours=1))
            assert not tx.reopen_delivery(dead[0].id, now=later(hours=1))
            assert not tx.reopen_delivery(10**9, now=NOW)
        assert claimed_keys(storage) == []
        again = claim_one(storage, now=later(hours=1), lease_until=later(hours=2))
        assert (again.key, again.attempts, again.fence) == ("b", 1, 2)

    def test_a_row_that_is_not_there(self, storage: Storage) -> None:
        """An unknown number reads as nothing and settles nothing."""
        with storage.transaction() as tx:
            assert tx.delivery(404) is None
            assert not tx.settle_delivery(404, 0, state=DeliveryState.DONE, reason="", now=NOW)
