"""Both databases, for what must hold on both."""

from collections.abc import Iterator
from typing import Any

import pytest

from adapters.storage.database import open_database
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
    open_database(cluster.url(name), bytes(32), data_dir=tmp_path_factory.mktemp("none")).close()
    return name


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of a new database: SQLite (empty), then PostgreSQL."""
    if request.param == "sqlite":
        yield ""
        return
    # Not before: who runs on SQLite alone needs no server.
    cluster: Any = request.getfixturevalue("cluster")
    name = cluster.new_database(request.getfixturevalue("migrated_database"))
    yield cluster.url(name)
    cluster.drop_database(name)
