"""Compare a rebuilt store with the one it was made from."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Final

from connector.model.order import Order, ShopId
from connector.storage.port import Storage

ONLY_HERE: Final = "only_here"
ONLY_THERE: Final = "only_there"
DIFFERS: Final = "differs"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same in both stores.

    Attributes:
        what: `order`, `occurrence` or `effect`.
        key: of the effect, or kind and discriminator of the occurrence.
        found: `only_here`, `only_there` (in the rebuilt store) or `differs`.
        fields: names of what differs; values may be data of people.
    """

    what: str
    shop: str
    order: str
    key: str
    found: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """What was compared, and what was found.

    Attributes:
        left_out: orders of which a delivery is not kept any more.
    """

    orders: int
    occurrences: int
    effects: int
    left_out: int
    differences: tuple[Difference, ...]


def compare(here: Storage, there: Storage, shop_id: ShopId | None = None) -> Compared:
    """Compare orders, occurrences and the keys of effects, of one shop or of all."""
    return _Comparison(here, there, shop_id).run()


class _Comparison:
    def __init__(self, here: Storage, there: Storage, shop_id: ShopId | None) -> None:
        self._here = here
        self._there = there
        self._shop_id = shop_id
        with here.reading() as tx:
            lost = tx.lanes_without_body()
        self._lost = {(str(shop), lane) for shop, lane in lost}
        self._left_out: set[tuple[str, str]] = set()
        self._found: list[Difference] = []

    def run(self) -> Compared:
        """Compare everything."""
        orders = self._compare("order", self._orders)
        occurrences = self._compare("occurrence", self._occurrences)
        effects = self._compare("effect", self._effects)
        return Compared(orders, occurrences, effects, len(self._left_out), tuple(self._found))

    def _compare(self, what: str, read: Any) -> int:
        """Compare what `read` gives of both: place and key to a value; tell how many."""
        mine, theirs = read(self._here), read(self._there)
        for place in sorted(mine.keys() | theirs.keys()):
            if place not in theirs:
                self._note(what, place, ONLY_HERE)
            elif place not in mine:
                if what != "effect" or self._was_asked(theirs[place]):
                    self._note(what, place, ONLY_THERE)
            elif what == "order" and mine[place] != theirs[place]:
                self._note(what, place, DIFFERS, _changed(mine[place], theirs[place]))
            elif what == "occurrence" and mine[place] != theirs[place]:
                self._note(what, place, DIFFERS, ("own",))
        return len(mine)

    def _note(
        self, what: str, place: tuple[str, str, str], found: str, names: tuple[str, ...] = ()
    ) -> None:
        self._found.append(Difference(what, *place, found, names))

    def _orders(self, storage: Storage) -> Mapping[tuple[str, str, str], Order]:
        return {
            (str(row["shop"]), str(row["order"].ref), ""): row["order"]
            for row in storage.iterate("orders", self._shop_id)
            if self._counts(row["shop"], row["order"].ref)
        }

    def _occurrences(self, storage: Storage) -> Mapping[tuple[str, str, str], bool]:
        return {
            (
                str(row["shop"]),
                str(row["order"]),
                f"{row['kind']} {row['discriminator']}".rstrip(),
            ): bool(row["own"])
            for row in storage.iterate("occurrences", self._shop_id)
            if self._counts(row["shop"], row["order"])
        }

    def _effects(self, storage: Storage) -> Mapping[tuple[str, str, str], tuple[str, str]]:
        """Give for each effect the occurrence and the rule that it came from."""
        names = self._names(storage)
        return {
            (
                str(record.planned.shop_id),
                str(record.planned.order_ref),
                record.key,
            ): (names.get(record.planned.occurrence_id, ""), record.planned.rule_id)
            for record in (row["record"] for row in storage.iterate("effects", self._shop_id))
            if self._counts(record.planned.shop_id, record.planned.order_ref)
        }

    def _names(self, storage: Storage) -> dict[int, str]:
        return {
            row["id"]: f"{row['shop']} {row['order']} {row['kind']} {row['discriminator']}"
            for row in storage.iterate("occurrences", self._shop_id)
        }

    def _was_asked(self, turn: tuple[str, str]) -> bool:
        """Tell whether the rule was asked at all: one that was switched off was not."""
        return turn in self._asked

    @cached_property
    def _asked(self) -> frozenset[tuple[str, str]]:
        names = self._names(self._here)
        return frozenset(
            (names.get(row["occurrence"], ""), str(row["rule"]))
            for row in self._here.iterate("evaluations", self._shop_id)
        )

    def _counts(self, shop: str, ref: str) -> bool:
        place = (str(shop), str(ref))
        if place in self._lost:
            self._left_out.add(place)
            return False
        return True


def _changed(mine: Order, theirs: Order) -> tuple[str, ...]:
    names = (field.name for field in fields(mine))
    return tuple(name for name in names if getattr(mine, name) != getattr(theirs, name))
