"""Run the benchmark: `python -m tools.bench`."""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

from tools.bench import page
from tools.bench.arguments import Plan, parse
from tools.bench.load import require_wrk
from tools.bench.table import Section

Measure = Callable[[Plan, Path], list[Section]]
_WITHOUT_LOAD: Final = {"drain", "latency", "neighbors"}


def main(words: Sequence[str]) -> None:
    """Measure what was asked for, print it and write the page."""
    plan = parse(words, peers=bool(os.environ.get("PEERS")))
    if not _WITHOUT_LOAD.issuperset(plan.cases):
        require_wrk()
    load_before = os.getloadavg()[0]
    sections: list[Section] = []
    for name in plan.cases:
        began = time.monotonic()
        print(f"{name} …", end=" ", file=sys.stderr, flush=True)
        measure: Measure = import_module(f"tools.bench.{name}").measure
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            sections += measure(plan, Path(folder))
        print(f"{time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    page.show(sections)
    if plan.page:
        page.write(sections, plan, load_before)


if __name__ == "__main__":
    main(sys.argv[1:])
