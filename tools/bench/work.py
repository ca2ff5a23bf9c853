"""Work off what waits in one installation, as a process of its own, and tell the time it took."""

import cProfile
import io
import json
import pstats
import sys
import time
from pathlib import Path
from typing import Final

from connector.jobs.worker import Worker
from tools.bench.installation import Installation
from webhooks.wiring import Application

_SHOWN: Final = 25


def main(folder: str, database_url: str, profiled: str) -> None:
    """Drain; print rows, seconds and seconds of the processor as one line of JSON."""
    with Installation(Path(folder), database_url).opened() as app:
        # Everything is loaded and compiled before the time counts.
        worker = Worker(app.engine)
        for batch in worker.claim(1):
            worker.work(batch)
        profile = cProfile.Profile() if profiled else None
        began, began_cpu = time.perf_counter(), time.process_time()
        if profile is not None:
            profile.enable()
        rows = worker.drain()
        if profile is not None:
            profile.disable()
        wall_s, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
        _check(app)
    if profile is not None:
        text = io.StringIO()
        pstats.Stats(profile, stream=text).sort_stats("tottime").print_stats(_SHOWN)
        print(text.getvalue())
    print("RESULT " + json.dumps({"rows": rows, "wall_s": wall_s, "cpu_s": cpu_s}), flush=True)


def _check(app: Application) -> None:
    """Make sure that every row is done: work that failed is quick."""
    with app.storage.reading() as tx:
        states = {str(state) for state, count in tx.counts().deliveries.items() if count}
    if states - {"done"}:
        raise RuntimeError(f"not everything was worked off: {states}")


if __name__ == "__main__":
    main(*sys.argv[1:])
