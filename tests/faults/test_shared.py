"""What several processes share: the switch that stops effects, and a shop's points."""

import time
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.rig import Rig
from tests.support import until
from tests.web.cli import Cli
from webhooks.sandbox.shopify.cost import Bucket

pytestmark = pytest.mark.faults
# Promised: so long after `effects stop` nothing begins any more, in no process.
ACTS_S = 5.0


def writes(rig: Rig) -> int:
    """Count the calls that changed something in the shops."""
    return sum(bool(call["write"]) for shop in rig.shops for call in shop.calls_json())


def states(rig: Rig) -> Counter[str]:
    """Count the effects by state."""
    return Counter(line["state"] for line in rig.effects())


def test_the_switch_stops_all_processes_in_the_middle_of_work(tmp_path: Path) -> None:
    """Thrown by a third process while two workers send: later orders are stored, not acted on."""
    with Rig(tmp_path, seed=41) as rig:
        rig.workers.append(rig.program("worker", "--threads", "2"))
        cli = Cli(rig.data_dir)
        rig.start()
        rig.buy(12, paid=True)
        until(lambda: states(rig)["done"] >= 3, what="the work begun")
        assert cli.run("effects", "stop").exit_code == 0
        thrown_at = time.monotonic()
        # Order of events: what begins after this time is an effect begun too late.
        time.sleep(max(thrown_at + ACTS_S - time.monotonic(), 0.0))
        until(lambda: not states(rig)["sending"], what="the end of what had begun")
        done, written = states(rig)["done"], writes(rig)
        assert states(rig)["planned"] > 0, "nothing was left to be stopped"
        more = rig.buy(4, paid=True)
        until(lambda: _planned_for(rig, more), what="effects planned while stopped")
        rig.settle_inbox()
        assert (states(rig)["done"], writes(rig)) == (done, written)
        assert states(rig)["sending"] == 0
        assert cli.run("effects", "start").exit_code == 0
        rig.settle()
        verdict = rig.judge()
    assert verdict.findings == []


def _planned_for(rig: Rig, orders: list[str]) -> bool:
    planned = {line["order"] for line in rig.effects() if line["state"] == "planned"}
    return planned.issuperset(orders)


class CountedBucket(Bucket):
    """A bucket that counts how often it was asked for more than it had."""

    def __init__(self, maximum: float, restore_per_s: float) -> None:
        super().__init__(maximum, restore_per_s)
        self.asked = self.refused = 0
        self.lowest = maximum

    def take(self, points: float) -> bool:
        """Take points if they are there."""
        there = super().take(points)
        self.asked += 1
        self.refused += not there
        self.lowest = min(self.lowest, self.level)
        return there


def test_two_processes_share_the_points_of_a_shop(tmp_path: Path) -> None:
    """Two workers and few points: they wait for points and are told THROTTLED hardly ever."""
    with Rig(tmp_path, seed=42, platforms=("shopify",)) as rig:
        (shop,) = rig.shops
        rig.workers.append(rig.program("worker", "--threads", "3"))
        rig.start()
        bucket = CountedBucket(1000.0, 200.0)
        shop.bucket = bucket  # type: ignore[union-attr]  # it is a Shopify
        rig.buy(10, paid=True)
        rig.settle()
        verdict = rig.judge()
    assert verdict.findings == []
    assert bucket.lowest < 500.0, "the points were never scarce"
    assert bucket.refused <= max(bucket.asked // 10, 2)
