"""Run the workers of one process."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from connector.errors import PostventaError, StorageUnavailable
from connector.jobs.leases import Leases
from connector.jobs.retry import HEARTBEAT_S
from connector.jobs.worker import Batch, Worker
from connector.model.order import ShopId
from webhooks.pollers import Pollers
from webhooks.receive import Receiver
from webhooks.wiring import Application

# A sweeper's look: work that nobody rang for is found after this time.
SWEEP_S: Final = 5.0
# Two batches of one shop at a time: a shop that hangs holds two threads, no more.
PER_SHOP: Final = 2
_ROWS: Final = 20


class WorkerPool:
    """Threads that work through what is due, shops side by side."""

    def __init__(self, app: Application, *, threads: int, receiver: Receiver | None = None) -> None:
        self._app = app
        self._pollers = Pollers(app, receiver=receiver)
        self._leases = Leases()
        self._size = threads
        self._stopping = threading.Event()
        self._worker = Worker(app.engine, self._leases, ending=self._stopping.is_set)
        self._ended = threading.Event()
        self._lock = threading.Condition()
        self._busy: Counter[ShopId] = Counter()
        self._dispatcher = threading.Thread(target=self._dispatch, name="dispatch", daemon=True)
        self._beating = threading.Thread(target=self._heartbeat, name="heartbeat", daemon=True)
        self._end_listening: Callable[[], None] = lambda: None
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="work")

    def start(self) -> None:
        """Start working."""
        self._dispatcher.start()
        self._beating.start()
        self._pollers.start()
        self._end_listening = self._app.bell.listen(self.has_room)

    def stop(self) -> None:
        """Finish what is being worked on, put back what is only claimed, and stop."""
        self._end_listening()
        self._stopping.set()
        with self._lock:
            self._lock.notify_all()
        self._app.bell.wake()
        self._pollers.stop()
        # First who hands out: what is claimed is also worked off.
        self._dispatcher.join(timeout=60)
        self._pool.shutdown(wait=True)
        # Not before: what is still being worked on keeps its lease.
        self._ended.set()
        self._beating.join(timeout=30)

    def has_room(self, timeout_s: float) -> bool:
        """Wait for a thread that is free; tell whether there is one."""
        with self._lock:
            return self._lock.wait_for(
                lambda: self._stopping.is_set() or self._busy.total() < self._size, timeout_s
            )

    def _dispatch(self) -> None:
        while not self._stopping.is_set():
            if not self._guarded(self._hand_out):
                self._guarded(lambda: self._app.bell.wait(self._pause_s()))

    def _hand_out(self) -> bool:
        with self._lock:
            free = self._size - self._busy.total()
            busy = [shop for shop, count in self._busy.items() if count >= PER_SHOP]
        if free <= 0:
            return False
        batches = self._worker.claim(_ROWS, busy)
        for batch in batches:
            with self._lock:
                self._busy[batch.shop_id] += 1
            self._pool.submit(self._work, batch)
        return bool(batches)

    def _work(self, batch: Batch) -> None:
        try:
            self._guarded(lambda: bool(self._worker.work(batch)))
        finally:
            with self._lock:
                self._busy[batch.shop_id] -= 1
                self._lock.notify_all()
            # Here only: what came of the batch was rung for when it was stored.
            self._app.bell.wake()

    def _pause_s(self) -> float:
        """Tell how long nothing will be due."""
        now = self._app.clock.now()
        with self._lock:
            busy = [shop for shop, count in self._busy.items() if count >= PER_SHOP]
            if self._busy.total() >= self._size:
                # Whoever is done rings.
                return SWEEP_S
        busy = [*busy, *self._worker.resting()]
        try:
            with self._app.storage.reading() as tx:
                due_at = tx.next_due_at(now=now, busy=busy)
        except StorageUnavailable:
            return SWEEP_S
        if due_at is None:
            return SWEEP_S
        # Never below: a row that is due and cannot be claimed must not spin us.
        return min(max((due_at - now).total_seconds(), 0.05), SWEEP_S)

    def _heartbeat(self) -> None:
        while not self._ended.wait(HEARTBEAT_S):
            self._guarded(lambda: bool(self._leases.beat(self._app.storage, self._app.clock)))

    def _guarded(self, step: Callable[[], bool]) -> bool:
        """Run one step; a fault is logged and the thread goes on."""
        try:
            return step()
        except PostventaError as err:
            self._app.engine.log("worker.not_stored", error=str(err))
        except Exception as err:  # noqa: BLE001 - the thread must live
            self._app.engine.log("worker.fault", fault=err)
        self._stopping.wait(1.0)
        return False
