"""Bound what one shop may give away or send in an hour, whatever its rules say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from connector.model.effect import EffectKind
from connector.model.order import ShopId
from connector.storage.port import Storage
from connector.storage.records import EffectRecord

COUPONS: Final = "coupons"
MESSAGES: Final = "messages"
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Place:
    """One place below a ceiling that an effect has taken."""

    shop_id: ShopId
    kind: str
    hour: datetime


@dataclass(frozen=True, slots=True)
class Full:
    """No place is left in this hour.

    Attributes:
        again_at: the first moment of the next hour.
        reason: for people, with the setting that bounds it.
    """

    again_at: datetime
    reason: str


class Ceilings:
    """Counts in the store, so that all processes share one count.

    Args: most: kind to the most of one shop in one hour of the clock, in UTC.
    """

    def __init__(self, storage: Storage, most: Mapping[str, int], log: Callable[..., None]) -> None:
        self._storage = storage
        self._most = dict(most)
        self._log = log

    def most(self, kind: str) -> int:
        """Tell how many of a kind one shop may do in one hour."""
        return self._most[kind]

    def look(self, effect: EffectRecord, now: datetime) -> Full | None:
        """Tell whether no place is left, without taking one."""
        kind = kind_of(effect)
        if kind is None:
            return None
        with self._storage.reading() as tx:
            used = tx.ceiling_count(effect.planned.shop_id, kind, hour_of(now))
        return None if used < self._most[kind] else self._full(effect, kind, now)

    def take(self, effect: EffectRecord, now: datetime) -> Place | Full | None:
        """Take a place just before the effect leaves; None when it needs none."""
        kind = kind_of(effect)
        if kind is None:
            return None
        place = Place(effect.planned.shop_id, kind, hour_of(now))
        with self._storage.transaction() as tx:
            taken = tx.take_below_ceiling(place.shop_id, kind, place.hour, self._most[kind])
        return place if taken else self._full(effect, kind, now)

    def give_back(self, place: Place) -> None:
        """Give a place back: the effect surely did not leave."""
        with self._storage.transaction() as tx:
            tx.give_back(place.shop_id, place.kind, place.hour)

    def _full(self, effect: EffectRecord, kind: str, now: datetime) -> Full:
        hour = hour_of(now)
        with self._storage.transaction() as tx:
            first = tx.note_ceiling(effect.planned.shop_id, kind, hour, now)
        if first:
            self._log(
                "ceiling.reached",
                shop_id=effect.planned.shop_id,
                kind=kind,
                most=self._most[kind],
                rule_id=effect.planned.rule_id,
            )
        return Full(
            hour + _HOUR,
            f"waits for the next hour: the shop's {kind} of this hour are used up "
            f"({self._most[kind]}, set by POSTVENTA_MAX_{kind.upper()}_PER_HOUR)",
        )


def hour_of(now: datetime) -> datetime:
    """Give the first moment of the hour."""
    return now.replace(minute=0, second=0, microsecond=0)


def kind_of(effect: EffectRecord) -> str | None:
    """Tell which ceiling bounds an effect, if any does."""
    match effect.planned.kind:
        case EffectKind.COUPON:
            return COUPONS
        case EffectKind.MESSAGE:
            return MESSAGES
        case EffectKind.NOTE:
            # The shop mails such a note, so to the buyer it is a message.
            return MESSAGES if effect.planned.payload.get("to_buyer") else None
        case _:
            return None
