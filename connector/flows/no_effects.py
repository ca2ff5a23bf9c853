"""An engine that judges as the live one does and that cannot do anything."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, NoReturn, cast

from connector.flows.engine import Engine
from connector.flows.rulebook import Rulebook
from connector.model.effect import Evaluation, PlannedEffect
from connector.model.message import Message, SendResult
from connector.model.order import ShopId
from connector.ports import AdapterInfo, Bell, ChannelAdapter, ShopAdapter
from connector.rules.rule import OncePer, Rule
from connector.storage.port import Storage, Transaction
from connector.storage.records import RuleRecord, ShopRecord

_READS: Final = frozenset(
    {
        *("counted_orders", "evaluation_of", "happened", "happened_kinds", "happened_numbers"),
        *("occurrence", "occurrences_of", "order", "rule", "rules", "shop", "effects_of"),
        *(
            "count_buyer_orders",
            "happened_to",
            "refs_of_number",
            "rules_revision",
            "effect",
            "seen_of",
            "value",
        ),
    }
)


class NothingLeaves(Exception):
    """Something tried to write or to send where nothing may; always a fault of ours."""


def _refuse(what: str) -> NoReturn:
    raise NothingLeaves(f"{what}: a simulation writes and sends nothing")


class StandingClock:
    """A clock that is put to the time at which something happened."""

    def __init__(self, at: datetime = datetime(1970, 1, 1, tzinfo=UTC)) -> None:
        self.at = at

    def now(self) -> datetime:
        """Tell the time it was put to."""
        return self.at


class _MuteShop:
    """A shop that cannot be called; of the real one it only has what it can do."""

    def __init__(self, info: AdapterInfo) -> None:
        self.info = info

    def __getattr__(self, name: str) -> Any:
        _refuse(f"the shop's {name}")


class _MuteChannel:
    """A channel that sends nothing."""

    info: ClassVar[AdapterInfo] = AdapterInfo(
        kind="channel", name="mute", title="Sends nothing", capabilities=frozenset()
    )

    def send(self, message: Message) -> SendResult:
        """Refuse."""
        _refuse(f"a message by {message.channel}")


class _MuteBell:
    def __getattr__(self, name: str) -> Any:
        _refuse(f"the bell's {name}")


class _Reader:
    """A transaction of which only reads can be asked."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def __getattr__(self, name: str) -> Any:
        if name not in _READS:
            _refuse(f"the store's {name}")
        return getattr(self._tx, name)


class ReadingOnly:
    """A store that can be read and not written."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Open a unit of work that only reads."""
        with self._storage.reading() as tx:
            yield cast("Transaction", _Reader(tx))

    def __getattr__(self, name: str) -> Any:
        _refuse(f"the store's {name}")


def mute_engine(engine: Engine, clock: StandingClock, shop: ShopRecord) -> Engine:
    """Give an engine that judges alike and raises on whatever would leave or be stored."""
    mute = cast("ShopAdapter", _MuteShop(engine.adapter_of(shop).info))
    return replace(
        engine,
        storage=cast("Storage", ReadingOnly(engine.storage)),
        clock=clock,
        bell=cast("Bell", _MuteBell()),
        adapter_of=lambda _: mute,
        channels=dict.fromkeys(engine.channels, cast("ChannelAdapter", _MuteChannel())),
        rulebook=Rulebook(),
        log=lambda _event, **_keys: None,
    )


class TrialStore:
    """What the live judging sees of the store: rules to ask, and turns it may take.

    What it plans is kept for whoever asks; nothing is stored.

    Args: rules: each with the version it counts as. clock: the engine's.
    """

    def __init__(self, shop_id: ShopId, rules: Sequence[tuple[Rule, int]]) -> None:
        at = datetime(1970, 1, 1, tzinfo=UTC)
        self._records = [
            RuleRecord(shop_id, rule.id, version, True, rule.source, at)  # noqa: FBT003 - enabled
            for rule, version in rules
        ]
        # Only some rules can be asked twice for the same turn: the rest need no memory.
        self._kept = frozenset(rule.id for rule, _ in rules if _may_come_twice(rule))
        self._turns: dict[tuple[str, str], tuple[int, datetime | None]] = {}
        self._last: dict[tuple[str, int], str] = {}
        self.now = at
        self.planned: list[PlannedEffect] = []
        self.evaluation: Evaluation | None = None

    def begin(self, now: datetime) -> Transaction:
        """Forget what was planned last, and be the store at a time."""
        self.now = now
        self.planned = []
        self.evaluation = None
        self._last.clear()
        return cast("Transaction", self)

    def rules_revision(self) -> int:
        """Give a number that never grows."""
        return 1

    def rules(self, _shop_id: ShopId) -> Sequence[RuleRecord]:
        """Give the rules to ask."""
        return self._records

    def claim_once(self, _shop_id: ShopId, rule_id: str, once_key: str, occurrence_id: int) -> bool:
        """Take a turn; one given back before now can be taken again."""
        if rule_id not in self._kept:
            return True
        place = (rule_id, once_key)
        held = self._turns.get(place)
        if held is not None and held[0] != occurrence_id:
            given_back = held[1]
            if given_back is None or given_back > self.now:
                return False
        self._turns[place] = (occurrence_id, None)
        self._last[rule_id, occurrence_id] = once_key
        return True

    def give_back(self, rule_id: str, occurrence_id: int, at: datetime) -> None:
        """Give the turn back that was taken last: nothing comes of it from then on."""
        key = self._last.get((rule_id, occurrence_id))
        if key is not None:
            self._turns[rule_id, key] = (occurrence_id, at)

    def add_effects(self, effects: Sequence[PlannedEffect], *, now: datetime) -> int:  # noqa: ARG002 - the name is the port's
        """Keep what was planned."""
        self.planned.extend(effects)
        return len(effects)

    def add_evaluation(self, given: Evaluation) -> None:
        """Keep why."""
        self.evaluation = given

    def __getattr__(self, name: str) -> Any:
        _refuse(f"the store's {name}")


def _may_come_twice(rule: Rule) -> bool:
    """Tell whether two occurrences can ask for one turn."""
    if rule.once_per is OncePer.BUYER:
        return True
    if rule.once_per is not OncePer.ORDER:
        return False
    return rule.trigger.startswith("parcel.") or rule.trigger.value == "order.refunded"
