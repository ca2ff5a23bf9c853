"""Databases for the store's tests."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.storage.database import FILE_NAME, Database, open_database
from tests.contracts.storage_data import KEY
from tests.postgresql import Cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Give a PostgreSQL server for the whole run."""
    with Cluster() as running:
        yield running


@pytest.fixture(scope="session")
def migrated_database(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the name of a migrated database to copy from."""
    name = cluster.new_database()
    open_database(cluster.url(name), KEY, data_dir=tmp_path_factory.mktemp("none")).close()
    return name


@pytest.fixture
def postgresql_url(cluster: Cluster, migrated_database: str) -> Iterator[str]:
    """Give the address of a fresh, migrated PostgreSQL database."""
    name = cluster.new_database(migrated_database)
    yield cluster.url(name)
    cluster.drop_database(name)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated SQLite file to copy from."""
    folder = tmp_path_factory.mktemp("sqlite")
    open_database("", KEY, data_dir=folder).close()
    return folder / FILE_NAME


@pytest.fixture
def sqlite_folder(migrated_file: Path, tmp_path: Path) -> Path:
    """Give a data folder with a fresh, migrated SQLite database."""
    shutil.copy(migrated_file, tmp_path / FILE_NAME)
    return tmp_path


@pytest.fixture
def opened() -> Iterator[Callable[..., Database]]:
    """Open databases that are closed when the test is over."""
    databases: list[Database] = []

    def open_one(url: str, data_dir: Path) -> Database:
        databases.append(open_database(url, KEY, data_dir=data_dir))
        return databases[-1]

    yield open_one
    for database in databases:
        database.close()
