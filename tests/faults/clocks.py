"""Clocks that jump while the program is down, as after a bad time server or a battery."""

import shutil

from tests.faults.checker import Verdict
from tests.faults.program import Program
from tests.faults.rig import Rig


def at_offset(offset: str) -> list[str]:
    """Give the words that run a program with a wrong clock.

    Args: offset: as faketime takes it, like `+25h`.
    Raises: RuntimeError: it is not installed.
    """
    found = shutil.which("faketime")
    if found is None:
        raise RuntimeError("faketime is missing: run `make fault-tools`")
    return [found, "-m", "--exclude-monotonic", "-f", offset]


def jumping_clock(rig: Rig, ahead: str, behind: str) -> Verdict:
    """Run with the right clock, then ahead, then behind, then right again; and judge.

    The rig has one Shopify shop: WooCommerce itself refuses calls whose clock is wrong.
    """
    rig.start()
    both = (rig.serve, rig.worker)
    rig.buy(paid=True)
    rig.settle()
    _restart(rig, both, ahead)
    rig.buy(paid=True)
    rig.settle()
    rig.snapshot()
    _restart(rig, both, behind)
    rig.buy(paid=True)
    rig.settle_inbox()
    # What is due in the time of the right clock has to wait for it.
    _restart(rig, both, "")
    rig.buy(paid=True)
    rig.settle()
    return rig.judge()


def _restart(rig: Rig, programs: tuple[Program, ...], offset: str) -> None:
    rig.history.write("fault", mode="clock", offset=offset or "right")
    for program in programs:
        program.stop()
    for program in programs:
        program.start(at_offset(offset) if offset else ())
    for program in programs:
        program.wait_ready()
