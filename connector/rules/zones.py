"""Turn local times of a shop's zone into instants, both clock changes right."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

_OFFSET: Final = re.compile(r"(?:UTC|GMT)?([+-])([0-9]{1,2})(?::?([0-5][0-9]))?", re.ASCII)


@lru_cache(maxsize=256)
def zone_of(name: str) -> tzinfo:
    """Find a zone by its IANA name, or by an offset like `+02:00` or `UTC+2`.

    Returns: UTC for what is neither; the shop's check tells about it.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # ZoneInfoNotFoundError is a KeyError; a name like "../x" is a ValueError.
        found = _OFFSET.fullmatch(name.strip())
    if found is None or int(found[2]) > 14:  # noqa: PLR2004 - the largest offset on Earth
        return UTC
    offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return timezone(-offset if found[1] == "-" else offset)


def instant(day: date, clock: time, zone: tzinfo, *, fold: int = 0) -> datetime:
    """Give the moment in UTC at which a local clock shows a time.

    A time that the clock jumps over gives the first moment after the jump; of a time
    that comes twice `fold` chooses the first (0) or the second (1).
    """
    local = datetime.combine(day, clock, tzinfo=zone).replace(fold=fold)
    moment = local.astimezone(UTC)
    if _same_clock(moment, local, zone):
        return moment
    # In the gap the two folds stand on either side of the jump.
    low = local.replace(fold=1).astimezone(UTC)
    high = local.replace(fold=0).astimezone(UTC)
    offset_after = high.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        if middle.astimezone(zone).utcoffset() == offset_after:
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)


def _same_clock(moment: datetime, local: datetime, zone: tzinfo) -> bool:
    return moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None)
