"""The rows this process has claimed, so that their leases can be kept."""

import threading
from collections.abc import Sequence
from datetime import timedelta

from connector.jobs import retry
from connector.ports import Clock
from connector.storage.port import Storage
from connector.storage.records import DeliveryRecord, EffectRecord


class Leases:
    """Knows what is claimed and keeps it with a heartbeat.

    A process that stops beating loses its rows to others after LEASE_S seconds; what
    it still tries to settle then is refused by the fence.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._deliveries: dict[int, int] = {}
        self._effects: dict[str, int] = {}

    def hold(self, deliveries: Sequence[DeliveryRecord], effects: Sequence[EffectRecord]) -> None:
        """Remember claimed rows."""
        with self._lock:
            self._deliveries.update({row.id: row.fence for row in deliveries})
            self._effects.update({row.key: row.fence for row in effects})

    def drop_delivery(self, delivery: DeliveryRecord) -> None:
        """Forget a row that was settled."""
        with self._lock:
            # Not a newer claim of the same row by another thread.
            if self._deliveries.get(delivery.id) == delivery.fence:
                del self._deliveries[delivery.id]

    def drop_effect(self, effect: EffectRecord) -> None:
        """Forget an effect that was settled."""
        with self._lock:
            if self._effects.get(effect.key) == effect.fence:
                del self._effects[effect.key]

    def beat(self, storage: Storage, clock: Clock) -> int:
        """Keep all claimed rows for another LEASE_S seconds; tell how many."""
        with self._lock:
            deliveries, effects = dict(self._deliveries), dict(self._effects)
        if deliveries or effects:
            until = clock.now() + timedelta(seconds=retry.LEASE_S)
            with storage.transaction() as tx:
                tx.extend_leases(deliveries, effects, lease_until=until)
        return len(deliveries) + len(effects)
