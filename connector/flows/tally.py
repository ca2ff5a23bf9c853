"""Count what rules would have done."""

import json
import random
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from connector.flows.fates import Fate
from connector.model.effect import EffectKind, EffectState, Evaluation, Verdict
from connector.model.message import MessageClass
from connector.model.money import to_minor
from connector.model.order import Order
from connector.model.write import DiscountKind
from connector.rules.rule import Rule

EXAMPLES: Final = 5
SAMPLES: Final = 20
OFFER_CAP: Final = 2
CAP_DAYS: Final = 7
# Verdicts for which a rule was asked for what the order had.
ASKED: Final = frozenset({Verdict.MATCHED, Verdict.NOT_MATCHED, Verdict.ONCE_ALREADY})
_OFFERS: Final = frozenset({MessageClass.FEEDBACK, MessageClass.MARKETING})


@dataclass(slots=True)
class RuleTally:
    """What one rule would have done.

    Attributes:
        verdicts: of all occurrences of its kind. planned, done: effects by kind.
        held_back: why effects would have been skipped, with their number.
        days: messages by day of the shop's zone. samples: of its effects, by chance.
    """

    rule: Rule
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    planned: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    held_back: Counter[str] = field(default_factory=Counter)
    days: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    samples: list[Fate] = field(default_factory=list)
    seen: int = 0

    def take(self, fate: Fate, day: str, chance: random.Random) -> None:
        """Count one effect, and keep it as a sample by chance."""
        kind = fate.planned.kind.value
        self.planned[kind] += 1
        if fate.done:
            self.done[kind] += 1
            if fate.is_message:
                self.days[day] += 1
        else:
            dead = fate.state is EffectState.DEAD
            self.held_back[f"needs a person: {fate.reason}" if dead else fate.reason] += 1
        self.seen += 1
        if len(self.samples) < SAMPLES:
            self.samples.append(fate)
        elif (place := chance.randrange(self.seen)) < SAMPLES:
            self.samples[place] = fate


class Conditions:
    """Counts how often each condition held, once for all rules that share it."""

    def __init__(self) -> None:
        self._asked: dict[str, tuple[Any, list[int], list[int]]] = {}

    def take(self, given: Evaluation) -> None:
        """Count the answers of one evaluation; those that were not asked count nothing."""
        if not given.answers:
            return
        found = self._asked.get(given.asked.name)
        if found is None:
            told = json.loads(given.asked.text)
            found = self._asked[given.asked.name] = (told, [0], [0] * len(told[0]))
        found[1][0] += 1
        held = found[2]
        for place, answer in enumerate(given.answers):
            if answer:
                held[place] += 1

    def of(self, rule_id: str) -> Iterator[dict[str, Any]]:
        """Give the counts of one rule's conditions, in the order written."""
        for (tests, rules), (asked,), held in self._asked.values():
            for name, _version, leaves in rules:
                if name != rule_id:
                    continue
                for path, place in leaves:
                    what, op, value = tests[place]
                    yield {
                        "path": path,
                        "field": what,
                        "op": op,
                        "value": value,
                        "held": held[place],
                        "not_held": asked - held[place],
                    }


class Caps:
    """Counts the offers to each buyer within a week."""

    def __init__(self) -> None:
        self._times: dict[int, deque[datetime]] = {}
        self._over: dict[int, int] = {}
        self.examples: list[str] = []
        self._next_sweep = 0

    def take(self, buyer_id: int | None, fate: Fate, now: datetime) -> None:
        """Count one message."""
        if buyer_id is None or fate.message_class not in _OFFERS:
            return
        span = timedelta(days=CAP_DAYS)
        times = self._times.setdefault(buyer_id, deque())
        times.append(fate.at)
        near = sum(1 for at in times if abs(at - fate.at) < span)
        if near > OFFER_CAP:
            if buyer_id not in self._over and len(self.examples) < EXAMPLES:
                self.examples.append(fate.order.number)
            self._over[buyer_id] = max(self._over.get(buyer_id, 0), near)
        self._sweep(now - span)

    def line(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "cap": OFFER_CAP,
            "days": CAP_DAYS,
            "buyers": len(self._over),
            "most": max(self._over.values(), default=0),
            "examples": self.examples,
        }

    def _sweep(self, before: datetime) -> None:
        """Forget buyers whose offers are all long past, now and then."""
        self._next_sweep += 1
        if self._next_sweep < 10_000:  # noqa: PLR2004 - now and then
            return
        self._next_sweep = 0
        for buyer_id in [one for one, times in self._times.items() if max(times) < before]:
            del self._times[buyer_id]


class Liability:
    """Adds up what discount codes could cost at most, by currency."""

    def __init__(self) -> None:
        self._sums: dict[str, Counter[str]] = defaultdict(Counter)

    def take(self, fate: Fate, currency: str) -> None:
        """Count one code that would be made."""
        payload, order = fate.planned.payload, fate.order
        kind = DiscountKind(payload["kind"])
        uses = int(payload.get("uses") or 1)
        if kind is DiscountKind.FIXED:
            currency = currency or order.currency
            amount = to_minor(str(payload["value"]), currency)
        else:
            currency = order.currency
            amount = _share(payload, order, kind)
        line = self._sums[currency]
        line["codes"] += 1
        line["uses"] += uses
        line[f"{kind.value}_minor"] += amount * uses
        line["maximum_minor"] += amount * uses

    def line(self) -> dict[str, Any]:
        """Give it as plain data, every sum in whole minor units."""
        names = ("codes", "uses", *(f"{kind.value}_minor" for kind in DiscountKind))
        return {
            currency: {name: sums[name] for name in (*names, "maximum_minor")}
            for currency, sums in sorted(self._sums.items())
        }


def _share(payload: Mapping[str, Any], order: Order, kind: DiscountKind) -> int:
    """Tell what a code would take off an order like the one that earned it."""
    if kind is DiscountKind.FREE_SHIPPING:
        return order.shipping_minor
    part = Decimal(order.total_minor) * Decimal(str(payload["value"])) / 100
    return int(part.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def coupons_of(fates: Sequence[Fate]) -> Iterator[Fate]:
    """Give the codes that would be made."""
    return (fate for fate in fates if fate.done and fate.planned.kind is EffectKind.COUPON)
