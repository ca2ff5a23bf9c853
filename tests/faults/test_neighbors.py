"""A shop that answers nothing holds up nobody, and no stop of the program."""

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.faults.rig import Rig
from tests.faults.shops import Shop, buy, platform_of
from tests.support import until
from webhooks.sandbox.faults import Fault

pytestmark = pytest.mark.faults


def done(rig: Rig, shop: Shop) -> int:
    """Count the orders of a shop that have all of their effects."""
    open_or_done: dict[str, list[Any]] = {}
    for line in rig.effects():
        if line["shop"] == platform_of(shop):
            open_or_done.setdefault(line["order"], []).append(line["state"])
    return sum(set(states) == {"done"} for states in open_or_done.values())


@pytest.mark.parametrize("silent", ["woocommerce", "shopify"])
def test_a_hanging_shop_holds_up_neither_work_nor_stop(tmp_path: Path, silent: str) -> None:
    """While 20 orders of A hang, B's 10 are done; a SIGTERM then loses nothing of A."""
    with Rig(tmp_path, seed=31) as rig:
        (bad,) = [shop for shop in rig.shops if platform_of(shop) == silent]
        (good,) = [shop for shop in rig.shops if platform_of(shop) != silent]
        # The program as it comes: one process, four workers.
        rig.start()
        rig.stop()
        rig.serve = rig.program("serve", "--port", str(rig.port))
        rig.serve.start()
        rig.serve.wait_ready()
        bad.faults.add(Fault("hang_before", times=None, hang_s=60.0))
        rig.history.write("fault", mode="hang", shop=silent)
        for number in range(20):
            buy(bad, number, rig.chance, paid=True)
        until(lambda: any(call["fault"] for call in bad.calls_json()), what="a call that hangs")
        for number in range(20, 30):
            buy(good, number, rig.chance, paid=True)
        rig.bought = 30
        until(lambda: done(rig, good) == 10, within_s=120, what="all effects of the healthy shop")
        assert done(rig, bad) == 0
        assert bad.faults.as_json()
        rig.serve.signal(signal.SIGTERM)
        until(lambda: not rig.serve.running, within_s=120, what="the end after a SIGTERM")
        rig.serve.wait_end()
        rig.heal()
        rig.serve.start()
        rig.settle()
        verdict = rig.judge()
    assert verdict.findings == []
    assert verdict.figures["orders"] == 30
