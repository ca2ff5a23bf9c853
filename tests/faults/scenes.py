"""Short scenes with one fault each; a planted bug must show in its own scene."""

import signal

from tests.faults.checker import Verdict
from tests.faults.rig import Rig
from tests.faults.shops import WRITES, platform_of
from tests.support import until
from webhooks.sandbox.faults import Fault

_HANG = "hang_before"


def lost_answers(rig: Rig) -> Verdict:
    """Let the shop do each first write of an order and close without an answer."""
    rig.start()
    rig.history.write("fault", mode="drop_after")
    for shop in rig.shops:
        for match in WRITES[platform_of(shop)]:
            shop.faults.add(Fault("drop_after", match=match, times=2))
    rig.buy(2, paid=True)
    rig.settle()
    return rig.judge()


def many_in_a_second(rig: Rig, orders: int) -> Verdict:
    """Place orders faster than WooCommerce's delivery ids change."""
    rig.start(worker=False)
    rig.buy(orders)
    rig.settle_inbox()
    rig.worker.start()
    rig.settle()
    return rig.judge()


def revived_worker(rig: Rig) -> Verdict:
    """Stop a worker inside of a call, let another one take over, then wake the first.

    The rig has one WooCommerce shop and leases that are short.
    """
    (shop,) = rig.shops
    other = rig.program("worker", "--threads", "1")
    sleeper = rig.worker
    rig.start()
    # The look before the write hangs: the effect is claimed and nothing is written.
    shop.faults.add(Fault(_HANG, match="/notes", times=1, hang_s=20.0))
    rig.buy(paid=True)
    until(
        lambda: any(call["fault"] == _HANG for call in shop.calls_json()),
        what="the look that hangs",
    )
    rig.history.write("fault", mode="stopped worker")
    sleeper.signal(signal.SIGSTOP)
    try:
        other.start()
        rig.settle()
        rig.snapshot()
        other.kill()
    finally:
        sleeper.signal(signal.SIGCONT)
        other.stop()
    # Its call is broken, and it tries to settle what it does not hold any more.
    until(lambda: "effect.settled" in sleeper.said(), what="the first worker's settlement")
    rig.buy(paid=True)
    rig.settle()
    return rig.judge()
