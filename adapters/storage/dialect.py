"""The few statements that the two databases say in different words."""

import hashlib
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from adapters.storage.written import Written

# Any fixed numbers will do; they only have to differ from each other.
CLAIM_LOCK: Final = 7_305_481
MIGRATION_LOCK: Final = 7_305_482

_PSYCOPG: Final = PGDialect_psycopg(paramstyle="pyformat")  # type: ignore[no-untyped-call]  # theirs has no types
_PYSQLITE: Final = SQLiteDialect_pysqlite(paramstyle="named")


class Dialect:
    """What one kind of database does in its own way.

    Args: name: `sqlite` or `postgresql`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_postgresql = name == "postgresql"

    def insert(self, table: sa.Table) -> Any:
        """Begin an INSERT that can pass over, or change, a row that is there."""
        return postgresql.insert(table) if self.is_postgresql else sqlite.insert(table)

    def written(self, statement: sa.ClauseElement) -> str:
        """Write a statement as the driver takes it, with named places for its values."""
        return str(statement.compile(dialect=_PSYCOPG if self.is_postgresql else _PYSQLITE))

    def ready(self, statement: Any, *columns: Any) -> Written:
        """Make a statement ready for the driver; `columns` are those of its rows."""
        return Written(_PSYCOPG if self.is_postgresql else _PYSQLITE, statement, columns)

    def lock_order(self, connection: sa.Connection, shop_id: str, ref: str) -> None:
        """Wait for other transactions that work on the same order.

        SQLite has one writer at a time, so there is nobody to wait for.
        """
        if self.is_postgresql:
            # The NUL keeps ("a", "bc") and ("ab", "c") apart.
            digest = hashlib.sha256(f"{shop_id}\0{ref}".encode("utf-8", "replace")).digest()
            self._advisory(connection, int.from_bytes(digest[:8], signed=True))

    def lock_claims(self, connection: sa.Connection) -> None:
        """Let one transaction claim at a time: lanes stay free of doubles."""
        if self.is_postgresql:
            self._advisory(connection, CLAIM_LOCK)

    def skip_locked(self, query: sa.Select[Any]) -> sa.Select[Any]:
        """Lock the rows read, passing over those another transaction holds."""
        return query.with_for_update(skip_locked=True) if self.is_postgresql else query

    @staticmethod
    def _advisory(connection: sa.Connection, number: int) -> None:
        connection.execute(_ADVISORY, {"number": number})


SQLITE: Final = Dialect("sqlite")
POSTGRESQL: Final = Dialect("postgresql")
"""One of each: what is built for a dialect is kept under it."""

_ADVISORY: Final = sa.text("SELECT pg_advisory_xact_lock(:number)").bindparams(
    sa.bindparam("number", type_=sa.BigInteger)
)
