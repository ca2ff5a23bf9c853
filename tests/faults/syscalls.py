"""Kill at the Nth call of a kind, break calls, and read the order of calls: by strace.

SQLite's own suite breaks the first, second, third … call of a kind until a run passes;
this is the same loop over our program's calls.
"""

import re
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tests.faults.checker import Verdict
from tests.faults.rig import Rig
from tests.support import until

# SQLite's own build decides which of the two syncs it uses.
SYNCS: Final = "fsync,fdatasync"
CALLS: Final = (SYNCS, "pwrite64", "sendto", "connect")
_ORDERS: Final = 3
# How long it may live on after the last order; then it is killed where it stands.
_GRACE_S: Final = 3.0
_STORED: Final = r"\\\"status\\\": \\\"stored\\\""


def strace(*options: str, output: Path) -> list[str]:
    """Give the words that run a program under strace.

    Raises: RuntimeError: it is not installed.
    """
    found = shutil.which("strace")
    if found is None:
        raise RuntimeError("strace is missing: run `make fault-tools`")
    return [found, "-f", "-qq", "--seccomp-bpf", "-o", str(output), *options]


def kill_at_calls(
    rig: Rig,
    points: Sequence[tuple[str, int]],
    progress: Callable[[int, Rig], None] = lambda _done, _rig: None,
) -> Verdict:
    """Kill the whole program at the Nth call of a kind, one point after the other.

    Args: points: calls and their numbers, counted in each thread.
    """
    rig.start()
    # From here on one process does all: whatever it does, it may die in it.
    rig.serve.stop()
    rig.worker.stop()
    rig.serve = rig.program("serve", "--port", str(rig.port), "--workers", "3")
    died = 0
    for done, (call, number) in enumerate(points, 1):
        inject = f"inject={call}:signal=KILL:when={number}"
        prefix = strace("-e", f"trace={call}", "-e", inject, output=Path("/dev/null"))
        rig.history.write("fault", mode="syscall", call=call, number=number)
        rig.serve.start(prefix)
        until(lambda: not rig.serve.running or rig.serve.is_ready, within_s=300, what="a start")
        rig.buy(_ORDERS)
        died += _died(rig)
        rig.serve.kill()
        progress(done, rig)
    rig.serve.start()
    rig.serve.wait_ready()
    rig.heal()
    rig.settle()
    verdict = rig.judge()
    verdict.figures.update({"died at a call": died, "calls": len(points)})
    return verdict


def _died(rig: Rig) -> bool:
    """Wait a while for the death at the call; with nothing more to do it may not come."""
    ends = time.monotonic() + _GRACE_S
    while time.monotonic() < ends:
        if not rig.serve.running:
            return True
        time.sleep(0.05)
    return False


def unsynced_answers(rig: Rig, times: int) -> list[str]:
    """Send webhooks one by one; tell which were answered before the log was synced.

    Returns: one sentence for each; empty when every 200 has its sync before it.
    """
    trace = rig.data_dir.parent / "calls.trace"
    rig.start(worker=False)
    rig.serve.stop()
    options = ("-yy", "-s", "600", "-e", "trace=fdatasync,fsync,sendto")
    rig.serve.start(strace(*options, output=trace))
    rig.serve.wait_ready()
    for _ in range(times):
        rig.buy()
        rig.settle_inbox()
    rig.serve.stop()
    return read_trace(trace.read_text(encoding="utf-8", errors="replace"))


def read_trace(text: str) -> list[str]:
    """Find the answers `stored` that had no finished sync of the log since the last one.

    Args: text: what `strace -f -yy` wrote: calls of all threads, in their order.
    """
    findings: list[str] = []
    answers = 0
    synced = False
    syncing: set[str] = set()
    for line in text.splitlines():
        thread = line.partition(" ")[0]
        if re.search(r" f(data)?sync\(\d+<[^>]*-wal>", line):
            if "unfinished" in line:
                syncing.add(thread)
            else:
                synced = synced or line.rstrip().endswith("= 0")
        elif re.search(r"<\.\.\. f(data)?sync resumed>", line) and thread in syncing:
            syncing.discard(thread)
            synced = synced or line.rstrip().endswith("= 0")
        elif "sendto(" in line and re.search(_STORED, line):
            answers += 1
            if not synced:
                findings.append(f"answer {answers} left before the log was synced")
            synced = False
    if not answers:
        findings.append("the trace shows no answer at all")
    return findings
