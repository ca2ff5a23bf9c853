"""What all commands share: opening the store, errors, tables and JSON."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from connector.errors import (
    ConfigurationError,
    PostventaError,
    RuleInvalid,
    StorageUnavailable,
)
from connector.settings import Settings, load_settings

if TYPE_CHECKING:
    from webhooks.wiring import Application

FAILED: Final = 1
REFUSED: Final = 2
# The largest number that a database row can have.
MOST_ID: Final = 2**63 - 1
_MAX_BYTES: Final = 1024 * 1024

Command = Callable[..., Any]


class Refused(click.ClickException):
    """What was typed cannot be used."""

    exit_code = REFUSED


class Failed(click.ClickException):
    """It was tried and did not work."""

    exit_code = FAILED


class Commands(click.Group):
    """A group that turns our errors into one message and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except RuleInvalid as err:
            raise Refused("\n".join(err.problems) or str(err)) from err
        except ConfigurationError as err:
            raise Refused(str(err)) from err
        except StorageUnavailable as err:
            raise Failed(f"The database cannot be used: {err}") from err
        except PostventaError as err:
            raise Failed(str(err)) from err
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as err:
            if os.environ.get("POSTVENTA_LOG_LEVEL", "").upper() == "DEBUG":
                raise
            # Its text may hold data of people: only the type is shown.
            raise Failed(
                f"A fault of Postventa itself ({type(err).__name__}). Set "
                "POSTVENTA_LOG_LEVEL=DEBUG to see where, and report it."
            ) from err


json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")


def shop_option(*, required: bool = False) -> Callable[[Command], Command]:
    """Give the option that names a shop."""
    return click.option(
        "--shop", "shop_id", required=required, help="Id of the shop; see `postventa shops list`."
    )


def settings_now() -> Settings:
    """Read the settings from the environment."""
    return load_settings(os.environ)


@contextmanager
def opened(*, logs: str = "WARNING") -> Iterator["Application"]:
    """Open the store for one command.

    Args: logs: lowest level of events that go to stderr; a table should stay readable.
    """
    from webhooks.logs import set_up_logs
    from webhooks.wiring import open_application

    settings = settings_now()
    set_up_logs(logs)
    with open_application(settings) as app:
        yield app


def print_json(value: Any) -> None:
    """Write one JSON value to stdout, readable for people as well."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_line(value: Any) -> None:
    """Write one line of JSON to stdout; always ASCII, so that any pipe can carry it."""
    sys.stdout.write(json.dumps(value, separators=(",", ":")) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], empty: str = "") -> None:
    """Write a small table; or one sentence when there is nothing in it.

    Args: empty: the sentence.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        click.echo(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=any(columns))
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        # Text, not str: square brackets in data are no markup.
        table.add_row(*(Text("" if cell is None else printable(str(cell))) for cell in row))
    console = Console(file=sys.stdout, highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = 200
    console.print(table)


def printable(text: str) -> str:
    """Take out what could steer a terminal."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)


def pairs(mapping: Mapping[str, Any]) -> str:
    """Write a few values in one cell."""
    return ", ".join(f"{name} {value}" for name, value in mapping.items())


def read_rules(file: str) -> str:
    """Read a rule file; `-` is stdin."""
    path = Path(file)
    try:
        if file == "-":
            data = sys.stdin.buffer.read(_MAX_BYTES + 1)
        else:
            with path.open("rb") as source:
                data = source.read(_MAX_BYTES + 1)
    except OSError as err:
        raise Refused(f"{file} cannot be read: {err.strerror or err}.") from err
    if len(data) > _MAX_BYTES:
        raise Refused(f"{file} is larger than 1 MiB: split it into several files.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = data.count(b"\n", 0, err.start) + 1
        raise Refused(f"{file}: line {line}: this is not UTF-8. Save the file as UTF-8.") from err


class Since(click.ParamType[datetime]):
    """A time: a date, a time with a zone, or how long ago."""

    name = "time"
    _units: Final = {"m": 60, "h": 3_600, "d": 86_400}

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read the time; a date is its first moment in UTC."""
        if isinstance(value, datetime):
            return value
        text = str(value).strip()
        now = datetime.now(UTC)
        try:
            at = self._read(text, now)
        except (ValueError, OverflowError):
            self.fail(
                f"{text!r} is no time. Write a date like 2026-11-22, a time like "
                "2026-11-22T08:00:00Z, or how long ago: 90m, 36h, 7d.",
                param,
                ctx,
            )
        if at > now:
            self.fail(f"{text!r} is in the future.", param, ctx)
        return at

    def _read(self, text: str, now: datetime) -> datetime:
        if text[-1:] in self._units and text[:-1].isdecimal():
            seconds = int(text[:-1]) * self._units[text[-1]]
            return datetime.fromtimestamp(now.timestamp() - seconds, UTC)
        if len(text) == len("2026-11-22"):
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError("no zone")
        return at.astimezone(UTC)
