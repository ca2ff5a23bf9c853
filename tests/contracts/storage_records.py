"""What the store promises about shops, orders, buyers, rules and exports."""

import contextlib
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from connector.errors import Conflict, InvalidRequest
from connector.model.customer import Buyer
from connector.model.effect import AskedRules, EffectState, Evaluation, Verdict
from connector.model.event import OccurrenceKind
from connector.model.order import OrderRef, OrderState, ShopId
from connector.secret import Secret
from connector.storage.port import Storage
from connector.storage.records import (
    DeliveryState,
    OccurrenceRecord,
    RuleRecord,
    ShopState,
    StoredOrder,
)
from tests.contracts.storage_data import (
    LEASE,
    NOW,
    OTHER,
    SHOP,
    a_delivery,
    a_message,
    a_shop,
    an_effect,
    an_occurrence,
    an_order,
    later,
    with_shops,
)


def put(storage: Storage, ref: str, buyer: int, at: datetime = NOW, **changes: object) -> None:
    """Store an order of a buyer."""
    shop_id = ShopId(str(changes.pop("shop_id", SHOP)))
    with storage.transaction() as tx:
        order = an_order(ref, placed_at=at, **changes)
        tx.put_order(shop_id, order, buyer_id=buyer, seen_at=NOW)


def earlier_orders(storage: Storage, ref: str, buyer: int, at: datetime = NOW) -> int:
    """Count the buyer's orders before one."""
    with storage.reading() as tx:
        return tx.count_buyer_orders(buyer, before=at, shop_id=SHOP, ref=OrderRef(ref))


def a_rule(
    rule_id: str,
    version: int,
    source: dict[str, object],
    *,
    enabled: bool = True,
    at: datetime = NOW,
) -> RuleRecord:
    """Make one version of a rule."""
    return RuleRecord(SHOP, rule_id, version, enabled, source, at)


class ShopRecords:
    """Every promise about shops and their secrets."""

    def test_a_shop_is_read_back_as_it_was(self, storage: Storage) -> None:
        """Every field of a shop comes back, and it is found by token and by address."""
        shop = a_shop(
            settings={"version": "wc/v3"},
            secrets={"a": Secret("one"), "b": Secret("ñ\x00\ud800")},
            currency="EUR",
            timezone="Europe/Madrid",
            country="ES",
            region="M",
            locale="es",
            last_delivery_at=NOW,
            polled_until=later(hours=-1),
            webhooks={"order.created": "active"},
        )
        with storage.transaction() as tx:
            tx.add_shop(shop)
        with storage.reading() as tx:
            assert tx.shop(SHOP) == shop
            assert tx.shop_by_token(shop.hook_token) == shop
            assert tx.shop_by_address("woocommerce", shop.address) == shop
            assert tx.shops() == [shop]
            assert tx.shop(OTHER) is None
            assert tx.shop_by_token("nobody") is None
            assert tx.shop_by_address("shopify", shop.address) is None

    def test_an_address_has_one_shop(self, storage: Storage) -> None:
        """A second shop with the same address is refused, until the first is removed."""
        with_shops(storage)
        twin = a_shop(OTHER, address=a_shop().address)
        with pytest.raises(Conflict), storage.transaction() as tx:
            tx.add_shop(twin)
        with storage.transaction() as tx:
            assert tx.shop(OTHER) is None
            tx.update_shop(SHOP, state=ShopState.REMOVED)
            tx.add_shop(twin)
        with storage.reading() as tx:
            found = tx.shop_by_address("woocommerce", twin.address)
            assert [shop.id for shop in tx.shops()] == [OTHER]
        assert found is not None
        assert found.id == OTHER

    def test_only_what_is_given_changes(self, storage: Storage) -> None:
        """An update changes the given fields and leaves the others and other shops."""
        with_shops(storage, SHOP, OTHER)
        with storage.transaction() as tx:
            tx.update_shop(SHOP)
            tx.update_shop(
                SHOP,
                state=ShopState.DISCONNECTED,
                last_delivery_at=NOW,
                polled_until=later(hours=1),
                webhooks={"a": "paused"},
                secrets={"webhook": Secret("new"), "token": Secret("more")},
                settings={"x": "y"},
                facts={"name": "Tienda", "currency": "EUR", "locale": "es-ES"},
            )
        with storage.reading() as tx:
            changed, kept = tx.shop(SHOP), tx.shop(OTHER)
        assert changed == replace(
            a_shop(),
            state=ShopState.DISCONNECTED,
            last_delivery_at=NOW,
            polled_until=later(hours=1),
            webhooks={"a": "paused"},
            secrets={"webhook": Secret("new"), "token": Secret("more")},
            settings={"x": "y"},
            name="Tienda",
            currency="EUR",
            locale="es-ES",
        )
        assert kept == a_shop(OTHER)

    def test_an_unknown_fact_is_refused(self, storage: Storage) -> None:
        """A fact that no shop has is an error, not a new column."""
        with_shops(storage)
        with pytest.raises(InvalidRequest, match="state"), storage.transaction() as tx:
            tx.update_shop(SHOP, facts={"state": "removed"})

    def test_shops_come_oldest_first(self, storage: Storage) -> None:
        """Shops are listed by the time they were connected."""
        with_shops(storage, "b", created_at=later(hours=1))
        with_shops(storage, "a", created_at=later(hours=2))
        with_shops(storage, "c", created_at=NOW)
        with storage.reading() as tx:
            assert [shop.id for shop in tx.shops()] == ["c", "b", "a"]


class OrderRecords:
    """Every promise about orders, buyers and occurrences."""

    def test_the_newest_state_of_an_order(self, storage: Storage) -> None:
        """An order reads back as stored last; the time of the last fetch is kept."""
        order = an_order(note="a\x00b", tags=("vip",), meta=(("k", "v"),))
        with storage.transaction() as tx:
            tx.lock_order(SHOP, order.ref)
            assert tx.order(SHOP, order.ref) is None
            tx.put_order(SHOP, order, buyer_id=None, seen_at=NOW, fetched_at=NOW)
            assert tx.order(SHOP, order.ref) == StoredOrder(order, None, NOW, NOW)
        newer = replace(order, state=OrderState.COMPLETED, modified_at=later(hours=1))
        with storage.transaction() as tx:
            tx.put_order(SHOP, newer, buyer_id=5, seen_at=later(hours=2))
        with storage.reading() as tx:
            assert tx.order(SHOP, order.ref) == StoredOrder(newer, 5, later(hours=2), NOW)
            assert tx.order(OTHER, order.ref) is None

    def test_an_order_with_a_broken_letter_is_stored(self, storage: Storage) -> None:
        """A lone surrogate in a name becomes the sign for a broken letter."""
        order = an_order(buyer=Buyer(name="Ana \ud83d"), number="#1\ud83d\x00")
        with storage.transaction() as tx:
            tx.put_order(SHOP, order, buyer_id=None, seen_at=NOW)
            found = tx.order(SHOP, order.ref)
        assert found is not None
        assert found.order.buyer.name == "Ana \ufffd"

    def test_one_buyer_by_any_key(self, storage: Storage) -> None:
        """Keys lead to one buyer, new keys are learned, and the strongest known one wins."""
        with storage.transaction() as tx:
            ana = tx.find_buyer(["email:ana@example.com", "phone:+34600000001"])
            assert tx.find_buyer(["email:ana@example.com"]) == ana
            assert tx.find_buyer(["email:new@example.com", "phone:+34600000001"]) == ana
            assert tx.find_buyer(["email:new@example.com"]) == ana
            luis = tx.find_buyer(["email:luis@example.com", "phone:+34600000002"])
            assert luis != ana
            # Keys of both: the first known one decides, and nothing moves.
            assert tx.find_buyer(["email:luis@example.com", "phone:+34600000001"]) == luis
            assert tx.find_buyer(["phone:+34600000001"]) == ana
            assert tx.find_buyer(["email:odd\x00\ud800"]) == tx.find_buyer(["email:odd\x00\ud800"])
            assert tx.find_buyer([]) not in {ana, luis}

    @pytest.mark.parametrize("refs", [("9", "10", "100"), ("100", "9", "10")])
    def test_the_smaller_number_is_the_earlier(
        self, storage: Storage, refs: tuple[str, ...]
    ) -> None:
        """Of orders of one second 9 comes before 10, as numbers do and texts do not."""
        for ref in refs:
            put(storage, ref, 1)
        found = {ref: earlier_orders(storage, ref, 1) for ref in refs}
        assert found == {"9": 0, "10": 1, "100": 2}

    @pytest.mark.parametrize("refs", [("1", "2", "3"), ("3", "1", "2"), ("2", "3", "1")])
    def test_which_order_of_the_buyer_it_is(self, storage: Storage, refs: tuple[str, ...]) -> None:
        """The count does not depend on the order in which the shops' orders came."""
        times = {"1": NOW, "2": NOW, "3": later(seconds=1)}
        for ref in refs:
            put(storage, ref, 1, times[ref])
        found = {ref: earlier_orders(storage, ref, 1, times[ref]) for ref in refs}
        # Placed in one moment: the smaller number came first.
        assert found == {"1": 0, "2": 1, "3": 2}

    def test_the_shop_decides_between_twins(self, storage: Storage) -> None:
        """Of two orders placed in one moment in two shops the first shop's is earlier."""
        put(storage, "9", 1)
        put(storage, "1", 1, shop_id=OTHER)
        assert earlier_orders(storage, "9", 1) == 0
        with storage.reading() as tx:
            assert tx.count_buyer_orders(1, before=NOW, shop_id=OTHER, ref=OrderRef("1")) == 1

    def test_nobody_counts_for_ever(self, storage: Storage) -> None:
        """Of a buyer with more earlier orders than a thousand a thousand are counted."""
        with storage.transaction() as tx:
            for number in range(1_003):
                order = an_order(str(number), placed_at=NOW)
                tx.put_order(SHOP, order, buyer_id=1, seen_at=NOW)
        assert earlier_orders(storage, "999", 1) == 999
        assert earlier_orders(storage, "1002", 1) == 1_000

    def test_what_counts_as_bought(self, storage: Storage) -> None:
        """Pending, failed, canceled, deleted and test orders do not count; the rest does."""
        before = later(days=-1)
        for number, state in enumerate(OrderState):
            put(storage, f"1{number:02}", 1, before, state=state)
        put(storage, "test", 1, before, test=True)
        put(storage, "someone-else", 2, before)
        # Ten states, four of which are no purchase.
        assert earlier_orders(storage, "1", 1) == 6

    def test_texts_are_compared_byte_by_byte(self, storage: Storage) -> None:
        """Capitals come before small letters, whatever the database's language."""
        put(storage, "B", 1)
        put(storage, "a", 1)
        assert (earlier_orders(storage, "B", 1), earlier_orders(storage, "a", 1)) == (0, 1)

    def test_an_occurrence_happens_once(self, storage: Storage) -> None:
        """A second one gives None and keeps the earlier time; another discriminator is new."""
        with storage.transaction() as tx:
            first = tx.add_occurrence(an_occurrence("1"), seen_at=NOW, own=False)
            assert first is not None
            later_one = an_occurrence("1", occurred_at=later(hours=1))
            assert tx.add_occurrence(later_one, seen_at=later(hours=2), own=True) is None
            other = tx.add_occurrence(an_occurrence("1", "refund-2"), seen_at=NOW, own=True)
            assert other is not None
            assert other > first
            assert tx.occurrence(first) == OccurrenceRecord(first, an_occurrence("1"), NOW)
            earlier_one = an_occurrence("1", occurred_at=later(hours=-1))
            assert tx.add_occurrence(earlier_one, seen_at=later(hours=3), own=True) is None
        with storage.reading() as tx:
            assert tx.occurrences_of(SHOP, OrderRef("1")) == [
                OccurrenceRecord(first, earlier_one, NOW),
                OccurrenceRecord(other, an_occurrence("1", "refund-2"), NOW, own=True),
            ]
            assert tx.occurrence(404) is None

    def test_own_writes_are_remembered(self, storage: Storage) -> None:
        """A noted write is known for its order and kind until it is taken back."""
        order, kind = OrderRef("1"), OccurrenceKind.ORDER_COMPLETED
        with storage.transaction() as tx:
            assert not tx.own_writes_of(SHOP, order)
            tx.note_own_write(SHOP, order, kind, NOW)
            tx.note_own_write(SHOP, order, kind, later(hours=1))
            assert tx.own_writes_of(SHOP, order) == {kind}
            assert not tx.own_writes_of(OTHER, order)
            tx.forget_own_write(SHOP, order, kind)
            assert not tx.own_writes_of(SHOP, order)


class RuleRecords:
    """Every promise about rules and evaluations."""

    def test_a_rule_has_versions(self, storage: Storage) -> None:
        """A changed rule is a new version, the same one is not, and old ones stay."""
        with storage.transaction() as tx:
            start = tx.rules_revision()
            assert tx.put_rule(SHOP, "b", {"delay": "1h"}, enabled=True, now=NOW) == 1
            assert tx.put_rule(SHOP, "a", {"x": 1}, enabled=False, now=NOW) == 1
            assert tx.put_rule(SHOP, "b", {"delay": "1h"}, enabled=True, now=later(hours=1)) == 1
            assert tx.put_rule(SHOP, "b", {"delay": "2h"}, enabled=True, now=later(hours=1)) == 2
        with storage.reading() as tx:
            assert tx.rules(SHOP) == [
                a_rule("b", 2, {"delay": "2h"}, at=later(hours=1)),
                a_rule("a", 1, {"x": 1}, enabled=False),
            ]
            assert tx.rule(SHOP, "b", 1) == a_rule("b", 1, {"delay": "1h"})
            assert tx.rule(SHOP, "b", 3) is None
            assert tx.rules(OTHER) == []
            assert tx.rules_revision() > start

    def test_a_rule_is_switched_and_deleted(self, storage: Storage) -> None:
        """Every change of a rule raises the revision; a deleted rule keeps its versions."""
        revisions = []
        with storage.transaction() as tx:
            assert not tx.enable_rule(SHOP, "a", enabled=True)
            assert not tx.delete_rule(SHOP, "a")
            tx.put_rule(SHOP, "a", {"x": 1}, enabled=True, now=NOW)
            tx.put_rule(SHOP, "b", {"x": 1}, enabled=True, now=NOW)
            revisions.append(tx.rules_revision())
            assert tx.enable_rule(SHOP, "a", enabled=False)
            assert not tx.rules(SHOP)[0].enabled
            revisions.append(tx.rules_revision())
            assert tx.delete_rule(SHOP, "a")
            revisions.append(tx.rules_revision())
            assert [rule.rule_id for rule in tx.rules(SHOP)] == ["b"]
            assert not tx.enable_rule(SHOP, "a", enabled=True)
            old = tx.rule(SHOP, "a", 1)
            assert old is not None
            assert old.source == {"x": 1}
            assert tx.put_rule(SHOP, "a", {"x": 1}, enabled=True, now=NOW) == 1
            revisions.append(tx.rules_revision())
            # Imported anew, it stands behind the others.
            assert [rule.rule_id for rule in tx.rules(SHOP)] == ["b", "a"]
        assert revisions == sorted(set(revisions))

    def test_what_may_happen_once(self, storage: Storage) -> None:
        """The first occurrence gets the one time, the second does not, until it is released."""
        with storage.transaction() as tx:
            assert tx.claim_once(SHOP, "welcome", "buyer:1", 1)
            assert not tx.claim_once(SHOP, "welcome", "buyer:1", 2)
            assert tx.claim_once(SHOP, "welcome", "buyer:1", 1)
            assert tx.claim_once(SHOP, "welcome", "buyer:2", 2)
            assert tx.claim_once(SHOP, "other", "buyer:1", 2)
            assert tx.claim_once(OTHER, "welcome", "buyer:1", 2)
            tx.release_once(SHOP, "welcome", 2)
            assert not tx.claim_once(SHOP, "welcome", "buyer:1", 3)
            tx.release_once(SHOP, "welcome", 1)
            assert tx.claim_once(SHOP, "welcome", "buyer:1", 3)

    def test_an_evaluation_is_kept_once(self, storage: Storage) -> None:
        """Why a rule acted stays as it was first told, for each version and occurrence."""
        told = (
            b'[[["order.total","gte","20.00"]],[["welcome",1,[["all[0]",0]]],["late",2,[["",0]]]]]'
        )
        seen = {"order.total": Decimal("25.00"), "order.tags": {"b", "a"}}
        verdicts = [Verdict.MATCHED, Verdict.TOO_OLD]
        first = Evaluation(
            SHOP, OrderRef("1"), 7, NOW, AskedRules("d1", told), seen, [True], verdicts
        )
        # What was asked is not stored either when the transaction fails.
        with contextlib.suppress(ZeroDivisionError), storage.transaction() as tx:
            tx.add_evaluation(first)
            raise ZeroDivisionError
        with storage.transaction() as tx:
            tx.add_evaluation(first)
            tx.add_evaluation(replace(first, verdicts=verdicts[::-1]))
            tx.add_evaluation(replace(first, occurrence_id=8, answers=[False]))
        rows = list(storage.iterate("evaluations", SHOP))
        assert rows[0] == {
            "shop": SHOP,
            "order": "1",
            "rule": "welcome",
            "version": 1,
            "occurrence": 7,
            "verdict": "matched",
            "at": NOW,
            "conditions": [
                {
                    "path": "all[0]",
                    "field": "order.total",
                    "op": "gte",
                    "value": "20.00",
                    "seen": "25.00",
                    "held": True,
                }
            ],
        }
        # A rule that was not asked saw nothing.
        assert (rows[1]["rule"], rows[1]["version"], rows[1]["verdict"]) == ("late", 2, "too_old")
        assert rows[1]["conditions"] == []
        assert [row["occurrence"] for row in rows] == [7, 7, 8, 8]
        assert not rows[2]["conditions"][0]["held"]


class ReportRecords:
    """Every promise about jobs, values, counts and exports."""

    def test_a_recurring_job_has_one_turn(self, storage: Storage) -> None:
        """A job's turn is given once in its period, and again after it."""
        with storage.transaction() as tx:
            assert tx.claim_job("poll", now=NOW, every_s=300)
            assert not tx.claim_job("poll", now=later(seconds=299.9), every_s=300)
            assert tx.claim_job("sweep", now=NOW, every_s=300)
            assert tx.claim_job("poll", now=later(seconds=300), every_s=300)
            assert not tx.claim_job("poll", now=later(seconds=301), every_s=300)
            # The clock was set back by a day: the job does not stand still for so long.
            assert tx.claim_job("poll", now=later(days=-1), every_s=300)

    def test_small_values(self, storage: Storage) -> None:
        """A value is what was set last, None before."""
        with storage.transaction() as tx:
            assert tx.value("paused") is None
            tx.set_value("paused", "yes")
            tx.set_value("paused", "no")
        with storage.reading() as tx:
            assert tx.value("paused") == "no"

    def test_every_row_is_counted_once(self, storage: Storage) -> None:
        """Counts by state add up to all rows; the oldest open delivery is told."""
        with_shops(storage)
        with storage.reading() as tx:
            counts = tx.counts()
        assert (counts.deliveries, counts.effects, counts.rejected) == ({}, {}, 0)
        assert counts.oldest_waiting_at is None
        with storage.transaction() as tx:
            tx.add_deliveries([a_delivery(f"d{n}", received_at=later(hours=n)) for n in range(5)])
            tx.add_effects([an_effect(f"e{n}", str(n)) for n in range(4)], now=NOW)
            (item,) = tx.claim_deliveries(now=NOW, lease_until=LEASE, limit=1)
            tx.settle_delivery(item.id, item.fence, state=DeliveryState.DEAD, reason="", now=NOW)
            first, second = tx.claim_effects(now=NOW, lease_until=LEASE, limit=2)
            tx.settle_effect(
                first.key, first.fence, state=EffectState.SKIPPED, reason="canceled", now=NOW
            )
            tx.count_rejected(SHOP, "signature", 2)
            tx.count_rejected(SHOP, "signature", 3)
            tx.count_rejected(None, "unknown address", 1)
            counts = tx.counts()
        assert second.fence == 1
        assert counts.deliveries == {"dead": 1, "waiting": 4}
        assert counts.effects == {"skipped": 1, "sending": 1, "planned": 2}
        assert counts.rejected == 6
        assert counts.oldest_waiting_at == later(hours=1)

    def test_exports_go_page_by_page(self, storage: Storage) -> None:
        """Pages of an export hold every row once, in the order stored, by shop if asked."""
        with storage.transaction() as tx:
            for number in range(7):
                shop_id = OTHER if number % 3 == 0 else SHOP
                tx.put_order(
                    shop_id,
                    an_order(str(number), placed_at=later(seconds=number)),
                    buyer_id=1 if number else None,
                    seen_at=NOW,
                )
        with storage.reading() as tx:
            seen, after = [], 0
            while page := tx.export("orders", None, after=after, limit=3):
                seen += [row["order"].ref for _, row in page]
                after = page[-1][0]
        assert seen == list("0123456")
        rows = list(storage.iterate("orders", OTHER))
        assert [(row["shop"], row["order"].ref, row["order_count"]) for row in rows] == [
            (OTHER, "0", None),
            (OTHER, "3", 3),
            (OTHER, "6", 6),
        ]
        assert rows[1]["order"] == an_order("3", placed_at=later(seconds=3))
        assert (rows[1]["buyer_id"], rows[1]["seen_at"]) == (1, NOW)

    def test_a_long_export_is_complete(self, storage: Storage) -> None:
        """More rows than one page holds come all, once."""
        with storage.transaction() as tx:
            for number in range(1001):
                tx.add_occurrence(an_occurrence(str(number)), seen_at=NOW, own=number == 5)
        rows = list(storage.iterate("occurrences", None))
        assert [row["order"] for row in rows] == [str(number) for number in range(1001)]
        assert {**rows[5], "id": 0} == {
            "id": 0,
            "shop": SHOP,
            "order": "5",
            "kind": "order.paid",
            "discriminator": "",
            "occurred_at": NOW,
            "seen_at": NOW,
            "own": True,
        }

    def test_effects_and_messages_are_exported(self, storage: Storage) -> None:
        """An effect comes as its record, a message once with what the channel said."""
        message = a_message("m", text="¡Hola!\x00\ud800", order_ref=None)
        with storage.transaction() as tx:
            tx.add_effects([an_effect("e")], now=NOW)
            tx.add_message(message, sent_at=NOW, result={"ref": "1"})
            tx.add_message(a_message("m"), sent_at=later(hours=1), result={"ref": "2"})
            record = tx.effect("e")
        assert list(storage.iterate("effects", SHOP)) == [{"record": record}]
        assert list(storage.iterate("effects", OTHER)) == []
        assert list(storage.iterate("messages", None)) == [
            {"message": message, "sent_at": NOW, "result": {"ref": "1"}}
        ]

    def test_an_unknown_export_is_refused(self, storage: Storage) -> None:
        """Only what is listed can be exported."""
        with pytest.raises(InvalidRequest, match="secrets"):
            list(storage.iterate("secrets", None))


class RecordContract(ShopRecords, OrderRecords, RuleRecords, ReportRecords):
    """Every promise about what is no queue."""
