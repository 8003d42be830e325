"""Days on which nothing ran are made of the entries until their end and of closes, whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from portfolio.application.errors import NotFound
from portfolio.application.ledger.cash import MoveCash, MoveCashInOrOut
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.ledger.verification import ReconcileBooks
from portfolio.application.performance.gap_filling import FillGaps, GapReport
from portfolio.application.performance.records import DailyValue
from portfolio.application.prices.records import Close
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.trade import Side
from portfolio.domain.ledger.trade_counts import TradeCounts
from portfolio.domain.money import Price, Quantity
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_ledger import FakeDays
from tests.support.fakes.fake_lookups import FakeLookups
from tests.support.fakes.fake_prices import ScriptedCloses
from tests.unit.application.ledger.booking_examples import opened
from tests.unit.application.performance.test_timeframes import BTC, ETH, World
from tests.unit.examples import RULES, money

MONDAY = date(2026, 3, 2)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
async def world() -> World:
    clock = FakeClock(NOON)
    return World(await opened(clock), clock)


def day(number: int) -> date:
    """The Monday, or so many days after it."""
    return MONDAY + timedelta(days=number)


async def closes(world: World, **prices: str) -> None:
    """Close BTC at these prices: ``d1`` is the day after the Monday."""
    found = [
        Close(symbol=BTC, day=day(int(name[1:])), price=Price(Decimal(price)), source="candles")
        for name, price in prices.items()
    ]
    await world.prices.add_closes(found)


def counts(world: World, number: int) -> TradeCounts:
    """What had been booked at the end of a day."""
    found = row(world, number).trade_counts
    assert found is not None
    return found


async def fill(world: World, feed: ScriptedCloses | None = None) -> GapReport:
    """Fill the gaps; no exchange knows a close unless it is given."""
    source = feed or ScriptedCloses(failing={BTC, ETH})
    ports = world.ledger, FakeLookups(world.ledger), FakeDays(world.ledger), world.prices
    return await FillGaps(*ports, source, world.clock)(1)


def row(world: World, number: int) -> DailyValue:
    return world.ledger.books.days[day(number)]


async def test_a_gap_is_valued_at_closes_and_the_units_of_the_day_before(world: World) -> None:
    await world.trade(BTC, Side.BUY, "1", "30000", "10")
    await world.refresh(BTC="30000")
    await closes(world, d1="31000", d2="32010")
    world.sleep(3)
    await world.refresh(BTC="30000")
    assert await fill(world) == GapReport(filled=[day(1), day(2)])
    # 100000 - 30010 in cash, and one bitcoin; 100000 units
    first, second = row(world, 1), row(world, 2)
    assert (first.total_value, first.cash, first.unit_value) == (money(100_990), money(69_990), Decimal("1.0099"))
    assert (second.total_value, second.unit_value) == (money(102_000), Decimal("1.02"))
    assert (first.net_deposits, counts(world, 1).trades, counts(world, 1).wins) == (money(100_000), 1, 0)
    held = world.ledger.books.day_positions[day(1)][BTC]
    assert (held.cost_basis, held.market_value, held.result) == (money(30_010), money(31_000), money(990))
    assert await fill(world) == GapReport()


async def test_entries_of_a_gap_count_from_their_day_on(world: World) -> None:
    await world.trade(BTC, Side.BUY, "2", "30000")
    await world.refresh(BTC="30000")
    await closes(world, d1="30000", d2="31000", d3="31000")
    world.sleep(2)
    await world.trade(BTC, Side.SELL, "1", "31000", "1")
    world.sleep(2)
    await fill(world)
    before, after = world.ledger.books.day_positions[day(1)][BTC], world.ledger.books.day_positions[day(2)][BTC]
    assert (before.quantity, before.cost_basis, before.realized_pnl) == (Quantity(Decimal(2)), money(60_000), money(0))
    assert (after.quantity, after.cost_basis, after.realized_pnl) == (Quantity(Decimal(1)), money(30_000), money(999))
    assert (counts(world, 1).wins, counts(world, 2).wins, counts(world, 3).trades) == (0, 1, 2)
    assert (row(world, 1).realized_pnl, row(world, 2).realized_pnl) == (money(0), money(999))


async def test_what_was_paid_in_during_a_gap_is_no_result(world: World) -> None:
    await world.trade(BTC, Side.BUY, "1", "30000")
    await world.refresh(BTC="30000")
    # After the last refresh of the day, so that its row knows nothing of it.
    await _deposit(world, "50000")
    await closes(world, d1="30000", d2="30000")
    world.sleep(2)
    await _deposit(world, "10")
    await _deposit(world, "10", CashTransactionKind.WITHDRAWAL)
    world.sleep()
    assert (await fill(world)).filled == [day(1), day(2)]
    assert (row(world, 1).total_value, row(world, 1).unit_value) == (money(150_000), Decimal(1))
    assert (row(world, 2).total_value, row(world, 2).unit_value) == (money(150_000), Decimal(1))


async def _deposit(world: World, amount: str, kind: CashTransactionKind = CashTransactionKind.DEPOSIT) -> None:
    await MoveCashInOrOut(world.ledger, world.clock, RULES)(1, MoveCash(kind=kind, amount=money(amount), owner="boss"))


async def test_a_reversal_takes_its_trade_out_of_the_counts(world: World) -> None:
    await world.trade(BTC, Side.BUY, "1", "30000")
    await world.trade(BTC, Side.SELL, "1", "31000")
    await world.refresh()
    world.sleep()
    await ReverseTrade(world.ledger, world.clock, RULES)(1, 2, owner="boss")
    await closes(world, d1="30000")
    world.sleep()
    await fill(world)
    assert (counts(world, 0).wins, counts(world, 1).wins, counts(world, 1).trades) == (1, 0, 1)
    world.ledger.books.trades[2] = None
    del world.ledger.books.days[day(1)]
    with pytest.raises(NotFound):
        await fill(world)


async def test_without_a_close_a_day_stays_a_gap_and_is_named(world: World) -> None:
    await world.trade(BTC, Side.BUY, "1", "30000")
    await world.trade(ETH, Side.BUY, "1", "2000")
    await world.refresh()
    await closes(world, d1="30000", d2="30000")
    world.sleep(3)
    report = await fill(world)
    assert report.failed == {day(1): "no close of ETH", day(2): "no close of ETH"}
    assert day(1) not in world.ledger.books.days
    feed = ScriptedCloses()
    assert (await fill(world, feed)).filled == [day(1), day(2)]
    assert feed.asked == [(ETH, day(1), day(2))]


async def test_nothing_is_filled_before_the_first_row_of_ours(world: World) -> None:
    assert await fill(world) == GapReport()
    old = DailyValue(day=day(-5), total_value=money(1), cash=money(1))
    world.ledger.books.days[old.day] = old
    await world.refresh()
    world.sleep(2)
    assert (await fill(world)).filled == [day(1)]


async def test_costs_from_before_an_adjustment_are_not_known(world: World) -> None:
    await world.trade(BTC, Side.BUY, "1", "30000")
    await world.refresh()
    await closes(world, d1="30000", d2="30000")
    world.sleep(2)
    portfolio = world.ledger.books.portfolio
    assert portfolio is not None
    moved = replace(portfolio.position(BTC), quantity=Quantity(Decimal(2)), cost_basis=money(60_000))
    world.ledger.books.portfolio = replace(portfolio, positions={BTC: moved})
    await ReconcileBooks(world.ledger, world.clock)(1)
    world.sleep()
    await fill(world)
    assert day(1) not in world.ledger.books.day_positions
    # From the adjustment on they are known again.
    assert world.ledger.books.day_positions[day(2)][BTC].quantity == Quantity(Decimal(2))
    assert row(world, 1).total_value == money(100_000)


async def test_a_row_that_does_not_fit_the_books_is_no_ground_to_count_from(world: World) -> None:
    await world.refresh()
    world.ledger.books.days[MONDAY] = replace(row(world, 0), net_deposits=money(7))
    world.sleep(2)
    assert (await fill(world)).failed == {day(1): "the row of 2026-03-02 does not fit the books"}
    # One from long after the last transaction neither.
    world.ledger.books.days[day(1)] = replace(row(world, 0), day=day(1), net_deposits=money(7))
    world.sleep()
    assert (await fill(world)).failed == {day(2): "the row of 2026-03-03 does not fit the books"}


async def test_an_emptied_portfolio_keeps_its_unit_value(world: World) -> None:
    await _deposit(world, "100000", CashTransactionKind.WITHDRAWAL)
    await world.refresh()
    world.sleep(2)
    await fill(world)
    assert (row(world, 1).total_value, row(world, 1).unit_value) == (money(0), Decimal(1))


async def test_entries_booked_meanwhile_wait_for_the_next_time(world: World) -> None:
    await world.refresh()
    world.sleep(2)
    loaded = await world.ledger.load(1)
    await world.trade(BTC, Side.BUY, "1", "30000")
    newest = world.ledger.books.portfolio
    world.ledger.books.portfolio = loaded
    assert (await fill(world)).filled == [day(1)]
    assert newest is not None
    # An entry that is missing does not make it wait for ever.
    world.ledger.books.portfolio = replace(newest, revision=newest.revision + 1)
    del world.ledger.books.days[day(1)]
    assert (await fill(world)).filled == [day(1)]
