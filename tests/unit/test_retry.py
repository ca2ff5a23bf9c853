"""Retries: ever longer, capped, spread out, and as the other side asks."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.jobs.retry import (
    HEARTBEAT_S,
    LEASE_S,
    MAX_ATTEMPTS,
    PROBE_S,
    delay_before,
    probe_delay,
)

MINUTE, HOUR, DAY = 60, 3600, 86_400
# Eight attempts: at once, then after 30 s, 2 min, 10 min, 1 h, 4 h, 12 h, 24 h.
SCHEDULE = [30, 2 * MINUTE, 10 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, DAY]
CHANCES = st.floats(0, 1)
ATTEMPTS = st.integers(1, 40)


@pytest.mark.parametrize(("attempt", "seconds"), list(enumerate(SCHEDULE, start=1)))
def test_schedule(attempt: int, seconds: int) -> None:
    """Each try waits its time, a fifth less or more at the ends of chance."""
    for chance, factor in ((0.0, 0.8), (0.5, 1.0), (1.0, 1.2)):
        delay = delay_before(attempt, retry_after_s=None, chance=chance)
        assert delay.total_seconds() == pytest.approx(seconds * factor)


def test_a_person_is_asked_after_eight_attempts() -> None:
    """There are as many attempts as waits between them, and one."""
    assert MAX_ATTEMPTS == len(SCHEDULE) + 1 == 8


@settings(deadline=None)
@given(ATTEMPTS, CHANCES, CHANCES)
def test_delays_grow_whatever_chance_says(attempt: int, one: float, other: float) -> None:
    """The next wait is longer than this one, up to the last of the schedule."""
    now = delay_before(attempt, retry_after_s=None, chance=one)
    later = delay_before(attempt + 1, retry_after_s=None, chance=other)
    if attempt < len(SCHEDULE):
        assert later > now
    else:
        assert later == delay_before(len(SCHEDULE), retry_after_s=None, chance=other)


@settings(deadline=None)
@given(ATTEMPTS)
def test_delays_are_capped_and_spread(attempt: int) -> None:
    """Without a given chance the wait is random within a fifth, and a day at most."""
    base = SCHEDULE[min(attempt, 7) - 1]
    delays = {delay_before(attempt, retry_after_s=None).total_seconds() for _ in range(20)}
    assert len(delays) > 1
    assert all(0.8 * base - 0.001 <= delay <= 1.2 * base + 0.001 for delay in delays)
    assert max(delays) <= 1.2 * DAY


@settings(deadline=None)
@given(ATTEMPTS, st.floats(0, DAY), CHANCES)
def test_retry_after_is_never_undercut(attempt: int, asked_s: float, chance: float) -> None:
    """Nobody is called before the time they asked for."""
    delay = delay_before(attempt, retry_after_s=asked_s, chance=chance)
    assert delay >= timedelta(seconds=asked_s)


@pytest.mark.parametrize(
    ("attempt", "asked_s", "expected_s"),
    [
        # The first two times their word holds instead of our schedule, and a fifth at most
        # is added, so that those who were turned away together do not come back together.
        (1, 2.0, 2.2),
        (1, 0.0, 0.0),
        (2, 10.0, 11.0),
        (1, 7200.0, 7920.0),
        # From the third on the longer one of both.
        (3, 10.0, 600.0),
        (3, 7200.0, 7200.0),
        (7, 60.0, 86_400.0),
        # Never longer than a day: a word that asks for years is no use to anybody.
        (9, 100_000.0, 86_400.0),
        (1, 1e9, 95_040.0),
        # Nonsense asks for nothing.
        (1, -5.0, 0.0),
        (3, -5.0, 600.0),
    ],
)
def test_retry_after(attempt: int, asked_s: float, expected_s: float) -> None:
    """What the other side asks for is followed at first, and later kept beside our own."""
    delay = delay_before(attempt, retry_after_s=asked_s, chance=0.5)
    assert delay.total_seconds() == pytest.approx(expected_s)


def test_unknown_outcomes_are_looked_up_three_times() -> None:
    """The look-ups come 90 s, 5 min and 30 min after, and then no more."""
    expected = [timedelta(seconds=90), timedelta(minutes=5), timedelta(minutes=30), None, None]
    assert [probe_delay(probes) for probes in range(5)] == expected
    # Longer than the minute that WooCommerce gives its own requests.
    assert min(PROBE_S) > 60


def test_lease_outlives_lost_heartbeats() -> None:
    """Three heartbeats may be lost before the rows go to others."""
    assert LEASE_S >= 4 * HEARTBEAT_S
