"""Ask the shops by ourselves: what changed, whether webhooks live, whether days agree."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from connector.errors import AdapterError, ConfigurationError, PostventaError
from connector.flows.ledger import check_ledger
from connector.flows.reconcile import reconcile
from connector.flows.shop_events import look_again
from connector.flows.watch_webhooks import watch_webhooks
from connector.model.order import ShopId
from connector.storage.records import ShopRecord, ShopState
from webhooks.upkeep import Upkeep
from webhooks.urls import hook_address
from webhooks.wiring import Application

# Shops asked side by side: one that hangs holds one of these threads.
SIDE_BY_SIDE: Final = 4
WATCH_S: Final = 3_600.0
LEDGER_S: Final = 3_600.0
# A shop that refused our key may take it again.
LOOK_AGAIN_S: Final = 3_600.0
_LOOKED_AT: Final = frozenset({ShopState.CONNECTED, ShopState.DISCONNECTED})
# A start looks at once; starts of many processes within this time look once.
START_S: Final = 15.0
# A webhook of a change this young may still be on its way.
SETTLE_S: Final = 60.0
LEDGER_SETTLE: Final = timedelta(minutes=2)
_TICK_S: Final = 1.0
_STOP_S: Final = 5.0


class Flushes(Protocol):
    """Who keeps counts in memory that belong into the store."""

    def flush(self) -> None:
        """Write them down."""
        ...


@dataclass(frozen=True, slots=True)
class _Job:
    """One thing that is done for each shop now and then."""

    name: str
    every_s: float
    run: Callable[[ShopRecord], None]


class Pollers:
    """Looks at each connected shop in turn, in threads of its own.

    Turns are taken in the store, so that many processes ask a shop once.

    Args: receiver: its counts of refused requests are written down with every tick.
    """

    def __init__(self, app: Application, *, receiver: Flushes | None = None) -> None:
        self._app = app
        self._receiver = receiver
        self._stopping = threading.Event()
        self._free = threading.BoundedSemaphore(SIDE_BY_SIDE)
        self._lock = threading.Lock()
        self._asked: dict[ShopId, threading.Thread] = {}
        # Before this time of the monotonic clock nobody asks the store for a turn.
        self._next_at: dict[tuple[str, ShopId], float] = {}
        self._differing: set[ShopId] = set()
        every_s = app.settings.poll_interval_s
        self._settle = timedelta(seconds=min(SETTLE_S, every_s / 5))
        # Webhooks first: what a repair pulls is nothing that the look after it missed.
        self._jobs = (
            _Job("webhooks", WATCH_S, self._watch),
            _Job("poll", every_s, self._poll),
            _Job("ledger", LEDGER_S, self._ledger),
        )
        self._refused = (_Job("key", LOOK_AGAIN_S, self._look_again),)
        self._upkeep = Upkeep(app)
        self._thread = threading.Thread(target=self._run, name="poll", daemon=True)

    def start(self) -> None:
        """Begin; every connected shop is looked at at once."""
        self._thread.start()

    def stop(self) -> None:
        """End between two orders; a shop that hangs is not waited for."""
        self._stopping.set()
        self._upkeep.stop()
        if self._thread.is_alive():
            self._thread.join(timeout=_STOP_S)
        with self._lock:
            busy = list(self._asked.values())
        ends = time.monotonic() + _STOP_S
        for thread in busy:
            thread.join(timeout=max(ends - time.monotonic(), 0.0))

    def _run(self) -> None:
        tick_s = min(self._app.settings.poll_interval_s, _TICK_S)
        while not self._stopping.wait(tick_s):
            self._guarded("poll.tick", None, self._tick)

    def _tick(self) -> None:
        if self._receiver is not None:
            self._receiver.flush()
        self._guarded("upkeep.failed", None, self._upkeep.tick)
        with self._app.storage.reading() as tx:
            shops = [shop for shop in tx.shops() if shop.state in _LOOKED_AT]
        for shop in shops:
            if self._stopping.is_set():
                return
            self._begin(shop)

    def _begin(self, shop: ShopRecord) -> None:
        """Look at a shop in a thread of its own, unless one does so already."""
        with self._lock:
            if shop.id in self._asked or not self._may_be_due(shop):
                return
        if not self._free.acquire(blocking=False):
            return
        jobs: list[_Job] = []
        try:
            jobs = [job for job in self._jobs_of(shop) if self._turn(job, shop)]
            if jobs:
                thread = threading.Thread(
                    target=self._look, args=(shop, jobs), name=f"poll {shop.id}", daemon=True
                )
                with self._lock:
                    self._asked[shop.id] = thread
                thread.start()
        finally:
            if not jobs:
                self._free.release()

    def _jobs_of(self, shop: ShopRecord) -> tuple[_Job, ...]:
        return self._jobs if shop.state is ShopState.CONNECTED else self._refused

    def _may_be_due(self, shop: ShopRecord) -> bool:
        now = time.monotonic()
        jobs = self._jobs_of(shop)
        return any(self._next_at.get((job.name, shop.id), now) <= now for job in jobs)

    def _turn(self, job: _Job, shop: ShopRecord) -> bool:
        """Take the turn of a job, if it is due and no other process has it."""
        place = (job.name, shop.id)
        now = time.monotonic()
        known = self._next_at.get(place)
        if known is not None and known > now:
            return False
        every_s = job.every_s
        if job.name == "ledger" and shop.id in self._differing:
            # What was pulled is worked off by now: count again.
            every_s = min(every_s, self._app.settings.poll_interval_s)
        asked_s = every_s if known is not None else min(every_s, START_S)
        with self._app.storage.transaction() as tx:
            mine = tx.claim_job(f"{job.name}:{shop.id}", now=self._app.clock.now(), every_s=asked_s)
        # Whoever has the turn may die, so another asks again long before the next one.
        self._next_at[place] = now + min(every_s, self._app.settings.poll_interval_s) / (
            1 if mine else 10
        )
        return mine

    def _look(self, shop: ShopRecord, jobs: list[_Job]) -> None:
        try:
            for job in jobs:
                if self._stopping.is_set():
                    return
                self._guarded(f"{job.name}.failed", shop, self._bound(job, shop))
        finally:
            with self._lock:
                self._asked.pop(shop.id, None)
            self._free.release()

    def _bound(self, job: _Job, shop: ShopRecord) -> Callable[[], None]:
        def run() -> None:
            # Read anew, and not what is kept for a second: the turn is taken, and the
            # next one is far away.
            with self._app.storage.reading() as tx:
                now = tx.shop(shop.id)
            if now is not None and now.state is shop.state:
                job.run(now)

        return run

    def _poll(self, shop: ShopRecord) -> None:
        reconcile(self._app.engine, shop, settle=self._settle, stopping=self._stopping.is_set)

    def _look_again(self, shop: ShopRecord) -> None:
        look_again(self._app.engine, shop)

    def _watch(self, shop: ShopRecord) -> None:
        base_url = self._app.settings.base_url
        if base_url:
            address = hook_address(base_url, shop.platform, shop.hook_token)
            watch_webhooks(self._app.engine, shop, address, stopping=self._stopping.is_set)

    def _ledger(self, shop: ShopRecord) -> None:
        days = check_ledger(self._app.engine, shop, settle=LEDGER_SETTLE)
        if any(day.pulled for day in days):
            self._differing.add(shop.id)
        else:
            self._differing.discard(shop.id)

    def _guarded(self, event: str, shop: ShopRecord | None, step: Callable[[], None]) -> None:
        """Run one step; a fault is logged and the threads go on."""
        keys = {} if shop is None else {"shop_id": shop.id}
        log = self._app.engine.log
        try:
            step()
        except AdapterError as err:
            log(event, **keys, error=type(err).__name__, status=err.status)
        except (PostventaError, ConfigurationError) as err:
            log(event, **keys, error=str(err))
        except Exception as err:  # noqa: BLE001 - the thread must live
            log(event, **keys, fault=err)
