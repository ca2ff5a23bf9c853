"""Kill at the Nth call of a kind, break calls, and read the order of calls: by strace.

SQLite's own suite breaks the first, second, third … call of a kind until a run passes;
this is the same loop over our program's calls.
"""

import itertools
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
CALLS: Final = (SYNCS, "pwrite64", "sendto", "writev", "connect")
_ORDERS: Final = 3
_GRACE_S: Final = 3.0
# Until then another order comes every so often.
_AGAIN_S: Final = 0.3
_STORED: Final = r"\\\"status\\\": \\\"stored\\\""


def strace(*options: str, output: Path) -> list[str]:
    """Give the words that run a program under strace.

    Its quick way of `--seccomp-bpf` is not taken: with it strace 6.1 counts no calls, and
    an injection for the third one never comes.

    Raises: RuntimeError: it is not installed.
    """
    found = shutil.which("strace")
    if found is None:
        raise RuntimeError("strace is missing: run `make fault-tools`")
    return [found, "-f", "-qq", "-o", str(output), *options]


def kill_at_calls(
    rig: Rig,
    points: Sequence[tuple[str, int]],
    progress: Callable[[int, Rig], None] = lambda _done, _rig: None,
    *,
    grace_s: float = _GRACE_S,
) -> Verdict:
    """Kill the whole program at the Nth call of a kind, one point after the other.

    Args: points: calls and their numbers, counted in each thread. grace_s: how long it gets
        work to die of; then it is killed where it stands.
    """
    rig.start()
    # From here on one process does all: whatever it does, it may die in it.
    rig.stop()
    # Two in turn: the next one reads its code while this one works.
    command = ("serve", "--port", str(rig.port), "--workers", "3")
    turns = itertools.cycle([rig.program(*command), rig.program(*command)])
    prefixes = [_killed_at(call, number) for call, number in points]
    now = next(turns)
    now.prepare(prefixes[0])
    known = rig.held()
    died = 0
    for done, (call, number) in enumerate(points, 1):
        rig.history.write("fault", mode="syscall", call=call, number=number)
        rig.serve, then = now, next(turns)
        rig.serve.start(prefixes[done - 1])
        if done < len(points):
            then.prepare(prefixes[done])
        until(lambda: not rig.serve.running or rig.serve.is_ready, within_s=300, what="a start")
        died += _died(rig, grace_s)
        sent = rig.on_the_way()
        rig.serve.kill()
        held = rig.held()
        rig.history.write("strike", sent=sent, held=len(held - known))
        known, now = held, then
        progress(done, rig)
    rig.serve.start()
    rig.serve.wait_ready()
    rig.heal()
    rig.settle()
    verdict = rig.judge()
    verdict.figures.update({"died at a call": died, "calls": len(points)})
    return verdict


def _killed_at(call: str, number: int) -> list[str]:
    inject = f"inject={call}:signal=KILL:when={number}"
    return strace("-e", f"trace={call}", "-e", inject, output=Path("/dev/null"))


def _died(rig: Rig, grace_s: float) -> bool:
    """Give it work until it dies at the call, or for a while: not every thread calls as often."""
    rig.buy(_ORDERS)
    ends = time.monotonic() + grace_s
    again = time.monotonic() + _AGAIN_S
    while time.monotonic() < ends:
        if not rig.serve.running:
            return True
        if time.monotonic() > again:
            rig.buy()
            again += _AGAIN_S
        time.sleep(0.02)
    return False


def unsynced_answers(rig: Rig, times: int) -> list[str]:
    """Send webhooks one by one; tell which were answered before the log was synced.

    Returns: one sentence for each; empty when every 200 has its sync before it.
    """
    trace = rig.data_dir.parent / "calls.trace"
    rig.start(worker=False)
    rig.serve.stop()
    options = ("-yy", "-s", "600", "-e", "trace=fdatasync,fsync,sendto,writev")
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
        elif re.search(r" (sendto|writev)\(", line) and re.search(_STORED, line):
            answers += 1
            if not synced:
                findings.append(f"answer {answers} left before the log was synced")
            synced = False
    if not answers:
        findings.append("the trace shows no answer at all")
    return findings
