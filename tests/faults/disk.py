"""No disk, no 2xx: a full disk, broken syncs, and a database that another process holds."""

import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import requests
from pysqlite3 import dbapi2

from tests.faults.checker import Verdict
from tests.faults.history import read_history
from tests.faults.rig import Rig
from tests.faults.syscalls import SYNCS, strace
from tests.support import until

_SMALL_MB: Final = 6
_PAD: Final = "x" * 40_000


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a file system of a few MB; for root only."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_SMALL_MB}m", "tmpfs", str(folder)]
    subprocess.run(mount, check=True, capture_output=True)  # noqa: S603 - our own words
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)  # noqa: S603, S607 - the same


def enlarge(folder: Path) -> None:
    """Give a small disk more room."""
    mount = ["mount", "-o", "remount,size=200m", str(folder)]
    subprocess.run(mount, check=True, capture_output=True)  # noqa: S603 - our own words


def may_mount() -> bool:
    """Tell whether this user may mount file systems here."""
    probe = ["unshare", "--mount", "true"]
    return os.geteuid() == 0 and subprocess.run(probe, check=False).returncode == 0  # noqa: S603 - our own words


def full_disk(rig: Rig, more_room: Callable[[], None]) -> Verdict:
    """Fill the disk with webhooks until one is refused, make room, and judge.

    Args: more_room: ends the fault; the program is told nothing of it.
    """
    rig.start(worker=False)
    rig.history.write("fault", mode="full disk")
    until(lambda: _refused_one(rig), within_s=300, what="a webhook that cannot be stored")
    more_room()
    return _recovered(rig)


def limited_files(rig: Rig, most_bytes: int) -> Verdict:
    """Forbid the server to write beyond a size; the same for those who may not mount."""
    rig.start(worker=False)
    _, hard = resource.prlimit(rig.serve.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(rig.serve.pid, resource.RLIMIT_FSIZE, (most_bytes, hard))
    rig.history.write("fault", mode="file size limit", most=most_bytes)
    until(lambda: _refused_one(rig), within_s=300, what="a webhook that cannot be stored")
    resource.prlimit(rig.serve.pid, resource.RLIMIT_FSIZE, (hard, hard))
    return _recovered(rig)


def broken_syncs(rig: Rig, first: int, last: int) -> Verdict:
    """Let syncs fail with EIO, from the first to the last of a thread; then judge."""
    rig.start(worker=False)
    rig.serve.stop()
    inject = f"inject={SYNCS}:error=EIO:when={first}..{last}"
    rig.history.write("fault", mode="EIO", first=first, last=last)
    prefix = strace("-e", f"trace={SYNCS}", "-e", inject, output=Path("/dev/null"))
    rig.serve.start(prefix)
    rig.serve.wait_ready()
    until(lambda: _refused_one(rig), within_s=300, what="a webhook that cannot be stored")
    return _recovered(rig)


def held_database(rig: Rig) -> Verdict:
    """Hold the write lock in another process' way, longer than the program waits."""
    rig.start(worker=False)
    holder = dbapi2.connect(str(rig.data_dir / "postventa.db"), isolation_level=None)
    holder.execute("PRAGMA busy_timeout = 30000")
    holder.execute("BEGIN IMMEDIATE")
    rig.history.write("fault", mode="database held")
    try:
        until(lambda: _refused_one(rig), within_s=300, what="a webhook that cannot be stored")
        # Alive all the same: it says that it takes no traffic, or answers.
        assert requests.get(rig.url + "/healthz", timeout=60).ok
    finally:
        holder.rollback()
        holder.close()
    return _recovered(rig)


def _refused_one(rig: Rig) -> bool:
    rig.buy(paid=True, note=_PAD)
    rig.settle_inbox()
    return 503 in _answers(rig)


def _answers(rig: Rig) -> list[int | None]:
    history = read_history(rig.history.path)
    return [line["status"] for line in history if line["event"] == "webhook"]


def _recovered(rig: Rig) -> Verdict:
    """Wait until webhooks are taken again without any help, then work off and judge."""
    rig.history.write("healed")
    before = len(_answers(rig))

    def taken() -> bool:
        rig.buy(paid=True)
        rig.settle_inbox()
        time.sleep(0.2)
        return 200 in _answers(rig)[before:]

    until(taken, within_s=300, what="a webhook taken after the fault")
    rig.worker.start()
    rig.settle()
    verdict = rig.judge()
    verdict.figures["refused with 503"] = _answers(rig).count(503)
    return verdict
