"""Read the operations file and give each operation with its fragments."""

import re
from functools import cache
from importlib.resources import files
from typing import Final

_START: Final = re.compile(r"(query|mutation|fragment) ([A-Za-z]+)")
_SPREAD: Final = re.compile(r"\.\.\.([A-Z][A-Za-z]*)")


@cache
def text_of(name: str) -> str:
    """Give the text of one operation, with all fragments it needs and no other.

    Raises: KeyError: the file has no such operation.
    """
    known = _definitions()
    wanted, texts = [name], {}
    while wanted:
        now = wanted.pop()
        if now not in texts:
            texts[now] = known[now]
            wanted += _SPREAD.findall(known[now])
    return "\n".join(texts.values())


def is_mutation(name: str) -> bool:
    """Tell whether an operation writes."""
    return _definitions()[name].startswith("mutation")


def names() -> tuple[str, ...]:
    """List all operations, fragments left out."""
    return tuple(name for name, text in _definitions().items() if not text.startswith("fragment"))


@cache
def _definitions() -> dict[str, str]:
    """Cut the file: a definition starts in the first column and ends at a lone brace."""
    source = (files(__package__) / "operations.graphql").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    name = ""
    for line in source.splitlines():
        start = _START.match(line)
        if start is not None:
            name = start[2]
            found[name] = line
        elif name:
            found[name] += f"\n{line}"
        if line == "}":
            name = ""
    return found
