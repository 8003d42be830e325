"""A day that is over is made of the entries until its end and of its closes, whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from portfolio.application.ledger.happenings.booking import BookEvents
from portfolio.application.ledger.happenings.records import BookEvent
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.verification import ReconcileBooks
from portfolio.application.performance.final_days import FinalReport, MakeFinal
from portfolio.application.performance.records import DailyValue
from portfolio.application.prices.records import Close
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.happening import Happening
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.trade import Side
from portfolio.domain.mark import Mark
from portfolio.domain.money import Price, Quantity
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_books import Books
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_prices import ScriptedCloses
from tests.support.fakes.fake_stores import FakeDays
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


def row(world: World, number: int) -> DailyValue:
    return world.ledger.books.days[day(number)]


async def test_a_gap_is_valued_at_closes_and_the_units_of_the_day_before(world: World) -> None:
    await world.trade(BTC, Side.BUY, "1", "30000", "10")
    await world.refresh(BTC="30000")
    await closes(world, d1="31000", d2="32010")
    world.sleep(3)
    await world.refresh(BTC="30000")
    # On the first day the recorded price counts: it has no close.
    assert await world.make_final() == FinalReport(written=[day(1), day(2)], lacking={BTC})
    # 100000 - 30010 in cash, and one bitcoin; 100000 units
    first, second = row(world, 1), row(world, 2)
    assert (first.total_value, first.cash, first.unit_value) == (money(100_990), money(69_990), Decimal("1.0099"))
    assert (second.total_value, second.unit_value) == (money(102_000), Decimal("1.02"))
    assert first.net_deposits == money(100_000)
    held = world.ledger.books.day_positions[day(1)][BTC]
    assert (held.cost_basis, held.market_value, held.result) == (money(30_010), money(31_000), money(990))
    assert await world.make_final() == FinalReport(lacking={BTC})


async def test_entries_of_a_gap_count_from_their_day_on(world: World) -> None:
    await world.trade(BTC, Side.BUY, "2", "30000")
    await world.refresh(BTC="30000")
    await closes(world, d1="30000", d2="31000", d3="31000")
    world.sleep(2)
    await world.trade(BTC, Side.SELL, "1", "31000", "1")
    world.sleep(2)
    await world.make_final()
    before, after = world.ledger.books.day_positions[day(1)][BTC], world.ledger.books.day_positions[day(2)][BTC]
    assert (before.quantity, before.cost_basis, before.realized_pnl) == (Quantity(Decimal(2)), money(60_000), money(0))
    assert (after.quantity, after.cost_basis, after.realized_pnl) == (Quantity(Decimal(1)), money(30_000), money(999))
    assert (row(world, 1).realized_pnl, row(world, 2).realized_pnl) == (money(0), money(999))


async def test_what_was_paid_in_during_a_gap_is_no_result(world: World) -> None:
    await world.trade(BTC, Side.BUY, "1", "30000")
    await world.refresh(BTC="30000")
    # After the last refresh of the day, so that its row knows nothing of it.
    await world.move("50000")
    await closes(world, d1="30000", d2="30000")
    world.sleep(2)
    await world.move("10")
    await world.move("10", CashTransactionKind.WITHDRAWAL)
    world.sleep()
    assert (await world.make_final()).written == [day(0), day(1), day(2)]
    assert (row(world, 0).total_value, row(world, 0).net_deposits) == (money(150_000), money(150_000))
    assert (row(world, 1).total_value, row(world, 1).unit_value) == (money(150_000), Decimal(1))
    assert (row(world, 2).total_value, row(world, 2).unit_value) == (money(150_000), Decimal(1))


async def test_without_a_close_a_day_stays_a_gap_and_is_named(world: World) -> None:
    await world.trade(BTC, Side.BUY, "1", "30000")
    await world.trade(ETH, Side.BUY, "4", "8000")
    await world.refresh()
    await closes(world, d1="30000", d2="30000")
    world.sleep(3)
    report = await world.make_final()
    assert report.failed == {day(1): "no close of ETH", day(2): "no close of ETH"}
    assert day(1) not in world.ledger.books.days
    feed = ScriptedCloses()
    assert (await world.make_final(feed)).written == [day(0), day(1), day(2)]
    assert feed.asked == [(BTC, day(0), day(0)), (ETH, day(0), day(2))]


async def test_a_small_rest_without_a_close_stands_at_its_cost_and_is_named(world: World) -> None:
    await world.trade(BTC, Side.BUY, "1", "30000")
    await world.trade(ETH, Side.BUY, "1", "2000")
    await world.refresh()
    await closes(world, d1="40000", d2="40000")
    world.sleep(3)
    report = await world.make_final()
    assert (report.failed, report.carried) == ({}, {day(1): [ETH], day(2): [ETH]})
    assert row(world, 2).total_value == money(68_000 + 40_000 + 2_000)
    assert ETH in report.lacking


async def test_nothing_is_filled_before_the_opening(world: World) -> None:
    assert await world.make_final() == FinalReport()
    old = DailyValue(day=day(-5), total_value=money(1), cash=money(1))
    world.ledger.books.days[old.day] = old
    world.sleep(2)
    assert (await world.make_final()).written == [day(0), day(1)]


async def test_before_the_books_are_open_nothing_is_made_final(world: World) -> None:
    assert await World(FakeLedger(Books(portfolio=Portfolio(id=1))), world.clock).make_final() == FinalReport()


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
    await world.make_final()
    assert day(1) not in world.ledger.books.day_positions
    # From the adjustment on they are known again.
    assert world.ledger.books.day_positions[day(2)][BTC].quantity == Quantity(Decimal(2))
    assert row(world, 1).total_value == money(100_000)


async def test_a_recorded_day_is_mended_from_the_ledger_and_the_close(world: World) -> None:
    # The service was stopped at noon: its row says 30,000, the day closed at 33,000.
    await world.trade(BTC, Side.BUY, "1", "30000")
    await world.refresh(BTC="30000")
    world.sleep()
    await world.refresh(BTC="33000")
    assert await world.make_final() == FinalReport(lacking={BTC})  # without a close, what was recorded counts
    await closes(world, d0="33000")
    assert (await world.make_final()).written == [day(0)]
    assert (row(world, 0).total_value, row(world, 0).unit_value) == (money(103_000), Decimal("1.03"))
    assert world.ledger.books.day_positions[day(0)][BTC].market_value == money(33_000)
    assert (await world.performance(30)).daily_return == money(0)
    assert await world.make_final() == FinalReport()


async def test_of_what_was_sold_in_part_after_the_last_refresh_the_recorded_price_counts(world: World) -> None:
    await world.trade(BTC, Side.BUY, "3", "10000")
    await world.refresh(BTC="11000")
    await world.trade(BTC, Side.SELL, "1", "12000")
    world.sleep()
    assert (await world.make_final()).written == [day(0)]
    # 100000 - 30000 + 12000 in cash, and two at the 11000 of the last refresh
    assert row(world, 0).total_value == money(104_000)


async def test_a_close_that_is_carried_across_a_split_is_divided_by_it(world: World) -> None:
    await world.trade(BTC, Side.BUY, "1", "30000")
    await world.refresh(BTC="30000")
    world.sleep(2)
    what = Happening(kind=CashTransactionKind.SPLIT, symbol=BTC, ratio=Decimal(1000), effective_at=world.clock.now())
    await BookEvents(world.ledger, world.clock, RULES)(1, [BookEvent(what=what, owner="ann")])
    world.sleep(3)
    await closes(world, d1="31000", d4="32")
    report = await world.make_final()
    assert (report.failed, report.carried) == ({}, {day(2): [BTC], day(3): [BTC]})
    # 70,000 in cash; 1 at 31,000 is 1,000 at 31
    assert [str(row(world, number).total_value) for number in range(1, 5)] == ["101000", "101000", "101000", "102000"]


async def test_a_delisted_asset_is_carried_for_seven_days_and_named(world: World) -> None:
    await world.trade(BTC, Side.BUY, "1", "30000")
    await world.refresh(BTC="30000")
    await closes(world, d0="31000")
    world.sleep(9)
    report = await world.make_final()
    assert report.carried == {day(n): [BTC] for n in range(1, 8)}
    assert report.failed == {day(8): "no close of BTC"}
    assert report.written == [day(n) for n in range(8)]
    assert row(world, 7).total_value == money(101_000)


async def test_the_last_days_alone_are_made_final_where_that_is_asked(world: World) -> None:
    world.sleep(5)
    assert (await world.make_final(last=2)).written == [day(3), day(4)]
    assert (await world.make_final()).written == [day(0), day(1), day(2)]


async def test_recorded_days_from_before_a_foreign_write_was_reconciled_stay(world: World) -> None:
    await world.refresh()
    portfolio = world.ledger.books.portfolio
    assert portfolio is not None
    world.ledger.books.portfolio = replace(portfolio, cash=portfolio.cash + money(7))
    world.sleep()
    await world.refresh()
    assert row(world, 1).total_value == money(100_007)
    world.sleep(2)
    assert (await world.make_final()).written == [day(2)]  # the entries know nothing of the 7: the gap is without them
    assert (row(world, 1).total_value, row(world, 2).total_value) == (money(100_007), money(100_000))
    await ReconcileBooks(world.ledger, world.clock)(1)
    world.sleep()
    await world.make_final()
    assert (row(world, 1).total_value, row(world, 3).total_value) == (money(100_007), money(100_007))


async def test_books_opened_on_positions_have_the_units_that_they_were_worth(world: World) -> None:
    # An old portfolio: 1,000 in cash and one bitcoin that cost 500 and is worth 3,000: 4,000 units
    old = Portfolio(id=1, cash=money(1000))
    held = replace(old.position(BTC), quantity=Quantity(Decimal(1)), cost_basis=money(500), asset_cost=money(500))
    old = replace(old, positions={BTC: replace(held, mark=Mark(Price(Decimal(3000)), "coinbase", NOON))})
    ledger = FakeLedger(Books(portfolio=old))
    world = World(ledger, world.clock)
    await OpenBooks(ledger, world.clock, money(0))(1)
    await world.refresh(BTC="3000")
    world.sleep()
    await world.move("4000")  # as many units again
    world.sleep()
    await closes(world, d0="3000", d1="4000")
    await world.make_final()
    assert (row(world, 0).total_value, row(world, 0).unit_value) == (money(4000), Decimal(1))
    assert (row(world, 1).total_value, row(world, 1).unit_value) == (money(9000), Decimal("1.125"))
    everything = (await world.frames())["all"]
    total = everything.performance.total_return
    assert total is not None
    assert abs(total - money(1000)) < money("1e-15")  # the units of before the second deposit are found from it
    assert everything.unattributed == "positions_not_recorded"


async def test_an_emptied_portfolio_keeps_its_unit_value(world: World) -> None:
    await world.move("100000", CashTransactionKind.WITHDRAWAL)
    await world.refresh()
    world.sleep(2)
    await world.make_final()
    assert (row(world, 1).total_value, row(world, 1).unit_value) == (money(0), Decimal(1))


async def test_entries_booked_meanwhile_wait_for_the_next_time(world: World) -> None:
    await world.refresh()
    world.sleep(2)
    loaded = await world.ledger.load(1)
    await world.trade(BTC, Side.BUY, "1", "30000")
    newest = world.ledger.books.portfolio
    world.ledger.books.portfolio = loaded
    assert (await world.make_final()).written == [day(1)]
    assert newest is not None
    # An entry that is missing does not make it wait for ever.
    world.ledger.books.portfolio = replace(newest, revision=newest.revision + 1)
    del world.ledger.books.days[day(1)]
    assert (await world.make_final()).written == [day(1)]


async def test_a_booking_in_the_middle_makes_it_load_the_books_again(world: World) -> None:
    world.sleep()
    early = await world.ledger.load(1)
    await world.trade(BTC, Side.BUY, "1", "30000")
    await world.read()  # the entries are read, up to the booking
    newest, loads = world.ledger.books.portfolio, iter([early])

    class Overtaken(FakeLedger):
        async def load(self, portfolio_id: int) -> Portfolio:
            assert newest is not None
            return next(loads, newest)

    world.ledger = Overtaken(world.ledger.books)
    assert (await world.make_final()).written == [day(0)]
    assert row(world, 0).cash == money(100_000)


async def test_a_position_whose_row_another_program_deleted_is_in_no_day(world: World) -> None:
    await world.trade(BTC, Side.BUY, "1", "30000")
    world.sleep()
    await world.trade(BTC, Side.SELL, "1", "30000")
    portfolio = world.ledger.books.portfolio
    assert portfolio is not None
    world.ledger.books.portfolio = replace(portfolio, positions={})
    await world.make_final()
    assert row(world, 0).total_value == money(70_000)


async def test_closes_of_the_benchmark_come_with_those_of_what_is_held(world: World) -> None:
    await world.trade(BTC, Side.BUY, "1", "30000")
    world.sleep(3)
    feed = ScriptedCloses()
    make = MakeFinal(
        world.ledger, world.entries, FakeDays(world.ledger), world.prices, feed, world.clock, benchmark=ETH
    )
    # A period of the first day begins with the end of the day before it.
    assert (await make(1)).written == [day(0), day(1), day(2)]
    assert feed.asked == [(BTC, day(0), day(2)), (ETH, day(-1), day(2))]
    feed.failing = {ETH}
    world.sleep()
    assert (await make(1)).lacking == set()  # for the days it is not needed


async def test_closes_are_asked_for_no_longer_than_may_be(world: World) -> None:
    await world.trade(BTC, Side.BUY, "1", "30000")
    await world.trade(ETH, Side.BUY, "1", "2000")
    await world.refresh()
    world.sleep()

    class Slow(ScriptedCloses):
        async def daily_closes(self, symbol: Symbol, start: date, end: date) -> Sequence[Close]:
            world.clock.advance(7)
            return await super().daily_closes(symbol, start, end)

    feed = Slow()
    days = FakeDays(world.ledger)
    make = MakeFinal(world.ledger, world.entries, days, world.prices, feed, world.clock, most_seconds=5)
    assert (await make(1)).lacking == {ETH}
    assert (await make(1)).lacking == set()
    assert [symbol for symbol, *_ in feed.asked] == [BTC, ETH]


async def test_a_day_at_whose_closes_all_would_be_worth_1e20_stays_a_gap(world: World) -> None:
    await world.trade(BTC, Side.BUY, "1", "30000")
    await world.refresh()
    await closes(world, d1="99999999999999950000", d2="30000")
    world.sleep(3)
    report = await world.make_final()
    assert report.failed == {day(1): "at its closes it would be worth 1e20 or more"}
