"""The migrations lead to the tables, on both databases, whoever starts first."""

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from adapters.storage.database import FILE_NAME, Database, open_database
from adapters.storage.migrate import FOLDER, HEAD, current_revision
from adapters.storage.tables import metadata
from connector.errors import ConfigurationError
from tests.contracts.storage_data import KEY
from tests.postgresql import Cluster

Opener = Callable[..., Database]
_BOTH = [
    pytest.param("sqlite"),
    pytest.param("postgresql", marks=pytest.mark.postgresql),
]


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the address of an empty database of the kind asked for."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / FILE_NAME}"
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    name = cluster.new_database()
    yield cluster.url(name)
    cluster.drop_database(name)


def catalogue(connection: sa.Connection) -> list[Any]:
    """Read how the database itself describes its tables and indexes."""
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(
            "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%'"
            " AND tbl_name NOT LIKE 'alembic%' AND name NOT LIKE 'sqlite%'"
        )
        return sorted((kind, name, _parts(sql or "")) for kind, name, sql in rows)
    columns = connection.exec_driver_sql(
        "SELECT table_name, ordinal_position, column_name, data_type, collation_name,"
        " is_nullable, column_default FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
    )
    indexes = connection.exec_driver_sql(
        "SELECT indexdef FROM pg_indexes"
        " WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    )
    keys = connection.exec_driver_sql(
        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace"
        " AND conrelid::regclass::text <> 'alembic_version'"
    )
    return [sorted(map(tuple, rows)) for rows in (columns, indexes, keys)]


def _parts(sql: str) -> list[str]:
    """Take a statement apart at its commas: a column that was added stands last in it."""
    text = " ".join(sql.replace('"', "").split())
    head, _, inner = text.partition("(")
    parts = re.split(r",\s*(?![^()]*\))", inner.removesuffix(")"))
    return [head.strip(), *sorted(part.strip() for part in parts)]


@pytest.mark.parametrize("empty_url", _BOTH, indirect=True)
def test_migrations_lead_to_the_tables(empty_url: str, opened: Opener, tmp_path: Path) -> None:
    """A migrated database is, to the last index, the one that the tables describe."""
    database = opened(empty_url, tmp_path)
    with database._backend.write() as connection:
        migrated = catalogue(connection)
        # Without types: those the catalog tells exactly, below.
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, metadata) == []
        metadata.drop_all(connection)
        metadata.create_all(connection)
        assert catalogue(connection) == migrated
    assert len(str(migrated)) > 1000


def test_the_newest_migration_is_known() -> None:
    """The migrations form one line whose end is the constant."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


@pytest.mark.parametrize("empty_url", _BOTH, indirect=True)
def test_many_starts_at_once(empty_url: str, opened: Opener, tmp_path: Path) -> None:
    """Starts at the same time on an empty database all succeed."""
    errors: list[BaseException] = []

    def start() -> None:
        try:
            opened(empty_url, tmp_path)
        except BaseException as err:  # noqa: BLE001 - compared below
            errors.append(err)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


@pytest.mark.parametrize("empty_url", _BOTH, indirect=True)
def test_two_processes_start_at_once(empty_url: str, tmp_path: Path) -> None:
    """Two processes on an empty database both come up, and the tables are there once."""
    program = (
        "import sys, pathlib; from adapters.storage.database import open_database;"
        f"open_database(sys.argv[1], bytes(range(32)), data_dir=pathlib.Path({str(tmp_path)!r}))"
        ".close()"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, empty_url], stderr=subprocess.PIPE)  # noqa: S603 - our own words only
        for _ in range(2)
    ]
    assert [(item.communicate(timeout=60)[1], item.returncode) for item in running] == [
        (b"", 0),
        (b"", 0),
    ]


@pytest.mark.parametrize("empty_url", _BOTH, indirect=True)
def test_a_newer_database_is_refused(empty_url: str, opened: Opener, tmp_path: Path) -> None:
    """A database of a newer version is left alone, and the error says what to do."""
    database = opened(empty_url, tmp_path)
    with database._backend.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'v9999'")
    with pytest.raises(ConfigurationError, match="newer"):
        open_database(empty_url, KEY, data_dir=tmp_path)
    with database._backend.read() as connection:
        assert current_revision(connection) == "v9999"


@pytest.mark.parametrize("url", ["mysql://a:hunter2@b/c", "nonsense hunter2", "sqlite://"])
def test_an_address_of_another_kind_is_refused(url: str, tmp_path: Path) -> None:
    """Only the two databases are taken, and a wrong address is not repeated in the error."""
    with pytest.raises(ConfigurationError, match="POSTVENTA_DATABASE_URL") as caught:
        open_database(url, KEY, data_dir=tmp_path)
    assert "hunter2" not in str(caught.value)
