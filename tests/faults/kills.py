"""Kill the program at random instants under load, while shops lose every fifth answer."""

import threading
from collections.abc import Callable
from typing import Final

from tests.faults.checker import Verdict
from tests.faults.rig import Rig
from tests.support import until

# Orders for each kill: more than one machine of two cores works off between two kills
# would only pile up.
_ORDERS: Final = 2
_LONGEST_S: Final = 0.8
LOST_ANSWERS: Final = 0.2
Progress = Callable[[int, Rig], None]


def random_kills(rig: Rig, kills: int, progress: Progress = lambda _done, _rig: None) -> Verdict:
    """Kill server, worker or both so many times, let everything settle, and judge."""
    rig.start()
    rig.lose_answers(LOST_ANSWERS)
    pause = threading.Event()
    for done in range(1, kills + 1):
        bought = threading.Thread(target=rig.buy, args=(_ORDERS,))
        bought.start()
        pause.wait(rig.chance.uniform(0, _LONGEST_S))
        victims = rig.chance.choice([[rig.serve], [rig.worker], [rig.serve, rig.worker]])
        for victim in victims:
            victim.kill()
        bought.join()
        for victim in victims:
            victim.start()
        for victim in victims:
            victim.wait_ready()
        progress(done, rig)
    rig.heal()
    rig.settle()
    return rig.judge()


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
