"""Several periods at once: each whole or null with its reason, and told apart by position to the last digit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.ledger.cash import MoveCash, MoveCashInOrOut
from portfolio.application.ledger.records import BookTrade, Revisions
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.ledger.snapshots import RELOAD_SECONDS, Snapshots
from portfolio.application.performance.daily_positions import NOTHING, attribute
from portfolio.application.performance.days.ledger_days import LedgerDays
from portfolio.application.performance.final_days import FinalReport, MakeFinal
from portfolio.application.performance.records import PositionOnDay
from portfolio.application.performance.timeframes import NAMES, ReadTimeframes, Timeframe, Timeframes
from portfolio.application.prices.records import PriceUpdate
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.trade import Execution, Side
from portfolio.domain.mark import Mark
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_books import Books
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_lookups import FakeLookups
from tests.support.fakes.fake_prices import ScriptedCloses
from tests.support.fakes.fake_stores import FakeDays, FakeLeases, FakePriceStore
from tests.support.fakes.fake_unit import FakeUnit
from tests.unit.application.ledger.booking_examples import booking, opened
from tests.unit.application.performance.reading import reader
from tests.unit.examples import RULES, money

BTC, ETH = Symbol("BTC"), Symbol("ETH")
FIRST = datetime(2025, 12, 29, 12, tzinfo=UTC)


class World:
    """Books in memory whose days go by when a test says so."""

    def __init__(self, ledger: FakeLedger, clock: FakeClock) -> None:
        self.ledger, self.clock = ledger, clock
        self.prices = FakePriceStore(ledger, FakeLeases())
        self.entries = LedgerDays(ledger, FakeLookups(ledger))
        self.performance = reader(ledger, clock, entries=self.entries)
        self.read = ReadTimeframes(self.performance, FakeDays(ledger))

    async def trade(
        self, symbol: Symbol, side: Side, quantity: str, price: str, fees: str = "0", *, hours_ago: int = 0
    ) -> None:
        """Book an execution."""
        amount, each = Quantity(Decimal(quantity)), Price(Decimal(price))
        execution = Execution(
            symbol=symbol, side=side, quantity=amount, price=each, net_amount=amount.at(each), fees=money(fees),
            executed_at=self.clock.now() - timedelta(hours=hours_ago),
        )  # fmt: skip
        await booking(self.ledger, self.clock)([BookTrade(execution=execution, owner="engine")])

    async def refresh(self, **prices: str) -> None:
        """Mark the positions, and write today's row."""
        now = self.clock.now()
        marks = {Symbol(s): Mark(Price(Decimal(p)), "coinbase", now) for s, p in prices.items()}
        await self.prices.record(1, PriceUpdate(marks=marks, at=now), None)

    def sleep(self, days: int = 1) -> None:
        """Let days go by."""
        self.clock.advance(days * 86_400)

    async def back(self, trade_id: int) -> None:
        """Reverse a trade."""
        await ReverseTrade(self.ledger, self.clock, RULES)(1, trade_id, owner="boss")

    async def move(self, amount: str, kind: CashTransactionKind = CashTransactionKind.DEPOSIT) -> None:
        """Pay in, or out."""
        command = MoveCash(kind=kind, amount=money(amount), owner="boss")
        await MoveCashInOrOut(self.ledger, self.clock, RULES)(1, command)

    async def make_final(self, feed: ScriptedCloses | None = None, last: int | None = None) -> FinalReport:
        """Make the days final; no exchange knows a close unless it is given."""
        source = feed or ScriptedCloses(failing={BTC, ETH})
        make = MakeFinal(self.ledger, self.entries, FakeDays(self.ledger), self.prices, source, self.clock)
        return await make(1, last)

    async def frames(self) -> dict[str, Timeframe]:
        """All timeframes, by name."""
        read = await self.read()
        assert isinstance(read, Timeframes)
        assert tuple(frame.name for frame in read.frames) == NAMES
        return {frame.name: frame for frame in read.frames}


@pytest.fixture
async def world() -> World:
    clock = FakeClock(FIRST)
    return World(await opened(clock), clock)


def parts(frame: Timeframe) -> dict[str, Money | None]:
    assert frame.attribution is not None
    return {part.symbol.code: part.money for part in frame.attribution.contributions}


async def test_contributions_sum_to_the_result_to_the_last_digit(world: World) -> None:
    await world.trade(BTC, Side.BUY, "0.333333333333333333", "30000", "7.77")
    await world.refresh(BTC="30000.000000000000000001")
    world.sleep()
    await world.trade(BTC, Side.SELL, "0.1", "31000", "3.1")
    await world.trade(ETH, Side.BUY, "2", "2000", "4")
    await world.refresh(BTC="31111.111111111111111111", ETH="1999.99")
    world.sleep()
    frame = (await world.frames())["1d"]
    assert (frame.start, frame.end) == (date(2025, 12, 29), date(2025, 12, 30))
    assert frame.attribution is not None
    total = frame.performance.total_return
    assert total is not None
    assert parts(frame)["ETH"] == money("-4.02")  # 2 x -0.01 and the fee of 4
    assert frame.attribution.other == money(0)
    assert sum((m.value for m in parts(frame).values() if m), Decimal(0)) == total.value
    [_, eth] = frame.attribution.contributions
    start_value = world.ledger.books.days[date(2025, 12, 29)].total_value.value
    assert eth.percent == (Decimal("-402") / start_value).quantize(Decimal("1e-6"))


async def test_a_position_closed_long_ago_takes_no_part_and_one_closed_now_does(world: World) -> None:
    await world.trade(ETH, Side.BUY, "1", "2000")
    await world.trade(ETH, Side.SELL, "1", "2100")
    await world.trade(BTC, Side.BUY, "1", "30000")
    await world.refresh(BTC="30000")
    world.sleep()
    await world.trade(BTC, Side.SELL, "1", "30500", "10")
    await world.refresh()
    world.sleep()
    assert parts((await world.frames())["1d"]) == {"BTC": money(490)}


async def test_what_comes_in_from_outside_is_no_result(world: World) -> None:
    await world.refresh()
    world.sleep()

    async def deposit(unit: FakeUnit) -> None:
        after, _ = unit.portfolio.deposit(money(500), world.clock.now())
        await unit.save(after)

    await world.ledger.transact(1, deposit)
    await world.refresh()
    world.sleep()
    frame = (await world.frames())["1d"]
    assert (frame.performance.total_return, parts(frame)) == (money(0), {})
    assert frame.attribution is not None
    assert frame.attribution.other == money(0)


async def test_unreconciled_is_what_no_position_explains(world: World) -> None:
    await world.refresh()
    world.sleep()
    portfolio = world.ledger.books.portfolio
    assert portfolio is not None
    world.ledger.books.portfolio = replace(portfolio, cash=portfolio.cash - money(5))
    await world.refresh()
    world.sleep()
    frame = (await world.frames())["1d"]
    assert frame.attribution is not None
    assert (frame.performance.total_return, frame.attribution.other) == (money(-5), money(-5))


async def test_a_timeframe_longer_than_the_history_is_null_and_says_so(world: World) -> None:
    for price in ("30000", "33000", "36300"):
        await world.refresh(BTC=price)
        world.sleep()
    frames = await world.frames()  # it is the 1st of January
    assert frames["ytd"].incomplete == "no_completed_day"
    assert frames["7d"].incomplete == "history_too_short"
    for name in ("7d", "30d", "90d", "1y", "ytd"):
        frame = frames[name]
        assert frame.performance.total_return is None
        assert frame.performance.reasons["sharpe_ratio"] == frame.unattributed == frame.incomplete
        assert frame.performance.reasons["win_rate"] == "no_closing_trades"
    everything = frames["all"]
    assert (everything.start, everything.end) == (date(2025, 12, 28), date(2025, 12, 31))
    assert (everything.incomplete, everything.performance.days_covered) == (None, 3)


async def test_the_year_to_date_starts_with_the_end_of_the_year_before(world: World) -> None:
    for _ in range(5):
        await world.refresh()
        world.sleep()
    frame = (await world.frames())["ytd"]
    assert (frame.start, frame.end, frame.incomplete) == (date(2025, 12, 31), date(2026, 1, 2), None)


async def test_with_no_history_at_all_everything_is_null(world: World) -> None:
    frames = await world.frames()
    # It is Monday: the week has no completed day either.
    assert {frames.pop(name).incomplete for name in ("all", "wtd")} == {"no_completed_day"}
    assert {frame.incomplete for frame in frames.values()} == {"history_too_short"}
    everything = (await World(FakeLedger(Books(portfolio=Portfolio(id=1))), world.clock).frames())["all"]
    assert (everything.start, everything.incomplete) == (None, "history_too_short")


async def test_a_gap_at_an_end_is_named(world: World) -> None:
    await world.refresh()
    world.sleep(2)
    await world.refresh()
    world.sleep()
    assert (await world.frames())["1d"].incomplete == "no_value_at_start"
    world.sleep()
    frames = await world.frames()
    assert frames["1d"].incomplete == "no_value_yesterday"
    # The whole of it ends with the last recorded day.
    assert (frames["all"].incomplete, frames["all"].end) == (None, date(2025, 12, 31))


async def test_days_from_before_positions_were_recorded_are_not_told_apart(world: World) -> None:
    for _ in range(2):
        await world.refresh()
        world.sleep()
    del world.ledger.books.day_positions[date(2025, 12, 29)]
    frame = (await world.frames())["1d"]
    assert (frame.incomplete, frame.attribution, frame.unattributed) == (None, None, "positions_not_recorded")


async def test_with_the_database_away_the_figures_stay_and_what_they_are_made_of_goes(world: World) -> None:
    world.ledger.away = True
    with pytest.raises(LedgerUnavailable):
        await world.read()
    world.ledger.away = False
    for _ in range(2):
        await world.refresh()
        world.sleep()
    await world.read()
    world.ledger.away = True
    read = await world.read()
    frame = read.frames[0]
    assert (read.stale, frame.incomplete, frame.unattributed) == (True, None, "database_away")


async def test_an_old_portfolio_is_not_attributed_to_positions_of_now(world: World) -> None:
    for _ in range(2):
        await world.refresh()
        world.sleep()
    days, snapshots = FakeDays(FakeLedger(world.ledger.books)), Snapshots(world.ledger, world.clock, 1)
    read = ReadTimeframes(reader(world.ledger, world.clock, snapshots=snapshots, days=days), days)
    assert (await read()).frames[0].unattributed is None
    world.ledger.away = True
    frame = (await read()).frames[0]
    assert (frame.incomplete, frame.unattributed) == (None, "database_away")


async def test_a_database_that_goes_away_between_two_questions_is_away(world: World) -> None:
    class Fading(FakeLedger):
        fades = False

        def answer(self, portfolio_id: int = 1) -> None:
            self.away = self.fades
            super().answer(portfolio_id)

        async def revisions(self, portfolio_id: int) -> Revisions:
            return Revisions(ledger=1, prices=0)

        async def load(self, portfolio_id: int) -> Portfolio:
            assert self.books.portfolio is not None
            return self.books.portfolio

    for _ in range(2):
        await world.refresh()
        world.sleep()
    ledger = Fading(world.ledger.books)
    fading = World(ledger, world.clock)
    await fading.read()
    ledger.fades = True
    world.clock.advance(RELOAD_SECONDS)
    read = await fading.read()
    assert (read.stale, read.frames[0].incomplete, read.frames[0].unattributed) == (True, None, "database_away")


def test_without_a_price_at_an_end_a_contribution_is_unknown_and_left_in_the_rest() -> None:
    def held(value: str, *, is_priced: bool = True) -> PositionOnDay:
        return replace(NOTHING, quantity=Quantity(Decimal(1)), market_value=money(value), is_priced=is_priced)

    start = {BTC: held("10", is_priced=False), ETH: held("10"), Symbol("GONE"): held("1")}
    end = {BTC: held("20"), ETH: held("13"), Symbol("NEW"): held("5", is_priced=False)}
    found = attribute(money(100), start, end, money(0))
    assert [(part.symbol.code, part.money, dict(part.reasons)) for part in found.contributions] == [
        ("BTC", None, {"money": "no_start_price", "percent": "no_start_price"}),
        ("ETH", money(3), {"percent": "value_not_positive"}),
        ("GONE", None, {"money": "not_recorded_at_end", "percent": "not_recorded_at_end"}),
        ("NEW", None, {"money": "no_end_price", "percent": "no_end_price"}),
    ]
    assert found.other == money(97)
