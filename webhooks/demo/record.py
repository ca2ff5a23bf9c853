"""Read what a pretend shop's own record says of an order and its codes."""

from collections.abc import Mapping
from typing import Any, Final

# Every note of ours ends with a mark like this, by which it is found again.
MARK: Final = "pv-"


def note_texts(order: Mapping[str, Any]) -> str:
    """Give all notes of an order as one text; spaces of every kind count as one."""
    return " ".join(" ".join(str(note["text"]) for note in order["notes"]).split())


def our_notes(order: Mapping[str, Any]) -> list[str]:
    """Give each note that carries our mark; Shopify keeps all of an order in one text."""
    lines = "\n".join(str(note["text"]) for note in order["notes"]).splitlines()
    return [" ".join(line.split()) for line in lines if MARK in line]


def tags_of(order: Mapping[str, Any]) -> list[str]:
    """Read the order's labels; WooCommerce has none, so ours are in an extra field."""
    text = str(order["meta"].get("_postventa_tags", ""))
    return [*order["tags"], *(tag.strip() for tag in text.split(",") if tag.strip())]


def codes_for(shop: Mapping[str, Any], email: str) -> list[Mapping[str, Any]]:
    """Give the discount codes that only this buyer can use."""
    return [code for code in shop["coupons"] if email in people_of(code)]


def people_of(code: Mapping[str, Any]) -> list[str]:
    """Tell for whom a code is; empty for everybody."""
    people = code.get("email_restrictions") or code.get("customers") or []
    return [str(person).lower() for person in people]


def number_of(order: Mapping[str, Any]) -> str:
    """Write the order's number with its hash."""
    return f"#{str(order['number']).lstrip('#')}"


def balance(effects: Mapping[str, int]) -> dict[str, int]:
    """Sum the states of effects as an owner reads them."""
    words = {"done": "done", "skipped": "skipped", "dead": "person"}
    sums = dict.fromkeys(("done", "skipped", "waiting", "person"), 0)
    for state, count in effects.items():
        sums[words.get(state, "waiting")] += count
    return sums
