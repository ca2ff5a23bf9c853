"""What the store promises when many work at once, and when something fails."""

import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from connector.model.effect import EffectState
from connector.model.order import OrderRef
from connector.storage.port import Storage, Transaction
from connector.storage.records import DeliveryState
from tests.contracts.storage_data import (
    LEASE,
    NOW,
    SHOP,
    a_delivery,
    an_effect,
    an_occurrence,
    claimed_keys,
    later,
    with_shops,
)


def side_by_side(count: int, work: Callable[[int], None]) -> None:
    """Run the same work in many threads that start at once; raise what any of them raised."""
    errors: list[BaseException] = []
    gate = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            gate.wait(60)
            work(number)
        except BaseException as err:  # noqa: BLE001 - shown below
            errors.append(err)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads)
    if errors:
        raise errors[0]


class Watch:
    """Sees who works on which lane, from outside of the store."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._working: Counter[str] = Counter()
        self.doubles: list[str] = []
        self.done: Counter[str] = Counter()

    def enter(self, lane: str) -> None:
        """Begin to work on a lane."""
        with self._guard:
            self._working[lane] += 1
            if self._working[lane] > 1:
                self.doubles.append(lane)

    def leave(self, lane: str, key: str) -> None:
        """End the work on a lane; its claim is settled after this."""
        with self._guard:
            self._working[lane] -= 1
            self.done[key] += 1


class Refused(Exception):
    """What a piece of work raises in a test."""


class ThreadContract:
    """Every promise about transactions, sharing and claiming side by side."""

    def test_all_or_nothing(self, storage: Storage) -> None:
        """What a transaction did before an error is not stored."""

        def work(tx: Transaction) -> None:
            tx.set_value("a", "1")
            tx.add_deliveries([a_delivery("a")])
            raise Refused

        with pytest.raises(Refused), storage.transaction() as tx:
            work(tx)
        with storage.reading() as tx:
            assert tx.value("a") is None
            assert tx.counts().deliveries == {}

    def test_readers_do_not_wait(self, storage: Storage) -> None:
        """While a transaction is open others read what was before it."""
        with storage.transaction() as tx:
            tx.set_value("a", "new")
            with storage.reading() as reader:
                assert reader.value("a") is None
        with storage.reading() as reader:
            assert reader.value("a") == "new"

    def test_a_reader_sees_one_instant(self, storage: Storage) -> None:
        """What is committed while a reader is at work shows in the next reading only."""
        with storage.reading() as reader:
            assert reader.value("a") is None
            with storage.transaction() as tx:
                tx.set_value("a", "new")
            assert reader.value("a") is None

    def test_no_row_is_claimed_twice(self, storage: Storage) -> None:
        """Eight claimers at once get every row once, and a lane is never worked on twice."""
        with_shops(storage)
        with storage.transaction() as tx:
            tx.add_deliveries([a_delivery(f"d{n}", str(n % 30)) for n in range(120)])
            tx.add_effects([an_effect(f"e{n}", str(n % 30)) for n in range(60)], now=NOW)
        watch = Watch()

        def deliver() -> None:
            with storage.transaction() as tx:
                rows = tx.claim_deliveries(now=NOW, lease_until=LEASE, limit=3)
            for row in rows:
                watch.enter(row.lane)
            for row in rows:
                watch.leave(row.lane, row.key)
                with storage.transaction() as tx:
                    assert tx.settle_delivery(
                        row.id, row.fence, state=DeliveryState.DONE, reason="", now=NOW
                    )

        def send() -> None:
            with storage.transaction() as tx:
                found = tx.claim_effects(now=NOW, lease_until=LEASE, limit=3)
            for item in found:
                watch.enter(item.planned.order_ref)
            for item in found:
                watch.leave(item.planned.order_ref, item.key)
                with storage.transaction() as tx:
                    assert tx.settle_effect(
                        item.key, item.fence, state=EffectState.DONE, reason="", now=NOW
                    )

        def work(number: int) -> None:
            ends = time.monotonic() + 60
            while watch.done.total() < 180:
                assert time.monotonic() < ends
                (deliver if number % 2 else send)()

        side_by_side(8, work)
        assert watch.doubles == []
        assert set(watch.done.values()) == {1}
        assert len(watch.done) == 180

    def test_one_of_many_copies_is_stored(self, storage: Storage) -> None:
        """Of 32 copies of a delivery that come at once one is stored."""
        numbers: list[int | None] = []

        def work(_number: int) -> None:
            mine: list[int | None] = []
            storage.submit(lambda tx: mine.extend(tx.add_deliveries([a_delivery("same")])))
            numbers.extend(mine)

        side_by_side(32, work)
        assert len(numbers) == 32
        assert len([number for number in numbers if number is not None]) == 1

    def test_one_of_many_gets_what_is_unique(self, storage: Storage) -> None:
        """Side by side one occurrence, one time, one effect, one turn and one buyer come out."""
        got: list[tuple[bool, bool, int, bool, int]] = []

        def work(number: int) -> None:
            keys = ["email:ana@example.com", "phone:+34600000001", f"ref:{number}"]
            with storage.transaction() as tx:
                buyer = tx.find_buyer(keys if number % 2 else keys[1::-1])
                new = tx.add_occurrence(an_occurrence(), seen_at=NOW, own=False) is not None
                once = tx.claim_once(SHOP, "welcome", "buyer:1", number)
                planned = tx.add_effects([an_effect("e")], now=NOW)
                turn = tx.claim_job("poll", now=NOW, every_s=60)
            got.append((new, once, planned, turn, buyer))

        side_by_side(8, work)
        assert [sum(column) for column in list(zip(*got, strict=True))[:4]] == [1, 1, 1, 1]
        assert len({buyer for *_, buyer in got}) == 1

    def test_work_on_one_order_takes_turns(self, storage: Storage) -> None:
        """Whoever locks an order reads what the one before has written."""

        def work(_number: int) -> None:
            for _ in range(5):
                with storage.transaction() as tx:
                    tx.lock_order(SHOP, OrderRef("1"))
                    tx.set_value("count", str(int(tx.value("count") or 0) + 1))

        side_by_side(8, work)
        with storage.reading() as tx:
            assert tx.value("count") == "40"

    def test_many_share_commits(self, storage: Storage) -> None:
        """What 200 callers submit is all stored, and seen by each as soon as it returns."""
        missing: list[int] = []

        def work(number: int) -> None:
            storage.submit(lambda tx: tx.set_value(f"v{number}", "x"))
            with storage.reading() as tx:
                if tx.value(f"v{number}") != "x":
                    missing.append(number)

        side_by_side(200, work)
        assert missing == []
        with storage.reading() as tx:
            assert [number for number in range(200) if tx.value(f"v{number}") != "x"] == []

    def test_an_error_comes_back_to_its_caller_only(self, storage: Storage) -> None:
        """A piece that fails stores nothing of itself, and all others are stored."""
        failed: list[tuple[int, int]] = []

        def work(number: int) -> None:
            def piece(tx: Transaction) -> None:
                tx.set_value(f"v{number}", "x")
                if number % 3 == 0:
                    raise Refused(number)

            try:
                storage.submit(piece)
            except Refused as err:
                failed.append((number, *err.args))

        side_by_side(60, work)
        assert sorted(failed) == [(number, number) for number in range(0, 60, 3)]
        with storage.reading() as tx:
            kept = [number for number in range(60) if tx.value(f"v{number}") == "x"]
        assert kept == [number for number in range(60) if number % 3]

    def test_a_refused_statement_spoils_no_neighbor(self, storage: Storage) -> None:
        """When the database itself refuses a piece, the others are stored all the same."""
        with_shops(storage)

        def work(number: int) -> None:
            if number % 4:
                storage.submit(lambda tx: tx.set_value(f"v{number}", "x"))
                return
            with pytest.raises(Exception, match=r"refused|too large"):
                # Larger than any number the database holds.
                storage.submit(lambda tx: tx.count_rejected(None, "x", 2**70))

        side_by_side(20, work)
        with storage.reading() as tx:
            assert [n for n in range(20) if tx.value(f"v{n}")] == [n for n in range(20) if n % 4]

    def test_claims_of_a_lost_worker_come_back(self, storage: Storage) -> None:
        """Rows whose transaction was never committed are free at once."""
        with_shops(storage)
        with storage.transaction() as tx:
            tx.add_deliveries([a_delivery("a", "1")])

        def work(tx: Transaction) -> None:
            assert len(tx.claim_deliveries(now=NOW, lease_until=LEASE, limit=5)) == 1
            raise Refused

        with pytest.raises(Refused), storage.transaction() as tx:
            work(tx)
        assert claimed_keys(storage) == ["a"]
        assert claimed_keys(storage, now=LEASE, lease_until=later(hours=1)) == ["a"]
