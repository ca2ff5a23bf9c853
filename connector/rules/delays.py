"""When an action is due, and whether a shop's hours are open."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from connector.rules.calendars import after_working_days, is_working_day
from connector.rules.rule import Delay, Window
from connector.rules.zones import instant, zone_of

_DAY: Final = timedelta(days=1)
# Longer than any stretch of holidays; a zone without an opening in it has none.
_LOOK_AHEAD_DAYS: Final = 60
_WINDOW: Final = re.compile(r"([0-9]{2}):([0-9]{2})\s*-\s*([0-9]{2}):([0-9]{2})", re.ASCII)


def due_at(
    delay: Delay,
    *,
    now: datetime,
    occurred_at: datetime,
    timezone: str,
    country: str,
    region: str = "",
) -> datetime:
    """Work out when the actions of a rule are due.

    First the elapsed time counts from the occurrence, then the working days; then the
    next moment with that time of day, or in those hours, is taken. With working days
    the time of day is that of the last of them, and it stays a working day.

    Args: timezone: the shop's zone. country, region: for its holidays.
    Returns: in UTC, never earlier than `now`.
    """
    zone = zone_of(timezone)
    moment = occurred_at.astimezone(UTC) + delay.after
    if delay.working_days:
        local = moment.astimezone(zone)
        day = after_working_days(local.date(), delay.working_days, country, region)
        # With a time of day the whole day counts, so that "2 working days, at 10:00"
        # is not a third day for what was bought at noon.
        clock = local.time() if delay.at is None else delay.at
        moment = instant(day, clock, zone)
    moment = max(moment, now.astimezone(UTC))
    if delay.at is None and delay.window is None:
        return moment

    def fits(day: date) -> bool:
        return delay.working_days == 0 or is_working_day(day, country, region)

    return _next(moment, zone, delay, fits)


def next_open(window: Window | str, at: datetime, timezone: str) -> datetime:
    """Give the moment itself when the hours are open, else their next opening in UTC."""
    delay = Delay(window=_window(window))
    return _next(at.astimezone(UTC), zone_of(timezone), delay, lambda _: True)


def _next(moment: datetime, zone: tzinfo, delay: Delay, fits: Callable[[date], bool]) -> datetime:
    """Find the first moment that has the time of day, lies in the hours and fits."""
    window = delay.window
    if (
        delay.at is None
        and (window is None or _is_open(window, moment, zone))
        and fits(moment.astimezone(zone).date())
    ):
        return moment
    for candidate in _candidates(moment, zone, delay):
        if (
            candidate >= moment
            and (window is None or _is_open(window, candidate, zone))
            and fits(candidate.astimezone(zone).date())
        ):
            return candidate
    return moment


def _candidates(moment: datetime, zone: tzinfo, delay: Delay) -> Iterator[datetime]:
    first = moment.astimezone(zone).date()
    for offset in range(_LOOK_AHEAD_DAYS):
        day = first + offset * _DAY
        if delay.at is not None:
            yield instant(day, delay.at, zone)
        elif delay.window is not None:
            opens = delay.window.opens
            # Hours over midnight are open at the start of a working day already.
            if delay.window.closes < opens:
                yield instant(day, time(0), zone)
            yield instant(day, opens, zone)
            # Of hours that come twice the second time may be the next one.
            yield instant(day, opens, zone, fold=1)


def _is_open(window: Window, at: datetime, zone: tzinfo) -> bool:
    clock = at.astimezone(zone).time()
    if window.opens < window.closes:
        return window.opens <= clock < window.closes
    return clock >= window.opens or clock < window.closes


def _window(window: Window | str) -> Window:
    if isinstance(window, Window):
        return window
    found = _WINDOW.fullmatch(window)
    if found is None:
        raise ValueError(f"{window!r} is no window like 09:00-21:00")
    numbers = [int(found[index]) for index in range(1, 5)]
    return Window(time(numbers[0], numbers[1]), time(numbers[2], numbers[3]))
