"""Read the actions of a rule and check that the shop can do them."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from connector.model.write import DiscountKind
from connector.ports import Capability
from connector.rules.context import Context, names_coupon
from connector.rules.message_action import read_message
from connector.rules.nodes import Node
from connector.rules.problems import Problems, unknown
from connector.rules.reading import (
    amount_of,
    choice_of,
    decimal_of,
    described,
    duration_of,
    flag_of,
    items_of,
    keys_of,
    local_text_of,
    text_of,
    whole_of,
)
from connector.rules.rule import (
    Action,
    CouponAction,
    LocalText,
    MessageAction,
    NoteAction,
    StatusAction,
    TagAction,
)

MOST_ACTIONS: Final = 10
_NOTE_LETTERS: Final = 5000
_TAG_LETTERS: Final = 40
_PREFIX: Final = re.compile(r"[A-Z0-9-]{0,16}", re.ASCII)
_SPAN: Final = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def expiry_of(payload: Mapping[str, Any]) -> timedelta | None:
    """Tell how long the code of a planned coupon is valid; None for ever."""
    found = _SPAN.fullmatch(str(payload.get("expires") or ""))
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]]) if found else None


def read_actions(node: Node, context: Context) -> tuple[Action, ...]:
    """Read the list of actions."""
    problems = context.problems
    items = items_of(node, problems, "actions", most=MOST_ACTIONS)
    if isinstance(node.value, tuple) and not items:
        problems.add(node.line, "actions is empty: a rule does at least one thing")
    found: list[Action] = []
    coupons = 0
    for item in items:
        action = _action(item, context)
        if action is None:
            # A broken coupon is one problem, not one more in each text that names it.
            coupons += isinstance(item.value, dict) and "coupon" in item.value
            continue
        if not coupons and _wants_coupon(action):
            problems.add(
                item.line,
                "the text names the coupon, but no coupon action stands before it in this rule",
            )
        coupons += isinstance(action, CouponAction)
        found.append(action)
    return tuple(found)


def _wants_coupon(action: Action) -> bool:
    if isinstance(action, NoteAction):
        return names_coupon(action.text)
    if isinstance(action, MessageAction):
        return names_coupon(action.body) or names_coupon(action.subject)
    return False


def _action(node: Node, context: Context) -> Action | None:
    if not isinstance(node.value, dict) or len(node.value) != 1:
        context.problems.add(
            node.line,
            f"an action is a mapping with one key of {', '.join(_READERS)}, not "
            + (f"with {len(node.value)} keys" if isinstance(node.value, dict) else described(node)),
        )
        return None
    ((word, entry),) = node.value.items()
    reader = _READERS.get(word)
    if reader is None:
        context.problems.add(entry.line, unknown("action", word, _READERS))
        return None
    before = len(context.problems)
    action = reader(entry.node, context)
    return action if len(context.problems) == before else None


def _note(node: Node, context: Context) -> Action:
    problems = context.problems
    found = keys_of(node, problems, "note", ("text", "to_buyer"), ("text",))
    text = LocalText("", "")
    if "text" in found:
        text = local_text_of(found["text"], problems, "text of note", most=_NOTE_LETTERS)
        context.liquid(found["text"], text, "text of note")
    to_buyer = "to_buyer" in found and flag_of(found["to_buyer"], problems, "to_buyer")
    context.needs(node.line, Capability.NOTE, "keep notes on orders", "take the note out")
    if to_buyer:
        context.needs(
            node.line,
            Capability.NOTE_TO_BUYER,
            "send a note to the buyer",
            "write to_buyer: false, or use a message",
        )
    return NoteAction(text, to_buyer)


def _tag(node: Node, context: Context) -> Action:
    problems = context.problems
    found = keys_of(node, problems, "tag", ("add", "remove"))
    if isinstance(node.value, dict) and not found:
        problems.add(node.line, 'tag needs "add" or "remove"')
    context.needs(node.line, Capability.TAG, "tag orders", "take the tag out")
    tags = {key: _tags(part, problems, key) for key, part in found.items()}
    both = set(tags.get("add", ())) & set(tags.get("remove", ()))
    if both:
        problems.add(node.line, f"the tag {min(both)} is both added and removed")
    return TagAction(tags.get("add", ()), tags.get("remove", ()))


def _tags(node: Node, problems: Problems, what: str) -> tuple[str, ...]:
    items = items_of(node, problems, what, most=20)
    if isinstance(node.value, tuple) and not items:
        problems.add(node.line, f"{what} is empty")
    tags = []
    for item in items:
        tag = text_of(item, problems, "a tag", most=_TAG_LETTERS)
        if "," in tag or "\n" in tag or tag != tag.strip():
            problems.add(item.line, f'the tag "{tag}" has a comma, a line end or spaces around it')
        tags.append(tag)
    return tuple(dict.fromkeys(tags))


_COUPON_KEYS: Final = ("kind", "value", "prefix", "expires", "uses", "only_buyer", "min_total")


def _coupon(node: Node, context: Context) -> Action:
    problems = context.problems
    found = keys_of(node, problems, "coupon", _COUPON_KEYS, ("kind",))
    context.needs(node.line, Capability.DISCOUNT_CODE, "make discount codes", "take it out")
    kind = DiscountKind.PERCENT
    if "kind" in found:
        kind = DiscountKind(choice_of(found["kind"], problems, "kind", DiscountKind))
    if kind is DiscountKind.FREE_SHIPPING:
        context.needs(
            node.line,
            Capability.DISCOUNT_FREE_SHIPPING,
            "make codes for free shipping",
            "use kind: percent or fixed",
        )
    expires = timedelta(days=30)
    if "expires" in found:
        expires = duration_of(
            found["expires"], problems, "expires", timedelta(days=1), timedelta(days=730)
        )
    prefix = ""
    if "prefix" in found:
        prefix = text_of(found["prefix"], problems, "prefix", most=16, empty=True)
        if not _PREFIX.fullmatch(prefix):
            problems.add(
                found["prefix"].line, "prefix may have capital letters A-Z, digits and dashes"
            )
    minimum = None
    if "min_total" in found:
        minimum = amount_of(found["min_total"], problems, "min_total", places=context.places)
    return CouponAction(
        kind,
        _coupon_value(kind, found.get("value"), node, context),
        prefix,
        expires,
        whole_of(found["uses"], problems, "uses", 1, 1000) if "uses" in found else 1,
        "only_buyer" not in found or flag_of(found["only_buyer"], problems, "only_buyer"),
        minimum,
    )


def _coupon_value(kind: DiscountKind, value: Node | None, node: Node, context: Context) -> str:
    problems = context.problems
    if kind is DiscountKind.FREE_SHIPPING:
        if value is not None:
            problems.add(value.line, "a code for free shipping has no value: take it out")
        return ""
    if value is None:
        problems.add(node.line, 'coupon lacks "value"')
        return ""
    if kind is DiscountKind.FIXED:
        text = amount_of(value, problems, "the value of coupon", places=context.places)
        if not Decimal(text) and decimal_of(value) is not None:
            problems.add(value.line, "the value of coupon must be more than 0")
        return text
    percent = decimal_of(value)
    if percent is None or not 0 < Decimal(percent) <= 100:  # noqa: PLR2004 - percent
        wanted = f'a percentage like "10", more than 0 and at most 100, not {described(value)}'
        problems.add(value.line, f"the value of coupon must be {wanted}")
    return percent or ""


def _status(node: Node, context: Context) -> Action:
    problems = context.problems
    found = keys_of(node, problems, "status", ("set",), ("set",))
    context.needs(node.line, Capability.STATUS, "set an order's status", "take it out")
    if "set" not in found:
        return StatusAction(())
    target = found["set"]
    words: dict[str, str] = {}
    if isinstance(target.value, dict):
        for platform, entry in target.value.items():
            words[platform] = text_of(entry.node, problems, f"the status of {platform}", most=60)
        if not words:
            problems.add(target.line, "set is empty")
    else:
        words["*"] = text_of(target, problems, "set", most=60)
    action = StatusAction(tuple(words.items()))
    if context.shop is not None and Capability.STATUS in context.shop.capabilities:
        word = action.word(context.shop.platform)
        if word is None:
            problems.add(target.line, f"set has no status for {context.shop.platform}")
        elif word and word not in context.shop.statuses:
            problems.add(target.line, unknown("status", word, context.shop.statuses))
    return action


_READERS: Final[Mapping[str, Callable[[Node, Context], Action]]] = {
    "note": _note,
    "tag": _tag,
    "coupon": _coupon,
    "status": _status,
    "message": read_message,
}
