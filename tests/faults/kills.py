"""Kill the program at random instants under load, while shops lose every fifth answer."""

import threading
import time
from collections.abc import Callable
from typing import Final

from tests.faults.checker import Verdict
from tests.faults.program import Program
from tests.faults.rig import Rig
from tests.support import until

# Orders for each kill: more than one machine of two cores works off between two kills
# would only pile up.
_ORDERS: Final = 2
_LONGEST_S: Final = 0.8
LOST_ANSWERS: Final = 0.2
# Of all blows: those that wait until somebody holds a claim and then strike at once.
_AIMED: Final = 0.8
_PATIENCE_S: Final = 2.0
_LOOK_S: Final = 0.01
# How often the broker is struck beside a program.
_BROKER: Final = 0.2
Progress = Callable[[int, Rig], None]


def random_kills(rig: Rig, kills: int, progress: Progress = lambda _done, _rig: None) -> Verdict:
    """Strike so many times, let everything settle, and judge.

    One receiver, one worker, all of a kind, or everything is killed; the broker too, now
    and then, or it is emptied.
    """
    rig.start()
    rig.lose_answers(LOST_ANSWERS)
    known = rig.held()
    for done in range(1, kills + 1):
        bought = threading.Thread(target=rig.buy, args=(_ORDERS,))
        bought.start()
        _wait(rig, known)
        victims = rig.chance.choice(_targets(rig))
        sent, held = rig.on_the_way(), rig.held()
        for victim in victims:
            victim.strike()
        if not set(rig.workers).isdisjoint(victims):
            # What the dead held is still claimed.
            held = rig.held()
        for victim in victims:
            victim.wait_end()
        # What was held at an earlier blow does not count.
        rig.history.write("strike", sent=sent, held=len(held - known))
        known = held
        broken = _break_broker(rig)
        bought.join()
        for victim in victims:
            victim.start()
        for victim in victims:
            victim.wait_ready()
        if broken and rig.broker is not None:
            rig.broker.start()
        progress(done, rig)
    rig.heal()
    rig.settle()
    return rig.judge()


def _targets(rig: Rig) -> list[list[Program]]:
    """List what may die at once."""
    ones = [[program] for program in rig.programs]
    kinds = [rig.receivers, rig.workers] if len(ones) > 2 else []
    return [*ones, *kinds, rig.programs]


def _wait(rig: Rig, known: set[tuple[str, int]]) -> None:
    """Wait for the instant of the blow: by chance, or until a new claim is held."""
    if rig.chance.random() >= _AIMED:
        time.sleep(rig.chance.uniform(0, _LONGEST_S))
        return
    ends = time.monotonic() + _PATIENCE_S
    while time.monotonic() < ends and not rig.held() - known:
        time.sleep(_LOOK_S)
    # Within the calls to the shop that follow the claim.
    time.sleep(rig.chance.uniform(0, 0.02))


def _break_broker(rig: Rig) -> bool:
    """Empty the broker or kill it, now and then; tell whether it must be started again."""
    if rig.broker is None or rig.chance.random() >= _BROKER:
        return False
    if rig.chance.random() < 0.5:
        rig.history.write("fault", mode="broker emptied")
        rig.broker.flush()
        return False
    rig.history.write("fault", mode="broker killed")
    rig.broker.stop()
    return True


def kill_at_the_answer(rig: Rig, times: int) -> Verdict:
    """Kill the server in the moment in which it has answered a webhook."""
    rig.start(worker=False)
    for _ in range(times):
        before = rig.acked()
        rig.buy()
        until(lambda: rig.acked() > before, within_s=300, what="an answer")  # noqa: B023 - called at once
        rig.serve.kill()
        rig.settle_inbox()
        rig.serve.start()
        rig.serve.wait_ready()
    rig.worker.start()
    rig.settle()
    return rig.judge()
