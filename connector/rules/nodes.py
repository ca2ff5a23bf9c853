"""Read YAML into plain nodes that know their lines; nothing is ever executed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from connector.rules.problems import Problems

MAX_BYTES: Final = 1024 * 1024
_MAX_DEPTH: Final = 24
_MAX_NODES: Final = 200_000

# Only these plain words are no texts. YAML 1.1 would also turn NO (Norway) into
# false, 10:00 into 600 and 2026-01-01 into a date. What is read here as a number is
# a part of what 1.1 reads as one, so what the YAML writer quotes is enough.
_WORDS: Final[Mapping[str, bool | None]] = {
    "true": True,
    "True": True,
    "false": False,
    "False": False,
    "null": None,
    "~": None,
    "": None,
}
_WHOLE: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})", re.ASCII)
_DECIMAL: Final = re.compile(r"-?[0-9]{1,18}\.[0-9]{1,18}([eE][-+][0-9]{1,3})?", re.ASCII)
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping with its value."""

    line: int | None
    node: "Node"


@dataclass(frozen=True, slots=True)
class Node:
    """One value and the line it stands on; None for data that came without lines."""

    value: "bool | int | float | str | tuple[Node, ...] | dict[str, Entry] | None"
    line: int | None = None

    def plain(self) -> Any:
        """Give the value as plain lists, mappings and scalars."""
        if isinstance(self.value, tuple):
            return [item.plain() for item in self.value]
        if isinstance(self.value, dict):
            return {key: entry.node.plain() for key, entry in self.value.items()}
        return self.value


def node_of(data: Any, problems: Problems, depth: int = 0) -> Node:
    """Take plain data, like decoded JSON, as nodes without lines."""
    if depth > _MAX_DEPTH:
        problems.add(None, f"nested more than {_MAX_DEPTH} levels deep")
        return Node(None)
    if isinstance(data, Mapping):
        entries = {
            str(key): Entry(None, node_of(value, problems, depth + 1))
            for key, value in data.items()
        }
        return Node(entries)
    if isinstance(data, list | tuple):
        return Node(tuple(node_of(item, problems, depth + 1) for item in data))
    if isinstance(data, str):
        return Node(_clean(data, None, problems))
    if data is None or isinstance(data, bool | int | float):
        return Node(data)
    problems.add(None, f"a {type(data).__name__} cannot be part of a rule")
    return Node(None)


def read_yaml(text: str, problems: Problems) -> Node | None:
    """Read one YAML document.

    Anchors, aliases and tags are refused: a rule says what it means, and a file of
    few lines cannot become large.

    Returns: None when the text is no YAML at all; the problem is noted.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        problems.add(None, f"the file has {size} bytes; at most {MAX_BYTES} are read")
        return None
    if found := _UNSTORABLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        problems.add(line, "holds a character that cannot be stored")
        return None
    builder = _Builder(problems)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            if not builder.take(event):
                return None
    except yaml.YAMLError as err:
        problems.add(_line_of(err), f"this is no YAML: {_reason_of(err)}")
        return None
    return builder.root or Node(None, 1)


_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _line_of(err: yaml.YAMLError) -> int | None:
    mark = getattr(err, "problem_mark", None)
    return None if mark is None else int(mark.line) + 1


def _reason_of(err: yaml.YAMLError) -> str:
    reason = getattr(err, "problem", None) or getattr(err, "reason", None) or "it cannot be read"
    context = getattr(err, "context", None)
    return f"{reason} ({context})" if context else str(reason)


def _clean(text: str, line: int | None, problems: Problems) -> str:
    if _UNSTORABLE.search(text):
        problems.add(line, "holds a character that cannot be stored")
        return ""
    return text


def _scalar(text: str, plain: bool) -> bool | int | float | str | None:
    if not plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return text


class _Open:
    """A list or mapping whose end has not been read yet."""

    def __init__(self, line: int, *, mapping: bool) -> None:
        self.line = line
        self.mapping = mapping
        self.items: list[Node] = []
        self.entries: dict[str, Entry] = {}
        self.key: tuple[str, int] | None = None

    def node(self) -> Node:
        return Node(self.entries if self.mapping else tuple(self.items), self.line)


class _Builder:
    """Builds nodes from events, without recursion, and stops at what is refused."""

    def __init__(self, problems: Problems) -> None:
        self.root: Node | None = None
        self._problems = problems
        self._open: list[_Open] = []
        self._nodes = 0
        self._documents = 0

    def take(self, event: yaml.Event) -> bool:
        """Take one event; False when there is no sense in reading on."""
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._problems.add(line, "a second document begins here; write one `rules:` list")
                return False
        if isinstance(event, yaml.NodeEvent):
            return self._node(event, line)
        if isinstance(event, yaml.CollectionEndEvent):
            self._put(self._open.pop().node())
        return True

    def _node(self, event: yaml.NodeEvent, line: int) -> bool:
        self._nodes += 1
        if event.anchor is not None:
            self._problems.add(line, "anchors (&) and aliases (*) are not allowed: write it out")
            return False
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._problems.add(line, f"the tag {tag} is not allowed: write plain values")
            return False
        if len(self._open) >= _MAX_DEPTH or self._nodes > _MAX_NODES:
            self._problems.add(line, "the file is nested too deeply or holds too many values")
            return False
        if isinstance(event, yaml.ScalarEvent):
            plain = event.style is None or not event.style
            text = _clean(event.value, line, self._problems)
            top = self._open[-1] if self._open else None
            if top is not None and top.mapping and top.key is None:
                return self._key(top, text, line)
            self._put(Node(_scalar(text, plain), line))
            return True
        top = self._open[-1] if self._open else None
        if top is not None and top.mapping and top.key is None:
            self._problems.add(line, "a key must be a text")
            return False
        self._open.append(_Open(line, mapping=isinstance(event, yaml.MappingStartEvent)))
        return True

    def _key(self, top: _Open, key: str, line: int) -> bool:
        if key in top.entries:
            before = top.entries[key].line
            self._problems.add(line, f'the key "{key}" stands twice, first on line {before}')
        if key == "<<":
            self._problems.add(line, "merge keys (<<) are not allowed: write it out")
            return False
        top.key = (key, line)
        return True

    def _put(self, node: Node) -> None:
        if not self._open:
            self.root = node
            return
        top = self._open[-1]
        if not top.mapping:
            top.items.append(node)
            return
        if top.key is not None:
            key, line = top.key
            top.entries[key] = Entry(line, node)
            top.key = None
