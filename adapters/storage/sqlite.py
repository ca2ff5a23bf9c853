"""SQLite: one file, one writer at a time, readers that never wait."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
import tenacity
from pysqlite3 import dbapi2
from sqlalchemy import event
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.pool import QueuePool

from adapters.storage.dialect import SQLITE
from adapters.storage.failures import translated
from adapters.storage.turns import Turns
from connector.errors import ConfigurationError, StorageUnavailable
from connector.storage.records import StorageFacts

BUSY_S: Final = 10
_TURN_S: Final = 30.0
_READERS: Final = 40
_SCRUB_TRIES: Final = 20
_FULL: Final = 2
_SYNCHRONOUS: Final = {0: "off", 1: "normal", 2: "full", 3: "extra"}


def require_sound_version(version: tuple[int, int, int]) -> None:
    """Refuse a SQLite that can lose committed data in WAL mode.

    Raises: ConfigurationError: the version has the WAL-reset fault.
    Source: "The WAL-reset bug" in SQLite's page on write-ahead logging, checked
        2026-11-22: fixed in 3.51.3, and in 3.50.7 and 3.44.6 of the older series.
    """
    sound = (
        version >= (3, 51, 3)
        or (3, 50, 7) <= version < (3, 51, 0)
        or (3, 44, 6) <= version < (3, 45, 0)
    )
    if not sound:
        text = ".".join(map(str, version))
        raise ConfigurationError(
            f"SQLite {text} can damage a database in WAL mode: install the package "
            "`pysqlite3` with SQLite 3.51.3 or newer, or set POSTVENTA_DATABASE_URL to "
            "a PostgreSQL database"
        )


class SqliteBackend:
    """Connections to one SQLite file.

    Args: path: the file; it and its folder are made, for this user alone.
    Raises: ConfigurationError: the library or the file system is not safe enough.
    """

    def __init__(self, path: Path) -> None:
        require_sound_version(dbapi2.sqlite_version_info)
        _make_file(path)
        self.dialect = SQLITE
        self._turns = Turns(_TURN_S)
        self._writer = _engine(path, "BEGIN IMMEDIATE", connections=1)
        self._writing: sa.Connection | None = None
        self._readers = _engine(path, "BEGIN", connections=_READERS)
        event.listen(self._readers, "connect", _forbid_writing)
        with translated():
            self._facts = _checked_facts(self._writer)

    @property
    def in_transaction(self) -> bool:
        """Tell whether this thread is inside of a writing transaction."""
        return self._turns.mine

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a transaction that may write; there is one at a time."""
        with self._turns.turn():
            connection = self._writing
            if connection is None or connection.closed or connection.invalidated:
                # Kept from turn to turn: to take one from the pool costs more than a row.
                connection = self._writing = self._writer.connect()
            try:
                with connection.begin():
                    yield connection
            except BaseException:
                # Whatever state it is in, the next turn begins with a fresh one.
                self._writing = None
                connection.close()
                raise

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a transaction that sees one instant and waits for nobody."""
        with self._readers.begin() as connection:
            yield connection

    def lock_migration(self, connection: sa.Connection) -> None:
        """Keep other processes from migrating; the write lock does that already."""

    def facts(self) -> StorageFacts:
        """Tell kind, version and durability settings."""
        return self._facts

    def scrub(self) -> bool:
        """Fold the log into the file and empty it; False when others keep us from it.

        What is deleted is overwritten in the file itself (`secure_delete`), but the log
        holds older pages until it is emptied, which long readings of others prevent.
        """
        for attempt in range(_SCRUB_TRIES):
            time.sleep(0.05 * attempt)
            with self._turns.turn():
                if _fold_log(self._writer):
                    return True
        return False

    def close(self) -> None:
        """Let go of all connections."""
        if self._writing is not None:
            self._writing.close()
            self._writing = None
        self._readers.dispose()
        self._writer.dispose()


def _make_file(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its WAL the same rights: nobody else reads the buyers.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as err:
        raise StorageUnavailable(f"cannot write {path.name} in the data folder: {err}") from err


class _Compiler(SQLiteCompiler):
    """Writes which index a query enters by, where it says so.

    SQLite has no figures to choose by and takes a wrong one; the toolkit writes such
    hints for other databases only.
    """

    def get_from_hint_text(self, table: Any, text: str | None) -> str | None:
        """Give what stands behind a table's name."""
        del table
        return text


def _engine(path: Path, begin: str, *, connections: int) -> sa.Engine:
    engine = sa.create_engine(
        sa.URL.create("sqlite+pysqlite", database=str(path)),
        module=dbapi2,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=_TURN_S,
        # The connection used last has the warmest cache.
        pool_use_lifo=True,
        hide_parameters=True,
        # Which thread uses a connection does not matter, and none dies with a thread.
        connect_args={"check_same_thread": False, "timeout": BUSY_S},
    )
    engine.dialect.statement_compiler = _Compiler
    event.listen(engine, "connect", _prepare)

    def start(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "begin", start)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    # Transactions begin when we say so, not when the driver thinks so.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_S * 1000}",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
        "journal_size_limit = 67108864",
        "cache_size = -8000",
        # 16 MB: with every checkpoint the pages of all indexes are written and synced again.
        "wal_autocheckpoint = 4000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    _set_wal(cursor)
    cursor.close()


# Two processes that make the file at once: SQLite refuses one of them without waiting.
@tenacity.retry(
    retry=tenacity.retry_if_exception_type(dbapi2.OperationalError),
    stop=tenacity.stop_after_delay(BUSY_S),
    wait=tenacity.wait_random(0.01, 0.1),
    reraise=True,
)
def _set_wal(cursor: Any) -> None:
    cursor.execute("PRAGMA journal_mode = WAL").fetchone()


def _fold_log(engine: sa.Engine) -> bool:
    connection = dbapi2.connect(engine.url.database, timeout=1.0)
    try:
        row = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except dbapi2.OperationalError:
        return False
    finally:
        connection.close()
    return bool(row is not None and row[0] == 0)


def _forbid_writing(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA query_only = ON")


def _checked_facts(engine: sa.Engine) -> StorageFacts:
    with engine.connect() as connection:
        facts = read_facts(connection)
    require_durable(facts)
    return facts


def read_facts(connection: sa.Connection) -> StorageFacts:
    """Ask a connection what it does about durability."""

    def pragma(name: str) -> Any:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()

    return StorageFacts(
        kind="sqlite",
        version=dbapi2.sqlite_version,
        journal_mode=str(pragma("journal_mode")),
        synchronous=_SYNCHRONOUS[int(pragma("synchronous"))],
    )


def require_durable(facts: StorageFacts) -> None:
    """Refuse settings under which an answered webhook could be lost.

    Raises: ConfigurationError: the journal or the sync mode did not hold.
    """
    if facts.journal_mode != "wal":
        raise ConfigurationError(
            f"SQLite cannot use its write-ahead log here (it says {facts.journal_mode!r}): "
            "put POSTVENTA_DATA_DIR on a local disk, not on a network share"
        )
    if facts.synchronous != _SYNCHRONOUS[_FULL]:
        raise ConfigurationError(
            f"SQLite does not sync every commit (synchronous is {facts.synchronous!r})"
        )
