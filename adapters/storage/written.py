"""Statements that run for every order, written once in the words of the driver.

To build and to compile a statement takes eight times as long as SQLite needs to run it.
These are compiled once; the values and the rows still pass through the columns' types.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

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
        if not self._is_sqlite:
            found = connection.exec_driver_sql(self._text, given)
            rows: list[Any] = list(found.all()) if found.returns_rows else []
        else:
            rows = self._run_raw(connection, given)
        if self._plain or not rows:
            return rows
        return [
            tuple(
                value if change is None else change(value)
                for value, change in zip(row, self._out, strict=True)
            )
            for row in rows
        ]

    def _run_raw(self, connection: sa.Connection, given: dict[str, Any]) -> list[Any]:
        driver: Any = connection.connection.driver_connection
        try:
            return list(driver.execute(self._text, given).fetchall())
        except dbapi2.Error as err:
            # As SQLAlchemy would raise it, so that one place tells what it means.
            raise exc.DBAPIError.instance(
                self._text, None, err, dbapi2.Error, hide_parameters=True
            ) from None
