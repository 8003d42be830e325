"""Days one by one: every day is there, gaps are gaps, and each figure is that of the period it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.ledger.snapshots import RELOAD_SECONDS
from portfolio.application.performance.records import DayResult
from portfolio.application.performance.series.daily import DailySeries, ReadSeries, SeriesDay
from portfolio.application.prices.closes import ReadCloses
from portfolio.application.prices.records import Close
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_stores import FakeLeases, FakePriceStore
from tests.unit.application.ledger.booking_examples import opened
from tests.unit.application.performance.reading import reader
from tests.unit.application.performance.test_benchmark import closing, walk
from tests.unit.application.performance.test_period import TODAY, YESTERDAY, ledger_of, row, series
from tests.unit.application.performance.test_timeframes import BTC, ETH, FIRST, World
from tests.unit.examples import money


def series_reader(ledger: FakeLedger, clock: FakeClock, prices: FakePriceStore | None = None) -> ReadSeries:
    """Return the use case on these books."""
    store = prices or FakePriceStore(ledger, FakeLeases())
    performance = reader(ledger, clock, prices=store)
    return ReadSeries(performance.read_history, performance.snapshots, ReadCloses(store, clock))


async def read(ledger: FakeLedger, days: int = 3650, benchmark: Symbol | None = None) -> DailySeries:
    found = await series_reader(ledger, FakeClock())(days, benchmark)
    for day in (*found.days, found.today):
        check(day)
    return found


def check(day: SeriesDay) -> None:
    """Whatever is None has a reason, and nothing else has one."""
    names = ("value", "net_deposits", "unit_value", "unit_index", "drawdown", "benchmark_close", "benchmark_index")
    assert {name for name in names if getattr(day, name) is None} == set(day.reasons)


def column(days: Sequence[SeriesDay], name: str) -> list[object]:
    return [getattr(day, name) for day in days]


async def test_every_day_is_there_from_the_end_of_which_the_period_begins() -> None:
    found = await read(ledger_of([row(9, 7), *series([1, "1.1", "1.21", "1.331"]), row(0, 99)]), 3)
    assert column(found.days, "day") == [TODAY - timedelta(days=n) for n in (4, 3, 2, 1)]
    assert column(found.days, "value") == [money(1000), money(1100), money(1210), money(1331)]
    assert column(found.days, "unit_index") == [Decimal(100), Decimal(110), Decimal(121), Decimal("133.1")]
    assert column(found.days, "net_deposits") == [money(1000)] * 4
    assert (found.gaps, found.period_days, found.convention) == ([], 3, "crypto-365-v1")


async def test_a_day_without_a_value_is_a_gap() -> None:
    found = await read(ledger_of([row(4, 1), row(3, 2), row(1, "1.5")]))
    gap = found.days[2]
    assert found.gaps == [gap.day] == [TODAY - timedelta(days=2)]
    assert (gap.value, gap.net_deposits, gap.unit_value, gap.unit_index, gap.drawdown) == (None,) * 5
    assert set(gap.reasons.values()) == {"no_value", "no_benchmark_close"}
    assert found.days[3].drawdown == Decimal("-0.25")  # from the peak before the gap


async def test_drawdowns_are_those_of_the_performance_over_the_same_days() -> None:
    ledger = ledger_of(series(walk(120, seed=1)), now="700")
    performance = await reader(ledger, FakeClock())(100)
    found = await read(ledger, 100)
    assert min(day.drawdown for day in found.days if day.drawdown is not None) == performance.max_drawdown
    assert found.days[-1].drawdown == performance.current_drawdown


async def test_today_is_so_far_and_apart_from_the_days_that_are_over() -> None:
    found = await read(ledger_of(series([1, 2]), now="1500"))
    assert (found.today.day, found.today.value, found.today.estimated) == (TODAY, money(1500), "not_over")
    assert (found.today.unit_index, found.today.drawdown) == (Decimal(150), Decimal("-0.25"))
    assert found.days[-1].day == YESTERDAY


async def test_without_a_day_that_is_over_there_is_today_alone() -> None:
    found = await read(ledger_of([]))
    assert (found.days, found.gaps, found.months, found.years) == ([], [], [], [])
    assert (found.today.unit_index, found.today.drawdown) == (Decimal(100), Decimal(0))
    assert found.distribution.bins == []
    assert [(one.window_days, one.days) for one in found.rolling] == [(30, []), (90, [])]


async def test_from_the_first_day_worth_nothing_on_nothing_is_relative() -> None:
    ruined = replace(row(2, 1), total_value=money("-3"))
    found = await read(ledger_of([row(4, 1), row(3, "0.5"), ruined, row(1, 1)]))
    assert column(found.days, "drawdown") == [Decimal(0), Decimal("-0.5"), None, None]
    assert column(found.days, "unit_index") == [Decimal(100), Decimal(50), None, None]
    assert found.days[3].reasons["drawdown"] == found.today.reasons["drawdown"] == "value_not_positive"
    assert found.days[2].value == money("-3")


async def test_the_benchmark_is_100_on_the_first_day_too() -> None:
    ledger = ledger_of(series([1, 1, 1]))
    closing(ledger, [200, None, 300])
    found = await read(ledger)
    assert column(found.days, "benchmark_close") == [Decimal(200), None, Decimal(300)]
    assert column(found.days, "benchmark_index") == [Decimal(100), None, Decimal(150)]
    closing(ledger, [50, 75], ETH)
    found = await read(ledger, benchmark=ETH)
    assert (found.benchmark, column(found.days, "benchmark_index")) == (ETH, [None] * 3)
    assert found.days[2].reasons["benchmark_index"] == "no_benchmark_close_at_start"


async def test_days_of_another_program_are_marked_as_adopted() -> None:
    old = replace(row(3, 1), unit_value=None, net_deposits=None, realized_pnl=None)
    first = row(2, 1)
    result = replace(row(2, 1), result=None)
    first = replace(result, result=DayResult(pnl=money(0), percent=Decimal(0), cumulative_percent=Decimal(0)))
    found = await read(ledger_of([old, first, row(1, 1)]))
    assert column(found.days, "estimated") == ["adopted", None, None]


async def world_of_two_days() -> World:
    """Bitcoin bought on the first day, sold on the third; ether bought on the second and held."""
    clock = FakeClock(FIRST)
    world = World(await opened(clock), clock)
    await world.trade(BTC, Side.BUY, "0.1", "30000")
    await world.refresh(BTC="30000")
    world.sleep()
    await world.trade(ETH, Side.BUY, "1", "2000")
    await world.refresh(BTC="30000", ETH="2000")
    world.sleep()
    await world.trade(BTC, Side.SELL, "0.1", "30000")
    await world.refresh(ETH="2000")
    world.sleep()
    world.ledger.books.ticks.clear()
    return world


def close(world: World, symbol: Symbol, days_after: int) -> None:
    day = FIRST.date() + timedelta(days=days_after)
    found = Close(symbol=symbol, day=day, price=Price(Decimal(2)), source="candles")
    world.ledger.books.closes[symbol, day] = found


async def test_a_day_is_estimated_where_something_held_at_its_end_has_no_close() -> None:
    world = await world_of_two_days()
    close(world, BTC, 1)
    close(world, ETH, 2)
    found = await series_reader(world.ledger, world.clock, world.prices)(30)
    first = FIRST.date()
    marks = {day.day: (day.estimated, [symbol.code for symbol in day.without_close]) for day in found.days}
    assert marks == {
        first - timedelta(days=1): (None, []),  # the opening: nothing was held
        first: ("no_close", ["BTC"]),
        first + timedelta(days=1): ("no_close", ["ETH"]),
        first + timedelta(days=2): (None, []),  # bitcoin was sold by then
    }
    assert (found.estimates_known, found.stale) == (True, False)


async def test_where_closes_cannot_be_read_no_day_is_marked_and_that_is_said() -> None:
    world = await world_of_two_days()
    store = FakePriceStore(world.ledger, FakeLeases())
    reading = series_reader(world.ledger, world.clock, store)

    async def away(*args: object, **kwargs: object) -> list[Close]:
        raise LedgerUnavailable("away")

    store.closes = away  # type: ignore[method-assign] # the database answers, but for the closes
    found = await reading(30)
    assert (found.estimates_known, found.stale) == (False, True)
    assert column(found.days, "estimated") == [None] * 4
    assert {day.reasons["benchmark_close"] for day in found.days} == {"history_unavailable"}


async def test_with_the_database_away_the_days_last_seen_are_answered() -> None:
    ledger, clock = ledger_of(series([1, 2])), FakeClock()
    reading = series_reader(ledger, clock)
    before = await reading(30)
    ledger.away = True
    clock.advance(RELOAD_SECONDS + 1)
    after = await reading(30)
    assert after.days == before.days
    assert (before.stale, after.stale, after.as_of) == (False, True, before.as_of)


@pytest.mark.parametrize("days", [0, -1, 3651])
async def test_a_period_is_1_to_3650_days(days: int) -> None:
    with pytest.raises(AssertionError):
        await series_reader(ledger_of([]), FakeClock())(days)


async def test_the_figures_of_the_days_are_those_of_the_performance() -> None:
    ledger = ledger_of(series(walk(60, seed=2)))
    found = await read(ledger, 40)
    assert found.performance == await reader(ledger, FakeClock())(40)


async def test_a_day_that_is_given_counts_as_today_whatever_the_clock_says() -> None:
    ledger = ledger_of(series([1, 2, 3, 4]))
    reading = series_reader(ledger, FakeClock())
    found = await reading.of(await reading.snapshots.newest(), 30, today=YESTERDAY)
    assert (found.today.day, found.days[-1].day) == (YESTERDAY, YESTERDAY - timedelta(days=1))


async def test_costs_are_the_fees_of_the_trades_that_stand() -> None:
    clock = FakeClock(FIRST)
    world = World(await opened(clock), clock)
    await world.trade(BTC, Side.BUY, "0.1", "30000", "3")
    await world.trade(BTC, Side.SELL, "0.05", "40000", "1")
    await world.trade(ETH, Side.BUY, "1", "2000", "5")
    await world.trade(ETH, Side.BUY, "1", "2100", "7")
    await world.back(4)
    await world.refresh(BTC="30000", ETH="2000")
    world.sleep()
    costs = (await series_reader(world.ledger, clock)(30)).costs
    assert [(one.symbol, one.trades, one.notional, one.fees, one.fees_percent) for one in costs.assets] == [
        (ETH, 1, money(2000), money(5), Decimal("0.25")),
        (BTC, 2, money(5000), money(4), Decimal("0.08")),
    ]
    assert (costs.trades, costs.notional, costs.fees) == (3, money(7000), money(9))
    assert costs.fees_percent == Decimal("0.128571")  # 9 / 7000


async def test_costs_of_no_trades_are_none() -> None:
    costs = (await read(ledger_of(series([1, 2])))).costs
    assert (costs.trades, costs.fees, costs.fees_percent, costs.assets) == (0, money(0), None, [])
