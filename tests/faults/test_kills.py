"""Killed at random and at chosen calls; `make soak` does it a thousand times."""

from pathlib import Path

import pytest

from tests.faults.kills import random_kills
from tests.faults.rig import Rig
from tests.faults.syscalls import CALLS, kill_at_calls

pytestmark = pytest.mark.faults


def test_random_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    """Killed at random under load with every fifth answer lost: all kept, all done once."""
    with Rig(tmp_path, seed=11, options=("--lease-s", "8", "--probe-s", "4")) as rig:
        verdict = random_kills(rig, 6)
    assert verdict.findings == []
    assert verdict.figures["kills"] >= 6


def test_kills_at_calls_lose_and_double_nothing(tmp_path: Path) -> None:
    """Killed at a sync, a write to disk, an answer and a connection: the same."""
    points = list(zip(CALLS, (3, 20, 3, 1), strict=True))
    with Rig(tmp_path, seed=12, options=("--lease-s", "6", "--probe-s", "3")) as rig:
        verdict = kill_at_calls(rig, points)
    assert verdict.findings == []
    assert verdict.figures["died at a call"] > 0
