import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from portfolio.application.errors import LeaseLost, LedgerUnavailable
from portfolio.application.prices.records import Fence
from portfolio.application.prices.refresh import RefreshReport
from portfolio.domain.mark import Mark
from portfolio.entrypoints.kept_lease import KeptLease
from portfolio.entrypoints.price_loop import PriceLoop, Schedule
from tests.support.fakes.clock import NOON, FakeClock
from tests.support.fakes.fake_prices import BTC, ETH, OneLease, RecordingPrices, price

REPORT = RefreshReport(
    refreshed={BTC: Mark(price(1), "coinbase", NOON)}, failed={ETH: "none"}, at=NOON, duration_seconds=0.25
)


class Bench:
    """A loop on a clock that its own waiting moves; ``go`` lets it wait so many times."""

    def __init__(
        self, *, interval: float = 60, least: Callable[[int], float] = lambda symbols: 0.0, lease: float = 1800
    ) -> None:
        self.clock = FakeClock()
        self.leases = OneLease()
        self.prices = RecordingPrices()
        self.ticks: list[float] = []
        self.fences: list[Fence | None] = []
        self.errors: list[BaseException] = []
        self.tick_seconds = 0.0
        self.unreachable: str | None = None
        self.waits_left = 0
        self.idle = asyncio.Event()
        self.more = asyncio.Event()
        self.loop = PriceLoop(
            self.refresh,
            KeptLease(self.leases, self.clock, holder="me", seconds=lease),
            self.prices,
            self.clock,
            Schedule(interval_seconds=interval, least_interval=least, retention_days=7),
            wait=self.wait,
        )

    async def refresh(self, fence: Fence | None) -> RefreshReport:
        self.ticks.append(self.clock.monotonic() - 1000)
        self.fences.append(fence)
        self.clock.advance(self.tick_seconds)
        if self.errors:
            raise self.errors.pop(0)
        return replace(REPORT, unreachable=self.unreachable)

    async def wait(self, seconds: float) -> None:
        while self.waits_left == 0:
            self.idle.set()
            self.more.clear()
            await self.more.wait()
        self.waits_left -= 1
        await self.clock.sleep(seconds)

    async def go(self, waits: int = 0) -> None:
        """Start, or go on, until the loop has waited so often and wants to wait again."""
        self.loop.start()
        self.waits_left = waits
        self.idle.clear()
        self.more.set()
        await asyncio.wait_for(self.idle.wait(), 10)


async def forever(seconds: float) -> None:
    """Wait for what does not come."""
    await asyncio.Event().wait()


async def test_the_first_tick_is_at_once_and_the_next_ones_an_interval_apart() -> None:
    bench = Bench()
    await bench.go(3)
    assert bench.ticks == [0, 60, 120, 180]
    await bench.loop.stop()


async def test_a_tick_longer_than_the_interval_is_followed_by_the_next_and_never_overlapped() -> None:
    bench = Bench(interval=5)
    bench.tick_seconds = 12
    await bench.go(2)
    assert bench.ticks == [0, 12, 24]
    await bench.loop.stop()


async def test_the_wall_clock_does_not_move_the_interval() -> None:
    bench = Bench()
    await bench.go()
    bench.clock.set_wall_clock(NOON + timedelta(hours=1))
    await bench.go(1)
    assert bench.ticks == [0, 60]
    await bench.loop.stop()


async def test_the_interval_is_stretched_to_what_the_exchanges_allow_for_what_is_held() -> None:
    bench = Bench(interval=5, least=lambda symbols: symbols * 10.0)
    await bench.go(8)
    assert bench.loop.interval_seconds == 20  # two symbols held, one of them failed
    assert [tick for tick in bench.ticks if tick <= 40] == [0, 20, 40]
    await bench.loop.stop()


async def test_between_ticks_far_apart_the_lease_is_renewed_three_times_in_its_life() -> None:
    bench = Bench(interval=600, lease=15)
    await bench.go(119)
    assert bench.ticks == [0]
    assert bench.leases.acquired == [15] * 120
    assert set(bench.clock.slept) == {5}
    await bench.go(1)
    assert bench.ticks == [0, 600]
    await bench.loop.stop()


async def test_during_a_long_tick_the_lease_is_renewed_whatever_becomes_of_the_renewals() -> None:
    leases, clock, ends = OneLease(), FakeClock(), asyncio.Event()

    async def refresh(fence: Fence | None) -> RefreshReport:
        await leases.until_asked(2)
        leases.error = LedgerUnavailable("for a moment")
        await leases.until_asked(4)
        leases.error = None
        await leases.until_asked(6)
        ends.set()
        return REPORT

    lease = KeptLease(leases, clock, holder="me", seconds=0.03)
    loop = PriceLoop(refresh, lease, RecordingPrices(), clock, Schedule(interval_seconds=60), wait=forever)
    loop.start()
    await asyncio.wait_for(ends.wait(), 10)
    assert loop.is_leader
    assert leases.token == 1
    await loop.stop()


async def test_who_has_not_renewed_in_time_does_not_call_itself_the_leader() -> None:
    bench = Bench(lease=15)
    await bench.go()
    claims = []
    for seconds in (14.9, 0.1):  # as if the process had been stopped for so long
        bench.clock.advance(seconds)
        claims.append(bench.loop.is_leader)
    await bench.go(1)
    assert [*claims, bench.loop.is_leader] == [True, False, True]
    await bench.loop.stop()


async def test_in_a_long_pause_after_failures_the_lease_runs_out() -> None:
    bench = Bench(lease=15)
    bench.errors = [RuntimeError("down") for _ in range(4)]
    await bench.go(3)
    assert bench.clock.slept == [2, 4, 8]
    bench.clock.advance(15)
    assert not bench.loop.is_leader
    await bench.loop.stop()


async def test_who_does_not_hold_the_lease_waits_and_takes_over_when_it_is_free() -> None:
    bench = Bench()
    bench.leases.owner = "another"
    await bench.go(5)
    assert bench.ticks == []
    assert not bench.loop.is_leader
    bench.leases.owner = None
    await bench.go(1)
    assert len(bench.ticks) == 1
    assert bench.leases.released == []
    await bench.loop.stop()


async def test_the_refresh_gets_the_fence_of_the_lease() -> None:
    bench = Bench()
    await bench.go()
    assert bench.fences == [Fence(name="prices", holder="me", token=1)]
    await bench.loop.stop()


async def test_a_lease_lost_during_a_tick_ends_the_leadership_and_no_tick_is_counted() -> None:
    bench = Bench()
    bench.errors = [LeaseLost("newer")]
    await bench.go()
    assert not bench.loop.is_leader
    assert bench.loop.last_cycle_age_seconds is None
    await bench.go(1)
    assert bench.clock.slept == [600]  # a third of the lease: then it is asked for again
    await bench.loop.stop()


@pytest.mark.parametrize("error", [LedgerUnavailable("away"), RuntimeError("a bug"), asyncio.CancelledError()])
async def test_whatever_a_tick_raises_the_loop_goes_on(error: BaseException) -> None:
    bench = Bench()
    bench.errors = [error]
    with capture_logs() as logs:
        await bench.go(1)
    assert bench.ticks == [0, 2]
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["prices.cycle_failed"]
    assert bench.loop.last_cycle_age_seconds == 0
    await bench.loop.stop()


async def test_the_pause_after_failures_doubles_up_to_a_minute_and_begins_anew_after_a_success() -> None:
    bench = Bench(interval=60)
    bench.errors = [RuntimeError("down") for _ in range(8)]
    await bench.go(8)
    assert bench.clock.slept == [2, 4, 8, 16, 32, 60, 60, 60]
    bench.errors = [RuntimeError("down again")]
    await bench.go(2)
    assert bench.clock.slept[-2:] == [60, 2]
    await bench.loop.stop()


async def test_prices_are_refreshed_again_however_long_nothing_went_through() -> None:
    """A float holds 2**1023 and no more: that many failures are 17 hours."""
    bench = Bench(interval=60)
    bench.errors = [RuntimeError("down") for _ in range(1_100)]
    with capture_logs():
        await bench.go(1_101)
    assert bench.clock.slept[-2:] == [60, 60]
    assert bench.loop.last_cycle_age_seconds == 0
    await bench.loop.stop()


def said(logs: Sequence[Mapping[str, Any]], *names: str) -> list[tuple[str, str]]:
    return [(line["log_level"], line["event"]) for line in logs if line["event"] in names]


async def test_taking_and_losing_the_lease_is_one_line_each() -> None:
    bench = Bench()
    with capture_logs() as logs:
        await bench.go(2)
        bench.leases.owner = "another"
        await bench.go(3)
        bench.leases.owner = None
        await bench.go(2)
    assert said(logs, "prices.lease_taken", "prices.lease_lost") == [
        ("info", "prices.lease_taken"),
        ("warning", "prices.lease_lost"),
        ("info", "prices.lease_taken"),
    ]
    await bench.loop.stop()


async def test_where_nobody_was_ever_reached_one_warning_names_the_cause_and_the_simulated_feed() -> None:
    bench = Bench()
    bench.unreachable = "coinbase: connection refused; binance: no such host"
    with capture_logs() as logs:
        await bench.go(3)
    [line] = [line for line in logs if line["event"] == "prices.no_source_ever_answered"]
    assert line["log_level"] == "warning"
    assert line["reason"] == bench.unreachable
    assert "PORTFOLIO_PRICE_FEED=simulated" in line["advice"]
    await bench.loop.stop()


async def test_a_lease_table_that_is_away_is_a_failed_tick_like_any_other() -> None:
    bench = Bench()
    bench.leases.error = LedgerUnavailable("away")
    await bench.go(3)
    assert bench.ticks == []
    bench.leases.error = None
    await bench.go(1)
    assert len(bench.ticks) == 1
    await bench.loop.stop()


async def test_the_age_of_the_last_tick_grows_until_the_next() -> None:
    bench = Bench()
    await bench.go()
    bench.clock.advance(30)
    assert bench.loop.last_cycle_age_seconds == 30
    await bench.loop.stop()


async def test_one_event_says_what_a_tick_brought() -> None:
    bench = Bench()
    with capture_logs() as logs:
        await bench.go()
    [event] = [entry for entry in logs if entry["event"] == "prices.refreshed"]
    assert event["refreshed"] == 1
    assert event["failed"] == {"ETH": "none"}
    assert event["sources"] == ["coinbase"]
    assert event["duration_seconds"] == 0.25
    await bench.loop.stop()


async def test_ticks_are_thinned_once_a_day() -> None:
    bench = Bench(interval=3600)
    await bench.go(24 * 6)
    assert bench.prices.thinned == [NOON - timedelta(days=7), NOON + timedelta(hours=12) - timedelta(days=7)]
    await bench.loop.stop()


async def test_days_of_old_ticks_are_thinned_one_a_tick_so_that_prices_go_on() -> None:
    bench = Bench()
    bench.prices.old_ticks = [7, 7, 7]
    await bench.go(6)
    assert len(bench.prices.thinned) == 4  # three days, and then none is left
    assert bench.ticks == [0, 60, 120, 180, 240, 300, 360]
    await bench.loop.stop()


async def test_the_lease_is_renewed_while_ticks_are_thinned() -> None:
    bench = Bench(lease=0.03)
    bench.prices.thins.clear()
    bench.loop.start()
    await asyncio.wait_for(bench.leases.until_asked(5), 10)
    assert (len(bench.ticks), len(bench.prices.thinned)) == (1, 1)
    bench.prices.thins.set()
    await bench.loop.stop()


async def test_thinning_that_fails_spoils_no_tick_and_is_tried_again() -> None:
    bench = Bench()
    bench.prices.error = LedgerUnavailable("away")
    await bench.go()
    assert bench.loop.last_cycle_age_seconds == 0
    bench.prices.error = None
    await bench.go(1)
    assert bench.ticks == [0, 60]
    assert len(bench.prices.thinned) == 1
    await bench.loop.stop()


async def test_stopping_gives_the_lease_up_and_ends_at_once() -> None:
    bench = Bench()
    await bench.go()
    await asyncio.wait_for(bench.loop.stop(), 1)
    assert bench.leases.released == ["me"]
    assert not bench.loop.is_leader


async def test_stopping_without_the_lease_gives_nothing_up() -> None:
    bench = Bench()
    bench.leases.owner = "another"
    await bench.go()
    await bench.loop.stop()
    assert bench.leases.released == []


async def test_a_lease_that_was_just_being_taken_is_given_up_too() -> None:
    leases = OneLease()
    leases.answers.clear()
    lease = KeptLease(leases, FakeClock(), holder="me")
    loop = PriceLoop(lambda fence: forever(0), lease, RecordingPrices(), FakeClock(), Schedule(interval_seconds=60))  # type: ignore[arg-type,return-value]  # it never comes to a refresh
    loop.start()
    await leases.until_asked(1)
    await asyncio.wait_for(loop.stop(), 1)
    assert leases.released == ["me"]


async def test_stopping_in_the_middle_of_a_tick_ends_it() -> None:
    leases, begun, forever = OneLease(), asyncio.Event(), asyncio.Event()

    async def refresh(fence: Fence | None) -> RefreshReport:
        begun.set()
        await forever.wait()
        return REPORT

    lease = KeptLease(leases, FakeClock(), holder="me")
    loop = PriceLoop(refresh, lease, RecordingPrices(), FakeClock(), Schedule(interval_seconds=60))
    loop.start()
    await begun.wait()
    await asyncio.wait_for(loop.stop(), 1)
    assert leases.released == ["me"]


async def test_stopping_with_the_database_away_still_ends() -> None:
    bench = Bench()
    await bench.go()
    bench.leases.error = LedgerUnavailable("away")
    await bench.loop.stop()
    assert not bench.loop.is_leader


async def test_starting_twice_is_one_loop_and_stopping_twice_is_harmless() -> None:
    bench = Bench()
    await bench.go()
    await bench.go()
    assert len(bench.ticks) == 1
    await bench.loop.stop()
    await bench.loop.stop()
