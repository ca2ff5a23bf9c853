"""Read the tree of conditions."""

from typing import Final

from connector.rules.field_table import FIELDS
from connector.rules.fields import field_of
from connector.rules.nodes import Node
from connector.rules.operators import OPERATORS
from connector.rules.problems import Problems, unknown
from connector.rules.reading import described, items_of, keys_of
from connector.rules.rule import All, AnyOf, Condition, Not, Operator, Test
from connector.rules.values import read_value

_MOST_PARTS: Final = 50
_MOST_TESTS: Final = 100
_DEEPEST: Final = 8
_GROUPS: Final = ("all", "any", "not")
_TEST_KEYS: Final = ("field", "op", "value")


def read_conditions(node: Node, problems: Problems, *, places: int | None) -> Condition:
    """Read the conditions of a rule; nothing written means always.

    Args: places: decimals of the shop's currency; None when not known.
    """
    if node.value is None or node.value == {}:
        return All()
    found = _read(node, problems, places, 1)
    count = _count(found)
    if count > _MOST_TESTS:
        problems.add(node.line, f"{count} conditions; at most {_MOST_TESTS} are allowed")
    return found


def _read(node: Node, problems: Problems, places: int | None, depth: int) -> Condition:
    if depth > _DEEPEST:
        problems.add(node.line, f"conditions may be nested {_DEEPEST} levels deep at most")
        return All()
    if isinstance(node.value, tuple):
        problems.add(node.line, 'write "all:" or "any:" in front of a list of conditions')
        return All()
    if not isinstance(node.value, dict):
        problems.add(node.line, f"a condition must be a mapping, not {described(node)}")
        return All()
    groups = [key for key in _GROUPS if key in node.value]
    if not groups:
        known = set(_TEST_KEYS) & set(node.value)
        allowed = _TEST_KEYS if known else (*_GROUPS, *_TEST_KEYS)
        return _test(node, problems, places, allowed)
    if len(node.value) > 1:
        extra = ", ".join(key for key in node.value if key != groups[0])
        problems.add(node.line, f'"{groups[0]}" stands alone in its mapping; move out: {extra}')
        return All()
    word = groups[0]
    inside = node.value[word].node
    if word == "not":
        return Not(_read(inside, problems, places, depth + 1))
    items = items_of(inside, problems, f'"{word}"', most=_MOST_PARTS)
    if word == "any" and isinstance(inside.value, tuple) and not items:
        problems.add(node.line, '"any" is empty, so it never holds')
    parts = tuple(_read(item, problems, places, depth + 1) for item in items)
    return All(parts) if word == "all" else AnyOf(parts)


def _test(
    node: Node, problems: Problems, places: int | None, allowed: tuple[str, ...]
) -> Condition:
    found = keys_of(node, problems, "a condition", allowed)
    if not found:
        if not node.value:
            problems.add(node.line, "a condition is empty")
        return All()
    if "field" not in found or "op" not in found:
        lacking = "field" if "field" not in found else "op"
        problems.add(node.line, f'the condition lacks "{lacking}"')
        return All()
    name, op_text = found["field"].value, found["op"].value
    known = field_of(name) if isinstance(name, str) else None
    if not isinstance(name, str) or known is None:
        wanted = unknown(
            "field",
            name if isinstance(name, str) else described(found["field"]),
            (
                *FIELDS,
                "order.meta.<key>",
            ),
        )
        problems.add(found["field"].line, wanted)
        return All()
    operators = [operator.value for operator in OPERATORS[known.type]]
    if op_text not in list(Operator):
        shown = op_text if isinstance(op_text, str) else described(found["op"])
        problems.add(found["op"].line, unknown("operator", shown, operators))
        return All()
    op = Operator(str(op_text))
    if op not in OPERATORS[known.type]:
        problems.add(
            found["op"].line,
            f'the operator "{op}" does not fit {name}, which is {_TYPES[known.type]}. '
            f"Allowed: {', '.join(operators)}",
        )
        return All()
    value = read_value(
        found.get("value"),
        problems,
        known.type,
        op,
        choices=known.choices,
        places=places,
        line=node.line,
    )
    return Test(name, known.type, op, value)


_TYPES: Final = {
    "text": "a text",
    "texts": "a list of texts",
    "number": "a number",
    "money": "an amount of money",
    "flag": "true or false",
    "time": "a time",
    "choice": "one word of a list",
}


def _count(condition: Condition) -> int:
    if isinstance(condition, Test):
        return 1
    if isinstance(condition, Not):
        return _count(condition.part)
    return sum(_count(part) for part in condition.parts)
