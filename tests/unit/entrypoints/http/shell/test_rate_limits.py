"""How often a caller may ask."""

from portfolio.entrypoints.http.shell.rate_limits import MOST_CALLERS, RateLimit
from tests.support.fakes.clock import NOON, FakeClock


def test_a_full_burst_fits_and_the_next_request_knows_its_moment() -> None:
    clock = FakeClock()
    limit = RateLimit(clock, 7)
    assert [limit.wait_seconds("a") for _ in range(7)] == [0.0] * 7
    wait = limit.wait_seconds("a")
    assert 0 < wait <= 60 / 7 + 1e-6
    clock.advance(wait)
    assert limit.wait_seconds("a") == 0.0
    assert limit.wait_seconds("a") > 0


def test_no_more_than_the_rate_fits_in_the_long_run() -> None:
    clock = FakeClock()
    limit = RateLimit(clock, 60)
    passed = 0
    for _ in range(6000):
        clock.advance(0.1)
        passed += limit.wait_seconds("a") == 0.0
    # a burst of 60, and one a second for ten minutes
    assert 600 <= passed <= 661


def test_callers_do_not_share() -> None:
    limit = RateLimit(FakeClock(), 1)
    assert (limit.wait_seconds("a"), limit.wait_seconds("b")) == (0.0, 0.0)
    assert limit.wait_seconds("a") > 0


def test_a_wall_clock_set_back_locks_nobody_out() -> None:
    clock = FakeClock()
    limit = RateLimit(clock, 1)
    limit.wait_seconds("a")
    clock.set_wall_clock(NOON.replace(hour=0))
    clock.advance(60)
    assert limit.wait_seconds("a") == 0.0


def test_callers_without_end_are_forgotten_the_longest_silent_first() -> None:
    limit = RateLimit(FakeClock(), 1)
    for caller in range(MOST_CALLERS + 1):
        limit.wait_seconds(str(caller))
    assert limit.wait_seconds("0") == 0.0
    assert limit.wait_seconds(str(MOST_CALLERS)) > 0
