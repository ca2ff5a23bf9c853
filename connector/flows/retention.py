"""Forget what is not kept for ever, in small pieces."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from connector.flows.engine import Engine

# Source: our own defaults; see docs/howto/operate.md.
KEEP_ROWS: Final = timedelta(days=400)
KEEP_CEILINGS: Final = timedelta(days=30)
EVERY_S: Final = 86_400.0
JOB: Final = "retention"
# Rows in one transaction: nobody waits long for the next one.
_PIECE: Final = 200


@dataclass(frozen=True, slots=True)
class Pruned:
    """How much was forgotten.

    Attributes:
        bodies: deliveries of which only the digest is left.
        deliveries, effects: rows deleted, effects with their tries and messages.
        evidence: evaluations, tries and messages deleted before their effects.
    """

    bodies: int
    deliveries: int
    effects: int
    evidence: int = 0


def prune(
    engine: Engine,
    *,
    keep_bodies: timedelta,
    keep_evidence: timedelta = KEEP_ROWS,
    stopping: Callable[[], bool] = lambda: False,
) -> Pruned:
    """Forget what is older than it may be; what is still open stays.

    Args: keep_bodies: how long deliveries are kept word for word. keep_evidence: how long
        it can be seen why something was done. stopping: asked between two pieces; what is
        left is done the next time.
    """
    now = engine.clock.now()
    bodies = _bodies(engine, keep_bodies, stopping)
    deliveries = effects = evidence = 0
    while not stopping():
        with engine.storage.transaction() as tx:
            rows = tx.delete_old_deliveries(now - KEEP_ROWS, _PIECE)
            gone = tx.delete_old_effects(now - KEEP_ROWS, _PIECE)
            seen = tx.delete_old_evidence(now - keep_evidence, _PIECE)
        deliveries += rows
        effects += gone
        evidence += seen
        if not rows and not gone and not seen:
            break
    with engine.storage.transaction() as tx:
        tx.delete_old_ceilings(now - KEEP_CEILINGS)
    engine.log(
        "retention.done",
        bodies=bodies,
        deliveries=deliveries,
        effects=effects,
        evidence=evidence,
    )
    return Pruned(bodies, deliveries, effects, evidence)


def _bodies(engine: Engine, keep: timedelta, stopping: Callable[[], bool]) -> int:
    before = engine.clock.now() - keep
    dropped = after = 0
    while not stopping():
        # Found by reading, which keeps nobody from writing.
        with engine.storage.reading() as tx:
            numbers = tx.old_bodies(before, after=after, limit=_PIECE)
        if not numbers:
            break
        with engine.storage.transaction() as tx:
            dropped += tx.drop_bodies(numbers)
        after = numbers[-1]
    return dropped
