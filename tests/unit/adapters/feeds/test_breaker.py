import asyncio
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from portfolio.adapters.feeds.breaker import Breaker, BreakerRules, Circuit
from portfolio.adapters.feeds.errors import (
    Blocked,
    NotAsked,
    Refused,
    SourceError,
    SourceFailed,
    Throttled,
    Unavailable,
)
from portfolio.application.prices.sources import SourceCondition
from tests.support.fakes.clock import NOON, FakeClock


class Source:
    """Behind a breaker without jitter: opens after three failures, for ten seconds."""

    def __init__(self, jitter: Callable[[], float] = lambda: 0.0) -> None:
        self.clock = FakeClock()
        rules = BreakerRules(threshold=3, cool_off_seconds=10, ban_seconds=60)
        self.breaker = Breaker("coinbase", self.clock, rules, jitter=jitter)
        self.calls = 0

    async def call(self, error: BaseException | None = None, until: Awaitable[object] | None = None) -> None:
        async with self.breaker.guard():
            self.calls += 1
            if until is not None:
                await until
            if error is not None:
                raise error

    async def fail(self, times: int = 1, error: SourceError | None = None) -> None:
        for _ in range(times):
            with pytest.raises(SourceError):
                await self.call(error or SourceFailed("down"))

    @property
    def state(self) -> str:
        return self.breaker.circuit.value


async def test_consecutive_failures_open_it_and_then_no_call_is_made() -> None:
    source = Source()
    await source.fail(2)
    assert source.state == Circuit.CLOSED
    await source.fail()
    assert source.state == Circuit.OPEN
    with pytest.raises(NotAsked, match="not asked for another 10 s: down"):
        await source.call()
    assert source.calls == 3
    assert source.breaker.state.last_error == "down"


def condition(source: Source) -> SourceCondition:
    return source.breaker.state.state


async def test_how_a_source_does_is_said_in_words() -> None:
    source = Source()
    assert condition(source) is SourceCondition.NEVER_ANSWERED
    await source.fail()
    assert condition(source) is SourceCondition.FAILING, "whoever fails from the start is told like any other"
    await source.fail(2)
    assert condition(source) is SourceCondition.RESTING
    source.clock.advance(10)
    await source.call()
    seen = [condition(source)]
    await source.fail()
    seen.append(condition(source))
    await source.fail(2)
    seen.append(condition(source))
    source.clock.advance(10)
    seen.append(condition(source))
    await source.call()
    seen.append(condition(source))
    await source.fail(1, Unavailable("restricted"))
    seen.append(condition(source))
    assert [state.value for state in seen] == ["answering", "failing", "resting", "failing", "answering", "off"]


async def test_losing_a_source_is_one_warning_at_the_first_failure_and_one_line_when_it_answers() -> None:
    source = Source()
    with capture_logs() as logs:
        await source.call()
        await source.fail(2)
        await source.call()
        await source.call()
    assert [(line["event"], line["log_level"]) for line in logs] == [
        ("prices.source_failed", "warning"),
        ("prices.source_recovered", "info"),
    ]


async def test_a_success_in_between_begins_the_count_anew() -> None:
    source = Source()
    await source.fail(2)
    await source.call()
    await source.fail(2)
    assert source.state == Circuit.CLOSED
    assert source.breaker.state.last_success == NOON


async def test_a_refused_symbol_is_no_failure() -> None:
    source = Source()
    await source.fail(10, Refused("unknown"))
    assert source.state == Circuit.CLOSED
    assert source.breaker.state.last_error is None
    assert source.breaker.state.last_success == NOON


async def test_a_few_slow_calls_among_many_that_succeed_do_not_open_it() -> None:
    source = Source()
    over = asyncio.Event()
    slow = [asyncio.create_task(source.call(SourceFailed("slow"), until=over.wait())) for _ in range(10)]
    await asyncio.sleep(0)
    await source.call()
    over.set()
    results = await asyncio.gather(*slow, return_exceptions=True)
    assert all(isinstance(result, SourceFailed) for result in results)
    assert source.state == Circuit.CLOSED


async def test_after_the_cool_off_one_call_tries_and_the_others_wait_for_what_it_finds() -> None:
    source = Source()
    await source.fail(3)
    source.clock.advance(10)
    assert source.state == Circuit.HALF_OPEN
    answered = asyncio.Event()
    calls = [asyncio.create_task(source.call(until=answered.wait())) for _ in range(50)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert source.calls == 3 + 1
    answered.set()
    await asyncio.gather(*calls)
    assert source.calls == 3 + 50
    assert source.state == Circuit.CLOSED


async def test_when_the_try_fails_those_who_waited_do_not_call_at_all() -> None:
    source = Source()
    await source.fail(3)
    source.clock.advance(10)
    calls = [asyncio.create_task(source.call(SourceFailed("still down"))) for _ in range(50)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert source.calls == 3 + 1
    assert sum(isinstance(result, NotAsked) for result in results) == 49


async def test_a_try_that_is_cancelled_leaves_the_try_to_the_next() -> None:
    source = Source()
    await source.fail(3)
    source.clock.advance(10)
    first = asyncio.create_task(source.call(until=asyncio.Event().wait()))
    await asyncio.sleep(0)
    second = asyncio.create_task(source.call())
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert source.state == Circuit.CLOSED
    assert first.cancelled()


async def test_the_cool_off_doubles_with_every_failed_try_and_has_an_end() -> None:
    source = Source()
    await source.fail(3)
    for seconds in (10, 20, 40, 80, 160, 300, 300):
        source.clock.advance(seconds - 0.01)
        with pytest.raises(NotAsked):
            await source.call()
        source.clock.advance(0.02)
        await source.fail()


async def test_after_a_recovery_the_cool_off_begins_anew() -> None:
    source = Source()
    await source.fail(3)
    source.clock.advance(10)
    await source.fail()
    source.clock.advance(20)
    await source.call()
    await source.fail(3)
    source.clock.advance(10)
    await source.call()
    assert source.state == Circuit.CLOSED


async def test_jitter_only_ever_lengthens_the_cool_off() -> None:
    source = Source(jitter=lambda: 1.0)
    await source.fail(3)
    source.clock.advance(12.49)
    assert source.state == Circuit.OPEN
    source.clock.advance(0.02)
    assert source.state == Circuit.HALF_OPEN


async def test_the_pause_that_a_source_asks_for_is_kept_exactly_and_at_once() -> None:
    source = Source(jitter=lambda: 1.0)
    await source.fail(1, Throttled("too many", 120.0))
    source.clock.advance(119.99)
    with pytest.raises(NotAsked) as caught:
        await source.call()
    assert caught.value.wait_seconds == pytest.approx(0.01)
    source.clock.advance(0.01)
    await source.call()


async def test_a_source_that_wants_no_pause_after_too_many_calls_gets_one_all_the_same() -> None:
    source = Source()
    await source.fail(1, Throttled("too many", 0.0))
    with pytest.raises(NotAsked):
        await source.call()
    source.clock.advance(1)
    await source.call()


async def test_of_two_pauses_the_longer_counts() -> None:
    source = Source()
    both = asyncio.Event()
    calls = [
        asyncio.create_task(source.call(Throttled("too many", seconds), until=both.wait())) for seconds in (120.0, 5.0)
    ]
    await asyncio.sleep(0)
    both.set()
    await asyncio.gather(*calls, return_exceptions=True)
    source.clock.advance(119)
    assert source.state == Circuit.OPEN


@pytest.mark.parametrize("error", [Throttled("too many", None), Blocked("firewall")])
async def test_a_ban_without_a_time_lasts_as_long_as_set(error: SourceError) -> None:
    source = Source()
    await source.fail(1, error)
    source.clock.advance(59)
    assert source.state == Circuit.OPEN
    source.clock.advance(1)
    assert source.state == Circuit.HALF_OPEN


async def test_an_answer_to_a_call_from_before_does_not_close_it() -> None:
    source = Source()
    answered = asyncio.Event()
    early = asyncio.create_task(source.call(until=answered.wait()))
    await asyncio.sleep(0)
    await source.fail(1, Throttled("too many", 120.0))
    answered.set()
    await early
    assert source.state == Circuit.OPEN


async def test_a_failure_from_before_does_not_lengthen_the_pause() -> None:
    source = Source()
    over = asyncio.Event()
    late = asyncio.create_task(source.call(SourceFailed("late"), until=over.wait()))
    await asyncio.sleep(0)
    await source.fail(3)
    source.clock.advance(9)
    over.set()
    await asyncio.gather(late, return_exceptions=True)
    source.clock.advance(1)
    assert source.state == Circuit.HALF_OPEN


async def test_a_source_that_will_not_serve_here_is_off_for_good_with_one_line_in_the_log() -> None:
    source = Source()
    both = asyncio.Event()
    with capture_logs() as logs:
        calls = [asyncio.create_task(source.call(Unavailable("restricted"), until=both.wait())) for _ in range(5)]
        await asyncio.sleep(0)
        both.set()
        await asyncio.gather(*calls, return_exceptions=True)
        source.clock.advance(1_000_000)
        with pytest.raises(NotAsked, match="switched off: restricted"):
            await source.call()
    assert source.state == Circuit.OFF
    assert [entry["event"] for entry in logs] == ["prices.source_off"]


async def test_an_answer_that_comes_late_does_not_switch_it_on_again() -> None:
    source = Source()
    answered = asyncio.Event()
    early = asyncio.create_task(source.call(until=answered.wait()))
    await asyncio.sleep(0)
    await source.fail(1, Unavailable("restricted"))
    answered.set()
    await early
    assert source.state == Circuit.OFF


async def test_opening_and_recovery_are_one_line_each() -> None:
    source = Source()
    with capture_logs() as logs:
        await source.fail(3)
        source.clock.advance(10)
        await source.fail()
        source.clock.advance(20)
        await source.call()
        await source.call()
    assert [entry["event"] for entry in logs] == ["prices.source_failed", "prices.source_recovered"]


async def test_a_programming_error_passes_and_leaves_no_try_behind() -> None:
    source = Source()
    await source.fail(3)
    source.clock.advance(10)
    with pytest.raises(ZeroDivisionError):
        await source.call(ZeroDivisionError())
    await source.call()
    assert source.state == Circuit.CLOSED
