"""A text that prints as stars."""

from typing import Final


class Secret:
    """A key or password; no `str`, so that it cannot slip into a text or JSON.

    No dataclass either: those are written out field by field, by `asdict` and by
    msgspec, private fields included.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value: Final = value

    def reveal(self) -> str:
        """Give the text itself, to the one place that needs it."""
        return self._value

    def __eq__(self, other: object) -> bool:
        """Tell whether two secrets hold the same text."""
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        """Hash like the text."""
        return hash((Secret, self._value))

    def __repr__(self) -> str:
        """Hide the value."""
        return "Secret(****)"

    def __str__(self) -> str:
        """Hide the value."""
        return "****"

    def __bool__(self) -> bool:
        """Tell whether there is anything in it."""
        return bool(self._value)
