"""What every store must tell of the past."""

from datetime import datetime
from typing import Any

from connector.model.effect import AskedRules, Evaluation, Verdict
from connector.model.event import OccurrenceKind
from connector.model.order import OrderRef, OrderState, ShopId
from connector.storage.port import Storage
from tests.contracts.storage_data import (
    NOW,
    OTHER,
    SHOP,
    an_occurrence,
    an_order,
    later,
)

_K = OccurrenceKind


class HistoryContract:
    """Every promise about what simulations and "why" read."""

    def test_what_happened_comes_in_its_order(self, storage: Storage) -> None:
        """By time, then by number; other shops, kinds, times and own writes are left out."""
        told: list[tuple[str, dict[str, Any], bool]] = [
            ("1", {"occurred_at": later(hours=2)}, False),
            ("2", {"occurred_at": later(hours=1)}, False),
            ("3", {"occurred_at": later(hours=1)}, False),
            ("4", {"occurred_at": later(hours=1), "kind": _K.ORDER_CREATED}, False),
            ("5", {"occurred_at": later(hours=1), "kind": _K.ORDER_COMPLETED}, True),
            ("6", {"occurred_at": later(hours=4)}, False),
            ("7", {"occurred_at": later(hours=-1)}, False),
            ("8", {"occurred_at": later(hours=1), "shop_id": OTHER}, False),
            ("9", {"occurred_at": NOW}, False),
        ]
        with storage.transaction() as tx:
            for ref, changes, own in told:
                tx.add_occurrence(an_occurrence(ref, **changes), seen_at=NOW, own=own)
        until = later(hours=3)
        with storage.reading() as tx:
            numbers = tx.happened_numbers(SHOP, NOW, until, [_K.ORDER_PAID, _K.ORDER_COMPLETED])
            found = tx.happened(numbers)
            assert tx.happened_kinds(SHOP, NOW, until) == {_K.ORDER_PAID: 4, _K.ORDER_CREATED: 1}
            assert list(tx.happened_numbers(SHOP, NOW, until, [])) == []
            some = tx.happened_to(SHOP, [OrderRef("4"), OrderRef("8"), OrderRef("99")])
            assert tx.happened_to(SHOP, []) == {}
            assert some == {"4": list(tx.occurrences_of(SHOP, OrderRef("4")))}
        assert [item.occurrence.order_ref for item in found] == ["9", "2", "3", "1"]
        assert [item.id for item in found] == list(numbers)

    def test_occurrences_are_read_in_the_order_asked(self, storage: Storage) -> None:
        """The order of the numbers counts, and what is not there is left out."""
        with storage.transaction() as tx:
            numbers = [
                tx.add_occurrence(an_occurrence(str(ref)), seen_at=NOW, own=False)
                for ref in range(1_200)
            ]
        asked = [number for number in reversed(numbers) if number is not None]
        with storage.reading() as tx:
            found = tx.happened([*asked, 10**9])
            assert tx.happened([]) == []
        assert [item.id for item in found] == asked
        assert found[0].occurrence == an_occurrence("1199")

    def test_orders_come_with_their_count(self, storage: Storage) -> None:
        """Each order has its buyer's count as if it were read by itself; the nameless none."""
        with storage.transaction() as tx:
            for ref, buyer, hours in (("1", 5, 1), ("2", 5, 2), ("3", None, 3), ("4", 5, 4)):
                state = OrderState.CANCELED if ref == "2" else OrderState.PROCESSING
                order = an_order(ref, placed_at=later(hours=hours), state=state)
                tx.put_order(SHOP, order, buyer_id=buyer, seen_at=NOW)
            tx.put_order(OTHER, an_order("1"), buyer_id=5, seen_at=NOW)
        refs = [OrderRef(ref) for ref in ("1", "2", "3", "4", "99")]
        with storage.reading() as tx:
            found = tx.counted_orders(SHOP, refs)
            assert tx.counted_orders(SHOP, []) == {}
        counts = {ref: one.order.buyer.order_count for ref, one in found.items()}
        assert counts == {"1": 2, "2": 3, "3": None, "4": 3}
        assert {ref: one.buyer_id for ref, one in found.items()} == {
            "1": 5,
            "2": 5,
            "3": None,
            "4": 5,
        }
        assert found[OrderRef("3")].order == an_order("3", placed_at=later(hours=3))

    def test_the_evaluation_of_an_occurrence(self, storage: Storage) -> None:
        """The rows are those of the export; none for what was never asked."""
        told = b'[[["order.total","gte","20.00"]],[["a",1,[["all[0]",0]]],["b",3,[["all[0]",0]]]]]'
        asked = AskedRules("d1", told)
        given = Evaluation(
            *(SHOP, OrderRef("1"), 7, NOW, asked),
            seen={"order.total": "25.00"},
            answers=[True],
            verdicts=[Verdict.MATCHED, Verdict.ONCE_ALREADY],
        )
        with storage.transaction() as tx:
            tx.add_evaluation(given)
        with storage.reading() as tx:
            rows = tx.evaluation_of(7)
            assert tx.evaluation_of(8) == []
            assert tx.seen_of([6, 7, 8]) == {7: {"order.total": "25.00"}}
        assert rows == list(storage.iterate("evaluations", SHOP))
        assert [(row["rule"], row["verdict"]) for row in rows] == [
            ("a", "matched"),
            ("b", "once_already"),
        ]

    def test_who_has_a_turn(self, storage: Storage) -> None:
        """The occurrence that took a rule's one time is named, until it is given back."""
        with storage.transaction() as tx:
            assert tx.claim_once(SHOP, "r", "buyer:5", 7)
        with storage.reading() as tx:
            assert tx.once_holder(SHOP, "r", "buyer:5") == 7
            assert tx.once_holder(SHOP, "r", "buyer:6") is None
            assert tx.once_holder(OTHER, "r", "buyer:5") is None
        with storage.transaction() as tx:
            tx.release_once(SHOP, "r", 7)
            assert tx.once_holder(SHOP, "r", "buyer:5") is None

    def test_orders_by_their_number(self, storage: Storage) -> None:
        """With and without its sign, newest first, in this shop only; any text may be asked."""
        self._put(storage, "a", "1001", NOW)
        self._put(storage, "b", "#1001", later(hours=1))
        self._put(storage, "c", "1002", NOW)
        self._put(storage, "d", "1001", NOW, shop=OTHER)
        with storage.reading() as tx:
            assert list(tx.refs_of_number(SHOP, "1001")) == ["b", "a"]
            assert list(tx.refs_of_number(SHOP, "#1001")) == ["b"]
            assert list(tx.refs_of_number(SHOP, "9\x00\ud800")) == []

    def test_buyers_and_their_orders(self, storage: Storage) -> None:
        """The strongest known key wins, nobody is made, and orders come newest first."""
        with storage.transaction() as tx:
            ana = tx.find_buyer(["email:ana@example.com"])
            luis = tx.find_buyer(["phone:+34600111222"])
        for ref, buyer, hours in (("1", ana, 1), ("2", ana, 3), ("3", luis, 2), ("4", ana, 2)):
            self._put(storage, ref, ref, later(hours=hours), buyer=buyer)
        self._put(storage, "1", "1", NOW, shop=OTHER, buyer=ana)
        with storage.reading() as tx:
            assert tx.buyer_of(["email:nobody@example.com", "phone:+34600111222"]) == luis
            assert tx.buyer_of(["email:ana@example.com", "phone:+34600111222"]) == ana
            assert tx.buyer_of(["email:nobody@example.com"]) is None
            assert tx.buyer_of([]) is None
            assert list(tx.orders_of_buyer(ana, SHOP, 10)) == ["2", "4", "1"]
            assert list(tx.orders_of_buyer(ana, SHOP, 2)) == ["2", "4"]
            assert tx.buyer_of(["email:nobody@example.com"]) is None

    def _put(
        self,
        storage: Storage,
        ref: str,
        number: str,
        at: datetime,
        *,
        shop: ShopId = SHOP,
        buyer: int | None = None,
    ) -> None:
        with storage.transaction() as tx:
            order = an_order(ref, number=number, placed_at=at)
            tx.put_order(shop, order, buyer_id=buyer, seen_at=NOW)
