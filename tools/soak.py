"""The long form: `make soak ARGS="--kills 1000 --syscalls 60 --postgresql-kills 200"`.

Prints each seed, how far it is, when it will have ended, and a table at the end; the exit
code is 1 when the judge found anything. The folder of a run with findings is kept. Ctrl-C
prints the table so far. Long parts run side by side with `--part`.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tests.broker import Broker
from tests.faults.checker import Verdict
from tests.faults.disk import broken_syncs, held_database, limited_files
from tests.faults.history import read_history
from tests.faults.kills import kill_at_the_answer, random_kills
from tests.faults.network import broken_network
from tests.faults.postgres import restarts
from tests.faults.rig import Rig
from tests.faults.syscalls import CALLS, kill_at_calls, unsynced_answers
from tests.postgresql import Cluster

PARTS: Final = ("sqlite", "postgresql", "syscalls", "others")
# Strikes of one installation; the next batch has a new one and the next seed.
_BATCH: Final = 200
_TOLD_EVERY: Final = 10
_FIGURES: Final = {
    "strikes": "strikes",
    "at work": "at work",
    "holding a claim": "claimed",
    "died at a call": "at call",
    "kills": "killed",
    "sent": "sent",
    "acked": "acked",
    "stored": "stored",
    "lost": "lost",
    "orders": "orders",
    "effects": "effects",
    "doubled": "doubled",
    "missing": "missing",
    "left to a person": "person",
}
_WIDE: Final = 8

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
    kept: list[str] = field(default_factory=list)
    stopped: bool = False
    _name: str = ""
    _wanted: int = 0
    _done: int = 0
    _part_began: float = 0.0

    def part(self, name: str, wanted: int) -> None:
        """Begin a part of so many strikes, for the forecast."""
        self._name, self._wanted, self._done = name, wanted, 0
        self._part_began = time.monotonic()

    def run(self, name: str, run: Run, *, postgresql: bool = False, **options: object) -> None:
        """Run one installation and keep what the judge says."""
        folder = Path(tempfile.mkdtemp(prefix="soak"))
        findings: list[str] = ["it did not come to its end"]
        try:
            with ExitStack() as stack:
                if postgresql:
                    cluster = stack.enter_context(Cluster())
                    options["cluster"] = cluster
                    options["database_url"] = cluster.url(cluster.new_database())
                    options["broker"] = stack.enter_context(Broker())
                rig = stack.enter_context(Rig(folder, seed=self.seed, **options))  # type: ignore[arg-type]  # passed on
                verdict = run(rig)
            self.rows.setdefault(name, Counter()).update(verdict.figures)
            findings = verdict.findings
        except KeyboardInterrupt:
            self.rows.setdefault(f"{name} (cut)", Counter()).update(_so_far(folder))
            findings = []
            raise
        except Exception as err:  # noqa: BLE001 - the other parts go on
            # What was found before it is shown all the same.
            findings = [f"the run broke: {type(err).__name__}: {err}"]
        finally:
            for finding in findings:
                print(f"FOUND in {name}, seed {self.seed}: {finding}", flush=True)
            self.findings += [f"{name}, seed {self.seed}: {finding}" for finding in findings]
            if findings:
                self.kept.append(str(folder))
                print(f"kept: {folder}", flush=True)
            else:
                shutil.rmtree(folder, ignore_errors=True)
            self.seed += 1

    def tell(self, done: int, rig: Rig) -> None:
        """Say now and then how far a run is, and when this part will have ended."""
        del done
        self._done += 1
        if self._done % _TOLD_EVERY and self._done != self._wanted:
            return
        now = time.monotonic()
        each_s = (now - self._part_began) / self._done
        left = timedelta(seconds=each_s * (self._wanted - self._done))
        ends = datetime.now(UTC) + left
        print(
            f"{now - self.began:6.0f} s: {self._name}: {self._done} of {self._wanted}, "
            f"{each_s:.2f} s each, done at about {ends:%H:%M} UTC; "
            f"{rig.acked()} acknowledged in this run",
            flush=True,
        )

    def table(self) -> Iterator[str]:
        """Give the lines of the summary."""
        yield " ".join([f"{'run':<26}", *(f"{name:>{_WIDE}}" for name in _FIGURES.values())])
        for run, figures in self.rows.items():
            cells = [f"{figures[name]:>{_WIDE}}" for name in _FIGURES]
            yield " ".join([f"{run:<26}", *cells])

    def as_json(self) -> str:
        """Write the summary for machines."""
        summary = {
            "seconds": round(time.monotonic() - self.began),
            "next_seed": self.seed,
            "interrupted": self.stopped,
            "runs": {name: dict(figures) for name, figures in self.rows.items()},
            "findings": self.findings,
            "kept": self.kept,
        }
        return json.dumps(summary, indent=2) + "\n"


def _so_far(folder: Path) -> Counter[str]:
    """Count what is known of a run that was cut off; it was not judged."""
    found: Counter[str] = Counter()
    for line in read_history(folder / "history.jsonl"):
        match line["event"]:
            case "kill":
                found["kills"] += 1
            case "strike":
                found["strikes"] += 1
                found["at work"] += bool(line["held"] or line["sent"])
                found["holding a claim"] += bool(line["held"])
            case "webhook":
                found["sent"] += 1
                found["acked"] += line["status"] == 200  # noqa: PLR2004 - stored or known
    return found


def soak(wanted: argparse.Namespace, all_runs: Soak) -> None:
    """Run everything that was asked for."""
    parts = PARTS if wanted.part is None else (wanted.part,)
    if "sqlite" in parts:
        _kills(all_runs, "sqlite", wanted.kills)
    if "postgresql" in parts:
        _kills(all_runs, "postgresql", wanted.postgresql_kills)
    if "syscalls" in parts and wanted.syscalls:
        for call in CALLS:
            name = f"kill at {call.partition(',')[0]}"
            points = [(call, number) for number in range(1, wanted.syscalls + 1)]
            all_runs.part(name, len(points))
            all_runs.run(
                name,
                lambda rig, points=points: kill_at_calls(rig, points, all_runs.tell),  # type: ignore[misc]  # bound now
            )
    if "others" in parts:
        _others(all_runs, wanted)


def _kills(all_runs: Soak, kind: str, wanted: int) -> None:
    all_runs.part(f"random kills, {kind}", wanted)
    left = wanted
    while left > 0:
        now = min(left, _BATCH)
        all_runs.run(
            f"random kills, {kind}",
            lambda rig, now=now: random_kills(rig, now, all_runs.tell),  # type: ignore[misc]  # bound now
            postgresql=kind == "postgresql",
        )
        left -= now


def _others(all_runs: Soak, wanted: argparse.Namespace) -> None:
    one = {"platforms": ("woocommerce",)}
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
        all_runs.part("database restarts", wanted.restarts)
        all_runs.run(
            "database restarts",
            lambda rig: restarts(rig, wanted.restarts, all_runs.tell),
            postgresql=True,
        )
    if wanted.disk:
        all_runs.run("failing syncs", lambda rig: broken_syncs(rig, 3, 40), **one)
        all_runs.run("file size limit", lambda rig: limited_files(rig, 2_000_000), **one)
        all_runs.run("held database", held_database, options=("--busy-s", "1"), **one)


def main() -> int:
    """Read what is wanted, run it, print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=100, help="random kills on SQLite")
    options.add_argument(
        "--postgresql-kills", type=int, default=0, help="the same on PostgreSQL with a broker"
    )
    options.add_argument("--syscalls", type=int, default=0, help="kill at calls 1 to N of a kind")
    options.add_argument("--answers", type=int, default=0, help="kills at an answer, and traces")
    options.add_argument("--orders", type=int, default=0, help="orders over a broken network")
    options.add_argument("--restarts", type=int, default=0, help="restarts of PostgreSQL")
    options.add_argument("--disk", action="store_true", help="disks that fail")
    options.add_argument("--part", choices=PARTS, help="only this part; run others beside it")
    options.add_argument("--json", type=Path, metavar="FILE", help="write the summary there too")
    options.add_argument("--seed", type=int, default=int(time.time()))
    wanted = options.parse_args()
    done = Soak(wanted.seed)
    try:
        soak(wanted, done)
    except KeyboardInterrupt:
        done.stopped = True
    print("\n".join(["", *done.table(), ""]))
    if done.stopped:
        print("interrupted: the last run was not judged")
    print("nothing found" if not done.findings else f"{len(done.findings)} findings")
    if wanted.json is not None:
        wanted.json.write_text(done.as_json(), encoding="utf-8")
    return 1 if done.findings or done.stopped else 0


if __name__ == "__main__":
    sys.exit(main())
