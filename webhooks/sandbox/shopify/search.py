"""Search queries of the platform: `field:value`, AND, OR, -, ranges.

Source: search syntax page of shopify.dev, checked 2026-11-22. As on the
platform a filter that is not known is ignored, not refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

TOKEN: Final = re.compile(
    r"""(?P<open>\()|(?P<close>\))|(?P<neg>-(?=[\w(]))|
        (?P<word>[\w.]+:(?:[<>]=?)?(?:"[^"]*"|'[^']*'|[^\s()]+)|"[^"]*"|'[^']*'|[^\s()]+)""",
    re.VERBOSE,
)
TERM: Final = re.compile(r"(?P<field>[\w.]+):(?P<op>[<>]=?)?(?P<value>.+)", re.DOTALL)
Test: TypeAlias = Callable[[Any], bool]
# A field gives the values an item has under that name: times, numbers or texts.
Fields: TypeAlias = Mapping[str, Callable[[Any], list[Any]]]


def compile_query(query: str | None, fields: Fields) -> Test:
    """Turn a search query into a test for items."""
    tokens = list(TOKEN.finditer(query or ""))
    test, _rest = _either(tokens, 0, fields)
    return test


def _either(tokens: list[re.Match[str]], at: int, fields: Fields) -> tuple[Test, int]:
    branch, at = _all(tokens, at, fields)
    branches = [branch]
    while at < len(tokens) and tokens[at]["word"] == "OR":
        branch, at = _all(tokens, at + 1, fields)
        branches.append(branch)
    return (lambda item: any(test(item) for test in branches)), at


def _all(tokens: list[re.Match[str]], at: int, fields: Fields) -> tuple[Test, int]:
    tests: list[Test] = []
    while at < len(tokens) and not tokens[at]["close"] and tokens[at]["word"] != "OR":
        if tokens[at]["word"] == "AND":
            at += 1
            continue
        test, at = _one(tokens, at, fields)
        tests.append(test)
    return (lambda item: all(test(item) for test in tests)), at


def _one(tokens: list[re.Match[str]], at: int, fields: Fields) -> tuple[Test, int]:
    token = tokens[at]
    if token["neg"] or token["word"] == "NOT":
        if at + 1 >= len(tokens):
            return _anything, at + 1
        inner, at = _one(tokens, at + 1, fields)
        return (lambda item: not inner(item)), at
    if token["open"]:
        test, at = _either(tokens, at + 1, fields)
        return test, at + 1
    return _term(token["word"], fields), at + 1


def _anything(_item: Any) -> bool:
    return True


def _term(word: str, fields: Fields) -> Test:
    found = TERM.fullmatch(word)
    if found is None:
        wanted = word.strip("\"'").lower()
        default = fields.get("default")
        if default is None:
            return _anything
        return lambda item: any(wanted in str(value).lower() for value in default(item))
    get = fields.get(found["field"])
    if get is None:
        return _anything
    operator, text = found["op"] or "", found["value"].strip("\"'")
    if not operator and ".." in text:
        low, high = text.split("..", 1)
        return lambda item: any(
            _compare(value, ">=", low) and _compare(value, "<=", high) for value in get(item)
        )
    choices = text.split(",") if not operator else [text]
    return lambda item: any(
        _compare(value, operator, choice) for value in get(item) for choice in choices
    )


def _compare(value: Any, operator: str, text: str) -> bool:
    if not text:
        return True
    if isinstance(value, datetime):
        return _compare_time(value, operator, text)
    if isinstance(value, bool):
        return str(value).lower() == text.lower()
    if isinstance(value, int | float):
        try:
            return _ordered(value, operator, float(text))
        except ValueError:
            return False
    if text == "*":
        return bool(value)
    if text.endswith("*"):
        return str(value).lower().startswith(text[:-1].lower())
    return str(value).lower() == text.lower()


def _compare_time(value: datetime, operator: str, text: str) -> bool:
    if text == "now":
        at = datetime.now(UTC)
    else:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return False
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    if not operator and len(text) == len("2026-01-01"):
        return at <= value < at + timedelta(days=1)
    return _ordered(value, operator, at)


def _ordered(value: Any, operator: str, other: Any) -> bool:
    match operator:
        case ">":
            return bool(value > other)
        case ">=":
            return bool(value >= other)
        case "<":
            return bool(value < other)
        case "<=":
            return bool(value <= other)
        case _:
            return bool(value == other)
