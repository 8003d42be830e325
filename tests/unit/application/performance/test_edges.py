"""One period has one start and one end: in returns, counts and contributions alike."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from portfolio.application.errors import EntriesUnread, LedgerUnavailable
from portfolio.application.ledger.cash import MoveCash, MoveCashInOrOut
from portfolio.application.ledger.cash_records import CashEntry
from portfolio.application.ledger.happenings.booking import BookEvents
from portfolio.application.ledger.happenings.records import BookEvent
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.snapshots import RELOAD_SECONDS
from portfolio.application.performance.days.ledger_days import LedgerDays
from portfolio.application.performance.history import measured_days
from portfolio.application.performance.period import Performance
from portfolio.application.performance.records import DailyValue, DayResult
from portfolio.application.performance.timeframes import Timeframe
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.happening import Happening
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Quantity
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_books import Books
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_lookups import FakeLookups
from tests.support.services.waiting import until
from tests.unit.application.ledger.booking_examples import opened
from tests.unit.application.performance.reading import reader
from tests.unit.application.performance.test_timeframes import BTC, ETH, World, parts
from tests.unit.examples import RULES, money

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
MONDAY = NOON.date()


@pytest.fixture
async def world() -> World:
    """Books of 100,000 dollars, opened on Monday at noon."""
    clock = FakeClock(NOON)
    return World(await opened(clock), clock)


async def frame(world: World, name: str) -> Timeframe:
    """A timeframe of completed days."""
    return (await world.frames())[name]


async def to_now(world: World, name: str) -> Timeframe:
    """A timeframe that ends now."""
    return next(frame for frame in (await world.read()).to_now if frame.name == name)


def counted(p: Performance) -> tuple[int, Decimal | None]:
    """How many trades, and which part of them won."""
    return p.num_trades, p.win_rate


async def test_a_trade_of_today_is_in_no_period_that_ended_yesterday(world: World) -> None:
    # BUY 100 at 100, and five days later at 09:00 SELL 10 at 120
    await world.trade(BTC, Side.BUY, "100", "100")
    for hours in (24, 24, 24, 24, 21):
        await world.refresh(BTC="120")
        world.clock.advance(hours * 3600)
    await world.trade(BTC, Side.SELL, "10", "120")
    await world.refresh(BTC="120")
    assert counted((await frame(world, "1d")).performance) == (0, None)
    assert counted(await world.performance(1)) == (0, None)
    assert counted((await to_now(world, "1d")).performance) == (1, Decimal(1))
    assert counted((await frame(world, "all")).performance) == (1, None)  # the purchase alone
    # It is shown tomorrow, and not again the day after.
    world.sleep()
    await world.refresh(BTC="120")
    assert counted((await frame(world, "1d")).performance) == (1, Decimal(1))
    world.sleep()
    await world.refresh(BTC="120")
    assert counted((await frame(world, "1d")).performance) == (0, None)
    assert counted((await frame(world, "7d")).performance) == (2, Decimal(1))


async def test_a_trade_just_before_midnight_belongs_to_its_day(world: World) -> None:
    await world.trade(BTC, Side.BUY, "1", "30000")
    await world.refresh(BTC="30000")
    world.clock.advance(12 * 3600 - 5)  # 23:59:55, after the last refresh of the day
    await world.trade(BTC, Side.SELL, "1", "31000")
    world.clock.advance(12 * 3600)
    await world.refresh()
    await world.make_final()
    found = await frame(world, "1d")
    assert counted(found.performance) == (2, Decimal(1))
    assert found.performance.total_return == money(1000)
    assert parts(found) == {"BTC": money(1000)}
    assert world.ledger.books.day_positions[MONDAY][BTC].realized_pnl == money(1000)


async def test_a_trade_that_is_booked_after_midnight_belongs_to_the_day_of_its_execution(world: World) -> None:
    await world.trade(BTC, Side.BUY, "2", "30000")
    await world.refresh(BTC="30000")
    world.clock.advance(14 * 3600)  # 02:00 of Tuesday
    await world.trade(BTC, Side.SELL, "1", "31000", hours_ago=3)
    await world.refresh(BTC="30000")
    world.sleep()
    await world.make_final()
    monday, tuesday = [await world.read.between(day, day) for day in (MONDAY, MONDAY + timedelta(days=1))]
    assert (counted(monday.performance), parts(monday)) == ((2, Decimal(1)), {"BTC": money(1000)})
    assert (counted(tuesday.performance), parts(tuesday)) == ((0, None), {"BTC": money(0)})


async def test_a_reversal_takes_its_trade_out_of_the_period_of_that_trade(world: World) -> None:
    await world.trade(BTC, Side.BUY, "2", "30000")
    await world.refresh(BTC="30000")
    world.sleep()
    await world.trade(BTC, Side.SELL, "1", "20000")  # by mistake
    await world.refresh(BTC="30000")
    world.sleep()
    await world.back(2)
    await world.refresh(BTC="30000")
    world.sleep()
    await world.refresh(BTC="30000")
    await world.make_final()
    # Neither the day of the trade nor that of the reversal knows of it: not in counts, money or contributions.
    for ago in (1, 2):
        day = world.clock.now().date() - timedelta(days=ago)
        found = await world.read.between(day, day)
        assert counted(found.performance) == (0, None)
        assert found.performance.total_return == money(0)
        assert parts(found) == {"BTC": money(0)}
    assert counted((await frame(world, "all")).performance) == (1, None)


async def test_a_trade_reversed_before_anything_was_read_never_counts(world: World) -> None:
    await world.trade(BTC, Side.BUY, "2", "30000")
    await world.trade(BTC, Side.SELL, "1", "31000")
    await world.back(2)
    p = (await to_now(world, "1d")).performance
    assert (p.num_trades, p.win_rate, p.reasons["win_rate"]) == (1, None, "no_closing_trades")


async def test_an_entry_that_cannot_be_read_is_left_out_until_it_can(world: World) -> None:
    await world.trade(BTC, Side.BUY, "2", "30000")
    await world.trade(BTC, Side.SELL, "1", "31000")
    await world.trade(BTC, Side.SELL, "1", "32000")
    await world.back(2)
    trades, reader_of_then = world.ledger.books.trades, World(world.ledger, world.clock)
    whole, trades[2] = trades[2], None
    p = (await to_now(reader_of_then, "1d")).performance
    assert counted(p) == (2, Decimal(1))  # neither the sale, nor what takes it out
    assert (await to_now(reader_of_then, "1d")).performance.num_trades == 2  # looked for again, in vain
    trades[2] = whole
    await world.trade(BTC, Side.BUY, "1", "30000")
    p = (await to_now(reader_of_then, "1d")).performance
    assert counted(p) == (3, Decimal(1))


async def test_the_whole_begins_with_the_opening_deposit(world: World) -> None:
    # 100,000 paid in; on the first day 10 bitcoin bought at 1,000 are worth 900 each in the evening, and 1,100 the next
    await world.trade(BTC, Side.BUY, "10", "1000")
    await world.refresh(BTC="900")
    world.sleep()
    await world.refresh(BTC="1100")
    world.sleep()
    found = await frame(world, "all")
    assert (found.start, found.end) == (MONDAY - timedelta(days=1), MONDAY + timedelta(days=1))
    p = found.performance
    assert (p.total_return, p.total_return_percent) == (money(1000), Decimal(1))
    assert (p.max_drawdown, p.max_drawdown_peak) == (Decimal("-0.01"), MONDAY - timedelta(days=1))
    assert (parts(found), p.observations) == ({"BTC": money(1000)}, 2)
    # So does a period of days that is longer than the history.
    assert (await world.performance(30)).total_return == money(1000)
    portfolio = world.ledger.books.portfolio
    assert portfolio is not None
    assert p.total_return == portfolio.total_value - portfolio.net_deposits


async def test_on_the_day_of_the_opening_the_day_is_told_from_the_deposit(world: World) -> None:
    await world.trade(BTC, Side.BUY, "10", "1000")
    await world.refresh(BTC="1100")
    p = await world.performance(30)
    assert (p.daily_return, p.daily_return_percent) == (money(1000), Decimal(1))
    assert (await frame(world, "all")).incomplete == "no_completed_day"
    assert (await to_now(world, "all")).performance.total_return == money(1000)


async def test_ruin_is_not_zero_percent(world: World) -> None:
    await world.trade(BTC, Side.BUY, "10", "1000")
    for _ in range(5):
        await world.refresh(BTC="1000")
        world.sleep()
    days = world.ledger.books.days
    ruin = MONDAY + timedelta(days=2)
    days[ruin] = replace(days[ruin], total_value=money("-1"))
    p = (await frame(world, "all")).performance
    assert p.total_return == money(0)
    for name in ("total_return_percent", "max_drawdown", "max_drawdown_peak", "sharpe_ratio", "sortino_ratio",
                 "annualized_return", "annualized_volatility", "calmar_ratio"):  # fmt: skip
        assert getattr(p, name) is None
        assert p.reasons[name] == "value_not_positive"
    found = await world.read.between(MONDAY, ruin)
    assert found.attribution is not None
    assert [part.reasons for part in found.attribution.contributions] == [{"percent": "value_not_positive"}]
    # A period that begins after it has a value to be relative to.
    assert (await frame(world, "1d")).performance.total_return_percent == 0
    days[MONDAY + timedelta(days=4)] = replace(days[ruin], day=MONDAY + timedelta(days=4))
    world.clock.advance(RELOAD_SECONDS)
    today = await world.performance(1)
    assert (today.daily_return_percent, today.reasons["daily_return_percent"]) == (None, "value_not_positive")


async def test_a_period_begins_with_the_day_on_which_units_began_anew(world: World) -> None:
    await world.trade(BTC, Side.BUY, "1000", "100")
    await world.refresh(BTC="100")
    world.sleep()
    await world.refresh(BTC="0.000000000000001")
    world.sleep()
    deposit = MoveCash(kind=CashTransactionKind.DEPOSIT, amount=money(10_000), owner="a")
    await MoveCashInOrOut(world.ledger, world.clock, RULES)(1, deposit)
    await world.refresh(BTC="0.000000000000001")
    world.sleep()
    await world.refresh(BTC="1")
    world.sleep()
    p = (await frame(world, "all")).performance
    # 10,000 were paid in on Wednesday, and 1000 BTC are worth 1000 on Thursday
    assert (p.first_day, p.total_return) == (MONDAY + timedelta(days=1), money("999.999999999999"))
    assert p.total_return_percent == 10


async def test_days_from_before_the_adoption_are_history_and_labelled(world: World) -> None:
    # Another program wrote two days: 50,000, and 55,000 after 5,000 won, which is a tenth. Our own first row says that
    # nothing was won: the 100,000 less 55,000 were paid in.
    def old(ago: int, value: str, pnl: str, percent: str) -> DailyValue:
        result = DayResult(pnl=money(pnl), percent=Decimal(percent), cumulative_percent=Decimal(0))
        return DailyValue(day=MONDAY - timedelta(days=ago), total_value=money(value), cash=money(0), result=result)

    await world.refresh()
    days = world.ledger.books.days
    nothing = DayResult(pnl=money(0), percent=Decimal(0), cumulative_percent=Decimal(0))
    ours = replace(days[MONDAY], result=nothing)
    world.ledger.books.days = {day.day: day for day in (old(2, "50000", "0", "0"), old(1, "55000", "5000", "10"), ours)}
    world.sleep()
    found = await frame(world, "all")
    p = found.performance
    assert (found.start, p.adopted_days) == (MONDAY - timedelta(days=2), 2)
    assert (p.total_return, p.total_return_percent) == (money(5000), Decimal(10))
    assert found.unattributed == "positions_not_recorded"


async def test_what_is_before_a_total_loss_on_record_is_not_known(world: World) -> None:
    await world.refresh()
    lost = DayResult(pnl=money(-1), percent=Decimal(-100), cumulative_percent=Decimal(0))
    for ago in (1, 2):
        day = MONDAY - timedelta(days=ago)
        world.ledger.books.days[day] = DailyValue(day=day, total_value=money(1), cash=money(0), result=lost)
    world.ledger.books.days[MONDAY] = replace(world.ledger.books.days[MONDAY], result=lost)
    world.sleep()
    assert (await world.performance(30)).adopted_days == 0


async def test_periods_to_date_begin_with_the_end_of_the_last(world: World) -> None:
    for _ in range(10):
        await world.refresh()
        world.sleep()
    frames, now = await world.frames(), {f.name: f for f in (await world.read()).to_now}
    today = world.clock.now().date()  # Thursday the 12th
    assert today == date(2026, 3, 12)
    assert (frames["wtd"].start, frames["wtd"].end) == (date(2026, 3, 8), date(2026, 3, 11))
    assert (frames["mtd"].incomplete, frames["mtd"].start) == ("history_too_short", date(2026, 2, 28))
    assert (frames["5y"].start, frames["5y"].end) == (date(2021, 3, 12), date(2026, 3, 11))
    assert (now["wtd"].start, now["wtd"].end, now["wtd"].incomplete) == (date(2026, 3, 8), today, None)
    assert (now["7d"].start, now["7d"].end) == (date(2026, 3, 5), today)
    assert set(frames) == set(now)


async def test_a_period_between_two_days_includes_both(world: World) -> None:
    await world.trade(BTC, Side.BUY, "1", "1000")
    for price in ("1000", "1100", "1300", "1600"):
        await world.refresh(BTC=price)
        world.sleep()
    day = [MONDAY + timedelta(days=n) for n in range(6)]
    found = await world.read.between(day[1], day[2])
    assert (found.start, found.end, found.performance.period_days) == (day[0], day[2], 2)
    assert (found.performance.total_return, parts(found)) == (money(300), {"BTC": money(300)})
    await world.refresh(BTC="2000")
    for last in (None, day[4], day[5]):
        assert (await world.read.between(day[3], last)).performance.total_return == money(700)
    world.sleep(2)
    gone = await world.read.between(day[1], day[5])
    assert (gone.incomplete, gone.performance.total_return) == ("no_value_yesterday", None)
    world.sleep()
    assert (await world.read.between(day[1], day[5])).incomplete == "no_value_at_end"


async def test_what_was_traded_is_told_in_sizes_streaks_and_days(world: World) -> None:
    await world.trade(ETH, Side.BUY, "10", "100")
    world.sleep(2)
    await world.trade(ETH, Side.BUY, "10", "100")  # bought a day ago in the mean, when sold a day after
    results = ["110", "105", "100", "90", "70", "120"]  # +10 +5 0 -10 -30 +20
    for price in results:
        await world.trade(ETH, Side.SELL, "1", price)
    p = (await to_now(world, "all")).performance
    assert (p.num_trades, p.expectancy) == (8, money("-0.833333333333333333"))  # -5 / 6
    assert (p.average_win, p.average_loss) == (money("11.666666666666666667"), money(-20))  # 35 / 3, -40 / 2
    assert (p.largest_win, p.largest_loss) == (money(20), money(-30))
    assert (p.longest_winning_streak, p.longest_losing_streak, p.current_streak) == (2, 2, 1)
    assert p.average_holding_days == Decimal(1)
    assert (p.win_rate, p.profit_factor) == (Decimal("0.6"), Decimal("0.875"))  # 3 of 5, 35 / 40


async def test_a_reversed_purchase_was_never_held(world: World) -> None:
    # Bought on day 0 and on day 2, half a bitcoin each; the second is taken out: what is sold on day 4 was held 4 days
    await world.trade(BTC, Side.BUY, "0.5", "1000")
    world.sleep(2)
    await world.trade(BTC, Side.BUY, "0.5", "1000")
    await world.back(2)
    world.sleep(2)
    await world.trade(BTC, Side.SELL, "0.25", "1000")
    # A sale that is taken out leaves its part to the next.
    await world.trade(BTC, Side.SELL, "0.25", "1000")
    await world.back(5)
    world.sleep(2)
    await world.trade(BTC, Side.SELL, "0.25", "1000")
    assert (await to_now(world, "all")).performance.average_holding_days == Decimal(5)  # 4 and 6
    # Of a position that was bought and taken out again nothing is left.
    await world.trade(ETH, Side.BUY, "1", "1000")
    await world.back(8)
    await world.trade(ETH, Side.BUY, "1", "1000")
    world.sleep()
    await world.trade(ETH, Side.SELL, "1", "1000")
    assert (await to_now(world, "1d")).performance.average_holding_days == Decimal(1)


async def test_what_was_split_was_held_since_it_was_bought(world: World) -> None:
    await world.trade(BTC, Side.BUY, "1", "1000")
    world.sleep(2)
    what = Happening(kind=CashTransactionKind.SPLIT, symbol=BTC, ratio=Decimal(10), effective_at=world.clock.now())
    await BookEvents(world.ledger, world.clock, RULES)(1, [BookEvent(what=what, owner="ann")])
    await world.trade(BTC, Side.BUY, "10", "100")
    world.sleep(2)
    await world.trade(BTC, Side.SELL, "20", "100")  # 10 that were held 4 days, and 10 that were held 2
    assert (await to_now(world, "all")).performance.average_holding_days == Decimal(3)


async def test_for_how_long_is_not_known_of_what_was_there_before_the_books() -> None:
    clock = FakeClock(NOON)
    old = Portfolio(id=1, cash=money(1000))
    held = replace(old.position(BTC), quantity=Quantity(Decimal(1)), cost_basis=money(500), asset_cost=money(500))
    world = World(FakeLedger(Books(portfolio=replace(old, positions={BTC: held}))), clock)
    await OpenBooks(world.ledger, clock, money(0))(1)
    await world.trade(BTC, Side.SELL, "1", "600")
    p = (await to_now(world, "all")).performance
    assert (p.average_holding_days, p.reasons["average_holding_days"]) == (None, "no_purchase_known")


async def test_a_database_that_goes_away_before_the_entries_were_read_is_away(world: World) -> None:
    class Silent(FakeLedger):
        is_silent = True

        async def movements(self, portfolio_id: int, *, after: int, limit: int) -> Sequence[Movement | CashEntry]:
            if self.is_silent:
                raise LedgerUnavailable("the database is away")
            return await super().movements(portfolio_id, after=after, limit=limit)

    await world.trade(BTC, Side.BUY, "1", "1000")
    silent = Silent(world.ledger.books)
    read = reader(silent, world.clock)
    with pytest.raises(LedgerUnavailable):
        await read(1)
    silent.is_silent = False
    assert not (await read(1)).stale
    silent.is_silent = True
    await MoveCashInOrOut(silent, world.clock, RULES)(
        1, MoveCash(kind=CashTransactionKind.DEPOSIT, amount=money(1), owner="boss")
    )
    assert (await read(1)).stale


class Slow(FakeLedger):
    """Gives one entry at a time, when it may go on."""

    def __init__(self, books: Books) -> None:
        super().__init__(books)
        self.allowed = asyncio.Semaphore(0)

    def go_on(self, entries: int = 99) -> None:
        """Give so many."""
        for _ in range(entries):
            self.allowed.release()

    async def movements(self, portfolio_id: int, *, after: int, limit: int) -> Sequence[Movement | CashEntry]:
        await self.allowed.acquire()
        return await super().movements(portfolio_id, after=after, limit=1)


async def test_who_asks_while_all_entries_are_read_waits_where_that_is_soon_and_else_is_told_when_to_come(
    world: World,
) -> None:
    for _ in range(8):
        await world.trade(BTC, Side.BUY, "1", "1000")
    slow = Slow(world.ledger.books)
    # 10 entries: the opening's two, and the trades; of 0.1 ms each before one was seen.
    busy, soon, idle = (LedgerDays(slow, FakeLookups(slow), patience_seconds=ms / 1e3) for ms in (0.9, 60_000, 0))
    reading = [asyncio.create_task(days.read(1, 10)) for days in (busy, soon)]
    await asyncio.sleep(0)
    with pytest.raises(EntriesUnread, match=r"^0 of the ledger's 10 entries are read") as refused:
        await reader(slow, world.clock, entries=busy)(1)
    assert refused.value.retry_after_seconds == pytest.approx(0.001)
    waiting = asyncio.create_task(reader(slow, world.clock, entries=soon)(1))
    await asyncio.sleep(0)
    slow.go_on()
    assert not (await waiting).stale
    # Where nobody else reads, who asks does it.
    assert not (await reader(slow, world.clock, entries=idle)(1)).stale
    await asyncio.gather(*reading)


async def test_who_is_told_when_to_come_is_told_by_how_fast_it_has_gone_so_far(world: World) -> None:
    for _ in range(8):
        await world.trade(BTC, Side.BUY, "1", "1000")
    slow = Slow(world.ledger.books)
    days = LedgerDays(slow, FakeLookups(slow), patience_seconds=0.1)
    started = asyncio.get_running_loop().time()
    reading = asyncio.create_task(days.read(1, 10))
    await asyncio.sleep(0.05)
    slow.go_on(2)
    await until(lambda: days.revision == 2)
    with pytest.raises(EntriesUnread, match=r"^2 of the ledger's 10 entries are read") as refused:
        await asyncio.wait_for(reader(slow, world.clock, entries=days)(1), 10)
    took = asyncio.get_running_loop().time() - started
    assert 4 * 0.05 <= refused.value.retry_after_seconds <= 4 * took  # eight are left, two took 0.05 s or a little more
    slow.go_on()
    await reading


def test_rows_of_before_the_adoption_alone_have_no_measure() -> None:
    assert measured_days([DailyValue(day=MONDAY, total_value=money(1), cash=money(1))]) == []
