"""When actions are due; all expected moments are worked out by hand."""

from datetime import UTC, datetime, time, timedelta

import pytest

from connector.rules.delays import due_at, next_open
from connector.rules.rule import Delay, Window

MADRID = "Europe/Madrid"
DAY = Window(time(9), time(21))
NIGHT = Window(time(21), time(9))


def utc(text: str) -> datetime:
    """Read a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("delay", "occurred_at", "expected"),
    [
        # Elapsed time; over the October night a day is still 24 hours.
        (Delay(timedelta(minutes=10)), "2026-11-20T10:00", "2026-11-20T10:10"),
        (Delay(timedelta(days=1)), "2026-10-24T10:00", "2026-10-25T10:00"),
        # A time of day: 09:00 there is 08:00 UTC in winter and 07:00 in summer.
        (Delay(at=time(10)), "2026-11-20T08:00", "2026-11-20T09:00"),
        (Delay(at=time(10)), "2026-11-20T09:00", "2026-11-20T09:00"),
        (Delay(at=time(10)), "2026-11-20T09:01", "2026-11-21T09:00"),
        (Delay(at=time(10)), "2026-07-20T06:00", "2026-07-20T08:00"),
        # Ten days over the October change: 10:30 summer time becomes 09:30 winter time.
        (Delay(timedelta(days=10), at=time(10)), "2026-10-20T08:30", "2026-10-30T09:00"),
        # Hours: 21:00 is closed already, 09:00 is open.
        (Delay(window=DAY), "2026-11-20T21:30", "2026-11-21T08:00"),
        (Delay(window=DAY), "2026-11-20T20:00", "2026-11-21T08:00"),
        (Delay(window=DAY), "2026-11-20T19:59", "2026-11-20T19:59"),
        (Delay(window=DAY), "2026-11-20T08:00", "2026-11-20T08:00"),
        (Delay(window=NIGHT), "2026-11-20T12:00", "2026-11-20T20:00"),
        (Delay(window=NIGHT), "2026-11-20T02:00", "2026-11-20T02:00"),
        # The clock jumps from 02:00 to 03:00 at 01:00 UTC: the first moment after.
        (Delay(at=time(2, 30)), "2027-03-27T23:30", "2027-03-28T01:00"),
        # 02:30 comes twice: at 00:30 and at 01:30 UTC; the first one counts.
        (Delay(at=time(2, 30)), "2026-10-24T22:00", "2026-10-25T00:30"),
        (Delay(at=time(2, 30)), "2026-10-25T00:45", "2026-10-26T01:30"),
    ],
)
def test_due_in_madrid(delay: Delay, occurred_at: str, expected: str) -> None:
    """Elapsed time counts in UTC, times of day in the shop's zone."""
    at = utc(occurred_at)
    got = due_at(delay, now=at, occurred_at=at, timezone=MADRID, country="ES")
    assert got == utc(expected)
    assert got.tzinfo is UTC


@pytest.mark.parametrize(
    ("days", "occurred_at", "country", "region", "expected"),
    [
        # Friday 4 December 2026. Madrid rests on Monday the 7th (for Sunday the 6th) and
        # on Tuesday the 8th; Barcelona works on the 7th.
        (1, "2026-12-04T11:00", "ES", "M", "2026-12-09T11:00"),
        (1, "2026-12-04T11:00", "ES", "MD", "2026-12-09T11:00"),
        (1, "2026-12-04T11:00", "ES", "ES:M", "2026-12-09T11:00"),
        (1, "2026-12-04T11:00", "ES", "B", "2026-12-07T11:00"),
        (2, "2026-12-04T11:00", "ES", "B", "2026-12-09T11:00"),
        # Saint John, Wednesday 24 June 2026, is a holiday in Catalonia only.
        (1, "2026-06-23T10:00", "ES", "CT", "2026-06-25T10:00"),
        (1, "2026-06-23T10:00", "ES", "M", "2026-06-24T10:00"),
        # The turn of the year: 1 January 2027 is a Friday.
        (1, "2026-12-31T11:00", "ES", "", "2027-01-04T11:00"),
        # A Saturday's first working day is Monday.
        (1, "2026-11-21T11:00", "ES", "M", "2026-11-23T11:00"),
        # Of an unknown country only the weekends are known, of an unknown region the
        # holidays of all Spain: the 8th, not the 7th.
        (1, "2026-12-04T11:00", "XX", "", "2026-12-07T11:00"),
        (2, "2026-12-04T11:00", "XX", "", "2026-12-08T11:00"),
        (2, "2026-12-04T11:00", "ES", "??", "2026-12-09T11:00"),
        # The clock stays at 10:00 over the October change.
        (1, "2026-10-23T08:00", "ES", "M", "2026-10-26T09:00"),
    ],
)
def test_working_days(
    days: int, occurred_at: str, country: str, region: str, expected: str
) -> None:
    """Working days skip weekends and the holidays of the region; the clock stays."""
    at = utc(occurred_at)
    got = due_at(
        Delay(working_days=days),
        now=at,
        occurred_at=at,
        timezone=MADRID,
        country=country,
        region=region,
    )
    assert got == utc(expected)


@pytest.mark.parametrize(
    ("delay", "now", "expected"),
    [
        # The order was paid on Friday 20 November 2026 at 15:00 in Madrid.
        (Delay(working_days=1, at=time(10)), "2026-11-20T14:00", "2026-11-23T09:00"),
        (
            Delay(working_days=1, window=Window(time(9), time(14))),
            "2026-11-20T14:00",
            "2026-11-24T08:00",
        ),
        (Delay(timedelta(hours=12), working_days=1), "2026-11-20T14:00", "2026-11-23T02:00"),
        (Delay(timedelta(days=1), at=time(10), window=DAY), "2026-11-20T14:00", "2026-11-22T09:00"),
        # The program was down until Saturday 28: what is late is due now, or at the next
        # opening, and what asked for working days waits for one.
        (Delay(timedelta(minutes=5)), "2026-11-28T12:00", "2026-11-28T12:00"),
        (Delay(window=DAY), "2026-11-28T22:00", "2026-11-29T08:00"),
        (Delay(working_days=1, at=time(10)), "2026-11-28T12:00", "2026-11-30T09:00"),
    ],
)
def test_parts_together(delay: Delay, now: str, expected: str) -> None:
    """Duration, working days and time of day follow one another, never before now."""
    got = due_at(
        delay,
        now=utc(now),
        occurred_at=utc("2026-11-20T14:00"),
        timezone=MADRID,
        country="ES",
        region="M",
    )
    assert got == utc(expected)


def test_send_hours() -> None:
    """Hours are looked at in the shop's zone, opening included and closing not."""
    assert next_open("09:00-21:00", utc("2026-11-20T08:00"), MADRID) == utc("2026-11-20T08:00")
    assert next_open("09:00-21:00", utc("2026-11-20T20:00"), MADRID) == utc("2026-11-21T08:00")
    assert next_open(DAY, utc("2026-11-20T07:59"), MADRID) == utc("2026-11-20T08:00")
    assert next_open(NIGHT, utc("2026-11-20T20:00"), MADRID) == utc("2026-11-20T20:00")
    assert next_open("09:00-21:00", utc("2026-11-20T12:00"), MADRID) == utc("2026-11-20T12:00")
    assert next_open("09:00-21:00", utc("2026-11-20T23:00"), MADRID) == utc("2026-11-21T08:00")


def test_hours_in_the_october_night() -> None:
    """Hours that come twice open twice: 02:30 is at 00:30 and at 01:30 UTC."""
    hours = Window(time(2, 30), time(3))
    assert next_open(hours, utc("2026-10-25T00:10"), MADRID) == utc("2026-10-25T00:30")
    assert next_open(hours, utc("2026-10-25T01:10"), MADRID) == utc("2026-10-25T01:30")
    assert next_open(hours, utc("2026-10-25T02:00"), MADRID) == utc("2026-10-26T01:30")


def test_hours_in_the_march_night() -> None:
    """Hours that the clock jumps over do not open that night."""
    hours = Window(time(2, 15), time(2, 45))
    assert next_open(hours, utc("2027-03-28T00:00"), MADRID) == utc("2027-03-29T00:15")


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("America/Argentina/Buenos_Aires", "2026-11-20T13:00"),
        ("+02:00", "2026-11-21T08:00"),
        ("UTC-3", "2026-11-20T13:00"),
        ("UTC", "2026-11-20T10:00"),
        ("no such zone", "2026-11-20T10:00"),
        ("../etc/passwd", "2026-11-20T10:00"),
    ],
)
def test_zones(zone: str, expected: str) -> None:
    """A zone may be a name or an offset; an unknown one counts as UTC."""
    at = utc("2026-11-20T09:00")
    got = due_at(Delay(at=time(10)), now=at, occurred_at=at, timezone=zone, country="")
    assert got == utc(expected)
