"""What a second process adds, for receiving and for working, on PostgreSQL."""

import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

from tests.broker import Broker
from tests.postgresql import Cluster
from tools.bench.arguments import Plan
from tools.bench.children import child, module, program
from tools.bench.drain import RULES
from tools.bench.installation import Installation
from tools.bench.load import load_all
from tools.bench.quiet_shop import quiet_shop
from tools.bench.receiver import MANY, SMALL
from tools.bench.table import Bar, Section, interleaved, ratio_row

_SHOPS: Final = 4
_LOOK_S: Final = 0.05
_PATIENCE_S: Final = 1_200.0
_RECEIVERS: Final = Bar(1.4)
_WORKERS: Final = Bar(1.7)


def measure(plan: Plan, folder: Path) -> list[Section]:
    """Compare two processes with one, first receivers, then workers."""
    with Cluster() as cluster, Broker() as broker, quiet_shop() as shop_url:
        places = []
        for name in ("receivers", "workers"):
            (folder / name).mkdir()
            at = Installation(folder / name, cluster.url(cluster.new_database()))
            at.prepare(rules=RULES, shops=_SHOPS, shop_url=shop_url)
            places.append(at)
        received = _receivers(plan, places[0])
        worked = interleaved(
            plan.rounds,
            {
                str(count): partial(_workers, places[1], broker, plan.rows, count)
                for count in (1, 2)
            },
        )
    return [
        Section(
            "Two processes",
            (
                ratio_row(
                    f"Receivers, 3 KB, {MANY} connections: two against one",
                    received["2"],
                    received["1"],
                    "/s",
                    bar=_RECEIVERS,
                ),
                ratio_row(
                    f"Celery workers, {RULES} rules: two against one",
                    worked["2"],
                    worked["1"],
                    "/s",
                    bar=_WORKERS,
                ),
            ),
            f"PostgreSQL on the same machine; the rows are those of {_SHOPS} shops. Workers are "
            "`postventa worker --threads 1` with a Redis broker. With two cores the database "
            "server and the load take their share of what a second process could use; more "
            "threads in the one worker would use up the second core already.",
        )
    ]


def _receivers(plan: Plan, at: Installation) -> dict[str, list[float]]:
    with ExitStack() as stack:
        command = module("target", "ours", str(at.folder), at.database_url)
        running = [stack.enter_context(child(command, at.folder)) for _ in range(2)]
        urls = [f"http://127.0.0.1:{one.wait_for('port ')}" for one in running]

        def rate(count: int) -> float:
            loaded = load_all(urls[:count], size=SMALL, connections=MANY, seconds=plan.load_s)
            return loaded.per_s

        for _ in range(2):
            rate(2)
        return interleaved(plan.rounds, {str(count): partial(rate, count) for count in (1, 2)})


def _workers(at: Installation, broker: Broker, rows: int, count: int) -> float:
    """Give the rows worked off in a second, from the first tenth to the last row."""
    at.add_waiting(rows * count, shops=_SHOPS)
    with ExitStack() as stack:
        app = stack.enter_context(at.opened())

        def left() -> int:
            with app.storage.reading() as tx:
                counts = {str(state): n for state, n in tx.counts().deliveries.items()}
            return counts.get("waiting", 0) + counts.get("working", 0)

        total = left()
        for _ in range(count):
            variables = {**at.variables, "POSTVENTA_BROKER_URL": broker.url}
            stack.enter_context(child(program("worker", "--threads", "1"), at.folder, variables))
        ends = time.monotonic() + _PATIENCE_S
        first, began = total, 0.0
        # Starting and compiling is not counted: both begin when a tenth is done.
        while (now_left := left()) > 0:
            if not began and now_left <= total * 0.9:
                first, began = now_left, time.monotonic()
            if time.monotonic() > ends:
                raise TimeoutError(f"{now_left} rows were left")
            time.sleep(_LOOK_S)
        return first / (time.monotonic() - began)
