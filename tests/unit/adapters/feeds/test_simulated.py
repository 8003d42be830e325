import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from portfolio.adapters.clock import SystemClock
from portfolio.adapters.feeds.simulated import SimulatedExchanges, SimulatedFeed
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import NOON, FakeClock
from tests.support.fakes.fake_prices import BTC, ETH

USDT = Symbol("USDT")


async def price_now(feed: SimulatedFeed, symbol: Symbol) -> Decimal:
    return (await feed.quotes([symbol])).quotes[symbol].price.value


async def test_the_same_seed_and_moment_give_the_same_price_whatever_was_asked_before() -> None:
    one, other = SimulatedFeed(FakeClock()), SimulatedFeed(FakeClock())
    await other.daily_closes(BTC, date(2024, 1, 1), date(2025, 1, 1))
    assert await price_now(one, BTC) == await price_now(other, BTC)


async def test_another_seed_gives_other_prices() -> None:
    assert await price_now(SimulatedFeed(FakeClock()), BTC) != await price_now(SimulatedFeed(FakeClock(), seed=1), BTC)


async def test_every_price_says_that_it_is_simulated() -> None:
    feed = SimulatedFeed(FakeClock())
    report = await feed.quotes([BTC, Symbol("NOSUCH")])
    assert {quote.source for quote in report.quotes.values()} == {"simulated"}
    closes = await feed.daily_closes(BTC, date(2025, 6, 1), date(2025, 6, 2))
    assert {close.source for close in closes} == {"simulated"}
    assert set(feed.states()) == {"simulated"}


async def test_prices_move_and_minute_by_minute_only_a_little() -> None:
    clock = FakeClock()
    feed = SimulatedFeed(clock)
    seen = []
    for _ in range(24 * 60):  # across a midnight
        seen.append(float(await price_now(feed, BTC)))
        clock.advance(60)
    steps = [abs(b / a - 1) for a, b in pairwise(seen)]
    assert max(steps) < 0.02
    assert len(set(seen)) > 1000


async def test_the_last_price_of_a_day_is_its_close() -> None:
    clock = FakeClock(NOON.replace(hour=23, minute=59, second=59, microsecond=999_999))
    feed = SimulatedFeed(clock)
    [close] = await feed.daily_closes(ETH, NOON.date(), NOON.date())
    assert float(await price_now(feed, ETH)) == pytest.approx(float(close.price.value), rel=1e-6)


@contextmanager
def counted_steps() -> Iterator[list[int]]:
    """Count how often something beside has its turn on the loop, until it is left."""
    steps = [0]

    async def step() -> None:
        while True:
            steps[0] += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(step())
    try:
        yield steps
    finally:
        beside.cancel()


async def test_others_take_many_steps_while_first_prices_are_made() -> None:
    # A question to a database takes dozens of steps of the loop: of one step a symbol it took as many walks.
    feed, symbols = SimulatedFeed(SystemClock()), [Symbol(f"NEW{n}") for n in range(20)]
    with counted_steps() as steps:
        await feed.quotes(symbols[:10])
    assert steps[0] > 10 * 20
    with counted_steps() as steps:
        for symbol in symbols[10:]:
            await feed.daily_closes(symbol, NOON.date(), NOON.date())
    assert steps[0] > 10 * 20


async def test_daily_closes_have_the_volatility_they_are_made_with() -> None:
    feed = SimulatedFeed(FakeClock())
    closes = await feed.daily_closes(BTC, date(2023, 1, 1), date(2026, 12, 31))
    levels = [math.log(float(close.price.value)) for close in closes]
    steps = [b - a for a, b in pairwise(levels)]
    deviation = math.sqrt(sum(step * step for step in steps) / len(steps))
    # 1,460 draws of 0.03: the standard error is 0.03 / sqrt(2 x 1460) = 0.00056
    assert deviation == pytest.approx(0.03, abs=4 * 0.00056)


async def test_well_known_assets_begin_where_they_were_and_stablecoins_stay_a_dollar() -> None:
    feed = SimulatedFeed(FakeClock())
    epoch = date(2025, 1, 1)
    [btc] = await feed.daily_closes(BTC, epoch, epoch)
    assert btc.price.value == 94_000
    closes = await feed.daily_closes(USDT, epoch, epoch + timedelta(days=365))
    assert all(abs(close.price.value - 1) < Decimal("0.02") for close in closes)


async def test_it_stands_where_the_exchanges_do_and_has_no_second_opinion() -> None:
    exchanges = SimulatedExchanges(FakeClock())
    assert set((await exchanges.prices.quotes([BTC])).quotes) == {BTC}
    report = await exchanges.prices.quotes_elsewhere({BTC: "simulated"})
    assert not report.quotes
    assert set(report.failures) == {BTC}
    assert len(await exchanges.closes.daily_closes(BTC, date(2025, 6, 1), date(2025, 6, 2))) == 2
    assert exchanges.least_interval_seconds(200) == 0
    await exchanges.close()


async def test_others_have_their_turn_between_the_symbols() -> None:
    feed, symbols = SimulatedFeed(FakeClock()), [Symbol(f"C{n}") for n in range(20)]
    with counted_steps() as turns:
        await feed.quotes(symbols)
    assert turns[0] >= len(symbols)
    with counted_steps() as turns:
        for symbol in symbols:
            await feed.daily_closes(symbol, date(2024, 6, 1), date(2025, 6, 2))
    assert turns[0] >= len(symbols)
