"""PostgreSQL: several processes on several machines."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa

from adapters.storage.dialect import MIGRATION_LOCK, POSTGRESQL
from adapters.storage.failures import translated
from connector.errors import ConfigurationError
from connector.storage.records import StorageFacts

_POOL: Final = 10
_OVERFLOW: Final = 30
_WAIT_S: Final = 10
_IDLE_S: Final = 30
# Each of these, switched off, lets a power cut take back what was answered with 200.
_MUST_BE_ON: Final = ("fsync", "synchronous_commit", "full_page_writes")


class PostgresqlBackend:
    """Connections to one PostgreSQL database.

    Raises: ConfigurationError: the server does not keep what it has acknowledged.
        StorageUnavailable: it cannot be reached.
    """

    def __init__(self, url: sa.URL) -> None:
        self.dialect = POSTGRESQL
        self._engine = sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=_POOL,
            max_overflow=_OVERFLOW,
            pool_timeout=_WAIT_S,
            pool_use_lifo=True,
            # After a restart of the server the old connections are found dead before use.
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={
                "connect_timeout": 5,
                "application_name": "postventa",
                # A process that is stopped inside of a transaction would hold up all others.
                "options": f"-c lock_timeout={_WAIT_S}s "
                f"-c idle_in_transaction_session_timeout={_IDLE_S}s",
                # A server that is gone without a word is noticed within half a minute.
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
                "tcp_user_timeout": 25_000,
            },
        )
        self._reading = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        try:
            with translated():
                self._facts = _checked_facts(self._engine)
        except BaseException:
            self._engine.dispose()
            raise

    @property
    def in_transaction(self) -> bool:
        """Tell whether a second transaction of this thread would wait for itself: never."""
        return False

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a transaction that may write."""
        with self._engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a transaction that sees one instant and cannot write."""
        with self._reading.begin() as connection:
            yield connection

    def lock_migration(self, connection: sa.Connection) -> None:
        """Let one process migrate at a time."""
        # A long migration of another process is worth waiting for.
        connection.exec_driver_sql("SET LOCAL lock_timeout = '10min'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")

    def facts(self) -> StorageFacts:
        """Tell kind, version and durability settings."""
        return self._facts

    def scrub(self) -> bool:
        """Leave it to the server's own vacuum."""
        return True

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()


def _checked_facts(engine: sa.Engine) -> StorageFacts:
    with engine.connect() as connection:

        def show(name: str) -> str:
            return str(connection.exec_driver_sql(f"SHOW {name}").scalar_one())

        off = [name for name in _MUST_BE_ON if show(name) == "off"]
        if off:
            raise ConfigurationError(
                "this PostgreSQL may lose what it has acknowledged: switch on "
                f"{', '.join(off)} (POSTVENTA_DATABASE_URL)"
            )
        return StorageFacts(
            kind="postgresql",
            version=show("server_version").split()[0],
            journal_mode="wal",
            synchronous=show("synchronous_commit"),
        )
