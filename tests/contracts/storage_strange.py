"""What the store promises about rows of a newer version and leases of a wrong clock."""

from typing import Any

import pytest
import sqlalchemy as sa

from adapters.storage.tables import effects, inbox, occurrences, shops
from connector.model.effect import EffectState
from connector.model.order import OrderRef
from connector.storage.limits import HostLimit, LimitKind
from connector.storage.port import Storage
from connector.storage.records import DeliveryState
from tests.contracts.storage_data import (
    LEASE,
    NOW,
    SHOP,
    a_delivery,
    an_effect,
    an_occurrence,
    claimed_effects,
    claimed_keys,
    later,
    with_first_shop,
)

STRANGE = "carrier_pigeon"


def change(storage: Storage, statement: Any) -> None:
    """Change rows as another version would."""
    with storage.transaction() as tx:
        tx.connection.execute(statement)  # type: ignore[attr-defined]  # the SQL stores have one


def filled(storage: Storage) -> None:
    """Store two deliveries and two effects, each of an order of its own."""
    with_first_shop(storage)
    with storage.transaction() as tx:
        tx.add_deliveries([a_delivery("d1", "1"), a_delivery("d2", "2")])
        tx.add_effects([an_effect("e3", "3"), an_effect("e4", "4")], now=NOW)


class StrangeContract:
    """Every promise about what this version did not write."""

    def test_a_source_of_a_newer_version_is_set_aside(self, storage: Storage) -> None:
        """An unknown source goes dead with the reason; its neighbor is claimed, once."""
        filled(storage)
        change(storage, sa.update(inbox).where(inbox.c.key == "d1").values(source=STRANGE))
        assert claimed_keys(storage) == ["d2"]
        with storage.reading() as tx:
            (dead,) = tx.dead_deliveries(SHOP, 10)
            assert tx.counts().deliveries == {"dead": 1, "working": 1}
        assert (dead.key, dead.state) == ("d1", DeliveryState.DEAD)
        assert dead.reason == (
            "needs a person: source 'carrier_pigeon' is not known to this version; "
            "update Postventa, then retry it"
        )
        assert claimed_keys(storage) == []

    def test_a_kind_of_a_newer_version_is_set_aside(self, storage: Storage) -> None:
        """The same with an effect; it can be listed, exported and, after the update, retried."""
        filled(storage)
        change(storage, sa.update(effects).where(effects.c.key == "e3").values(kind=STRANGE))
        assert claimed_effects(storage) == ["e4"]
        with storage.reading() as tx:
            (dead,) = tx.dead_effects(SHOP, 10)
            assert len(tx.export("effects", SHOP, after=0, limit=10)) == 2
        assert (dead.key, dead.planned.kind, dead.state) == ("e3", STRANGE, EffectState.DEAD)
        assert "kind 'carrier_pigeon' is not known to this version" in dead.reason
        assert claimed_effects(storage) == []
        with storage.transaction() as tx:
            assert tx.reopen_effect("e3", now=NOW)
        change(storage, sa.update(effects).where(effects.c.key == "e3").values(kind="note"))
        assert claimed_effects(storage) == ["e3"]

    def test_an_occurrence_of_a_newer_version_is_passed_on(self, storage: Storage) -> None:
        """What happened keeps its word and equals nothing we know; reading goes on."""
        with_first_shop(storage)
        with storage.transaction() as tx:
            tx.add_occurrence(an_occurrence(), seen_at=NOW, own=False)
            tx.add_occurrence(an_occurrence(discriminator="7"), seen_at=NOW, own=False)
        change(
            storage,
            sa.update(occurrences).where(occurrences.c.discriminator == "7").values(kind=STRANGE),
        )
        with storage.reading() as tx:
            found = [item.occurrence.kind for item in tx.occurrences_of(SHOP, OrderRef("1"))]
        assert found == ["order.paid", STRANGE]

    def test_a_state_of_a_newer_version_hides_no_shop(self, storage: Storage) -> None:
        """A shop in a state that we do not know is listed, and nothing is done for it."""
        filled(storage)
        change(storage, sa.update(shops).values(state="hibernating"))
        with storage.reading() as tx:
            assert [shop.state for shop in tx.shops()] == ["hibernating"]
        assert claimed_effects(storage) == []

    def test_a_limit_of_a_newer_version_is_passed_over(self, storage: Storage) -> None:
        """What a newer version learned of a host keeps nobody from calling it."""
        with storage.transaction() as tx:
            tx.put_host_limit(HostLimit("a.example", LimitKind.QUIET, NOW, {}))
            tx.put_host_limit(HostLimit("a.example", LimitKind.BREAKER, NOW, {}))
        with storage.transaction() as tx:
            tx.connection.exec_driver_sql(  # type: ignore[attr-defined]  # the SQL stores have one
                f"UPDATE host_limits SET kind = '{STRANGE}' WHERE kind = 'quiet'"  # noqa: S608 - our own word
            )
        with storage.reading() as tx:
            assert [limit.kind for limit in tx.host_limits()] == [LimitKind.BREAKER]

    @pytest.mark.parametrize("days", [1, 400])
    def test_a_lease_of_a_wrong_clock_ends(self, storage: Storage, days: int) -> None:
        """What a worker whose clock is days ahead took is taken over, and its word is refused."""
        filled(storage)
        ahead, until = later(days=days), later(days=days, seconds=60)
        with storage.transaction() as tx:
            wrong = tx.claim_deliveries(now=ahead, lease_until=until, limit=1)[0]
            late = tx.claim_effects(now=ahead, lease_until=until, limit=1)[0]
        with storage.transaction() as tx:
            taken = tx.claim_deliveries(now=NOW, lease_until=LEASE, limit=10)
            sent = tx.claim_effects(now=NOW, lease_until=LEASE, limit=10)
        assert {row.key: row.fence for row in taken} == {"d1": 2, "d2": 1}
        # It may have been sent, so it is looked for first.
        assert {(row.key, row.state, row.abandoned) for row in sent} == {
            ("e3", EffectState.UNKNOWN, True),
            ("e4", EffectState.PLANNED, False),
        }
        with storage.transaction() as tx:
            settled = tx.settle_delivery(
                wrong.id, wrong.fence, state=DeliveryState.DONE, reason="", now=ahead
            )
            assert not settled
            assert not tx.extend_leases({}, {late.key: late.fence}, lease_until=until)

    def test_clocks_may_differ_a_little(self, storage: Storage) -> None:
        """A lease taken by a clock that is less than a lease ahead is kept to."""
        filled(storage)
        with storage.transaction() as tx:
            ahead, until = later(seconds=59), later(seconds=119)
            assert len(tx.claim_deliveries(now=ahead, lease_until=until, limit=10)) == 2
            assert len(tx.claim_effects(now=ahead, lease_until=until, limit=10)) == 2
        assert claimed_keys(storage) == []
        assert claimed_effects(storage) == []
