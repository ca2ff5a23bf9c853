"""Show the result: a table in the terminal and a page of the reference."""

import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pysqlite3 import dbapi2
from rich.console import Console
from rich.table import Table

from tools.bench.arguments import Plan
from tools.bench.table import COLUMNS, Section

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "performance.md"
_INTRODUCTION: Final = (
    "Measured by {length} of `make bench`: each ratio compares two things that were measured in "
    "turn, A B B A, in one run (rounds: {rounds}), and is the median of the rounds. Read the "
    "ratios; the absolute figures are those of one machine on one day."
)
_ENOUGH_ROUNDS: Final = 3
_FEW_ROUNDS: Final = "Too few rounds for a median: these figures show that the tool works, no more."
_BUSY: Final = (
    "The machine was busy with other work when this run began: take these figures as a try and "
    "repeat it on a quiet one before you rely on any of them."
)
_REPEAT: Final = (
    "`Bar` is what we hold ourselves to. To repeat: `make bench`, which takes half an hour; "
    "`make bench ARGS=--quick` is shorter, `make bench "
    'ARGS="--only receiver,drain --rounds 7"` measures a part and renews its sections, '
    "`make bench ARGS=--million` fills the store with a million orders, and `make bench PEERS=1` "
    "adds a receiver of another make, for which Node.js is needed."
)
_PACKAGES: Final = ("granian", "uvloop", "Flask", "SQLAlchemy", "psycopg", "msgspec")


def show(sections: Sequence[Section]) -> None:
    """Print one table."""
    table = Table(*COLUMNS, title="Postventa, measured", show_lines=False)
    for section in sections:
        table.add_section()
        table.add_row(f"[bold]{section.title}")
        for row in section.rows:
            table.add_row(*row.cells())
    width = None if sys.stdout.isatty() else 220
    Console(width=width).print(table)


def text_of(
    sections: Sequence[Section], plan: Plan, machine: Sequence[str], *, busy: bool = False
) -> str:
    """Write the page.

    Args:
        sections: what was measured.
        plan: how it was.
        machine: lines about what it was measured on; no names of hosts or folders.
        busy: others were at work on the machine when the run began.
    """
    length = "a quick run" if plan.quick else "a whole run"
    doubts = [_FEW_ROUNDS] * (plan.rounds < _ENOUGH_ROUNDS) + [_BUSY] * busy
    lines = [
        "# Performance",
        "",
        "<!-- Written by `make bench`. -->",
        "",
        _INTRODUCTION.format(length=length, rounds=plan.rounds),
        "",
        *(f"**{doubt}**\n" for doubt in doubts),
        *(f"- {line}" for line in machine),
        "",
        _REPEAT,
        "",
    ]
    for section in sections:
        lines += _section_lines(section)
    return "\n".join(lines).rstrip() + "\n"


def renewed(text: str, sections: Sequence[Section], plan: Plan, day: str) -> str:
    """Put sections that were measured by themselves in the place of the older ones.

    Args: text: of the page. day: when they were measured.
    """
    blocks = text.split("\n## ")
    places = {block.partition("\n")[0]: number for number, block in enumerate(blocks)}
    for section in sections:
        lines = _section_lines(section)
        lines[1:1] = ["", f"Measured by itself on {day}, rounds: {plan.rounds}."]
        block = "\n".join(lines).removeprefix("## ")
        if section.title in places:
            blocks[places[section.title]] = block
        else:
            blocks.append(block)
    return "\n## ".join(blocks).rstrip() + "\n"


def _section_lines(section: Section) -> list[str]:
    lines = [f"## {section.title}", ""]
    if section.note:
        lines += [section.note, ""]
    lines += [_line(COLUMNS), _line(["---"] * len(COLUMNS))]
    lines += [_line(row.cells()) for row in section.rows]
    return [*lines, ""]


def write(sections: Sequence[Section], plan: Plan, load_before: float) -> None:
    """Write the page into the reference.

    Args: load_before: processes that wanted to run when the run began, as the system counts.
    """
    if plan.part:
        text = PAGE.read_text(encoding="utf-8")
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        PAGE.write_text(renewed(text, sections, plan, day), encoding="utf-8")
        return
    lines = [*machine(), f"Load average when the run began: {load_before:.1f}"]
    # Half of the cores: the run itself has not begun to use any.
    busy = load_before > (os.cpu_count() or 1) / 2
    PAGE.write_text(text_of(sections, plan, lines, busy=busy), encoding="utf-8")


def machine() -> list[str]:
    """Describe what is measured on."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return [
        f"Date: {datetime.now(UTC):%Y-%m-%d}",
        f"Cores: {os.cpu_count()}; they also run the load and the database",
        (
            f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, "
            f"SQLite {dbapi2.sqlite_version}"
        ),
        f"Postventa {version('postventa')}; {packages}",
    ]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
