"""Read how long the other side asks us to wait."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

MAX_WAIT_S: Final = 86_400.0
# Too many calls, and announced maintenance; other answers may carry the header too.
_PAUSES: Final = frozenset({429, 503})


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Read how long the other side asks us to wait.

    Args: headers: names in lower case; the value is seconds or an HTTP date.
    Returns: seconds from 0 to one day; None when not told.
    """
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,3})?", text, re.ASCII):
        return min(float(text), MAX_WAIT_S)
    if not text:
        return None
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    seconds = (when - (now or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), MAX_WAIT_S)


def asked_pause_s(status: int, headers: Mapping[str, str]) -> float | None:
    """Read for how many seconds the whole host wants no calls, where it says so."""
    return retry_after_s(headers) if status in _PAUSES else None
