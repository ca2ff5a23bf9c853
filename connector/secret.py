"""A text that prints as stars."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secret:
    """A key or password; no `str`, so that it cannot slip into a text or JSON."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """Give the text itself, to the one place that needs it."""
        return self._value

    def __repr__(self) -> str:
        """Hide the value."""
        return "Secret(****)"

    def __str__(self) -> str:
        """Hide the value."""
        return "****"

    def __bool__(self) -> bool:
        """Tell whether there is anything in it."""
        return bool(self._value)
