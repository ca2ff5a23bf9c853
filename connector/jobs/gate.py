"""Stand before every call to a shop's host: slots, breaker, pauses, points."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from connector.errors import (
    OutcomeUnknown,
    ShopResting,
    StorageUnavailable,
    TemporaryFailure,
)
from connector.jobs.breaker import Breaker, BreakerState, Rest
from connector.jobs.budget import Budget, Level
from connector.jobs.standing import host_of, until_of
from connector.model.order import ShopId
from connector.ports import Clock
from connector.storage.limits import HostLimit, LimitKind
from connector.storage.port import Storage
from connector.storage.records import ShopRecord

SLOTS: Final = 2
"""Calls to one host at a time."""
_SLOT_WAIT_S: Final = 10.0
_SLOT_BUSY_S: Final = 5.0
# Longer pauses than a day are mistakes.
_LONGEST_PAUSE: Final = timedelta(days=1)
# How long another process may not know what this one learned.
_FRESH_S: Final = 1.0
# Only a bucket that is this empty is worth telling to other processes.
_SCARCE: Final = 0.5
_SERVER_ERROR: Final = 500


class Gate:
    """The one way to a host for all threads of this process."""

    def __init__(self, host: str, gates: "Gates") -> None:
        self.host = host
        self._gates = gates
        self._slots = threading.BoundedSemaphore(SLOTS)
        self._lock = threading.Lock()
        self._breaker = Breaker()
        self._budget = Budget()
        self._quiet_until: datetime | None = None
        self._known: dict[LimitKind, datetime] = {}

    @contextmanager
    def call(self) -> Iterator[Callable[[int, float | None], None]]:
        """Hold a slot for one call; give what its answer is told to.

        The block tells status and Retry-After in seconds; what it raises is judged too.

        Raises: ShopResting: no call may begin now; nothing was sent.
        """
        self._gates.refresh()
        if not self._slots.acquire(timeout=_SLOT_WAIT_S):
            raise ShopResting(
                "Other calls to the shop take long; it is asked later.", retry_after_s=_SLOT_BUSY_S
            )
        try:
            trial = self._begin()
            good: list[bool] = []

            def told(status: int, retry_after_s: float | None) -> None:
                good.append(status < _SERVER_ERROR)
                if retry_after_s:
                    self.pause(retry_after_s)

            try:
                yield told
            except (TemporaryFailure, OutcomeUnknown):
                self._end(False if not good else good[0], trial=trial)
                raise
            except BaseException:
                self._end(good[0] if good else None, trial=trial)
                raise
            self._end(good[0] if good else None, trial=trial)
        finally:
            self._slots.release()

    def rest_s(self) -> float:
        """Tell for how long no call may begin; 0 when one may."""
        now = self._gates.clock.now()
        with self._lock:
            return self._rest_s(now)

    def state(self) -> BreakerState:
        """Tell the state of the breaker."""
        with self._lock:
            return self._breaker.state(self._gates.clock.now())

    def pause(self, seconds: float) -> None:
        """Keep everybody from calling: the host asked for it."""
        now = self._gates.clock.now()
        until = now + min(timedelta(seconds=max(seconds, 0.0)), _LONGEST_PAUSE)
        with self._lock:
            if self._quiet_until is not None and self._quiet_until >= until:
                return
            self._quiet_until = until
        self._tell(LimitKind.QUIET, now, {"until": until.isoformat()})

    def afford_s(self, cost: float) -> float:
        """Tell how long to wait for enough points; at 0 they are counted as spent."""
        now_s = time.monotonic()
        with self._lock:
            wait_s = self._budget.wait_s(cost, now_s)
            if wait_s <= 0:
                self._budget.spend(cost, now_s)
            return wait_s

    def learn(self, available: float, maximum: float, restore: float) -> None:
        """Take what the platform told of the bucket."""
        now = self._gates.clock.now()
        level = Level(available, maximum, restore, time.monotonic())
        with self._lock:
            self._budget.learn(level)
            told_at = self._known.get(LimitKind.BUDGET)
        fresh = told_at is not None and timedelta(0) <= now - told_at < timedelta(seconds=_FRESH_S)
        if available < maximum * _SCARCE and not fresh:
            state = {name: value for name, value in asdict(level).items() if name != "at"}
            self._tell(LimitKind.BUDGET, now, state)

    def reset(self) -> None:
        """Forget failures and pauses: a person has seen that the host works."""
        now = self._gates.clock.now()
        with self._lock:
            self._breaker.close()
            self._quiet_until = None
        self._tell(LimitKind.BREAKER, now, {})
        self._tell(LimitKind.QUIET, now, {})

    def adopt(self, limit: HostLimit) -> None:
        """Take over what another process learned, if it is newer."""
        with self._lock:
            known = self._known.get(limit.kind)
            if known is not None and known >= limit.changed_at:
                return
            self._known[limit.kind] = limit.changed_at
            match limit.kind:
                case LimitKind.BREAKER:
                    self._breaker.adopt(_rest(limit))
                case LimitKind.QUIET:
                    self._quiet_until = until_of(limit)
                case LimitKind.BUDGET:
                    age_s = (self._gates.clock.now() - limit.changed_at).total_seconds()
                    self._budget.learn(Level(**limit.state, at=time.monotonic() - max(age_s, 0.0)))

    def _begin(self) -> bool:
        now = self._gates.clock.now()
        with self._lock:
            wait_s = self._rest_s(now)
            if wait_s > 0:
                what = "is given a rest" if self._breaker.rest else "asked for a pause"
                raise ShopResting(f"The shop {what}; it is asked later.", retry_after_s=wait_s)
            return self._breaker.begin(now)

    def _rest_s(self, now: datetime) -> float:
        wait_s = self._breaker.wait_s(now)
        if self._quiet_until is not None:
            left = self._quiet_until - now
            if not timedelta(0) < left <= _LONGEST_PAUSE:
                # Over, or made by a clock that was wrong.
                self._quiet_until = None
            else:
                wait_s = max(wait_s, left.total_seconds())
        return wait_s

    def _end(self, good: bool | None, *, trial: bool) -> None:
        now = self._gates.clock.now()
        with self._lock:
            if good is None:
                self._breaker.undecided(trial=trial)
                return
            if good:
                changed = self._breaker.succeeded(trial=trial)
            else:
                changed = self._breaker.failed(now, trial=trial)
            rest = self._breaker.rest
        if not changed:
            return
        if rest is None:
            self._gates.log("breaker.closed", host=self.host)
            self._tell(LimitKind.BREAKER, now, {})
        else:
            self._gates.log("breaker.opened", host=self.host, until=rest.until.isoformat())
            state = {"until": rest.until.isoformat(), "opens": rest.opens}
            self._tell(LimitKind.BREAKER, now, state)

    def _tell(self, kind: LimitKind, now: datetime, state: Mapping[str, Any]) -> None:
        with self._lock:
            self._known[kind] = now
        self._gates.tell(HostLimit(self.host, kind, now, state))


class Gates:
    """The gates of all hosts, and what other processes know of them."""

    def __init__(self, storage: Storage, clock: Clock, log: Callable[..., None]) -> None:
        self.clock = clock
        self.log = log
        self._storage = storage
        self._lock = threading.Lock()
        self._gates: dict[str, Gate] = {}
        self._shops: dict[ShopId, Gate] = {}
        self._read_at: float | None = None

    def of(self, shop: ShopRecord) -> Gate:
        """Give the gate to a shop's host."""
        host = host_of(shop)
        with self._lock:
            gate = self._gates.get(host)
            if gate is None:
                gate = self._gates[host] = Gate(host, self)
                # What others know of it is asked for before the first call.
                self._read_at = None
            self._shops[shop.id] = gate
            return gate

    def resting(self) -> frozenset[ShopId]:
        """Name the shops of this process that no call may be made to now."""
        self.refresh()
        with self._lock:
            shops = list(self._shops.items())
        return frozenset(shop_id for shop_id, gate in shops if gate.rest_s() > 0)

    def states(self) -> dict[str, BreakerState]:
        """Tell the state of each breaker of this process, by host."""
        with self._lock:
            gates = list(self._gates.values())
        return {gate.host: gate.state() for gate in gates}

    def refresh(self) -> None:
        """Take over what other processes learned, at most once a second."""
        now_s = time.monotonic()
        with self._lock:
            if not self._gates or (self._read_at is not None and now_s - self._read_at < _FRESH_S):
                return
            self._read_at = now_s
        try:
            with self._storage.reading() as tx:
                limits = tx.host_limits()
        except StorageUnavailable:
            return
        for limit in limits:
            with self._lock:
                gate = self._gates.get(limit.host)
            if gate is not None:
                gate.adopt(limit)

    def tell(self, limit: HostLimit) -> None:
        """Let the other processes know."""
        try:
            with self._storage.transaction() as tx:
                tx.put_host_limit(limit)
        except StorageUnavailable as err:
            # This process knows it, which is the greater part.
            self.log("limit.not_stored", host=limit.host, error=str(err))


def _rest(limit: HostLimit) -> Rest | None:
    until = until_of(limit)
    return None if until is None else Rest(until, int(limit.state.get("opens", 1)))
