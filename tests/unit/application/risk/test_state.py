"""The market state: what its statistics are made of, when closes are read again, and what is in its view."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.in_thread import in_thread
from portfolio.application.ledger.snapshots import Snapshots
from portfolio.application.prices.exchange_rules import ReadExchangeRules
from portfolio.application.prices.records import Close
from portfolio.application.risk.state import MarketState, ReadMarket, weights_of
from portfolio.domain.categories import Categories
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.summary import Summary
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import NOON, FakeClock
from tests.support.fakes.fake_books import Books
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_rules import FakeExchangeRules
from tests.support.fakes.fake_stores import FakeLeases, FakePriceStore
from tests.support.fakes.joined_closes import joined_closes
from tests.unit.examples import mark, money, price, units

BTC, ETH = Symbol("BTC"), Symbol("ETH")
YESTERDAY = NOON.date() - timedelta(days=1)
MAX_AGE = timedelta(seconds=300)


class CountingStore(FakePriceStore):
    """Remembers what was asked; ``away`` and ``silent`` are about this alone."""

    away = silent = False

    def __init__(self, ledger: FakeLedger) -> None:
        super().__init__(ledger, FakeLeases())
        self.read: list[tuple[list[str], date]] = []
        self.looks = self.waited = 0

    async def closes(self, symbols: Collection[Symbol], *, since: date, until: date) -> Sequence[Close]:
        await self._answer()
        self.read.append((sorted(symbol.code for symbol in symbols), since))
        return await super().closes(symbols, since=since, until=until)

    async def changed_closes(self, *, after: int) -> Collection[Symbol]:
        await self._answer()
        self.looks += 1
        return await super().changed_closes(after=after)

    async def _answer(self) -> None:
        if self.away:
            raise LedgerUnavailable("the database is away")
        if self.silent:
            self.waited += 1
            await asyncio.Event().wait()

    @property
    def symbols_read(self) -> list[str]:
        """The symbols whose closes were read since the last look, in order."""
        symbols = [symbol for symbols, _ in self.read for symbol in symbols]
        self.read.clear()
        return symbols


class World:
    """A ledger, its prices and the use case under test."""

    def __init__(self, *positions: Position, prefers_simulated: bool = False, now: datetime = NOON) -> None:
        self.clock = FakeClock(now)
        held = {position.symbol: position for position in positions}
        portfolio = Portfolio(id=1, revision=1, cash=money(1000), positions=held)
        self.ledger = FakeLedger(Books(portfolio=portfolio, adopted=True))
        self.prices = CountingStore(self.ledger)
        self.snapshots = Snapshots(self.ledger, self.clock, 1)
        self.market = ReadMarket(
            self.snapshots,
            joined_closes(
                self.prices, self.clock, self.ledger, prefers_simulated=prefers_simulated, deadline_seconds=0.05
            ),
            self.clock,
            categories=Categories({"BTC": "store_of_value"}),
            policy=RebalancePolicy(),
            max_price_age=MAX_AGE,
            rules=ReadExchangeRules(FakeExchangeRules(), self.clock, ()),
        )

    async def refresh(self) -> None:
        """Bump the price revision, as every refresh does."""
        portfolio = self.ledger.books.portfolio
        assert portfolio is not None
        self.ledger.books.portfolio = replace(portfolio, price_revision=portfolio.price_revision + 1)

    async def closes(self, symbol: Symbol, *values: int, until: date = YESTERDAY, source: str = "candles") -> None:
        """Keep closes, the last one of ``until``."""
        days = [until - timedelta(days=len(values) - 1 - n) for n in range(len(values))]
        pairs = zip(days, values, strict=True)
        await self.prices.add_closes([Close(symbol=symbol, day=d, price=price(v), source=source) for d, v in pairs])


def held(symbol: Symbol, quantity: str = "1", at: str = "100") -> Position:
    """A position with a live price."""
    return Position(symbol=symbol, quantity=units(quantity), mark=mark(at))


ZIGZAG = [100 + n % 3 + n % 2 for n in range(31)]


async def test_statistics_are_exact_and_named_by_symbol_and_pair() -> None:
    world = World(held(ETH), held(BTC))
    await world.closes(BTC, *ZIGZAG)
    await world.closes(ETH, *ZIGZAG)
    state = await world.market()
    assert state.statistics.correlations.get(("BTC", "ETH")) == Decimal(1)
    assert state.view.holdings["BTC"].volatility == state.statistics.volatilities["ETH"]
    assert all(value.as_tuple().exponent == -12 for value in state.statistics.volatilities.values())
    # closes of the 31st and the 17th day: 100 + 30 % 3 + 30 % 2 = 100 and 100 + 16 % 3 + 16 % 2 = 101
    assert state.view.holdings["BTC"].momentum == Decimal("-0.019801980198")
    assert (state.lookback_days, state.at, state.as_of, state.stale) == (30, NOON, NOON, False)
    assert list(weights_of(state)) == [1 / 12, 1 / 12]


async def test_what_was_made_of_a_snapshot_is_freed_with_it_and_is_no_work_for_the_collector() -> None:
    world = World(held(BTC))
    await world.closes(BTC, *ZIGZAG)
    derived = weakref.ref((await world.market()).snapshot.derived)
    gc.collect()
    gc.disable()
    try:
        await world.refresh()
        await world.snapshots.newest()
        assert derived() is None
    finally:
        gc.enable()


async def test_statistics_of_a_large_table_are_computed_once_for_all_who_ask_at_once() -> None:
    symbols = [Symbol(f"S{number}") for number in range(40)]
    world = World(*map(held, symbols))
    for symbol in symbols:
        await world.closes(symbol, *[100 + n % 7 for n in range(365)])
    goes_on = threading.Event()
    held_up = asyncio.create_task(in_thread(goes_on.wait, 30))
    asking = [asyncio.create_task(world.market(days=365)) for _ in range(4)]
    for _ in range(200):
        await asyncio.sleep(0)
    asking[0].cancel()  # who came first goes away
    goes_on.set()
    assert await held_up
    states = await asyncio.gather(*asking[1:])
    assert len({id(state.statistics) for state in states}) == 1
    assert (await world.market(days=365)).statistics is states[0].statistics


async def test_prices_grow_old_though_the_portfolio_stands() -> None:
    world = World(held(BTC))
    await world.closes(BTC, *ZIGZAG)
    first = await world.market()
    world.clock.advance(MAX_AGE.total_seconds() + 1)
    later = await world.market()
    assert later.snapshot.portfolio is first.snapshot.portfolio
    assert (first.stale, later.stale) == (False, True)
    assert [state.view.holdings["BTC"].tradable for state in (first, later)] == [True, False]
    assert later.view.total_value == first.view.total_value


async def test_undefined_statistics_have_their_reason() -> None:
    world = World(held(BTC))
    await world.closes(BTC, 1, 2)
    state = await world.market()
    assert state.view.holdings["BTC"].volatility is None


async def test_momentum_is_of_its_own_days_whatever_the_lookback() -> None:
    world = World(held(BTC))
    await world.closes(BTC, *ZIGZAG)
    assert (await world.market(2)).view.holdings["BTC"].momentum == Decimal("-0.019801980198")


async def test_closes_are_read_once_while_the_price_revision_stands() -> None:
    world = World(held(BTC), held(ETH))
    await world.closes(BTC, *ZIGZAG)
    first = await world.market()
    second = await world.market()
    assert world.prices.symbols_read == ["BTC", "ETH"]
    assert first.statistics is second.statistics
    await world.market(90)
    assert (world.prices.symbols_read, world.prices.looks) == ([], 0)


async def test_after_a_refresh_it_is_asked_what_changed_and_nothing_read_again() -> None:
    world = World(held(BTC))
    await world.closes(BTC, *ZIGZAG)
    first = await world.market()
    await world.refresh()
    second = await world.market()
    assert (world.prices.symbols_read, world.prices.looks) == (["BTC"], 1)
    assert first.statistics is second.statistics


async def test_closes_that_changed_are_read_again_and_no_others() -> None:
    world = World(held(BTC), held(ETH))
    await world.closes(BTC, *ZIGZAG)
    await world.closes(ETH, *ZIGZAG)
    await world.market()
    assert world.prices.symbols_read == ["BTC", "ETH"]
    await world.closes(ETH, 500)
    state = await world.market()
    assert world.prices.symbols_read == ["ETH"]
    related = state.statistics.correlations.get(("BTC", "ETH"))
    assert related is not None
    assert related < Decimal("0.9")


async def test_a_new_day_and_six_hours_read_again() -> None:
    world = World(held(BTC))
    await world.market()
    world.clock.advance(6 * 3600 - 1)
    await world.market()
    assert world.prices.symbols_read == ["BTC"]
    world.clock.advance(1)
    await world.market()
    assert world.prices.symbols_read == ["BTC"]
    world.clock.set_wall_clock(NOON + timedelta(days=1))
    assert (await world.market()).statistics.history.last_day == NOON.date()
    assert world.prices.symbols_read == ["BTC"]


async def test_just_after_midnight_closes_are_kept_for_a_minute() -> None:
    world = World(held(BTC), now=datetime(2025, 6, 15, 0, 14, tzinfo=UTC))
    await world.market()
    world.clock.advance(59)
    await world.market()
    assert world.prices.symbols_read == ["BTC"]
    world.clock.advance(1)
    await world.market()
    assert world.prices.symbols_read == ["BTC"]
    world.clock.advance(61)
    await world.market()
    assert world.prices.symbols_read == []


async def test_a_longer_look_reads_as_far_back_and_serves_the_shorter_ones() -> None:
    world = World(held(BTC))
    await world.market()
    await world.market(366)
    await world.market()
    assert [(NOON.date() - since).days for _, since in world.prices.read] == [366, 3651]
    # What is written then is looked for as far back.
    await world.closes(BTC, *ZIGZAG)
    await world.market()
    assert [(NOON.date() - since).days for _, since in world.prices.read][2:] == [3651]


async def test_of_thousands_of_assets_asked_about_those_in_use_alone_are_kept() -> None:
    world = World(held(BTC))
    many, more = ({Symbol(f"{letter}{number}"): None for number in range(1_000)} for letter in "ST")
    state = await world.market.of(await world.snapshots.newest(), also=many)
    assert len(state.view.holdings) == 1_001
    assert len(world.prices.symbols_read) == 1_001
    await world.market.of(await world.snapshots.newest(), also=more)
    assert len(world.prices.symbols_read) == 1_000
    await world.market()
    await world.market.of(await world.snapshots.newest(), also={Symbol("S1"): None, Symbol("X"): None})
    assert world.prices.symbols_read == ["X"]
    await world.market.of(await world.snapshots.newest(), also={Symbol("S2"): None})
    assert world.prices.symbols_read == ["S2"]


async def test_lookbacks_in_use_are_kept_and_others_forgotten() -> None:
    world = World(held(BTC))
    first = await world.market()
    for days in range(31, 46):
        await world.market(days)
    assert (await world.market()).statistics is first.statistics
    for days in range(46, 62):
        await world.market(days)
    assert (await world.market()).statistics is not first.statistics


@pytest.mark.parametrize("fault", ["away", "silent"])
async def test_without_the_store_the_last_closes_are_used_and_the_state_is_stale(fault: str) -> None:
    world = World(held(BTC))
    await world.closes(BTC, *ZIGZAG)
    before = await world.market()
    await world.refresh()
    setattr(world.prices, fault, True)
    state = await world.market()
    assert (state.stale, state.closes.is_known) == (True, True)
    assert state.statistics.volatilities == before.statistics.volatilities
    more = await world.market.of(await world.snapshots.newest(), also={ETH: None})
    assert not more.closes.is_known
    world.clock.set_wall_clock(NOON + timedelta(days=1))
    assert (await world.market()).statistics.volatilities == {}


async def test_after_a_silence_nobody_waits_for_the_closes_for_a_while() -> None:
    world = World(held(BTC))
    await world.closes(BTC, *ZIGZAG)
    await world.market()
    await world.refresh()
    world.prices.silent = True
    assert [(await world.market()).stale for _ in range(3)] == [True] * 3
    assert world.prices.waited == 1
    world.prices.silent = False
    assert (await world.market()).stale
    world.clock.advance(3)
    assert not (await world.market()).stale


@pytest.mark.parametrize(
    ("prefers", "expected"), [(False, ["BTC"]), (True, ["ETH"])], ids=["real feed", "simulated feed"]
)
async def test_where_real_and_simulated_closes_meet_the_feed_decides(prefers: bool, expected: list[str]) -> None:
    world = World(held(BTC), held(ETH), prefers_simulated=prefers)
    await world.closes(BTC, *ZIGZAG)
    await world.closes(ETH, *ZIGZAG, source="simulated")
    state = await world.market()
    assert list(state.statistics.volatilities) == expected
    assert (state.closes.simulated_history, state.closes.mixed_history) == (prefers, ["BTC"] if prefers else ["ETH"])


async def test_closes_that_were_converted_at_an_assumed_rate_are_named() -> None:
    world = World(held(BTC), held(ETH))
    await world.closes(BTC, *ZIGZAG)
    await world.closes(ETH, *ZIGZAG)
    assert (await world.market()).closes.assumed_rate_history == []
    await world.closes(ETH, 100, until=YESTERDAY - timedelta(days=7), source="binance+assumed-rate")
    assert (await world.market()).closes.assumed_rate_history == ["ETH"]


@pytest.mark.parametrize(("prefers", "source"), [(True, "candles"), (False, "simulated")])
async def test_closes_of_one_kind_are_used_whatever_the_feed(prefers: bool, source: str) -> None:
    world = World(held(BTC), prefers_simulated=prefers)
    await world.closes(BTC, *ZIGZAG, source=source)
    state = await world.market()
    assert (list(state.statistics.volatilities), state.closes.mixed_history) == (["BTC"], [])
    assert state.closes.simulated_history is (source == "simulated")


async def test_the_view_is_the_portfolio_to_the_last_digit() -> None:
    unpriced = Position(symbol=Symbol("NEW"), quantity=units(2), cost_basis=money(500))
    # Another program left money in a closed row: it is in no sum.
    closed = Position(symbol=Symbol("OLD"), cost_basis=money("0.07"))
    gone = Position(symbol=Symbol("GONE"))
    world = World(held(BTC, "0.1", "45000.000000000000000001"), unpriced, closed, gone)
    state = await world.market()
    assert list(state.view.holdings) == ["BTC", "NEW"]
    assert state.view.total_value == state.valuation.total_value.value
    assert state.view.holdings["BTC"].category == "store_of_value"
    assert [holding.tradable for holding in state.view.holdings.values()] == [True, False]
    assert (state.view.holdings["NEW"].price, state.view.holdings["NEW"].value) == (None, Decimal(500))
    # 4,500 of 5,000 dollars have a live price: 90 %.
    assert state.stale


async def test_assets_that_are_only_thought_of_are_holdings_of_nothing_with_statistics() -> None:
    world = World(held(BTC))
    await world.closes(BTC, *ZIGZAG)
    await world.closes(ETH, *ZIGZAG)
    state = await world.market.of(
        await world.snapshots.newest(), also={ETH: price(7), BTC: price(9), Symbol("X"): None}
    )
    ether, unknown = state.view.holdings["ETH"], state.view.holdings["X"]
    assert (ether.quantity, ether.value, ether.price) == (Decimal(0), Decimal(0), Decimal(7))
    assert ether.tradable
    assert (unknown.price, unknown.tradable, unknown.volatility) == (None, False, None)
    assert ether.volatility is not None
    assert state.view.holdings["BTC"].price == 100
    assert state.view.correlations.get(("BTC", "ETH")) is not None


async def test_large_tables_are_computed_in_a_thread_and_are_the_same() -> None:
    symbols = [Symbol(f"S{number:02}") for number in range(30)]
    world = World(*(held(symbol) for symbol in symbols))
    for number, symbol in enumerate(symbols):
        await world.closes(symbol, *(100 + (number + n * n) % 7 for n in range(31)))
    state = await world.market()
    few = World(held(symbols[3]), held(symbols[4]))
    for number in (3, 4):
        await few.closes(symbols[number], *(100 + (number + n * n) % 7 for n in range(31)))
    alone = await few.market()
    assert state.view.correlations.get(("S03", "S04")) == alone.view.correlations.get(("S03", "S04"))
    assert state.policy is world.market.policy


async def test_without_a_total_value_weights_are_zero() -> None:
    world = World(held(BTC))
    state: MarketState = await world.market()
    view = replace(state.view, cash=Decimal(-100))
    assert list(weights_of(state.imagined(Summary.of(view, state.policy)))) == [0.0]
