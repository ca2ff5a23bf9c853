"""Play all kept deliveries into an empty store, sending nothing."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from connector.errors import ConfigurationError, PostventaError
from connector.flows.engine import Engine
from connector.flows.ingest import SHOP_REMOVED, ingest
from connector.flows.kept import CAUSE
from connector.flows.kept_shop import KeptShop, Replaying
from connector.flows.rulebook import Rulebook
from connector.jobs.gate import Gates
from connector.jobs.switch import KILL_SWITCH, Switch
from connector.model.effect import EffectState
from connector.model.order import OrderRef, ShopId
from connector.ports import Bell, ShopAdapter
from connector.secret import Secret
from connector.storage.limits import KeptAnswer, OwnWrite
from connector.storage.port import Storage, Transaction
from connector.storage.records import (
    DeliveryRecord,
    DeliverySource,
    DeliveryState,
    NewDelivery,
    RuleRecord,
    ShopRecord,
    ShopState,
)

REASON: Final = "rebuild"
_LEASE: Final = timedelta(days=1)
# Before anything that can have been stored.
_START: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Played:
    """How much was played.

    Attributes:
        left_out: deliveries that were never worked off, or have no body any more.
    """

    deliveries: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Given:
    """One occurrence for which a rule's one time was given back, and when."""

    at: datetime
    shop_id: ShopId
    order_ref: OrderRef
    rule_id: str
    kind: str
    discriminator: str


class _KeptClock:
    """Stands where the delivery stood; never goes back."""

    def __init__(self) -> None:
        self._at = _START

    def now(self) -> datetime:
        """Tell the time of the delivery that is played."""
        return self._at

    def reach(self, at: datetime) -> None:
        """Go on to a time."""
        self._at = max(self._at, at)


def play(
    engine: Engine,
    target: Storage,
    parser_of: Callable[[ShopRecord], ShopAdapter],
    bell: Bell,
) -> Played:
    """Play every delivery that is kept into an empty store, in the order received.

    What rules plan there is closed at once as skipped, and effects are stopped there.

    Args:
        engine: of the store to read from; nothing is written there.
        target: the empty store.
        parser_of: gives an adapter; only what is pure of it is used.
        bell: one that nobody hears.

    Raises: ConfigurationError: the target is not empty.
    """
    player = _Player(engine, target, parser_of, bell)
    with engine.storage.reading() as tx:
        numbers = tx.delivery_numbers()
    played = sum(player.play(number) for number in numbers)
    return Played(played, player.left_out)


class _Player:
    def __init__(
        self,
        engine: Engine,
        target: Storage,
        parser_of: Callable[[ShopRecord], ShopAdapter],
        bell: Bell,
    ) -> None:
        self._from = engine.storage
        self._target = target
        self._clock = _KeptClock()
        self._playing = Replaying(0, _START)
        self.left_out = 0
        with self._from.reading() as tx:
            shops = tx.every_shop()
            answers = tx.kept_answers()
            self._versions: list[RuleRecord] = list(tx.every_rule_version())
            self._own: list[OwnWrite] = list(tx.every_own_write())
        self._given = given_back(self._from)
        self._answers = {one.cause: one for one in answers}
        by_shop: Mapping[ShopId, list[KeptAnswer]] = defaultdict(list)
        for answer in answers:
            by_shop[answer.shop_id].append(answer)
        adapters: dict[ShopId, ShopAdapter] = {
            shop.id: KeptShop(parser_of(shop), by_shop[shop.id], self._delivery, self._playing)
            for shop in shops
        }
        self._furnish(shops)
        self._engine = replace(
            engine,
            storage=target,
            clock=self._clock,
            bell=bell,
            adapter_of=lambda shop: adapters[shop.id],
            channels={},
            rulebook=Rulebook(),
            gates=Gates(target, self._clock, engine.log),
            switch=Switch(target),
            shops=type(engine.shops)(),
        )

    def play(self, number: int) -> bool:
        """Play one delivery; tell whether there was something to play."""
        row = self._delivery(number)
        if row is None or self._is_answer(row):
            return False
        if row.state is not DeliveryState.DONE or row.body is None or row.reason == SHOP_REMOVED:
            self.left_out += 1
            return False
        answer = self._answers.get(str(row.id))
        self._clock.reach(row.received_at if answer is None else answer.at)
        self._playing.delivery_id, self._playing.at = row.id, self._clock.now()
        with self._target.transaction() as tx:
            self._catch_up(tx)
            mine = _take(tx, row, self._clock.now())
        if mine is None:
            return False
        try:
            ingest(self._engine, mine)
        except PostventaError as err:
            self.left_out += 1
            with self._target.transaction() as tx:
                tx.settle_delivery(
                    mine.id,
                    mine.fence,
                    state=DeliveryState.DEAD,
                    reason=f"cannot be played: {err}",
                    now=self._clock.now(),
                )
            return False
        with self._target.transaction() as tx:
            tx.skip_planned(REASON, now=self._clock.now())
        return True

    def _is_answer(self, row: DeliveryRecord) -> bool:
        """Tell whether a row is given as an answer when its cause is played."""
        return row.source is DeliverySource.FETCH and row.headers.get(CAUSE, "").isdecimal()

    def _delivery(self, number: int) -> DeliveryRecord | None:
        with self._from.reading() as tx:
            return tx.delivery(number)

    def _furnish(self, shops: Sequence[ShopRecord]) -> None:
        with self._target.transaction() as tx:
            if not tx.is_empty():
                raise ConfigurationError("The database of --into is not empty: name a new one.")
            tx.set_value(KILL_SWITCH, REASON)
            for shop in shops:
                tx.add_shop(_stand_in(shop))

    def _catch_up(self, tx: Transaction) -> None:
        """Do what was done by people and by effects until now."""
        now = self._clock.now()
        while self._versions and self._versions[0].created_at <= now:
            rule = self._versions.pop(0)
            # Whether it was switched on then is known by its answers, see compare.
            tx.put_rule(rule.shop_id, rule.rule_id, rule.source, enabled=True, now=rule.created_at)
        while self._own and self._own[0].at <= now:
            own = self._own.pop(0)
            tx.note_own_write(own.shop_id, own.order_ref, own.kind, own.at)
        while self._given and self._given[0].at <= now:
            given = self._given.pop(0)
            for item in tx.occurrences_of(given.shop_id, given.order_ref):
                what = item.occurrence
                if (what.kind, what.discriminator) == (given.kind, given.discriminator):
                    tx.release_once(given.shop_id, given.rule_id, item.id)


def given_back(storage: Storage) -> list[Given]:
    """List the turns of rules of which nothing came at all, in the order of their end."""
    ends: dict[tuple[str, int], list[datetime | None]] = defaultdict(list)
    places: dict[tuple[str, int], tuple[ShopId, OrderRef]] = {}
    for row in storage.iterate("effects", None):
        effect = row["record"]
        turn = (effect.planned.rule_id, effect.planned.occurrence_id)
        places[turn] = (effect.planned.shop_id, effect.planned.order_ref)
        ends[turn].append(effect.done_at if effect.state is EffectState.SKIPPED else None)
    found: list[Given] = []
    with storage.reading() as tx:
        for turn, times in ends.items():
            skipped = [at for at in times if at is not None]
            happened = tx.occurrence(turn[1]) if len(skipped) == len(times) else None
            if happened is not None:
                what = happened.occurrence
                found.append(
                    Given(max(skipped), *places[turn], turn[0], what.kind, what.discriminator)
                )
    return sorted(found, key=lambda given: given.at)


def _stand_in(shop: ShopRecord) -> ShopRecord:
    """Give the shop as the new store holds it: without keys, and worked for."""
    removed = shop.state is ShopState.REMOVED
    return replace(
        shop,
        state=ShopState.CONNECTED,
        # A shop that was connected anew has the address of the one that was removed.
        address=f"{shop.address} ({shop.id})" if removed else shop.address,
        secrets=dict[str, Secret](),
    )


def _take(tx: Transaction, row: DeliveryRecord, now: datetime) -> DeliveryRecord | None:
    """Store a delivery in the new store and claim it; None when it is there already."""
    (number,) = tx.add_deliveries(
        [
            NewDelivery(
                row.shop_id,
                row.key,
                row.source,
                row.topic,
                row.lane,
                row.headers,
                row.body or b"",
                row.received_at,
            )
        ]
    )
    if number is None:
        return None
    claimed = tx.claim_deliveries(now=now, lease_until=now + _LEASE, limit=1)
    return claimed[0] if claimed else None
