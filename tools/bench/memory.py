"""How much memory the server holds: idle, under load, and in front of a long backlog."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import requests

from tools.bench.arguments import Plan
from tools.bench.children import Child, child, free_port, program
from tools.bench.drain import RULES
from tools.bench.installation import Installation
from tools.bench.load import load
from tools.bench.quiet_shop import quiet_shop
from tools.bench.receiver import MANY, SMALL
from tools.bench.table import Bar, Row, Section

_SETTLE_S: Final = 2.0
_BACKLOG_S: Final = 5.0
_BARS: Final = {
    "idle": Bar(120.0, least=False),
    "load": Bar(200.0, least=False),
    "backlog": Bar(300.0, least=False),
}


def measure(plan: Plan, folder: Path) -> list[Section]:
    """Measure the whole server as `postventa serve` starts it."""
    with quiet_shop() as shop_url:
        found = _found(plan, folder, shop_url)
    return [
        Section(
            "Memory",
            (
                _row("Idle, some seconds after the start", found["idle"], "idle"),
                _row(f"After a load of {MANY} connections, at most", found["load"], "load"),
                _row(
                    f"Working at a backlog of {plan.backlog:,} rows, at most",
                    found["backlog"],
                    "backlog",
                ),
            ),
            "Resident memory of the one process of `postventa serve` with its four workers, "
            f"{RULES} rules and SQLite.",
        )
    ]


def _found(plan: Plan, folder: Path, shop_url: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in _BARS}
    for turn in range(plan.rounds):
        idle, loaded = _calm(plan, _made(folder / f"calm-{turn}", shop_url))
        found["idle"].append(idle)
        found["load"].append(loaded)
    at = _made(folder / "backlog", shop_url)
    at.add_waiting(plan.backlog)
    found["backlog"] = [_backlog(at) for _ in range(plan.rounds)]
    return found


def _made(folder: Path, shop_url: str) -> Installation:
    folder.mkdir()
    at = Installation(folder)
    at.prepare(rules=RULES, shop_url=shop_url)
    return at


def _row(what: str, found: list[float], name: str) -> Row:
    return Row(what, tuple(found), "", "", _BARS[name], plain="MB")


def _serve(stack: ExitStack, at: Installation) -> tuple[Child, str]:
    url = f"http://127.0.0.1:{free_port()}"
    command = program("serve", "--port", url.rpartition(":")[2])
    running = stack.enter_context(child(command, at.folder, at.variables))
    running.wait_for("Listening on")
    return running, url


def _calm(plan: Plan, at: Installation) -> tuple[float, float]:
    with ExitStack() as stack:
        running, url = _serve(stack, at)
        requests.get(f"{url}/readyz", timeout=60).raise_for_status()
        time.sleep(_SETTLE_S)
        idle = running.rss_mb()
        load(url, size=SMALL, connections=MANY, seconds=plan.load_s)
        return idle, running.peak_mb()


def _backlog(at: Installation) -> float:
    with ExitStack() as stack:
        running, url = _serve(stack, at)
        time.sleep(_BACKLOG_S)
        # What looks at the whole table, while it is worked on.
        requests.get(f"{url}/metrics", timeout=60).raise_for_status()
        return running.peak_mb()
