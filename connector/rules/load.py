"""Read rule files and stored rules, and write them out again."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from importlib import resources
from typing import Any, Final

import yaml

from connector.errors import RuleInvalid
from connector.model.event import OccurrenceKind
from connector.rules.actions import read_actions
from connector.rules.conditions import read_conditions
from connector.rules.context import Context
from connector.rules.limits import ShopLimits
from connector.rules.nodes import Node, node_of, read_yaml
from connector.rules.problems import Problems, unknown
from connector.rules.reading import (
    choice_of,
    clock_of,
    described,
    duration_of,
    flag_of,
    items_of,
    keys_of,
    local_text_of,
    whole_of,
    window_of,
)
from connector.rules.rule import (
    DEFAULT_MAX_AGE,
    All,
    Delay,
    LocalText,
    OncePer,
    Rule,
    RuleFile,
)

__all__ = [
    "ShopLimits",
    "dump_rules",
    "load_playbook",
    "load_rules",
    "playbook_names",
    "rule_from_source",
]

_KEYS: Final = (
    "id",
    "name",
    "description",
    "trigger",
    "conditions",
    "delay",
    "stop_if",
    "once_per",
    "max_age",
    "actions",
    "enabled",
)
_DELAY_KEYS: Final = ("after", "working_days", "at", "window")
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_MOST_RULES: Final = 500
_NOW: Final = timedelta(0)
_YEAR: Final = timedelta(days=365)
_K = OccurrenceKind
_ENDS: Final = (_K.ORDER_CANCELED, _K.ORDER_REFUNDED, _K.ORDER_FAILED, _K.ORDER_DELETED)
_PLAYBOOK: Final = resources.files("connector.rules") / "playbook"


def load_rules(text: str, *, shop: ShopLimits | None = None) -> RuleFile:
    """Read a rule file.

    Args: shop: what the shop can do; None checks only what holds for every shop.
    Raises: RuleInvalid: with everything that is wrong, each with its line.
    """
    problems = Problems()
    root = read_yaml(text, problems)
    rules = () if root is None else _file(root, Context(problems, shop))
    problems.refuse()
    return RuleFile(rules)


def rule_from_source(data: Mapping[str, Any], *, shop: ShopLimits | None = None) -> Rule:
    """Read one rule from plain data, as it is stored or sent by the admin pages.

    Raises: RuleInvalid: with everything that is wrong.
    """
    problems = Problems()
    rule = _rule(node_of(data, problems), Context(problems, shop))
    problems.refuse()
    return rule


def dump_rules(sources: Iterable[Mapping[str, Any]]) -> str:
    """Write rules as a file that `load_rules` reads back without loss.

    Args: sources: plain data, as in `Rule.source`.
    """
    document = {"rules": [_plain(source) for source in sources]}
    return yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, indent=2
    )


@lru_cache(maxsize=1)
def playbook_names() -> tuple[str, ...]:
    """Give the names of the rules that are delivered with the program."""
    names = (entry.name for entry in _PLAYBOOK.iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


def load_playbook(name: str) -> RuleFile:
    """Read a rule file that is delivered with the program.

    Raises: RuleInvalid: there is none of this name.
    """
    if name not in playbook_names():
        raise RuleInvalid(problems=[unknown("playbook", name, playbook_names())])
    return load_rules((_PLAYBOOK / f"{name}.yaml").read_text(encoding="utf-8"))


# Signs that YAML readers take for a line's end or pass over: they are written as escapes.
_ESCAPED: Final = re.compile("[\x85\u2028\u2029\ufeff]")


class _Dumper(yaml.SafeDumper):
    """Writes lists inside mappings indented, and never an anchor."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the name is PyYAML's
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, indentless=False)

    def represent_str(self, data: str) -> yaml.ScalarNode:
        style = '"' if _ESCAPED.search(data) else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)


def _plain(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _plain(value) for key, value in data.items()}
    return [_plain(item) for item in data] if isinstance(data, list | tuple) else data


def _file(root: Node, context: Context) -> tuple[Rule, ...]:
    problems = context.problems
    found = keys_of(root, problems, "the file", ("rules",), ("rules",))
    if "rules" not in found:
        return ()
    rules: list[Rule] = []
    first_lines: dict[str, int | None] = {}
    for item in items_of(found["rules"], problems, "rules", most=_MOST_RULES):
        rule = _rule(item, context)
        if rule.id and rule.id in first_lines:
            line = _line(item, "id")
            problems.add(
                line, f'the id "{rule.id}" stands twice, first on line {first_lines[rule.id]}'
            )
        first_lines.setdefault(rule.id, _line(item, "id"))
        rules.append(rule)
    return tuple(rules)


def _line(node: Node, key: str) -> int | None:
    entry = node.value.get(key) if isinstance(node.value, dict) else None
    return node.line if entry is None else entry.node.line


def _rule(node: Node, context: Context) -> Rule:
    problems = context.problems
    with problems.in_rule(_label(node)):
        found = keys_of(node, problems, "a rule", _KEYS, ("id", "name", "trigger", "actions"))
        rule_id = _id(found["id"], problems) if "id" in found else ""
        trigger = _trigger(found["trigger"], problems) if "trigger" in found else _K.ORDER_CREATED
        name = LocalText(rule_id, rule_id)
        if "name" in found:
            name = local_text_of(found["name"], problems, "name", most=120)
        description = None
        if "description" in found:
            description = local_text_of(found["description"], problems, "description", most=2000)
        stops = _stop_if(found.get("stop_if"), trigger, problems)
        return Rule(
            id=rule_id,
            name=name,
            trigger=trigger,
            actions=read_actions(found["actions"], context) if "actions" in found else (),
            once_per=_once_per(found.get("once_per"), trigger, problems),
            stop_if=tuple(kind for kind in stops if kind is not _K.ORDER_REFUNDED),
            stop_on_full_refund=_K.ORDER_REFUNDED in stops,
            conditions=(
                read_conditions(found["conditions"], problems, places=context.places)
                if "conditions" in found
                else All()
            ),
            delay=_delay(found["delay"], problems) if "delay" in found else Delay(),
            max_age=(
                duration_of(found["max_age"], problems, "max_age", timedelta(minutes=1), _YEAR)
                if "max_age" in found
                else DEFAULT_MAX_AGE
            ),
            enabled="enabled" in found and flag_of(found["enabled"], problems, "enabled"),
            description=description,
            source=node.plain() if isinstance(node.value, dict) else {},
        )


def _label(node: Node) -> str:
    entry = node.value.get("id") if isinstance(node.value, dict) else None
    return entry.node.value[:64] if entry and isinstance(entry.node.value, str) else ""


def _id(node: Node, problems: Problems) -> str:
    if not isinstance(node.value, str) or not _ID.fullmatch(node.value):
        problems.add(
            node.line,
            "id must be letters, digits, dashes, dots or underscores, 64 at most, "
            f"not {described(node)}",
        )
        return ""
    return node.value


def _trigger(node: Node, problems: Problems) -> OccurrenceKind:
    return _K(choice_of(node, problems, "trigger", _K))


def _stop_if(
    node: Node | None, trigger: OccurrenceKind, problems: Problems
) -> tuple[OccurrenceKind, ...]:
    if node is None:
        # A canceled order is often refunded as well: neither stops what answers to it.
        answers = {_K.ORDER_CANCELED, _K.ORDER_REFUNDED}
        passed = answers if trigger in answers else {trigger}
        return tuple(kind for kind in _ENDS if kind not in passed)
    kinds = []
    for item in items_of(node, problems, "stop_if", most=len(_K)):
        kind = _K(choice_of(item, problems, "occurrence", _K))
        if kind is trigger and item.value == trigger.value:
            problems.add(item.line, "stop_if names the trigger itself: the rule would never act")
        kinds.append(kind)
    return tuple(dict.fromkeys(kinds))


def _once_per(node: Node | None, trigger: OccurrenceKind, problems: Problems) -> OncePer:
    of_parcel = trigger.value.startswith("parcel.")
    of_refund = trigger is _K.ORDER_REFUNDED
    if node is None:
        if of_parcel:
            return OncePer.PARCEL
        return OncePer.REFUND if of_refund else OncePer.ORDER
    once = OncePer(choice_of(node, problems, "once_per", OncePer))
    if once is OncePer.PARCEL and not of_parcel:
        problems.add(node.line, f"once_per: parcel needs a parcel trigger, not {trigger}")
    if once is OncePer.REFUND and not of_refund:
        problems.add(node.line, f"once_per: refund needs the trigger order.refunded, not {trigger}")
    return once


def _delay(node: Node, problems: Problems) -> Delay:
    if not isinstance(node.value, dict):
        return Delay(after=duration_of(node, problems, "delay", _NOW, _YEAR))
    found = keys_of(node, problems, "delay", _DELAY_KEYS)
    if not node.value:
        problems.add(node.line, f"delay is empty; it may have {', '.join(_DELAY_KEYS)}")
    at = clock_of(found["at"], problems, "at") if "at" in found else None
    window = window_of(found["window"], problems, "window") if "window" in found else None
    if at is not None and window is not None:
        inside = (
            window.opens <= at < window.closes
            if window.opens < window.closes
            else at >= window.opens or at < window.closes
        )
        if not inside:
            problems.add(node.line, f"at {at:%H:%M} lies outside the window")
    days = found.get("working_days")
    return Delay(
        duration_of(found["after"], problems, "after", _NOW, _YEAR) if "after" in found else _NOW,
        whole_of(days, problems, "working_days", 1, 250) if days is not None else 0,
        at,
        window,
    )
