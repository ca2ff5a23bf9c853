"""What every part of a transaction has at hand.

Statements that run for every order are built once, with named places for their
values: to build one takes longer than to run it.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from adapters.storage.dialect import Dialect
from adapters.storage.sealing import Sealer


class Part:
    """One noun's verbs, on the connection of one transaction."""

    def __init__(self, connection: sa.Connection, dialect: Dialect, sealer: Sealer) -> None:
        self.connection = connection
        self.dialect = dialect
        self.sealer = sealer

    def _changed(
        self, statement: sa.Update | sa.Delete, values: Mapping[str, Any] | None = None
    ) -> int:
        """Run a change and tell how many rows it touched."""
        return self.connection.execute(statement, values).rowcount

    def _inserted(self, statement: Any, values: Mapping[str, Any] | None = None) -> bool:
        """Run an INSERT … ON CONFLICT … RETURNING; tell whether it gave a row."""
        return self.connection.execute(statement, values).first() is not None
