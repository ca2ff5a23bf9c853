"""Statements that run for every order, written once in the words of the driver.

To build and to compile a statement takes eight times as long as SQLite needs to run it.
These are compiled once; the values and the rows still pass through the columns' types.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from pysqlite3 import dbapi2
from sqlalchemy import exc
from sqlalchemy.engine.interfaces import Dialect as SqlDialect

_SQLITE: Final = "sqlite"
Change = Callable[[Any], Any]


class Written:
    """One statement, ready to be run on any connection of one kind of database.

    Args: dialect: of the driver, with places for values that have names.
        columns: what its rows hold; none for a statement that gives no rows.
    """

    def __init__(
        self, dialect: SqlDialect, statement: Any, columns: Sequence[sa.ColumnElement[Any]] = ()
    ) -> None:
        compiled = statement.compile(dialect=dialect)
        self._text = str(compiled)
        self._is_sqlite = dialect.name == _SQLITE
        self._fixed = {
            name: bind.value for name, bind in compiled.binds.items() if bind.value is not None
        }
        self._in: dict[str, Change | None] = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect)
            for name, bind in compiled.binds.items()
        }
        self._out: tuple[Change | None, ...] = tuple(
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns
        )
        self._plain = not any(self._out)

    def run(self, connection: sa.Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it and give its rows."""
        given = {
            name: values.get(name, self._fixed.get(name))
            if change is None
            else change(values.get(name, self._fixed.get(name)))
            for name, change in self._in.items()
        }
        rows = run_text(connection, self._text, given, is_sqlite=self._is_sqlite)
        if self._plain or not rows:
            return rows
        return [
            tuple(
                value if change is None else change(value)
                for value, change in zip(row, self._out, strict=True)
            )
            for row in rows
        ]


def run_text(
    connection: sa.Connection, text: str, values: Mapping[str, Any], *, is_sqlite: bool
) -> list[Any]:
    """Run a statement that is written already; give its rows as the driver does.

    Raises: exc.DBAPIError: as SQLAlchemy raises it.
    """
    driver: Any = connection.connection.driver_connection
    errors: type[Exception] = dbapi2.Error if is_sqlite else psycopg.Error
    try:
        found = driver.execute(text, values)
        return list(found.fetchall()) if found.description else []
    except errors as err:
        # As SQLAlchemy would raise it, so that one place tells what it means.
        raise exc.DBAPIError.instance(text, None, err, errors, hide_parameters=True) from None
