"""Check the value of a condition against its field's type and its operator."""

import re
from datetime import date, datetime
from math import prod
from typing import Any, Final

import regex

from connector.rules.nodes import Node
from connector.rules.problems import Problems
from connector.rules.reading import amount_of, choice_of, described, flag_of, items_of, text_of
from connector.rules.rule import FieldType, Operator

_O = Operator
_PATTERN_LETTERS: Final = 200
_VALUE_LETTERS: Final = 500
_MOST_REPEATS: Final = 10_000
_LIST_ENTRIES: Final = 500
_LARGEST: Final = 10**12
_COUNT: Final = re.compile(r"[{,]\s*([0-9]+)", re.ASCII)


def read_value(
    node: Node | None,
    problems: Problems,
    kind: FieldType,
    op: Operator,
    *,
    choices: tuple[str, ...] = (),
    places: int | None = None,
    line: int | None = None,
) -> Any:
    """Check the value of a condition against its field's type and its operator.

    Args: node: None when the condition has no value. places: decimals of the shop's
        currency, None when not known.
    """
    if op in {_O.IS_SET, _O.CHANGED}:
        if node is not None and not isinstance(node.value, bool):
            problems.add(node.line, f"{op} takes true or false, not {described(node)}")
        return node is None or node.value is True
    if node is None:
        problems.add(line, f'the condition lacks "value": {op} needs something to compare with')
        return None
    if op in {_O.IN, _O.NOT_IN}:
        items = items_of(node, problems, f"the value of {op}", most=_LIST_ENTRIES)
        if isinstance(node.value, tuple) and not items:
            problems.add(node.line, f"the list of {op} is empty")
        return [_one(item, problems, kind, choices, places) for item in items]
    if op is _O.MATCHES:
        return _pattern(node, problems)
    return _one(node, problems, kind, choices, places)


def _pattern(node: Node, problems: Problems) -> str:
    text = text_of(node, problems, "the pattern", most=_PATTERN_LETTERS)
    # Repeats inside repeats are unfolded when a pattern is compiled: "(a{999}){999}".
    if prod(max(1, int(count)) for count in _COUNT.findall(text)) > _MOST_REPEATS:
        problems.add(node.line, f"the pattern repeats more than {_MOST_REPEATS} times")
        return text
    try:
        regex.compile(text, regex.V1)
    except (regex.error, RecursionError, OverflowError, MemoryError) as err:
        problems.add(node.line, f'the pattern "{text}" cannot be used: {err}')
    return text


def _one(
    node: Node,
    problems: Problems,
    kind: FieldType,
    choices: tuple[str, ...],
    places: int | None,
) -> Any:
    match kind:
        case FieldType.NUMBER:
            _number(node, problems)
        case FieldType.MONEY:
            amount_of(node, problems, "the value", places=places)
        case FieldType.FLAG:
            flag_of(node, problems, "the value")
        case FieldType.TIME:
            if not isinstance(node.value, str) or read_time(node.value) is None:
                wanted = 'a date like "2026-11-30" or a time like "2026-11-30T18:00:00+01:00"'
                problems.add(node.line, f"the value must be {wanted}, not {described(node)}")
        case FieldType.CHOICE:
            choice_of(node, problems, "value", choices)
        case FieldType.TEXT | FieldType.TEXTS:
            text_of(node, problems, "the value", most=_VALUE_LETTERS)
    return node.plain()


def _number(node: Node, problems: Problems) -> None:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        problems.add(node.line, f"the value must be a number, not {described(node)}")
    elif not -_LARGEST <= value <= _LARGEST:
        problems.add(node.line, f"the value must be a believable number, not {value}")


def read_time(text: str) -> date | datetime | None:
    """Read a date, or a time with or without its offset; None for anything else."""
    try:
        return date.fromisoformat(text) if len(text) == len("2026-11-30") else _full_time(text)
    except ValueError:
        return None


def _full_time(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if "T" in text else None
