"""Logs are events with keys, one JSON object a line; never names, addresses or bodies."""

import json
import logging
import traceback
from typing import Any, Final

_LOGGER: Final = logging.getLogger("postventa")
_WARNINGS: Final = ("fault", "not_stored", "disconnected", "failed", "refused")


def set_up_logs(level: str) -> None:
    """Send events to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    _LOGGER.handlers[:] = [handler]
    _LOGGER.setLevel(level)
    _LOGGER.propagate = False


def log_event(event: str, *, fault: BaseException | None = None, **keys: Any) -> None:
    """Write one event.

    Args:
        event: its name, like `delivery.done`.
        fault: an error of ours; only its type and the places in the code are written,
            since its text may hold data of people.
        keys: ids and counts.
    """
    level = logging.WARNING if event.endswith(_WARNINGS) else logging.INFO
    if not _LOGGER.isEnabledFor(level):
        return
    line: dict[str, Any] = {"event": event, **keys}
    if fault is not None:
        line["fault"] = type(fault).__name__
        line["places"] = [
            f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(fault.__traceback__)
        ][-8:]
    _LOGGER.log(level, "%s", json.dumps(line, default=str))
