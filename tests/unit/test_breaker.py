"""The breaker of a host and the budget of points, worked out by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from connector.jobs.breaker import Breaker, BreakerState, Rest, length_of
from connector.jobs.budget import Budget, Level

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """Give a time after NOW."""
    return NOW + timedelta(seconds=seconds)


def opened() -> Breaker:
    """Give a breaker that five failures have just opened."""
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(NOW, trial=False)
    return breaker


def test_five_failures_open_it_for_half_a_minute() -> None:
    """Four failures do nothing; the fifth gives a rest of 30 s, and then one call tries."""
    breaker = Breaker()
    assert [breaker.failed(at(second), trial=False) for second in range(5)] == [False] * 4 + [True]
    assert breaker.state(at(33.9)) is BreakerState.OPEN
    assert breaker.wait_s(at(4)) == 30
    assert breaker.wait_s(at(34)) == 0
    assert breaker.state(at(34)) is BreakerState.HALF_OPEN


def test_failures_more_than_a_minute_apart_do_not_add_up() -> None:
    """A failure that comes more than a minute after the one before is the first again."""
    breaker = Breaker()
    assert not any(breaker.failed(at(61 * number), trial=False) for number in range(20))


def test_a_host_that_only_hangs_is_found() -> None:
    """Two calls at a time that hang 30 s each give five failures in a minute and a half."""
    breaker = Breaker()
    ends = [30, 30, 60, 60, 90]
    assert [breaker.failed(at(end), trial=False) for end in ends][-1]


def test_good_answers_take_failures_back() -> None:
    """One answer in five lost opens nothing, however long it goes on."""
    breaker = Breaker()
    for number in range(500):
        if number % 5 == 0:
            assert not breaker.failed(at(number), trial=False)
        else:
            breaker.succeeded(trial=False)
    assert breaker.state(at(500)) is BreakerState.CLOSED


def test_one_call_tries_the_host() -> None:
    """After the rest one call may begin; the others wait until it is known how it went."""
    breaker = opened()
    assert breaker.begin(at(30))
    assert breaker.wait_s(at(30)) > 0
    assert breaker.succeeded(trial=True)
    assert breaker.wait_s(at(31)) == 0
    assert breaker.state(at(31)) is BreakerState.CLOSED
    assert not breaker.begin(at(31))


def test_rests_double_up_to_a_quarter_of_an_hour() -> None:
    """30 s, 1, 2, 4, 8 minutes, then 15 each time; a good call begins anew."""
    breaker, now = opened(), NOW
    lengths = []
    for _ in range(7):
        wait = breaker.wait_s(now)
        lengths.append(wait)
        now += timedelta(seconds=wait)
        assert breaker.begin(now)
        breaker.failed(now, trial=True)
    assert lengths == [30, 60, 120, 240, 480, 900, 900]
    now += timedelta(seconds=900)
    breaker.begin(now)
    breaker.succeeded(trial=True)
    for _ in range(5):
        breaker.failed(now, trial=False)
    assert breaker.wait_s(now) == 30


def test_a_call_that_proves_nothing_lets_the_next_one_try() -> None:
    """A trial that was never sent leaves the host untried, and does not block it."""
    breaker = opened()
    assert breaker.begin(at(30))
    breaker.undecided(trial=True)
    assert breaker.wait_s(at(30)) == 0
    assert breaker.begin(at(30))


def test_late_answers_change_nothing() -> None:
    """Calls from before the rest neither lengthen nor end it."""
    breaker = opened()
    assert not breaker.failed(at(10), trial=False)
    assert not breaker.succeeded(trial=False)
    assert breaker.wait_s(at(10)) == 20


def test_a_clock_set_back_does_not_lengthen_a_rest() -> None:
    """A clock that goes back a day leaves the rest as long as it is, not a day longer."""
    assert opened().wait_s(at(-86_400)) == 30


def test_what_others_learned_is_taken_over() -> None:
    """A rest of another process holds here, and its end too."""
    breaker = Breaker()
    breaker.adopt(Rest(at(100), 2 + 1))
    assert breaker.wait_s(NOW) == 100
    breaker.adopt(None)
    assert breaker.wait_s(NOW) == 0


@pytest.mark.parametrize(("opens", "seconds"), [(1, 30), (2, 60), (6, 900), (5_000, 900)])
def test_length_of_a_rest(opens: int, seconds: int) -> None:
    """Twice as long each time, never above 15 minutes, for any number."""
    assert length_of(opens) == timedelta(seconds=seconds)


def test_an_unknown_budget_waits_for_nothing() -> None:
    """Before the first answer there is nothing to keep to."""
    assert Budget().wait_s(1_000, 0.0) == 0


def test_the_reserve_is_left() -> None:
    """Of 2,000 points 200 are kept back: with 500 there, 300 may go at once and 301 not."""
    budget = Budget()
    budget.learn(Level(500, 2_000, 100, 0.0))
    assert budget.wait_s(300, 0.0) == 0
    assert budget.wait_s(301, 0.0) == pytest.approx(0.01)


def test_points_come_back_and_are_spent() -> None:
    """100 points a second come back, to no more than the whole bucket."""
    budget = Budget()
    budget.learn(Level(0, 2_000, 100, 0.0))
    assert budget.wait_s(500, 0.0) == 7
    assert budget.wait_s(500, 7.0) == 0
    budget.spend(500, 7.0)
    assert budget.available(7.0) == 200
    assert budget.available(10_000.0) == 2_000


def test_a_call_larger_than_the_rest_of_the_bucket_waits_for_a_full_one() -> None:
    """A cost above what is beside the reserve is not waited for in vain."""
    budget = Budget()
    budget.learn(Level(1_000, 2_000, 100, 0.0))
    assert budget.wait_s(1_950, 0.0) == 10
    assert budget.wait_s(1_950, 10.0) == 0


def test_a_bucket_without_a_speed_is_asked_again() -> None:
    """A told speed of 0 makes a wait of a second, and no division by it."""
    budget = Budget()
    budget.learn(Level(0, 2_000, 0, 0.0))
    assert budget.wait_s(100, 50.0) == 1


def test_older_news_are_not_learned() -> None:
    """An answer that was overtaken by another does not count."""
    budget = Budget()
    budget.learn(Level(100, 2_000, 100, 5.0))
    budget.learn(Level(1_900, 2_000, 100, 4.0))
    assert budget.available(5.0) == 100
