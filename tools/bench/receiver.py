"""How fast deliveries are taken, stored durably and answered."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

from tools.bench.arguments import Plan
from tools.bench.children import Child, child, module, slow_sync
from tools.bench.installation import Installation
from tools.bench.load import Loaded, load
from tools.bench.table import Bar, Row, Section, interleaved, number, ratio_row
from tools.bench.target import KINDS

SMALL: Final = 3 * 1024
LARGE: Final = 12 * 1024
FEW: Final = 16
MANY: Final = 64
_AGAINST: Final = tuple(kind for kind in KINDS if kind != "ours")
_BARS: Final = {("bare-flask", FEW, SMALL): Bar(0.70), ("bare-flask", MANY, SMALL): Bar(0.70)}
# What is signed beforehand; more than any of them answers here.
_MOST_PER_S: Final = 12_000
_MOST_BARE_PER_S: Final = 45_000


class Target:
    """A running server of one kind, with a data folder of its own."""

    def __init__(self, kind: str, process: Child, at: Installation) -> None:
        self.url = f"http://127.0.0.1:{process.wait_for('port ')}"
        self._most_per_s = _MOST_BARE_PER_S if kind == "bare-rsgi" else _MOST_PER_S
        self.keeps = not kind.startswith("bare-")
        self._at = at
        self._answered = 0

    def load(self, *, size: int, connections: int, seconds: int) -> Loaded:
        """Load it and remember what it answered."""
        found = load(
            self.url,
            size=size,
            connections=connections,
            seconds=seconds,
            most_per_s=self._most_per_s,
        )
        self._answered += found.answered
        return found

    def check(self) -> None:
        """Make sure that everything it answered with 200 is stored.

        Raises: RuntimeError: something is missing.
        """
        stored = sum(self._at.counts().values())
        if self.keeps and stored < self._answered:
            raise RuntimeError(f"{self._answered} answered with 200, {stored} stored")


def start(stack: ExitStack, kind: str, folder: Path, more: dict[str, str] | None = None) -> Target:
    """Start a server of one kind."""
    folder.mkdir()
    at = Installation(folder)
    at.prepare()
    process = stack.enter_context(child(module("target", kind, str(folder)), folder, more))
    return Target(kind, process, at)


def measure(plan: Plan, folder: Path) -> list[Section]:
    """Compare our receiver with barer ones, and group commit with single ones."""
    sections = [_compared(plan, folder)]
    with slow_sync() as variables:
        if variables:
            sections.append(_slow_disk(plan, folder, variables))
    return sections


def _compared(plan: Plan, folder: Path) -> Section:
    rows: list[Row] = []
    with ExitStack() as stack:
        targets = {kind: start(stack, kind, folder / kind) for kind in KINDS}
        for target in targets.values():
            target.load(size=SMALL, connections=FEW, seconds=1)
        for size in (SMALL, LARGE):
            for connections in (FEW, MANY):
                found = _series(targets, plan, size, connections)
                place = f"{size // 1024} KB, {connections} connections"
                rows += [
                    _row(found, other, place, _BARS.get((other, connections, size)))
                    for other in _AGAINST
                ]
                rows.append(_tail(found["ours"], place, connections))
        for target in targets.values():
            target.check()
    return Section(
        "Receiver",
        tuple(rows),
        "Signed WooCommerce orders, each sent once, over loopback; every server is the same "
        "granian in one process, for WSGI with 64 threads, and ours stores each delivery on disk "
        "(SQLite, `synchronous=FULL`) before it answers. After the runs the rows are counted: none "
        "that was answered with 200 is missing.",
    )


def _series(
    targets: dict[str, Target], plan: Plan, size: int, connections: int
) -> dict[str, list[Loaded]]:
    return interleaved(
        plan.rounds,
        {
            kind: partial(target.load, size=size, connections=connections, seconds=plan.load_s)
            for kind, target in targets.items()
        },
    )


def _row(found: dict[str, list[Loaded]], other: str, place: str, bar: Bar | None) -> Row:
    mine, theirs = found["ours"], found[other]
    return ratio_row(
        f"{place}: against {KINDS[other]}",
        [item.per_s for item in mine],
        [item.per_s for item in theirs],
        "/s",
        names=(_times(mine), _times(theirs)),
        bar=bar,
    )


def _times(found: list[Loaded]) -> str:
    middle = sorted(found, key=lambda item: item.p99_ms)[len(found) // 2]
    return f"(p50 {number(middle.p50_ms)}, p99 {number(middle.p99_ms)} ms)"


def _tail(found: list[Loaded], place: str, connections: int) -> Row:
    return ratio_row(
        f"{place}: our p99 against our p50",
        [item.p99_ms for item in found],
        [item.p50_ms for item in found],
        "ms",
        bar=Bar(4.0, least=False) if connections == MANY else None,
    )


def _slow_disk(plan: Plan, folder: Path, variables: dict[str, str]) -> Section:
    rows: list[Row] = []
    with ExitStack() as stack:
        targets = {
            kind: start(stack, kind, folder / f"slow-{kind}", variables)
            for kind in ("ours", "commit-each")
        }
        for target in targets.values():
            target.load(size=SMALL, connections=FEW, seconds=1)
        for connections in (FEW, MANY):
            found = _series(targets, plan, SMALL, connections)
            place = f"3 KB, {connections} connections"
            bar = Bar(5.0) if connections == MANY else None
            rows += [
                _row(found, "commit-each", place, bar),
                _tail(found["ours"], place, connections),
            ]
        for target in targets.values():
            target.check()
    return Section(
        "Receiver on a slow disk",
        tuple(rows),
        "The same with every sync 2 ms slower, by a small library that both processes load: about "
        "what a small rented machine has.",
    )
