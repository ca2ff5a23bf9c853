"""Let Ctrl-C end a long command in an orderly way."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self


class Interrupt:
    """Takes the first Ctrl-C as a wish; the second one ends the program at once."""

    def __init__(self) -> None:
        self._wanted = threading.Event()
        self._before: Any = None

    def wanted(self) -> bool:
        """Tell whether somebody wants an end."""
        return self._wanted.is_set()

    def __enter__(self) -> Self:
        """Listen, where a program can: in its first thread."""
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._heard)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Listen no more."""
        self._restore()

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        self._wanted.set()
        self._restore()

    def _restore(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None
