"""The store on SQLite: the contract, and what only a file can do."""

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from pysqlite3 import dbapi2

from adapters.storage import sqlite
from adapters.storage.database import FILE_NAME, Database, open_database
from adapters.storage.sqlite import read_facts, require_durable, require_sound_version
from adapters.storage.turns import Turns
from connector.errors import ConfigurationError, StorageUnavailable
from connector.storage.port import Storage
from connector.storage.records import StorageFacts
from tests.contracts.storage import StorageContract
from tests.contracts.storage_data import KEY, SHOP, a_delivery, a_shop, with_shops

Opener = Callable[..., Database]


class TestSqliteStorage(StorageContract):
    @pytest.fixture
    def storage(self, sqlite_folder: Path, opened: Opener) -> Storage:
        """Give a fresh store on SQLite."""
        return opened("", sqlite_folder)


@pytest.fixture
def database(sqlite_folder: Path, opened: Opener) -> Database:
    """Give a fresh store on SQLite."""
    return opened("", sqlite_folder)


@pytest.mark.parametrize(
    ("version", "sound"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 4), True),
    ],
)
def test_a_library_with_the_wal_reset_fault_is_refused(
    version: tuple[int, int, int], sound: bool
) -> None:
    """Only the versions that carry the fix may be used."""
    if sound:
        require_sound_version(version)
        return
    with pytest.raises(ConfigurationError, match="WAL"):
        require_sound_version(version)


def test_an_unsound_library_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening asks for the version of the library in use."""
    monkeypatch.setattr(dbapi2, "sqlite_version_info", (3, 40, 1))
    with pytest.raises(ConfigurationError, match=r"3\.40\.1"):
        open_database("", KEY, data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_settings_that_do_not_hold_are_refused() -> None:
    """A database that cannot keep a write-ahead log, or does not sync, is refused."""
    engine = sa.create_engine("sqlite://", module=dbapi2)
    with engine.connect() as connection:
        facts = read_facts(connection)
    engine.dispose()
    assert facts.journal_mode == "memory"
    with pytest.raises(ConfigurationError, match="memory"):
        require_durable(facts)
    with pytest.raises(ConfigurationError, match="normal"):
        require_durable(StorageFacts("sqlite", "3.53.4", "wal", "normal"))


def test_the_facts(database: Database) -> None:
    """The store tells that it writes ahead and syncs fully."""
    facts = database.facts()
    assert (facts.kind, facts.journal_mode, facts.synchronous) == ("sqlite", "wal", "full")
    assert facts.version == dbapi2.sqlite_version


@pytest.mark.parametrize("mode", ["write", "read"])
def test_every_connection_is_set_up(database: Database, mode: str) -> None:
    """Each connection syncs fully, checks references and overwrites what is deleted."""
    with getattr(database._backend, mode)() as connection:

        def pragma(name: str) -> object:
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

        assert [pragma(name) for name in ("synchronous", "foreign_keys", "secure_delete")] == [
            2,
            1,
            1,
        ]
        assert pragma("busy_timeout") == 10_000


def test_the_file_is_for_its_owner_alone(tmp_path: Path, opened: Opener) -> None:
    """The database and its log can be read by nobody else."""
    with opened("", tmp_path / "data").transaction() as tx:
        tx.set_value("a", "b")
        rights = {item.name: item.stat().st_mode & 0o777 for item in (tmp_path / "data").iterdir()}
    assert rights == dict.fromkeys((FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"), 0o600)
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_what_is_stored_outlives_the_store(sqlite_folder: Path, opened: Opener) -> None:
    """What a submit returned from is there for the next process."""
    first = opened("", sqlite_folder)
    first.submit(lambda tx: tx.set_value("a", "b"))
    # A copy taken while the store is open is what a power cut would leave.
    copy = sqlite_folder / "copy"
    copy.mkdir()
    for item in sqlite_folder.glob(f"{FILE_NAME}*"):
        shutil.copy(item, copy)
    with opened("", copy).reading() as tx:
        assert tx.value("a") == "b"


def test_the_data_folder_must_be_writable(tmp_path: Path) -> None:
    """A data folder that is a file is reported, with its cause."""
    (tmp_path / "data").write_text("")
    with pytest.raises(StorageUnavailable, match="data folder"):
        open_database("", KEY, data_dir=tmp_path / "data")


def test_a_broken_file_is_reported(tmp_path: Path) -> None:
    """A file that is no database is an error of ours, not of the driver."""
    (tmp_path / FILE_NAME).write_bytes(b"not a database" * 1000)
    with pytest.raises(StorageUnavailable, match="not a database"):
        open_database("", KEY, data_dir=tmp_path)


def test_a_full_disk_stores_nothing(database: Database) -> None:
    """When the disk is full every caller is told, and the store works on afterwards."""
    with_shops(database)
    with database._backend.write() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 20}")
    stored: list[int] = []
    told: list[int] = []

    def work(number: int) -> None:
        body = bytes(40_000)
        try:
            database.submit(lambda tx: tx.add_deliveries([a_delivery(str(number), body=body)]))
            stored.append(number)
        except StorageUnavailable:
            told.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(stored) + len(told) == 20
    assert len(told) >= 18
    with database._backend.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    database.submit(lambda tx: tx.set_value("a", "works again"))
    with database.reading() as tx:
        # Acknowledged is stored, and what was refused is not there.
        assert tx.counts().deliveries.get("waiting", 0) == len(stored)
        assert tx.value("a") == "works again"


def test_another_process_that_holds_the_file_is_waited_for(
    database: Database, sqlite_folder: Path, monkeypatch: pytest.MonkeyPatch, opened: Opener
) -> None:
    """A lock held by someone else ends as unavailable, and nothing is lost after it."""
    monkeypatch.setattr(sqlite, "BUSY_S", 0.2)
    impatient = opened(f"sqlite:///{sqlite_folder / FILE_NAME}", sqlite_folder)
    with database.transaction() as tx:
        tx.set_value("a", "1")
        with pytest.raises(StorageUnavailable, match="locked"):
            impatient.submit(lambda tx: tx.set_value("b", "2"))
        with pytest.raises(StorageUnavailable), impatient.transaction():
            pass
    impatient.submit(lambda tx: tx.set_value("b", "2"))
    with database.reading() as tx:
        assert (tx.value("a"), tx.value("b")) == ("1", "2")


def test_a_transaction_inside_of_a_transaction_is_refused(database: Database) -> None:
    """A thread that would wait for itself is told so at once."""
    with database.transaction(), pytest.raises(RuntimeError, match="inside"):
        database.transaction().__enter__()
    with database.transaction(), pytest.raises(RuntimeError, match="wait for itself"):
        database.submit(lambda tx: tx.set_value("a", "b"))
    database.submit(lambda tx: tx.set_value("a", "b"))


def test_a_reader_cannot_write(database: Database) -> None:
    """Writing in a reading is refused by the database."""
    with pytest.raises(StorageUnavailable, match="readonly"), database.reading() as tx:
        tx.set_value("a", "b")


def test_threads_that_end_leave_no_connection(database: Database) -> None:
    """Connections belong to the store: a hundred threads do not open a hundred files."""

    def work() -> None:
        with database.reading() as tx:
            tx.value("a")

    def open_files() -> int:
        folder = Path("/proc/self/fd")
        return sum(
            1
            for item in folder.iterdir()
            if item.exists() and FILE_NAME in os.readlink(item)  # noqa: PTH115 - text is wanted
        )

    for _ in range(100):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    # Two connections, one to write and one to read: the file and its log each.
    assert open_files() <= 6


def test_a_closed_store_says_so(database: Database) -> None:
    """After closing nothing is taken on."""
    database.submit(lambda tx: tx.set_value("a", "b"))
    database.close()
    with pytest.raises(StorageUnavailable, match="closed"):
        database.submit(lambda tx: tx.set_value("a", "c"))


def test_turns_come_in_order() -> None:
    """Who asked first gets the turn first, and who waits too long gives up."""
    turns = Turns(60)
    order: list[int] = []

    def work(number: int) -> None:
        with turns.turn():
            order.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    with turns.turn():
        assert turns.mine
        for number, thread in enumerate(threads):
            thread.start()
            while len(turns._waiting) <= number:
                pass
    for thread in threads:
        thread.join(60)
    assert order == [0, 1, 2, 3, 4]
    assert not turns.mine


def test_a_turn_that_does_not_come() -> None:
    """A thread that waits longer than its patience is told that the store is busy."""
    turns = Turns(0.01)
    told: list[Exception] = []

    def work() -> None:
        try:
            with turns.turn():
                pass
        except StorageUnavailable as err:
            told.append(err)

    with turns.turn():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(60)
    assert len(told) == 1
    with turns.turn():
        assert turns.mine


def test_no_secret_is_in_the_file(sqlite_folder: Path, opened: Opener) -> None:
    """The bytes of the database and its log hold the address and not the key."""
    database = opened("", sqlite_folder)
    with_shops(database)
    content = b"".join(item.read_bytes() for item in sqlite_folder.glob(f"{FILE_NAME}*"))
    assert a_shop().address.encode() in content
    assert b"s3cret-of-the-shop" not in content
    with database.reading() as tx:
        assert tx.shop(SHOP) == a_shop()
