"""What the store promises about the ledger of a shop."""

from datetime import date

from connector.model.order import OrderRef, OrderState
from connector.storage.ledger import LedgerDay, MissedOrder, WebhookRepair
from connector.storage.port import Storage
from tests.contracts.storage_data import NOW, OTHER, SHOP, an_order, later, with_shops


def a_day(day: int, **changes: object) -> LedgerDay:
    """Make a line of November 2026."""
    values: dict[str, object] = {
        "shop_id": SHOP,
        "day": date(2026, 11, day),
        "shop_says": 3,
        "we_hold": 2,
        "missing": (OrderRef("7"),),
        "checked_at": NOW,
    }
    return LedgerDay(**{**values, **changes})  # type: ignore[arg-type]


class LedgerContract:
    """Days, misses and repairs."""

    def test_orders_placed_in_a_span(self, storage: Storage) -> None:
        """The begin of a span is in it, its end is not; deleted orders are in none."""
        with_shops(storage)
        times = {"1": -1.0, "2": 0.0, "3": 59.0, "4": 60.0}
        with storage.transaction() as tx:
            for ref, minutes in times.items():
                order = an_order(ref, placed_at=later(minutes=minutes))
                tx.put_order(SHOP, order, buyer_id=None, seen_at=NOW)
            gone = an_order("5", placed_at=later(minutes=5), state=OrderState.DELETED)
            tx.put_order(SHOP, gone, buyer_id=None, seen_at=NOW)
            tx.put_order(OTHER, an_order("6", placed_at=NOW), buyer_id=None, seen_at=NOW)
        with storage.reading() as tx:
            assert tx.orders_placed(SHOP, NOW, later(minutes=60)) == ["2", "3"]

    def test_a_miss_is_written_down_once(self, storage: Storage) -> None:
        """The same change of an order is one miss, whoever finds it; the newest come first."""
        with_shops(storage)
        first = MissedOrder(SHOP, OrderRef("1"), later(minutes=-9), later(minutes=1))
        second = MissedOrder(SHOP, OrderRef("1"), later(minutes=-3), later(minutes=2))
        other = MissedOrder(OTHER, OrderRef("1"), later(minutes=-9), later(minutes=3))
        with storage.transaction() as tx:
            added = [tx.add_missed(miss) for miss in (first, second, first, other)]
        assert added == [True, True, False, True]
        with storage.reading() as tx:
            assert tx.missed_orders(SHOP, NOW, 10) == [second, first]
            assert tx.missed_orders(SHOP, NOW, 1) == [second]
            assert tx.missed_orders(SHOP, later(minutes=2), 10) == [second]
        assert first.delay_s == 600

    def test_a_day_has_one_line(self, storage: Storage) -> None:
        """A later look at a day replaces the line; days come oldest first."""
        with_shops(storage)
        odd = a_day(21, unreadable=(OrderRef("8"), OrderRef("9")))
        mended = a_day(20, we_hold=3, missing=(), checked_at=later(hours=1))
        with storage.transaction() as tx:
            for line in (odd, a_day(20), mended, a_day(19), a_day(20, shop_id=OTHER)):
                tx.put_ledger_day(line)
        with storage.reading() as tx:
            assert tx.ledger_days(SHOP, date(2026, 11, 20)) == [mended, odd]
        assert (mended.agrees, a_day(21).agrees) == (True, False)

    def test_repairs_are_kept(self, storage: Storage) -> None:
        """Every repair stays, also two of one topic; the newest come first."""
        with_shops(storage)
        first = WebhookRepair(SHOP, "order.created", "disabled", "active", NOW, later(hours=-2))
        second = WebhookRepair(
            SHOP, "order.created", "missing", "active", later(hours=1), later(hours=-1)
        )
        with storage.transaction() as tx:
            tx.add_webhook_repair(first)
            tx.add_webhook_repair(second)
        with storage.reading() as tx:
            assert tx.webhook_repairs(SHOP, NOW, 10) == [second, first]
            assert tx.webhook_repairs(SHOP, later(minutes=1), 10) == [second]
            assert tx.webhook_repairs(OTHER, NOW, 10) == []
