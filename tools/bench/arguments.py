"""What a run measures, how often and how long."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

CASES: Final = (
    "receiver",
    "peers",
    "drain",
    "latency",
    "filled",
    "scale",
    "memory",
    "crowd",
    "neighbors",
)
_ROUNDS: Final = 5
_QUICK_ROUNDS: Final = 3
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """How a run goes.

    Attributes:
        cases: names of CASES, in their order.
        load_s: seconds of load on one target in one round.
        rows: deliveries worked off in one round of the drain.
        filled: orders, and effects due in the future, in the filled store.
        backlog: waiting rows when memory is measured.
        latencies: orders placed for one figure of the idle latency.
        part: only some sections of the page are renewed.
    """

    cases: tuple[str, ...]
    rounds: int
    quick: bool
    load_s: int
    rows: int
    filled: int
    backlog: int
    latencies: int
    peers: bool = False
    profile: bool = False
    page: bool = True
    part: bool = False


def parse(words: Sequence[str], *, peers: bool = False) -> Plan:
    """Read the words of a command line.

    Args: peers: measure against servers of others too, which are installed for it.
    Raises: SystemExit: a word cannot be understood.
    """
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", default="", help=f"some of: {','.join(CASES)}")
    parser.add_argument("--rounds", type=int, default=0, help="interleaved rounds")
    parser.add_argument("--quick", action="store_true", help="short rounds and small stores")
    parser.add_argument("--million", action="store_true", help="fill the store with 1,000,000")
    parser.add_argument("--profile", action="store_true", help="show where the drain's time goes")
    parser.add_argument("--no-page", action="store_true", help="print only, write no page")
    given = parser.parse_args(words)
    wanted = [name.strip() for name in given.only.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in CASES]
    if unknown:
        parser.error(f"--only knows {', '.join(CASES)}; not {', '.join(unknown)}")
    if given.rounds < 0:
        parser.error("--rounds must be 1 or more")
    cases = tuple(name for name in CASES if name in wanted or not wanted)
    if "peers" not in wanted and not peers:
        cases = tuple(name for name in cases if name != "peers")
    quick = given.quick
    return Plan(
        cases=cases,
        rounds=given.rounds or (_QUICK_ROUNDS if quick else _ROUNDS),
        quick=quick,
        load_s=1 if quick else 3,
        rows=300 if quick else 1_500,
        filled=_MILLION if given.million else 10_000 if quick else 100_000,
        backlog=10_000 if quick else 100_000,
        latencies=10 if quick else 30,
        peers="peers" in cases,
        profile=given.profile,
        page=not given.no_page,
        part=bool(wanted),
    )
