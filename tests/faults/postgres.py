"""Break PostgreSQL under the program: the server dies and comes back, again and again."""

import threading
from collections.abc import Callable

from tests.faults.checker import Verdict
from tests.faults.rig import Rig


def restarts(
    rig: Rig,
    times: int,
    progress: Callable[[int, Rig], None] = lambda _done, _rig: None,
) -> Verdict:
    """Stop the database at once, as a power cut of it would, and start it again."""
    cluster = rig.cluster
    assert cluster is not None, "the rig was made without its server"
    rig.start()
    pause = threading.Event()
    for done in range(1, times + 1):
        rig.buy(2)
        pause.wait(rig.chance.uniform(0, 1.0))
        rig.history.write("fault", mode="database stopped")
        cluster.stop("immediate")
        rig.buy(1)
        pause.wait(rig.chance.uniform(0, 1.0))
        cluster.start()
        progress(done, rig)
    rig.heal()
    rig.settle()
    return rig.judge()
