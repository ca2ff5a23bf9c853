"""The store on PostgreSQL: the contract, and what only a server can do."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from adapters.storage.database import Database, open_database
from adapters.storage.tables import inbox
from connector.errors import ConfigurationError, PostventaError, StorageUnavailable
from connector.model.order import OrderRef, ShopId
from connector.storage.port import Storage, Transaction
from tests.contracts.storage import StorageContract
from tests.contracts.storage_data import (
    KEY,
    LEASE,
    NOW,
    SHOP,
    a_delivery,
    claimed_keys,
    with_shops,
)
from tests.postgresql import Cluster
from tests.support import until

pytestmark = pytest.mark.postgresql
Opener = Callable[..., Database]


class TestPostgresqlStorage(StorageContract):
    @pytest.fixture
    def storage(self, postgresql_url: str, opened: Opener, tmp_path: Path) -> Storage:
        """Give a fresh store on PostgreSQL."""
        return opened(postgresql_url, tmp_path)


@pytest.fixture
def database(postgresql_url: str, opened: Opener, tmp_path: Path) -> Database:
    """Give a fresh store on PostgreSQL."""
    return opened(postgresql_url, tmp_path)


def test_the_facts(database: Database) -> None:
    """The store tells the server's version and that commits are synced."""
    facts = database.facts()
    assert (facts.kind, facts.synchronous) == ("postgresql", "on")
    assert int(facts.version.split(".")[0]) >= 12


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_server_that_may_forget_is_refused(
    cluster: Cluster, tmp_path: Path, setting: str
) -> None:
    """A server that acknowledges before it is safe is refused, and the setting named."""
    url = cluster.url()

    def is_set(value: str) -> bool:
        engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        with engine.connect() as connection:
            found = connection.exec_driver_sql(f"SHOW {setting}").scalar()
        engine.dispose()
        return found == value

    cluster.execute(f"ALTER SYSTEM SET {setting} = off")
    cluster.execute("SELECT pg_reload_conf()")
    try:
        until(lambda: is_set("off"))
        with pytest.raises(ConfigurationError, match=setting):
            open_database(url, KEY, data_dir=tmp_path)
    finally:
        cluster.execute(f"ALTER SYSTEM RESET {setting}")
        cluster.execute("SELECT pg_reload_conf()")
        until(lambda: is_set("on"))


def test_two_claimers_share_no_lane(
    database: Database, postgresql_url: str, opened: Opener
) -> None:
    """A claim that is not yet committed makes the next one wait, not take the same lane."""
    with_shops(database)
    other = opened(postgresql_url, Path())
    with database.transaction() as tx:
        tx.add_deliveries([a_delivery("a", "1"), a_delivery("b", "1"), a_delivery("c", "2")])
    second: list[str] = []
    thread = threading.Thread(target=lambda: second.extend(claimed_keys(other)))
    with database.transaction() as tx:
        first = tx.claim_deliveries(now=NOW, lease_until=LEASE, limit=1)
        thread.start()
        waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        until(lambda: tx.connection.exec_driver_sql(waits).scalar() == 1)
    thread.join(60)
    assert [item.key for item in first] == ["a"]
    assert second == ["c"]


def test_a_row_held_by_another_transaction_is_passed_over(database: Database) -> None:
    """A claim does not wait for a long transaction that has a waiting row."""
    with_shops(database)
    with database.transaction() as tx:
        tx.add_deliveries([a_delivery("a"), a_delivery("b")])
    with database.transaction() as tx:
        tx.connection.execute(sa.update(inbox).where(inbox.c.key == "a").values(topic="x"))
        assert claimed_keys(database) == ["b"]
    assert claimed_keys(database) == ["a"]


def test_orders_of_other_lanes_are_not_waited_for(database: Database) -> None:
    """The lock of an order stops nobody who works on another one."""
    with database.transaction() as tx, database.transaction() as other:
        tx.lock_order(SHOP, OrderRef("1"))
        other.lock_order(SHOP, OrderRef("2"))
        other.lock_order(ShopId("shop-2"), OrderRef("1"))


def test_an_error_does_not_quote_the_data(database: Database) -> None:
    """What the driver says about a row is not passed on: it may name a buyer."""
    with pytest.raises(PostventaError) as caught, database.transaction() as tx:
        tx.connection.exec_driver_sql("SELECT CAST('ana@example.com' AS integer)")
    assert "ana@example.com" not in str(caught.value)
    assert not isinstance(caught.value, StorageUnavailable)
    twice = (
        "INSERT INTO installation_values VALUES ('ana@example.com', ''), ('ana@example.com', '')"
    )
    with pytest.raises(PostventaError) as caught, database.transaction() as tx:
        tx.connection.exec_driver_sql(twice)
    assert "ana@example.com" not in str(caught.value)
    assert "unique" in str(caught.value)


def test_nobody_answers(tmp_path: Path) -> None:
    """A server that cannot be reached is unavailable, and the password is not told."""
    url = f"postgresql://someone:hunter2@/x?host={tmp_path}"
    with pytest.raises(StorageUnavailable) as caught:
        open_database(url, KEY, data_dir=tmp_path)
    assert "hunter2" not in str(caught.value)


def test_a_server_that_dies_and_comes_back(tmp_path: Path) -> None:
    """In the middle of a transaction the store is unavailable, and it works again by itself."""
    with Cluster() as own:
        database = open_database(own.url(), KEY, data_dir=tmp_path)
        database.submit(lambda tx: tx.set_value("kept", "yes"))

        def lose_it(tx: Transaction) -> None:
            tx.set_value("lost", "yes")
            own.stop()
            tx.set_value("lost", "no")

        with pytest.raises(StorageUnavailable), database.transaction() as tx:
            lose_it(tx)
        with pytest.raises(StorageUnavailable):
            database.submit(lambda tx: tx.set_value("lost", "yes"))
        with pytest.raises(StorageUnavailable), database.reading() as tx:
            tx.value("kept")
        own.start()
        database.submit(lambda tx: tx.set_value("new", "yes"))
        with database.reading() as tx:
            assert [tx.value(name) for name in ("kept", "lost", "new")] == ["yes", None, "yes"]
        database.close()
