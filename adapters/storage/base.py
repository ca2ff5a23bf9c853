"""What every part of a transaction has at hand.

Statements that run for every order are built once, with named places for their
values: to build one takes longer than to run it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from adapters.storage.dialect import Dialect
from adapters.storage.sealing import Sealer


@dataclass(slots=True)
class Known:
    """What this process need not store again.

    Attributes:
        kept: names of sets of rules that are in the database. new: those that the open transaction
            stores; they count only when it is committed.
    """

    kept: frozenset[str]
    new: set[str] = field(default_factory=set)


class Part:
    """One noun's verbs, on the connection of one transaction."""

    def __init__(
        self, connection: sa.Connection, dialect: Dialect, sealer: Sealer, known: Known
    ) -> None:
        self.connection = connection
        self.dialect = dialect
        self.sealer = sealer
        self.known = known
        # Of the rules, when it was asked for: it does not change within a transaction.
        self.revision: int | None = None

    def _changed(
        self, statement: sa.Update | sa.Delete, values: Mapping[str, Any] | None = None
    ) -> int:
        """Run a change and tell how many rows it touched."""
        return self.connection.execute(statement, values).rowcount

    def _inserted(self, statement: Any, values: Mapping[str, Any] | None = None) -> bool:
        """Run an INSERT … ON CONFLICT … RETURNING; tell whether it gave a row."""
        return self.connection.execute(statement, values).first() is not None
