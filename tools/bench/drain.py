"""How fast waiting deliveries are worked off: read, stored, judged by rules, effects planned."""

import json
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from pysqlite3 import dbapi2

from tests.postgresql import Cluster
from tools.bench.arguments import Plan
from tools.bench.children import ROOT, module
from tools.bench.installation import ORDER_BYTES, Installation
from tools.bench.table import Bar, Row, Section, interleaved, ratio_row

RULES: Final = 200
_COMMITS: Final = 300
_PATIENCE_S: Final = 1_200


@dataclass(frozen=True, slots=True)
class Drained:
    """How long one drain took.

    Attributes:
        cpu_s: of the worker's process alone, without a database server.
    """

    rows: int
    wall_s: float
    cpu_s: float

    @property
    def per_s(self) -> float:
        """Give the rows worked off in a second."""
        return self.rows / self.wall_s

    @property
    def per_core(self) -> float:
        """Give the rows worked off in a second of one core."""
        return self.rows / self.cpu_s


def drain(at: Installation, rows: int, *, profile: bool = False) -> Drained:
    """Put rows into the inbox and have them worked off by one thread of a new process."""
    at.add_waiting(rows)
    command = module("work", str(at.folder), at.database_url, "profile" if profile else "")
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    if profile:
        print(done.stdout)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    return Drained(**json.loads(line.removeprefix("RESULT ")))


def measure(plan: Plan, folder: Path) -> list[Section]:
    """Compare drains with and without rules, on both databases, and with bare commits."""
    with ExitStack() as stack:
        cluster = stack.enter_context(Cluster())
        places = {
            "rules": _made(folder / "rules", RULES),
            "none": _made(folder / "none", 0),
            "postgresql": _made(folder / "pg", RULES, cluster.url(cluster.new_database())),
        }
        measures: dict[str, Callable[[], Drained]] = {
            name: partial(drain, at, plan.rows) for name, at in places.items()
        }
        measures["commits"] = partial(bare_commits, folder)
        found = interleaved(plan.rounds, measures)
        if plan.profile:
            drain(places["rules"], plan.rows, profile=True)
    return [Section("Drain", tuple(_rows(found)), _NOTE)]


def _made(folder: Path, rules: int, database_url: str = "") -> Installation:
    at = Installation(folder, database_url)
    folder.mkdir()
    at.prepare(rules=rules)
    return at


def _rows(found: dict[str, list[Drained]]) -> list[Row]:
    mine, rate = found["rules"], [item.per_core for item in found["rules"]]
    per_s = {name: [item.per_s for item in items] for name, items in found.items()}
    return [
        Row(
            f"{RULES} rules, SQLite: per second and core",
            tuple(rate),
            f"{mine[0].rows} rows a round",
            "",
            Bar(400.0),
            plain="/s",
        ),
        ratio_row(f"{RULES} rules, SQLite: against no rule", per_s["rules"], per_s["none"], "/s"),
        ratio_row(
            f"{RULES} rules, SQLite: against bare commits of one such row",
            per_s["rules"],
            per_s["commits"],
            "/s",
        ),
        ratio_row(
            f"{RULES} rules: PostgreSQL against SQLite", per_s["postgresql"], per_s["rules"], "/s"
        ),
    ]


def bare_commits(folder: Path) -> Drained:
    """Commit one row after the other, with the same durability and nothing else."""
    path = folder / "bare.db"
    connection = dbapi2.connect(str(path), isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, body BLOB)")
        body = bytes(ORDER_BYTES)
        began, began_cpu = time.perf_counter(), time.process_time()
        for _ in range(_COMMITS):
            connection.execute("INSERT INTO rows (body) VALUES (?)", (body,))
        wall_s, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
    finally:
        connection.close()
    return Drained(_COMMITS, wall_s, cpu_s)


_NOTE: Final = (
    "Orders of 12 KB that wait in the inbox, each new and paid. One thread of one process claims "
    "them and, for each, reads the body, stores the order and what happened, asks the rules that "
    "wait for a paid order, plans what two of them want done, and commits on disk. Per core means "
    "per second of processor time of that process; the other rows are by the clock."
)
