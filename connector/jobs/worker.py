"""Work through claimed rows: inbox rows first, then effects that are due."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from connector.errors import (
    AdapterError,
    AuthRejected,
    PostventaError,
    ShopPaused,
    ShopResting,
    StorageUnavailable,
)
from connector.flows.engine import Engine
from connector.flows.ingest import ingest
from connector.flows.ingest_together import ingest_together
from connector.flows.send_effects import MISSING_RIGHT, send_effect, short
from connector.flows.settle import FencedOff
from connector.flows.shop_events import disconnect
from connector.jobs import retry
from connector.jobs.leases import Leases
from connector.model.effect import EffectState
from connector.model.order import ShopId
from connector.storage.records import LOST, DeliveryRecord, DeliveryState, EffectRecord

# Rows stored by one commit. More would make webhooks wait that come in meanwhile.
_TOGETHER: Final = 8


@dataclass(frozen=True, slots=True)
class Batch:
    """Claimed rows of one shop; they are worked off one after the other."""

    shop_id: ShopId
    deliveries: tuple[DeliveryRecord, ...]
    effects: tuple[EffectRecord, ...]


class Worker:
    """Claims rows and works them off; never sleeps itself.

    Args: ending: tells that the process is to stop: what is claimed and not begun is put
        back then, since a shop that hangs could hold each row for half a minute.
    """

    def __init__(
        self,
        engine: Engine,
        leases: Leases | None = None,
        *,
        ending: Callable[[], bool] = lambda: False,
    ) -> None:
        self._engine = engine
        self._leases = leases or Leases()
        self._ending = ending

    def claim(self, limit: int, busy: Sequence[ShopId] = ()) -> list[Batch]:
        """Take rows that are due, in batches by shop.

        Args: limit: most inbox rows and most effects. busy: shops to pass over; the effects
            of those whose host rests are passed over anyway.
        """
        now = self._engine.clock.now()
        until = now + timedelta(seconds=retry.LEASE_S)
        # A delivery that carries its order needs no call; one that does is put back until
        # the rest is over. An effect always calls.
        no_calls = [*busy, *self.resting()]
        with self._engine.storage.transaction() as tx:
            deliveries = tx.claim_deliveries(now=now, lease_until=until, limit=limit, busy=busy)
            effects: Sequence[EffectRecord] = ()
            if not self._engine.switch.read(tx):
                effects = tx.claim_effects(now=now, lease_until=until, limit=limit, busy=no_calls)
                tx.begin_attempts(effects, now=now)
        self._leases.hold(deliveries, effects)
        shops = dict.fromkeys(
            [row.shop_id for row in deliveries] + [row.planned.shop_id for row in effects]
        )
        return [
            Batch(
                shop_id,
                tuple(row for row in deliveries if row.shop_id == shop_id),
                tuple(row for row in effects if row.planned.shop_id == shop_id),
            )
            for shop_id in shops
        ]

    def resting(self) -> Sequence[ShopId]:
        """Name the shops that no call may be made to now; their rows can wait."""
        return sorted(self._engine.gates.resting())

    def work(self, batch: Batch) -> int:
        """Work off one batch; tell how many rows it had."""
        for start in range(0, len(batch.deliveries), _TOGETHER):
            some = batch.deliveries[start : start + _TOGETHER]
            self._work_deliveries(some)
        for effect in batch.effects:
            try:
                if self._ending():
                    self._put_down(effect)
                else:
                    self._carry_out(effect)
            except Exception as err:  # noqa: BLE001 - not even its end could be stored
                self._engine.log("effect.fault", effect_key=effect.key, fault=err)
            finally:
                self._leases.drop_effect(effect)
        return len(batch.deliveries) + len(batch.effects)

    def _work_deliveries(self, deliveries: Sequence[DeliveryRecord]) -> None:
        done = self._deliver_together(deliveries)
        for delivery in deliveries:
            if delivery.id in done:
                self._leases.drop_delivery(delivery)
                continue
            try:
                if self._ending():
                    self._settle(delivery, DeliveryState.WAITING, delivery.reason, uncount=True)
                else:
                    self._deliver(delivery)
            except Exception as err:  # noqa: BLE001 - not even its end could be stored
                self._engine.log("delivery.fault", delivery_id=delivery.id, fault=err)
            finally:
                self._leases.drop_delivery(delivery)

    def _deliver_together(self, deliveries: Sequence[DeliveryRecord]) -> set[int]:
        """Store what needs no call in one transaction; name what was stored."""
        engine = self._engine
        try:
            done = ingest_together(engine, deliveries)
        except Exception as err:  # noqa: BLE001 - each is worked off by itself then, and tells what is wrong
            engine.log("delivery.apart", rows=len(deliveries), error=type(err).__name__)
            return set()
        for delivery in done:
            engine.log("delivery.done", delivery_id=delivery.id, shop_id=delivery.shop_id)
        return {delivery.id for delivery in done}

    def drain(self, *, rounds: int = 1000) -> int:
        """Work until nothing is due; tell how many rows were worked off."""
        total = 0
        for _ in range(rounds):
            batches = self.claim(50)
            if not batches:
                break
            total += sum(self.work(batch) for batch in batches)
        return total

    def _deliver(self, delivery: DeliveryRecord) -> None:
        engine = self._engine
        if delivery.reason == LOST and delivery.attempts > retry.MAX_STARTS:
            text = (
                f"needs a person: begun {delivery.attempts - 1} times and never brought to an end"
            )
            self._settle(delivery, DeliveryState.DEAD, text)
            return
        try:
            ingest(engine, delivery)
        except FencedOff:
            engine.log("delivery.taken_over", delivery_id=delivery.id)
        except StorageUnavailable as err:
            # The row stays claimed; its lease ends and it is taken again.
            engine.log("delivery.not_stored", delivery_id=delivery.id, error=str(err))
        except AdapterError as err:
            self._put_back(delivery, err)
        except Exception as err:  # noqa: BLE001 - one bad row must not stop its neighbors
            self._fault(delivery, err)
        else:
            engine.log("delivery.done", delivery_id=delivery.id, shop_id=delivery.shop_id)

    def _put_back(self, delivery: DeliveryRecord, err: AdapterError) -> None:
        state, wait = DeliveryState.WAITING, timedelta(0)
        if isinstance(err, ShopResting):
            # Nothing was sent, so this was no try.
            wait = retry.rest(err.retry_after_s)
            self._settle(delivery, state, short(err), due_in=wait, uncount=True)
            return
        if isinstance(err, AuthRejected):
            if err.code != MISSING_RIGHT:
                disconnect(self._engine, delivery.shop_id, err.request_id)
            wait = timedelta(seconds=retry.PAUSED_S)
        elif isinstance(err, ShopPaused):
            wait = timedelta(seconds=retry.PAUSED_S)
        elif delivery.attempts >= retry.MAX_ATTEMPTS:
            state = DeliveryState.DEAD
        else:
            wait = retry.delay_before(delivery.attempts, retry_after_s=err.retry_after_s)
        self._settle(delivery, state, short(err), due_in=wait)

    def _fault(self, delivery: DeliveryRecord, err: Exception) -> None:
        """Put a row back after a fault of ours, or set it aside."""
        engine = self._engine
        engine.log("delivery.fault", delivery_id=delivery.id, error=type(err).__name__, fault=err)
        text = str(err) if isinstance(err, PostventaError) else type(err).__name__
        if delivery.attempts >= retry.MAX_STARTS:
            self._settle(delivery, DeliveryState.DEAD, f"needs a person: a fault of ours: {text}")
        else:
            wait = retry.delay_before(delivery.attempts, retry_after_s=None)
            self._settle(delivery, DeliveryState.WAITING, f"a fault of ours: {text}", due_in=wait)

    def _settle(
        self,
        delivery: DeliveryRecord,
        state: DeliveryState,
        reason: str,
        due_in: timedelta = timedelta(0),
        *,
        uncount: bool = False,
    ) -> None:
        now = self._engine.clock.now()
        try:
            with self._engine.storage.transaction() as tx:
                tx.settle_delivery(
                    delivery.id,
                    delivery.fence,
                    state=state,
                    reason=reason,
                    now=now,
                    due_at=now + due_in,
                    uncount=uncount,
                )
        except StorageUnavailable as err:
            self._engine.log("delivery.not_stored", delivery_id=delivery.id, error=str(err))

    def _put_down(self, effect: EffectRecord) -> None:
        """Put an effect back as it was before the claim."""
        if effect.abandoned:
            # Its lease tells the next one that a worker was lost with it: that must stay.
            return
        now = self._engine.clock.now()
        with self._engine.storage.transaction() as tx:
            mine = tx.settle_effect(
                effect.key,
                effect.fence,
                state=effect.state,
                reason=effect.reason,
                now=now,
                due_at=now,
                uncount=True,
            )
            if mine:
                tx.drop_attempt(effect)

    def _carry_out(self, effect: EffectRecord) -> None:
        engine = self._engine
        try:
            outcome = send_effect(engine, effect)
        except FencedOff:
            engine.log("effect.taken_over", effect_key=effect.key)
        except StorageUnavailable as err:
            # The claim stays; when its lease is over the outcome is looked up.
            engine.log("effect.not_stored", effect_key=effect.key, error=str(err))
        except Exception as err:  # noqa: BLE001 - one bad effect must not stop its neighbors
            engine.log("effect.fault", effect_key=effect.key, error=type(err).__name__, fault=err)
            self._effect_fault(effect, err)
        else:
            engine.log("effect.settled", effect_key=effect.key, state=str(outcome.state))

    def _effect_fault(self, effect: EffectRecord, err: Exception) -> None:
        now = self._engine.clock.now()
        # Where the fault came in is not known, so the outcome is not either.
        dead = effect.attempts >= retry.MAX_STARTS
        state = EffectState.DEAD if dead else EffectState.UNKNOWN
        text = str(err) if isinstance(err, PostventaError) else type(err).__name__
        wait = retry.delay_before(max(effect.attempts, 1), retry_after_s=None)
        try:
            with self._engine.storage.transaction() as tx:
                tx.settle_effect(
                    effect.key,
                    effect.fence,
                    state=state,
                    reason=f"needs a person: {text}" if dead else f"a fault of ours: {text}",
                    now=now,
                    due_at=now + wait,
                )
                tx.end_attempt(
                    effect,
                    started_at=now,
                    ended_at=now,
                    outcome=state,
                    detail={"error": {"kind": type(err).__name__}},
                )
        except StorageUnavailable as again:
            self._engine.log("effect.not_stored", effect_key=effect.key, error=str(again))
