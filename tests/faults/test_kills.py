"""Killed at random and at chosen calls; `make soak` does it a thousand times."""

from pathlib import Path

import pytest

from tests.broker import Broker
from tests.faults.kills import random_kills
from tests.faults.rig import Rig
from tests.faults.syscalls import CALLS, kill_at_calls
from tests.postgresql import Cluster

pytestmark = pytest.mark.faults


def test_random_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    """Killed at random under load with every fifth answer lost: all kept, all done once."""
    with Rig(tmp_path, seed=11, options=("--lease-s", "8", "--probe-s", "4")) as rig:
        verdict = random_kills(rig, 6)
    assert verdict.findings == []
    assert verdict.figures["kills"] >= 6


@pytest.mark.postgresql
def test_kills_of_many_processes_lose_and_double_nothing(tmp_path: Path) -> None:
    """The same with two receivers, two workers, PostgreSQL and a broker that is killed too."""
    with (
        Cluster() as cluster,
        Broker() as broker,
        Rig(
            tmp_path,
            seed=17,
            options=("--lease-s", "8", "--probe-s", "4"),
            database_url=cluster.url(cluster.new_database()),
            cluster=cluster,
            broker=broker,
        ) as rig,
    ):
        verdict = random_kills(rig, 8)
    assert verdict.findings == []
    assert verdict.figures["strikes"] == 8


def test_kills_at_calls_lose_and_double_nothing(tmp_path: Path) -> None:
    """Killed at a sync, a write to disk, an answer and a connection: the same."""
    points = list(zip(CALLS, (3, 20, 1, 2, 1), strict=True))
    with Rig(tmp_path, seed=12, options=("--lease-s", "6", "--probe-s", "3")) as rig:
        verdict = kill_at_calls(rig, points, grace_s=60.0)
    assert verdict.findings == []
    assert verdict.figures["died at a call"] == len(points)
