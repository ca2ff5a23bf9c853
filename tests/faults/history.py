"""The history of a run: JSON lines of everything that was sent, answered and broken."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Event = dict[str, Any]


class History:
    """Appends events to a file; safe across threads."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8")
        self.write("run", seed=seed)

    def write(self, event: str, **keys: Any) -> None:
        """Append one event, with the time since the epoch in seconds."""
        line = json.dumps({"event": event, "at": round(time.time(), 3), **keys})
        with self._lock:
            # A webhook that is still on its way when a run ends belongs to no run.
            if not self._file.closed:
                self._file.write(line + "\n")
                self._file.flush()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()


def read_history(path: Path) -> Iterator[Event]:
    """Read the events of a run, in the order they were written."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
