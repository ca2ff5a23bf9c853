"""Read typed values out of nodes; what is wrong becomes a problem, not a stop.

Every reader gives a value that fits even after a problem, so that the rest of the
file is read too and all problems are told at once.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import time, timedelta
from decimal import Decimal
from typing import Final

from connector.rules.nodes import Node
from connector.rules.problems import Problems, unknown
from connector.rules.rule import LANGUAGES, LocalText, Window

_DURATION: Final = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_WINDOW: Final = re.compile(r"([0-9:]{5})\s*-\s*([0-9:]{5})", re.ASCII)
_AMOUNT: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?", re.ASCII)


def described(node: Node) -> str:
    """Say what kind of value a node has, for a problem's text."""
    value = node.value
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f'the text "{value[:60]}"'
    return "a list" if isinstance(value, tuple) else "a mapping"


def keys_of(
    node: Node,
    problems: Problems,
    what: str,
    allowed: Sequence[str],
    required: Sequence[str] = (),
) -> Mapping[str, Node]:
    """Read a mapping with known keys; `what` names it in problems."""
    if not isinstance(node.value, dict):
        problems.add(node.line, f"{what} must be a mapping, not {described(node)}")
        return {}
    found: dict[str, Node] = {}
    for key, entry in node.value.items():
        if key in allowed:
            found[key] = entry.node
        else:
            problems.add(entry.line, unknown("key", key, allowed))
    for key in required:
        if key not in found:
            problems.add(node.line, f'{what} lacks "{key}"')
    return found


def text_of(node: Node, problems: Problems, what: str, *, most: int, empty: bool = False) -> str:
    """Read a text of at most `most` characters."""
    value = node.value
    if isinstance(value, bool | int | float):
        problems.add(node.line, f"{what} must be a text, not {described(node)}: put it in quotes")
        return ""
    if not isinstance(value, str):
        problems.add(node.line, f"{what} must be a text, not {described(node)}")
        return ""
    if not value.strip() and not empty:
        problems.add(node.line, f"{what} is empty")
    elif len(value) > most:
        problems.add(node.line, f"{what} has {len(value)} characters; at most {most} are allowed")
    return value


def local_text_of(node: Node, problems: Problems, what: str, *, most: int) -> LocalText:
    """Read a text, or `{es: …, en: …}` of which one language is enough."""
    if not isinstance(node.value, dict):
        if not isinstance(node.value, str):
            wanted = f"{what} must be a text or {{es: …, en: …}}, not {described(node)}"
            problems.add(node.line, wanted)
            return LocalText("", "")
        text = text_of(node, problems, what, most=most)
        return LocalText(text, text)
    parts = keys_of(node, problems, what, LANGUAGES)
    texts = {
        language: text_of(part, problems, f"{what} ({language})", most=most)
        for language, part in parts.items()
    }
    if not texts:
        if not node.value:
            problems.add(node.line, f"{what} is empty")
        return LocalText("", "")
    spanish = texts.get("es", texts.get("en", ""))
    only = next(iter(texts)) if len(texts) == 1 else ""
    return LocalText(spanish, texts.get("en", spanish), only)


def flag_of(node: Node, problems: Problems, what: str) -> bool:
    """Read true or false."""
    if not isinstance(node.value, bool):
        problems.add(node.line, f"{what} must be true or false, not {described(node)}")
        return False
    return node.value


def whole_of(node: Node, problems: Problems, what: str, least: int, most: int) -> int:
    """Read a whole number between two bounds, both included."""
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        wanted = f"{what} must be a whole number from {least} to {most}, not {described(node)}"
        problems.add(node.line, wanted)
        return least
    return value


def choice_of(node: Node, problems: Problems, what: str, allowed: Iterable[str]) -> str:
    """Read one of several words."""
    names = list(allowed)
    if not isinstance(node.value, str):
        wanted = f"{what} must be one of {', '.join(names)}, not {described(node)}"
        problems.add(node.line, wanted)
        return names[0]
    if node.value not in names:
        problems.add(node.line, unknown(what, node.value, names))
        return names[0]
    return node.value


def items_of(node: Node, problems: Problems, what: str, *, most: int) -> tuple[Node, ...]:
    """Read a list."""
    if not isinstance(node.value, tuple):
        problems.add(node.line, f"{what} must be a list, not {described(node)}")
        return ()
    if len(node.value) > most:
        problems.add(node.line, f"{what} has {len(node.value)} entries; at most {most} are allowed")
    return node.value[:most]


def duration_of(
    node: Node, problems: Problems, what: str, least: timedelta, most: timedelta
) -> timedelta:
    """Read a duration like `30s`, `10m`, `2h` or `7d`."""
    found = _DURATION.fullmatch(node.value.strip()) if isinstance(node.value, str) else None
    if found is None:
        wanted = f"{what} must be a duration like 30s, 10m, 2h or 7d, not {described(node)}"
        problems.add(node.line, wanted)
        return least
    length = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if not least <= length <= most:
        problems.add(
            node.line,
            f"{what} must be from {duration_text(least)} to {duration_text(most)}, "
            f"not {node.value}",
        )
        return least
    return length


def duration_text(length: timedelta) -> str:
    """Write a duration in its largest whole unit, like `30d`."""
    seconds = int(length.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def clock_of(node: Node, problems: Problems, what: str) -> time:
    """Read a time of day like `09:30`."""
    found = _CLOCK.fullmatch(node.value) if isinstance(node.value, str) else None
    if found is None:
        wanted = f'{what} must be a time from "00:00" to "23:59", not {described(node)}'
        problems.add(node.line, wanted)
        return time(0)
    return time(int(found[1]), int(found[2]))


def window_of(node: Node, problems: Problems, what: str) -> Window | None:
    """Read hours like `09:00-21:00`."""
    found = _WINDOW.fullmatch(node.value.strip()) if isinstance(node.value, str) else None
    ends = [_CLOCK.fullmatch(found[index]) for index in (1, 2)] if found else []
    times = [time(int(end[1]), int(end[2])) for end in ends if end]
    if len(times) != 2:  # noqa: PLR2004 - opening and closing
        wanted = f'{what} must be hours like "09:00-21:00", not {described(node)}'
        problems.add(node.line, wanted)
        return None
    if times[0] == times[1]:
        problems.add(node.line, f"{what} opens and closes at the same time, so it is never open")
        return None
    return Window(times[0], times[1])


def amount_of(node: Node, problems: Problems, what: str, *, places: int | None) -> str:
    """Read an amount of money as decimal text like `20.00`.

    Args: places: decimals of the shop's currency; None when it is not known.
    """
    text = decimal_of(node)
    if text is None:
        wanted = f'{what} must be an amount like "20.00", not {described(node)}'
        problems.add(node.line, wanted)
        return "0"
    if places is not None and not has_places(text, places):
        problems.add(node.line, f"{what} has more decimals than the shop's currency ({places})")
    return text


def decimal_of(node: Node) -> str | None:
    """Give a node as plain decimal text of 0 or more, None when it is no such thing."""
    value = node.value
    if isinstance(value, bool):
        return None
    # repr() of a float is the shortest text that reads back equal: what was written.
    text = value.strip() if isinstance(value, str) else repr(value)
    return text if isinstance(value, str | int | float) and _AMOUNT.fullmatch(text) else None


def has_places(text: str, places: int) -> bool:
    """Tell whether an amount can be written with so many decimals."""
    scaled = Decimal(text).scaleb(places)
    return scaled == scaled.to_integral_value()
