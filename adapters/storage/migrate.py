"""Bring a database to the form that this version needs."""

from pathlib import Path
from typing import Final

import sqlalchemy as sa

from connector.errors import ConfigurationError

FOLDER: Final = Path(__file__).parent / "migrations"
HEAD: Final = "v0008"
"""The newest migration; a test compares it with the folder."""


def current_revision(connection: sa.Connection) -> str | None:
    """Tell which migration a database has reached; None when it is empty."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql(
        "SELECT version_num FROM alembic_version"
    ).scalar()
    return found


def migrate(connection: sa.Connection) -> None:
    """Run the missing migrations inside the open transaction.

    Raises: ConfigurationError: the database was made by a newer version.
    """
    if current_revision(connection) == HEAD:
        return
    # Only now: the tool takes a while to load, and most starts need none of it.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, HEAD)
    except CommandError as err:
        raise ConfigurationError(
            "this database was made by a newer Postventa: install that version, or restore "
            "a backup from before the update"
        ) from err
