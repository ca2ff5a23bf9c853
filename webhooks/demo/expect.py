"""What must be true after the story, worked out from it by hand; and the check.

What the shops hold is read from their own record, messages from the outbox: nothing of it
comes from Postventa's database, whose books are only asked to balance.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from webhooks.demo.record import (
    MARK,
    balance,
    codes_for,
    note_texts,
    number_of,
    people_of,
    tags_of,
)

WOO: Final = "WooCommerce"
SHOPIFY: Final = "Shopify"
CODE: Final = "{code}"
# Every code of the demo's rules is worth this and good for so long.
OFF_PERCENT: Final = 10
GOOD_FOR_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Expected:
    """What one order must have in the end; each thing exactly once.

    Attributes:
        key: the order's name in the story, like `ana`.
        notes: whole texts without their marks; `{code}` stands for the buyer's code.
        code: prefix of the one code made for this order; empty for none.
        mails: subjects, with `{number}` for the order's number.
        skipped: planned effects that were rightly not carried out.
        effects: all planned effects, skipped ones included.
    """

    key: str
    shop: str
    buyer: str
    email: str
    notes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    code: str = ""
    mails: tuple[str, ...] = ()
    effects: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found at the end; plain data.

    Attributes:
        orders: name in the story to the order's id in its shop.
        shops: platform to the pretend shop's own record.
        mails: everything in the outbox: to, subject, order, shop.
        effects: state to how many effects are in it.
        planned: how many effects there are in all.
        on: the day it was looked at, like `2026-11-22`.
    """

    orders: Mapping[str, str]
    shops: Mapping[str, Mapping[str, Any]]
    mails: Sequence[Mapping[str, str]]
    effects: Mapping[str, int]
    planned: int
    on: str


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation: whether it held, and what was seen when not."""

    held: bool
    about: str
    text: str
    seen: str = ""

    @property
    def failure(self) -> str:
        """Say what is missing."""
        return f"{self.about}: {self.text}; found: {self.seen or 'nothing'}"


def check(expected: Sequence[Expected], seen: Seen) -> list[Check]:
    """Compare what must be with what is."""
    checks: list[Check] = []
    for item in expected:
        order = find_order(seen, item)
        if order is None:
            checks.append(Check(held=False, about=_who(item), text="the order is in the shop"))
            continue
        checks += [
            *_notes(item, order, seen),
            *_tags(item, order),
            *_codes(item, order, seen),
            *_mails(item, order, seen),
        ]
    return [*checks, *_nothing_else(expected, seen), *_books(expected, seen)]


def find_order(seen: Seen, item: Expected) -> Mapping[str, Any] | None:
    """Find an order of the story in its shop's record."""
    wanted = seen.orders.get(item.key)
    orders = seen.shops[item.shop]["orders"]
    return next((order for order in orders if str(order["id"]) == wanted), None)


def _who(item: Expected, order: Mapping[str, Any] | None = None) -> str:
    number = f" {number_of(order)}" if order is not None else ""
    return f"{item.shop} order{number} of {item.buyer}"


def _notes(item: Expected, order: Mapping[str, Any], seen: Seen) -> list[Check]:
    codes = codes_for(seen.shops[item.shop], item.email)
    code = str(codes[0]["code"]) if codes else "no code"
    text = note_texts(order).casefold()
    checks = []
    for note in item.notes:
        wanted = note.replace(CODE, code)
        count = text.count(wanted.casefold())
        checks.append(
            Check(
                count == 1,
                _who(item, order),
                f"exactly one note “{wanted}”",
                f"{count} of them",
            )
        )
    marks = text.count(MARK)
    checks.append(
        Check(
            marks == len(item.notes),
            _who(item, order),
            f"{_count(len(item.notes), 'note')} of ours in all",
            f"{marks} of them",
        )
    )
    return checks


def _tags(item: Expected, order: Mapping[str, Any]) -> list[Check]:
    tags = sorted(tags_of(order))
    what = f"the tags {', '.join(item.tags)}, once each" if item.tags else "no tag"
    return [
        Check(
            tags == sorted(item.tags),
            _who(item, order),
            what,
            ", ".join(tags) or "no tag",
        )
    ]


def _codes(item: Expected, order: Mapping[str, Any], seen: Seen) -> list[Check]:
    codes = codes_for(seen.shops[item.shop], item.email)
    names = ", ".join(str(code["code"]) for code in codes) or "none"
    if not item.code:
        return [Check(not codes, _who(item, order), f"no code for {item.email}", names)]
    return [
        Check(
            len(codes) == 1 and _fits(codes[0], item, seen.on),
            _who(item, order),
            f"exactly one code {item.code}-…: 10 % off, for {item.email} only, once, 30 days",
            names,
        )
    ]


def _fits(code: Mapping[str, Any], item: Expected, on: str) -> bool:
    """Tell whether a code is worth what its rule says, to whom and for how long."""
    # WooCommerce ends a code with the shop's day, and midnight may lie between.
    ends_on = date.fromisoformat(str(code["date_expires"])[:10])
    return (
        str(code["code"]).upper().startswith(f"{item.code}-")
        and Decimal(str(code["amount"])) == OFF_PERCENT
        and people_of(code) == [item.email]
        and code["usage_limit"] == 1
        and abs((ends_on - date.fromisoformat(on)).days - GOOD_FOR_DAYS) <= 1
    )


def _mails(item: Expected, order: Mapping[str, Any], seen: Seen) -> list[Check]:
    number = str(order["number"])
    sent = [
        mail["subject"]
        for mail in seen.mails
        if mail["to"] == item.email and mail["order"] == str(order["id"])
    ]
    wanted = [subject.replace("{number}", number) for subject in item.mails]
    checks = [
        Check(
            sent.count(subject) == 1,
            _who(item, order),
            f"exactly one message “{subject}”",
            f"{sent.count(subject)} of them",
        )
        for subject in wanted
    ]
    checks.append(
        Check(
            len(sent) == len(wanted),
            _who(item, order),
            f"{_count(len(wanted), 'message')} in all",
            f"{len(sent)}: {'; '.join(sent)}",
        )
    )
    return checks


def _nothing_else(expected: Sequence[Expected], seen: Seen) -> list[Check]:
    """Nothing may be there that the story does not ask for."""
    checks = []
    for name, shop in seen.shops.items():
        orders = sum(1 for item in expected if item.shop == name)
        codes = sum(1 for item in expected if item.shop == name and item.code)
        found = len(shop["orders"]), len(shop["coupons"])
        checks.append(
            Check(
                found == (orders, codes),
                name,
                f"{_count(orders, 'order')} and {_count(codes, 'code')} in all",
                f"{found[0]} and {found[1]}",
            )
        )
    mails = sum(len(item.mails) for item in expected)
    checks.append(
        Check(
            len(seen.mails) == mails,
            "Outbox",
            f"{_count(mails, 'message')} in all",
            str(len(seen.mails)),
        )
    )
    twice = [text for text, count in Counter(map(str, seen.mails)).items() if count > 1]
    checks.append(Check(not twice, "Outbox", "no message twice", "; ".join(twice)))
    return checks


def _books(expected: Sequence[Expected], seen: Seen) -> list[Check]:
    """Everything that was planned is accounted for."""
    planned = sum(item.effects for item in expected)
    skipped = sum(item.skipped for item in expected)
    sums = balance(seen.effects)
    return [
        Check(
            seen.planned == planned,
            "Effects",
            f"{planned} planned",
            str(seen.planned),
        ),
        Check(
            sums == {"done": planned - skipped, "skipped": skipped, "waiting": 0, "person": 0},
            "Effects",
            f"{planned - skipped} done + {skipped} skipped + 0 waiting + 0 need a person",
            " + ".join(f"{count} {word}" for word, count in sums.items()),
        ),
        Check(
            seen.planned == sum(sums.values()),
            "Effects",
            "planned = done + skipped + waiting + needs a person",
            f"{seen.planned} planned, {sum(sums.values())} accounted for",
        ),
    ]


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number or 'no'} {word}s"
