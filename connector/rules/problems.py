"""Collect everything that is wrong with a rule file, with lines and advice."""

import difflib
from collections.abc import Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from connector.errors import RuleInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST: Final = 100


class Problems:
    """The problems found so far; each names its line and rule where known."""

    def __init__(self) -> None:
        self._found: list[tuple[int, str]] = []
        self._rule = ""

    def __len__(self) -> int:
        return len(self._found)

    @contextmanager
    def in_rule(self, label: str) -> "Iterator[None]":
        """Name a rule in the problems that are found from here on."""
        self._rule = f'rule "{label}": ' if label else ""
        yield
        self._rule = ""

    def add(self, line: int | None, text: str) -> None:
        """Note one problem."""
        where = "" if line is None else f"line {line}: "
        self._found.append((line or 0, f"{where}{self._rule}{text}"))

    def texts(self) -> tuple[str, ...]:
        """Give all problems, sorted by line."""
        found = [text for _, text in sorted(self._found, key=lambda item: item[0])]
        if len(found) > _MOST:
            found = [*found[:_MOST], f"and {len(found) - _MOST} more problems"]
        return tuple(found)

    def refuse(self) -> None:
        """Raise what was found.

        Raises: RuleInvalid: there is at least one problem.
        """
        if self._found:
            raise RuleInvalid(problems=self.texts())


def unknown(what: str, name: str, allowed: Iterable[str]) -> str:
    """Word the problem of an unknown name, with the nearest known one."""
    names = list(allowed)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6) or [
        known
        for known in names
        if name in known and len(name) > 2  # noqa: PLR2004 - "a" is no hint
    ]
    hint = f' Did you mean "{near[0]}"?' if near else ""
    return f'unknown {what} "{name[:60]}".{hint} Allowed: {", ".join(names)}'
