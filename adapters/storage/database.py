"""Open the store, on SQLite or PostgreSQL."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import exc

from adapters.storage.base import Known
from adapters.storage.failures import translated
from adapters.storage.group_commit import GroupCommit
from adapters.storage.migrate import migrate
from adapters.storage.postgresql import PostgresqlBackend
from adapters.storage.sealing import Sealer
from adapters.storage.sqlite import SqliteBackend
from adapters.storage.transaction import SqlTransaction
from connector.errors import ConfigurationError
from connector.model.order import ShopId
from connector.storage.port import Transaction
from connector.storage.records import NewDelivery, StorageFacts

FILE_NAME: Final = "postventa.db"
_PAGE: Final = 500
Backend = SqliteBackend | PostgresqlBackend


class Database:
    """The store: `connector.storage.port.Storage` on one backend."""

    def __init__(self, backend: Backend, sealer: Sealer) -> None:
        self._backend = backend
        self._sealer = sealer
        self._group = GroupCommit(self.transaction)
        self._kept: frozenset[str] = frozenset()

    @contextmanager
    def transaction(self) -> Iterator[SqlTransaction]:
        """Open a unit of work that may write.

        Raises: StorageUnavailable: full, locked, broken or unreachable.
        """
        known = Known(self._kept)
        with translated(), self._backend.write() as connection:
            yield SqlTransaction(connection, self._backend.dialect, self._sealer, known)
        if known.new:
            self._kept |= known.new

    @contextmanager
    def reading(self) -> Iterator[SqlTransaction]:
        """Open a unit of work that only reads, without waiting for writers."""
        with translated(), self._backend.read() as connection:
            yield SqlTransaction(connection, self._backend.dialect, self._sealer, Known(self._kept))

    def submit(self, work: Callable[[Transaction], None]) -> None:
        """Run a short piece of writing in a commit shared with others; wait for it.

        Raises: StorageUnavailable: nothing was stored. Else what `work` raised.
        """
        if self._backend.in_transaction:
            raise RuntimeError("submit inside of a transaction would wait for itself")
        with translated():
            self._group.submit(work)

    def store_soon(
        self,
        delivery: NewDelivery,
        settled: Callable[[int | None, BaseException | None], None],
        *,
        mark: bool = False,
    ) -> None:
        """Store one row in a commit shared with others; come back at once.

        Raises: StorageUnavailable: the store is closed, and nobody will hear anything.
        """
        self._group.store_soon(delivery, settled, mark=mark)

    def facts(self) -> StorageFacts:
        """Tell kind, version and durability settings."""
        return self._backend.facts()

    def iterate(self, what: str, shop_id: ShopId | None) -> Iterator[Mapping[str, Any]]:
        """Give all rows of an export, page by page."""
        after = 0
        while True:
            with self.reading() as tx:
                page = tx.export(what, shop_id, after=after, limit=_PAGE)
            yield from (row for _, row in page)
            if len(page) < _PAGE:
                return
            after = page[-1][0]

    def migrate(self) -> None:
        """Bring the tables to the form that this version needs."""
        with translated(), self._backend.write() as connection:
            self._backend.lock_migration(connection)
            migrate(connection)

    def scrub(self) -> bool:
        """Take what was deleted off the disk as well; False when it must wait."""
        with translated():
            return self._backend.scrub()

    def close(self) -> None:
        """Let go of all connections."""
        self._group.close()
        self._backend.close()


def open_database(url: str, key: bytes, *, data_dir: Path) -> Database:
    """Open the store and bring its tables up to date.

    Args:
        url: `postgresql://user:password@host/name`, `sqlite:///file`, or empty for
            SQLite in the data folder.
        key: 32 bytes that seal the shops' secrets.
        data_dir: the data folder.

    Raises: ConfigurationError: a wrong setting, or a database that may lose data.
        StorageUnavailable: it cannot be reached or opened.
    """
    sealer = Sealer(key)
    database = Database(_backend(url, data_dir), sealer)
    try:
        database.migrate()
    except BaseException:
        database.close()
        raise
    return database


def _backend(url: str, data_dir: Path) -> Backend:
    if not url:
        return SqliteBackend(data_dir / FILE_NAME)
    try:
        parsed = sa.make_url(url)
    except (exc.ArgumentError, ValueError):
        # From None: the address holds a password.
        raise ConfigurationError("POSTVENTA_DATABASE_URL is not an address") from None
    kind = parsed.drivername.partition("+")[0]
    if kind in {"postgresql", "postgres"}:
        return PostgresqlBackend(parsed)
    if kind == "sqlite" and parsed.database:
        return SqliteBackend(Path(parsed.database))
    raise ConfigurationError(
        "POSTVENTA_DATABASE_URL must begin with postgresql:// or sqlite:///, or be empty"
    )
