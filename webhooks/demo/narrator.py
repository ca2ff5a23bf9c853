"""Tell the story in the terminal, and wait for what must happen."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.status import Status
from rich.text import Text

# All waiting of one story together; a slow machine takes long, a fast one a moment.
PATIENCE_S: Final = 120.0
_LOOK_S: Final = 0.05
_NARROWEST: Final = 100


class Interrupted(Exception):
    """Somebody pressed Ctrl-C while the story was still going on."""


def console() -> Console:
    """Give a console; into a pipe or file the lines are wide enough for the tables."""
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=_NARROWEST + 20)


class Narrator:
    """Writes one line a step, with a moving sign while it waits.

    Args: ended: set when the demo is to end.
    """

    def __init__(self, out: Console, ended: threading.Event) -> None:
        self.out = out
        self.ended = ended
        self.missed: list[str] = []
        self._number = 0
        self._started_at = time.monotonic()
        self._ends_at = self._started_at + PATIENCE_S
        self._status: Status | None = None

    @property
    def seconds(self) -> float:
        """Tell how long the story has taken so far."""
        return time.monotonic() - self._started_at

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """Tell one step; what is given to the result function becomes its second line."""
        self._number += 1
        missed = len(self.missed)
        results: list[str] = []
        with self.out.status(Text(f"{self._number:>2}  {title}")) as status:
            self._status = status
            try:
                yield results.append
            finally:
                self._status = None
        good = len(self.missed) == missed
        sign = Text("✓" if good else "✗", style="bold green" if good else "bold red")
        self.out.print(Text.assemble(sign, (f" {self._number:>2}  ", "dim"), title))
        for line in results:
            self.out.print(Padding(Text(line, style="dim"), (0, 0, 0, 6)))

    def wait(self, what: str, seen: Callable[[], bool]) -> bool:
        """Wait until something is seen; False when the patience of the story is over.

        Raises: Interrupted: the demo is to end.
        """
        while not seen():
            if self._status is not None:
                self._status.update(Text(f"{self._number:>2}  waiting for {what}"))
            if self.ended.wait(_LOOK_S):
                raise Interrupted
            if time.monotonic() > self._ends_at:
                self.missed.append(f"Step {self._number}: not seen in time: {what}")
                return False
        return True
