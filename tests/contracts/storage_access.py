"""What every store must do about people and about lists."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.admin.sessions import IDLE, live_session, open_session
from connector.admin.tries import begin_try, forget, wait_after
from connector.errors import Conflict
from connector.model.effect import EffectState
from connector.model.order import OrderRef, OrderState
from connector.secret import Secret
from connector.storage.access import (
    EVERYWHERE,
    AuditEntry,
    Door,
    Role,
    Stage,
    UserRecord,
    UserState,
)
from connector.storage.listings import EffectList, Place, ShopStanding
from connector.storage.port import Storage
from connector.storage.records import DeliveryState
from tests.contracts.storage_data import (
    LEASE,
    NOW,
    OTHER,
    SHOP,
    a_delivery,
    a_message,
    an_effect,
    an_occurrence,
    an_order,
    later,
    with_shops,
)

ANA = UserRecord("u1", "ana", "hash", NOW, roles={EVERYWHERE: Role.OWNER, "s1": Role.VIEWER})


class AccessContract:
    """Promises about users, sessions, tries, the log, and lists."""

    def test_users_with_roles(self, storage: Storage) -> None:
        """A user comes back as stored; a name is taken once; changes change what is given."""
        with storage.transaction() as tx:
            tx.add_user(ANA)
        with pytest.raises(Conflict), storage.transaction() as tx:
            tx.add_user(replace(ANA, id="u2"))
        with storage.transaction() as tx:
            assert tx.user("u1") == tx.user_by_name("ana") == ANA
            assert (tx.user("u2"), tx.user_by_name("Ana")) == (None, None)
            tx.update_user("u1", password_hash="new", state=UserState.DISABLED, locale="en")
            tx.set_role("u1", EVERYWHERE, None)
            tx.set_role("u1", "s1", Role.EDITOR)
            assert list(tx.users()) == [
                replace(
                    ANA,
                    password_hash="new",
                    state=UserState.DISABLED,
                    locale="en",
                    roles={"s1": Role.EDITOR},
                )
            ]

    def test_second_factor(self, storage: Storage) -> None:
        """A time step and a recovery code count once; new codes replace the old ones."""
        with storage.transaction() as tx:
            tx.add_user(ANA)
            tx.set_totp("u1", Secret("SECRET"), ["d1", "d2"])
            user = tx.user("u1")
            assert user is not None
            assert user.totp == Secret("SECRET")
            used = [tx.use_totp_step("u1", step) for step in (7, 7, 6, 8)]
            assert used == [True, False, False, True]
            assert [tx.use_recovery_code("u1", "d1") for _ in range(2)] == [True, False]
            tx.set_totp("u1", Secret("OTHER"), ["d3"])
            assert not tx.use_recovery_code("u1", "d2")
            assert tx.use_totp_step("u1", 1)
            tx.set_totp("u1", None, [])
            assert tx.user("u1") == ANA
            assert not tx.use_recovery_code("u1", "d3")

    def test_sessions(self, storage: Storage) -> None:
        """A session is found by its secret name until it ends, is idle, or is ended."""
        with storage.transaction() as tx:
            tx.add_user(ANA)
            names = [
                open_session(tx, door=Door.STANDALONE, actor="ana", now=NOW, user_id="u1")
                for _ in range(3)
            ]
            framed = open_session(
                tx, door=Door.SHOPIFY, actor="x", now=NOW, roles={"s1": Role.EDITOR}, locale="es"
            )
            found = live_session(tx, framed, later(hours=7))
            assert found is not None
            assert (found.roles, found.user_id, found.stage) == (
                {"s1": Role.EDITOR},
                None,
                Stage.OPEN,
            )
            assert live_session(tx, "other", NOW) is None
            assert live_session(tx, framed, NOW + IDLE) is None
            tx.touch_session(found.digest, seen_at=later(hours=7), locale="en")
            touched = live_session(tx, framed, NOW + IDLE)
            assert touched is not None
            assert touched.locale == "en"
            assert len(tx.sessions_of("u1")) == 3
            one = live_session(tx, names[0], NOW)
            assert one is not None
            assert tx.end_sessions("u1", but=one.digest) == 2
            assert [tx.end_session(one.digest) for _ in range(2)] == [True, False]
            assert tx.end_old_sessions(now=later(days=7), idle_since=NOW) == 1
            assert tx.session(found.digest) is None

    def test_tries(self, storage: Storage) -> None:
        """Five tries are free, then each wait doubles; a right one or a day begins anew."""
        now = NOW
        with storage.transaction() as tx:
            for _ in range(5):
                assert begin_try(tx, "ana", "::1", now) is None
            until = begin_try(tx, "ana", "::1", now)
            assert until == now + timedelta(seconds=15)
            # What is refused does not count.
            assert begin_try(tx, "ana", "::1", now) == until
            assert begin_try(tx, "ana", "::1", until) is None
            assert begin_try(tx, "ana", "::1", until) == until + timedelta(seconds=30)
            assert begin_try(tx, "eva", "::1", until) is None
            forget(tx, "ana", "::1")
            assert begin_try(tx, "ana", "::1", until) is None
            # From one line, whatever names and whatever of its many addresses.
            for number in range(20):
                assert begin_try(tx, f"n{number}", f"2606:4700::{number:x}", now) is None
            assert begin_try(tx, "n20", "2606:4700::ffff", now) is not None
            assert begin_try(tx, "n20", "2606:4700:0:1::1", now) is None
            # A proxy stands for everybody.
            for number in range(200):
                assert begin_try(tx, f"m{number}", "10.0.0.1", now) is None
            assert begin_try(tx, "m200", "10.0.0.1", now) is not None
        assert [wait_after(count, 5).total_seconds() for count in (4, 5, 6, 12, 400)] == [
            0,
            15,
            30,
            1_800,
            1_800,
        ]

    def test_the_log(self, storage: Storage) -> None:
        """Acts come newest first, page by page, all or those of one shop."""
        with storage.transaction() as tx:
            for number in range(5):
                shop = SHOP if number % 2 else None
                tx.add_audit(
                    AuditEntry(NOW, "ana", Door.COMMAND, f"act{number}", "::1", shop, {"n": number})
                )
            rows = tx.audit(limit=3)
            assert [row.act for row in rows] == ["act4", "act3", "act2"]
            assert replace(rows[0], id=0) == AuditEntry(
                NOW, "ana", Door.COMMAND, "act4", "::1", None, {"n": 4}
            )
            assert [row.act for row in tx.audit(before=rows[-1].id, limit=9)] == ["act1", "act0"]
            assert [row.act for row in tx.audit(shop_id=SHOP, limit=9)] == ["act3", "act1"]

    def test_orders_page_by_page(self, storage: Storage) -> None:
        """Pages hold each order once, placed last first; filters narrow them."""
        with_shops(storage, SHOP, OTHER)
        with storage.transaction() as tx:
            for number in range(7):
                # Two at each instant.
                order = an_order(str(number), placed_at=later(minutes=number // 2))
                tx.put_order(SHOP, order, buyer_id=None, seen_at=NOW)
            failed = an_order("f", state=OrderState.FAILED, placed_at=later(minutes=9))
            tx.put_order(SHOP, failed, buyer_id=None, seen_at=NOW)
            tx.put_order(OTHER, an_order("theirs"), buyer_id=None, seen_at=NOW)
            seen: list[str] = []
            after: Place | None = None
            while page := tx.orders_page(SHOP, after=after, limit=3):
                seen += [stored.order.ref for _, stored in page]
                after = page[-1][0]
            assert seen == ["f", "6", "5", "4", "3", "2", "1", "0"]

            def refs(**words: object) -> list[str]:
                found = tx.orders_page(SHOP, limit=9, **words)  # type: ignore[arg-type]
                return [stored.order.ref for _, stored in found]

            assert refs(state=OrderState.FAILED) == ["f"]
            assert refs(since=later(minutes=1), until=later(minutes=2)) == ["3", "2"]
            assert refs(refs=[OrderRef("3"), OrderRef("theirs")]) == ["3"]
            assert refs(refs=[]) == []

    def test_what_is_told_of_an_order(self, storage: Storage) -> None:
        """Deliveries about an order come in order without their bodies, messages by key."""
        with_shops(storage, SHOP, OTHER)
        with storage.transaction() as tx:
            numbers = tx.add_deliveries(
                [
                    a_delivery("a", "7", state=DeliveryState.DONE),
                    a_delivery("b", "8"),
                    a_delivery("c", "7"),
                    a_delivery("d", "7", state=DeliveryState.DEAD),
                    a_delivery("e", "7", OTHER),
                ]
            )
            found = tx.deliveries_of(SHOP, "7", 10)
            assert [row.id for row in found] == [numbers[0], numbers[2], numbers[3]]
            assert [row.body for row in found] == [b"", b"", b""]
            assert [row.id for row in tx.deliveries_of(SHOP, "7", 2)] == [numbers[2], numbers[3]]
            tx.add_message(a_message("k1"), sent_at=NOW, result={"ref": "r"})
            (sent,) = tx.messages_of(["k0", "k1"])
            assert (sent.message, sent.sent_at) == (a_message("k1"), NOW)
            for number in range(3):
                tx.add_occurrence(an_occurrence(str(number)), seen_at=NOW, own=False)
            lately = tx.occurrences_lately(SHOP, 2)
            assert [row.occurrence.order_ref for row in lately] == ["2", "1"]
            assert list(tx.occurrences_lately(OTHER, 2)) == []

    def test_effects_a_person_acts_on(self, storage: Storage) -> None:
        """Planned effects are moved and canceled in their own shop only; lists go by time."""
        with_shops(storage, SHOP, OTHER)
        with storage.transaction() as tx:
            tx.add_effects(
                [an_effect(f"e{n}", str(n), due_at=later(hours=5 - n)) for n in range(4)], now=NOW
            )
            tx.add_effects([an_effect("theirs", shop_id=OTHER)], now=NOW)
            first = tx.effects_page(SHOP, EffectList.SCHEDULED, limit=3)
            assert [one.key for _, one in first] == ["e3", "e2", "e1"]
            rest = tx.effects_page(SHOP, EffectList.SCHEDULED, after=first[-1][0], limit=3)
            assert [one.key for _, one in rest] == ["e0"]
            assert tx.move_effect(SHOP, "e0", NOW)
            assert tx.cancel_effect(SHOP, "e1", reason="why", now=NOW)
            for key in ("theirs", "none", "e1"):
                assert not tx.move_effect(SHOP, key, NOW)
                assert not tx.cancel_effect(SHOP, key, reason="why", now=NOW)
            canceled = tx.effect("e1")
            assert canceled is not None
            assert (canceled.state, canceled.reason, canceled.done_at) == (
                EffectState.SKIPPED,
                "why",
                NOW,
            )
        with storage.transaction() as tx:
            (claimed,) = tx.claim_effects(now=NOW, lease_until=LEASE, limit=9, busy=[OTHER])
            assert claimed.key == "e0"
            assert not tx.move_effect(SHOP, "e0", NOW)
            tx.settle_effect("e0", claimed.fence, state=EffectState.DEAD, reason="x", now=NOW)
            assert [one.key for _, one in tx.effects_page(SHOP, EffectList.DEAD, limit=9)] == ["e0"]
            assert list(tx.effects_page(OTHER, EffectList.DEAD, limit=9)) == []
            tx.add_deliveries([a_delivery("w"), a_delivery("d", state=DeliveryState.DEAD)])
            standing = tx.standing_of_shop(SHOP, late=later(hours=2, minutes=1), most=100)
            # Open are e2 and e3; e3 was due two hours from now.
            assert standing == ShopStanding(1, 1, 2, 1, 1)
            assert tx.standing_of_shop(SHOP, late=NOW, most=1) == ShopStanding(1, 1, 1, 0, 1)
