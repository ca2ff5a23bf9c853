"""How values stand in both databases: times, texts, JSON, bytes."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_micros(at: datetime) -> int:
    """Count whole microseconds since 1970 in UTC; `at` is aware."""
    return (at - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Turn microseconds since 1970 back into an aware UTC time."""
    return _EPOCH + timedelta(microseconds=micros)


def clean_text(text: str) -> str:
    """Replace what a database cannot hold as text: NUL and lone surrogates."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def to_json(value: Any) -> str:
    """Write plain data as ASCII JSON: any text in it comes back as it was."""
    return _written(value)


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if hasattr(value, "items"):
        return dict(value.items())
    raise TypeError(f"{type(value).__name__} is no plain data")


# Made once: `json.dumps` with options makes an encoder for each call.
_written: Final = json.JSONEncoder(separators=(",", ":"), default=_plain).encode


class Text(TypeDecorator[str]):
    """A text, cleaned on its way in and compared byte by byte."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Give the type of one database: the same order of texts in both."""
        collation = "C" if dialect.name == "postgresql" else None
        # As it is: the dialect's own descriptor would make a VARCHAR of it.
        return sa.Text(collation=collation)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy gives it
        """Clean a text."""
        # StrEnum members become plain texts: drivers look at the exact type.
        return None if value is None else clean_text(str(value))


class Time(TypeDecorator[datetime]):
    """An aware UTC time as whole microseconds since 1970: exact in both databases."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy gives it
        """Write a time as a number."""
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy gives it
        """Read a time from a number."""
        return None if value is None else from_micros(value)


class Json(TypeDecorator[Any]):
    """Plain data as ASCII JSON text."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy gives it
        """Write data as JSON."""
        return None if value is None else to_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002 - SQLAlchemy gives it
        """Read JSON."""
        return None if value is None else json.loads(value)


# SQLite gives out numbers by itself only for a column of exactly this type.
Number: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def number_column(name: str = "id") -> sa.Column[int]:
    """Make the primary key of a table whose rows are numbered."""
    return sa.Column(name, Number, primary_key=True, autoincrement=True)


def text_column(name: str, default: str = "") -> sa.Column[str]:
    """Make a text column that is never empty of meaning: '' when not given."""
    return sa.Column(name, Text, nullable=False, server_default=default)
