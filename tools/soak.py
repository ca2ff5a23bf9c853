"""The long form: `make soak ARGS="--kills 1000 --syscalls 60"`.

Prints each seed, how far it is, and a table at the end; the exit code is 1 when the
judge found anything. The folder of a run with findings is kept.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.faults.checker import Verdict
from tests.faults.disk import broken_syncs, held_database, limited_files
from tests.faults.kills import kill_at_the_answer, random_kills
from tests.faults.network import broken_network
from tests.faults.postgres import restarts
from tests.faults.rig import Rig
from tests.faults.syscalls import CALLS, kill_at_calls, unsynced_answers
from tests.postgresql import Cluster

# Kills of one installation; the next batch has a new one and the next seed.
_BATCH: Final = 100
_TOLD_EVERY: Final = 10
_FIGURES: Final = ("kills", "sent", "acked", "stored", "lost", "orders", "effects", "doubled")
_MORE: Final = ("missing", "left to a person")

Run = Callable[[Rig], Verdict]


@dataclass(slots=True)
class Soak:
    """All runs of a soak, their figures and what was found.

    Args: seed: of the first run; each run has the next one.
    """

    seed: int
    began: float = field(default_factory=time.monotonic)
    rows: dict[str, Counter[str]] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def run(self, name: str, run: Run, *, postgresql: bool = False, **options: object) -> None:
        """Run one installation and keep what the judge says."""
        folder = Path(tempfile.mkdtemp(prefix="soak"))
        with ExitStack() as stack:
            if postgresql:
                cluster = stack.enter_context(Cluster())
                options["cluster"] = cluster
                options["database_url"] = cluster.url(cluster.new_database())
            rig = stack.enter_context(Rig(folder, seed=self.seed, **options))  # type: ignore[arg-type]  # passed on
            verdict = run(rig)
        self.rows.setdefault(name, Counter()).update(verdict.figures)
        for finding in verdict.findings:
            print(f"FOUND in {name}, seed {self.seed}: {finding}", flush=True)
        if verdict.findings:
            print(f"kept: {folder}", flush=True)
        else:
            shutil.rmtree(folder)
        self.findings += verdict.findings
        self.seed += 1

    def tell(self, done: int, rig: Rig) -> None:
        """Say now and then how far a run is."""
        if done % _TOLD_EVERY == 0:
            passed = time.monotonic() - self.began
            print(f"{passed:7.0f} s: {done} done, {rig.acked()} acknowledged", flush=True)

    def table(self) -> Iterator[str]:
        """Give the lines of the summary."""
        names = (*_FIGURES, *_MORE)
        yield " ".join([f"{'run':<24}", *(f"{name:>9}" for name in names)])
        for run, figures in self.rows.items():
            cells = [f"{figures[name]:>{max(9, len(name))}}" for name in names]
            yield " ".join([f"{run:<24}", *cells])


def soak(wanted: argparse.Namespace) -> Soak:
    """Run everything that was asked for."""
    one = {"platforms": ("woocommerce",)}
    all_runs = Soak(wanted.seed)
    for kind, database in (("sqlite", False), ("postgresql", True)):
        left = wanted.kills if not database else wanted.postgresql_kills
        while left > 0:
            now = min(left, _BATCH)
            all_runs.run(
                f"random kills, {kind}",
                lambda rig, now=now: random_kills(rig, now, all_runs.tell),  # type: ignore[misc]  # bound now
                postgresql=database,
            )
            left -= now
    if wanted.syscalls:
        for call in CALLS:
            points = [(call, number) for number in range(1, wanted.syscalls + 1)]
            all_runs.run(
                f"kill at {call.partition(',')[0]}",
                lambda rig, points=points: kill_at_calls(rig, points, all_runs.tell),  # type: ignore[misc]  # bound now
            )
    if wanted.answers:
        all_runs.run(
            "kill at the answer", lambda rig: kill_at_the_answer(rig, wanted.answers), **one
        )
        all_runs.run(
            "sync before the answer",
            lambda rig: Verdict(unsynced_answers(rig, wanted.answers)),
            senders=1,
            **one,
        )
    if wanted.orders:
        all_runs.run("broken network", lambda rig: broken_network(rig, wanted.orders))
    if wanted.restarts:
        all_runs.run(
            "database restarts",
            lambda rig: restarts(rig, wanted.restarts, all_runs.tell),
            postgresql=True,
        )
    if wanted.disk:
        all_runs.run("failing syncs", lambda rig: broken_syncs(rig, 3, 40), **one)
        all_runs.run("file size limit", lambda rig: limited_files(rig, 2_000_000), **one)
        all_runs.run("held database", held_database, options=("--busy-s", "1"), **one)
    return all_runs


def main() -> int:
    """Read what is wanted, run it, print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=100, help="random kills on SQLite")
    options.add_argument("--postgresql-kills", type=int, default=0, help="the same on PostgreSQL")
    options.add_argument("--syscalls", type=int, default=0, help="kill at calls 1 to N of a kind")
    options.add_argument("--answers", type=int, default=0, help="kills at an answer, and traces")
    options.add_argument("--orders", type=int, default=0, help="orders over a broken network")
    options.add_argument("--restarts", type=int, default=0, help="restarts of PostgreSQL")
    options.add_argument("--disk", action="store_true", help="disks that fail")
    options.add_argument("--seed", type=int, default=int(time.time()))
    done = soak(options.parse_args())
    print("\n".join(["", *done.table(), ""]))
    print("nothing found" if not done.findings else f"{len(done.findings)} findings")
    return 1 if done.findings else 0


if __name__ == "__main__":
    sys.exit(main())
