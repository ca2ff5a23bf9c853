"""Rows of the result: medians of ratios, and the bars they are held to."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

COLUMNS: Final = ("What", "Ratio", "Min to max", "Ours", "Against", "Bar", "Held")
Figure = TypeVar("Figure")


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure should reach.

    Attributes:
        least: true when larger is better.
    """

    value: float
    least: bool = True

    def __str__(self) -> str:
        """Write it as a reader expects it."""
        return f"{'≥' if self.least else '≤'} {number(self.value)}"

    def holds(self, figure: float) -> bool:
        """Tell whether a figure reaches it."""
        return figure >= self.value if self.least else figure <= self.value


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        ratios: one for each round; the median is shown.
        ours, against: the two sides, as text with their units.
        plain: the figure is no ratio, but so many of this unit.
    """

    what: str
    ratios: tuple[float, ...]
    ours: str
    against: str
    bar: Bar | None = None
    plain: str = ""

    @property
    def figure(self) -> float:
        """Give the median."""
        return statistics.median(self.ratios)

    def cells(self) -> tuple[str, ...]:
        """Write the row, one text a column."""
        unit = f" {self.plain}" if self.plain else ""
        held = "" if self.bar is None else "yes" if self.bar.holds(self.figure) else "no"
        return (
            self.what,
            number(self.figure) + unit,
            f"{number(min(self.ratios))} to {number(max(self.ratios))}",
            self.ours,
            self.against,
            str(self.bar or ""),
            held,
        )


@dataclass(frozen=True, slots=True)
class Section:
    """The rows of one subject, with what must be known to read them."""

    title: str
    rows: tuple[Row, ...]
    note: str = ""


def number(value: float) -> str:
    """Write a figure with as many digits as mean something."""
    size = abs(value)
    if size >= 100:  # noqa: PLR2004 - three digits are enough
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}"  # noqa: PLR2004 - see above


def ratio_row(
    what: str,
    ours: Sequence[float],
    against: Sequence[float],
    unit: str,
    *,
    names: tuple[str, str] = ("", ""),
    bar: Bar | None = None,
) -> Row:
    """Compare two series of the same rounds, round by round.

    Args: unit: of both, like `/s`. names: what the two are called beside their figures.
    """
    if len(ours) != len(against) or not ours:
        raise ValueError("the two series must have the same rounds, at least one")

    def told(values: Sequence[float], name: str) -> str:
        return f"{number(statistics.median(values))} {unit} {name}".rstrip()

    ratios = tuple(a / b for a, b in zip(ours, against, strict=True))
    return Row(what, ratios, told(ours, names[0]), told(against, names[1]), bar)


def interleaved(
    rounds: int, measures: Mapping[str, Callable[[], Figure]]
) -> dict[str, list[Figure]]:
    """Measure A B A B …: what slows the machine for a while slows all of them."""
    found: dict[str, list[Figure]] = {name: [] for name in measures}
    for turn in range(rounds):
        names = list(measures)
        # Every other round backwards: nobody always comes first.
        for name in names if turn % 2 == 0 else reversed(names):
            found[name].append(measures[name]())
    return found
