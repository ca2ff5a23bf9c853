"""Receivers of other makes that do the same job, installed for the comparison only.

Each lies in a folder of its own with its source; nothing of it is part of the product.
"""

import shutil
import subprocess
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

from tools.bench.arguments import Plan
from tools.bench.bodies import SECRET
from tools.bench.children import child
from tools.bench.load import Loaded, load
from tools.bench.receiver import FEW, LARGE, MANY, SMALL, start
from tools.bench.table import Bar, Row, Section, interleaved, ratio_row

_EXPRESS: Final = Path(__file__).parent / "express"
# A part of it is compiled where nobody offers it ready-made.
_INSTALL_S: Final = 1_800
_BARS: Final = {(FEW, SMALL): Bar(2.0), (MANY, SMALL): Bar(2.5)}


def measure(plan: Plan, folder: Path) -> list[Section]:
    """Compare our receiver with Express and better-sqlite3."""
    place = _installed(folder)
    rows: list[Row] = []
    with ExitStack() as stack:
        ours = start(stack, "ours", folder / "ours")
        command = ["node", str(place / "server.js"), str(place / "inbox.db"), SECRET]
        theirs = stack.enter_context(child(command, place, {"NODE_ENV": "production"}))
        urls = {"ours": ours.url, "theirs": f"http://127.0.0.1:{theirs.wait_for('port ')}"}
        for url in urls.values():
            load(url, size=SMALL, connections=FEW, seconds=1)
        for size in (SMALL, LARGE):
            for connections in (FEW, MANY):
                rows += _rows(plan, urls, size, connections)
    return [
        Section(
            "Receiver against Express",
            tuple(rows),
            "Express 5 and better-sqlite3 on Node.js: the same check of the signature, the same "
            "durability, one commit a request.",
        )
    ]


def _installed(folder: Path) -> Path:
    """Install it into a folder that goes with the run.

    Raises: SystemExit: Node.js is missing, or its packages cannot be had.
    """
    if shutil.which("npm") is None:
        raise SystemExit("PEERS=1 needs Node.js with npm; leave it out to measure without.")
    place = folder / "express"
    shutil.copytree(_EXPRESS, place)
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"]
    done = subprocess.run(
        command, cwd=place, capture_output=True, text=True, timeout=_INSTALL_S, check=False
    )
    if done.returncode:
        raise SystemExit(f"The packages of the peer cannot be installed:\n{done.stderr[-1500:]}")
    return place


def _rows(plan: Plan, urls: dict[str, str], size: int, connections: int) -> list[Row]:
    found: dict[str, list[Loaded]] = interleaved(
        plan.rounds,
        {
            name: partial(load, url, size=size, connections=connections, seconds=plan.load_s)
            for name, url in urls.items()
        },
    )
    place = f"{size // 1024} KB, {connections} connections"
    ours, theirs = found["ours"], found["theirs"]
    return [
        ratio_row(
            place,
            [item.per_s for item in ours],
            [item.per_s for item in theirs],
            "/s",
            bar=_BARS.get((connections, size)),
        ),
        ratio_row(
            f"{place}: p99",
            [item.p99_ms for item in ours],
            [item.p99_ms for item in theirs],
            "ms",
        ),
    ]
