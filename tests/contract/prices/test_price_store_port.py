"""What every implementation of the price store's port promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from portfolio.application.errors import PortfolioMissing
from portfolio.application.ledger.records import Revisions
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.prices.records import Close, PriceUpdate
from portfolio.domain.ledger.portfolio import BookingRules
from portfolio.domain.mark import TRADE_SOURCE, Mark
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.contract.ledger.ledger_kinds import Ports, ports
from tests.support.fakes.clock import FakeClock
from tests.support.ledger_examples import AT, BTC, ETH, book_one, execution, money, open_books

__all__ = ["ports"]

DAY = date(2026, 3, 4)


def mark(price: str, at: datetime = AT) -> Mark:
    """A price from an exchange."""
    return Mark(Price(Decimal(price)), "coinbase", at)


def close(day: date, price: str, symbol: Symbol = BTC) -> Close:
    """A candle's close."""
    return Close(symbol=symbol, day=day, price=Price(Decimal(price)), source="candles")


async def record(ports: Ports, at: datetime, **prices: str) -> int:
    """Record a refresh, and return the price revision that it made."""
    marks = {Symbol(symbol): mark(price, at) for symbol, price in prices.items()}
    return await ports.prices.record(1, PriceUpdate(marks=marks, at=at), None)


async def test_without_a_portfolio_nothing_is_recorded(ports: Ports) -> None:
    with pytest.raises(PortfolioMissing):
        await record(ports, AT, BTC="1")


async def test_marks_value_the_positions_and_bump_the_price_revision_once(ports: Ports) -> None:
    await open_books(ports.ledger)
    await book_one(ports.ledger)
    await book_one(ports.ledger, execution(quantity="2", price="1000", fees="0", symbol=ETH))
    assert await record(ports, AT, BTC="50000.000000000000000001", ETH="900", DOGE="1") == 1
    after = await ports.ledger.load(1)
    assert after.position(BTC).mark == mark("50000.000000000000000001")
    # 0.1 x 50000.000000000000000001 at 18 decimals, half even
    assert after.position(BTC).market_value == money("5000.000000000000000000")
    assert after.position(ETH).market_value == money(1800)
    assert Symbol("DOGE") not in after.positions
    assert await ports.ledger.revisions(1) == Revisions(ledger=4, prices=1)


async def test_the_newest_execution_of_each_symbol_is_found_by_its_own_time(ports: Ports) -> None:
    await open_books(ports.ledger)
    for hours, price, symbol in ((2, "7", BTC), (0, "5", BTC), (1, "3", BTC), (0, "9", ETH)):
        one = execution(quantity="1", price=price, fees="0", symbol=symbol)
        await book_one(ports.ledger, replace(one, executed_at=AT + timedelta(hours=hours)))
    newest = Mark(Price(Decimal(7)), TRADE_SOURCE, AT + timedelta(hours=2))
    assert await ports.prices.executed(1, {BTC: AT}) == {BTC: newest}
    asked = {BTC: newest.at, ETH: AT + timedelta(seconds=1), Symbol("DOGE"): AT}
    assert await ports.prices.executed(1, asked) == {BTC: newest}
    assert await ports.prices.executed(1, {BTC: newest.at + timedelta(microseconds=1)}) == {}


async def test_the_price_of_a_reversed_execution_is_none(ports: Ports) -> None:
    await open_books(ports.ledger)
    await book_one(ports.ledger, execution(quantity="1", price="7", fees="0"))
    mistaken = execution(quantity="1", price="700", fees="0")
    trade_id = await book_one(ports.ledger, replace(mistaken, executed_at=AT + timedelta(hours=1)))
    reverse = ReverseTrade(ports.ledger, FakeClock(AT + timedelta(hours=2)), BookingRules())
    await reverse(1, trade_id, owner="engine")
    assert await ports.prices.executed(1, {BTC: AT}) == {BTC: Mark(Price(Decimal(7)), TRADE_SOURCE, AT)}


async def test_an_execution_is_a_mark_and_no_price_observed(ports: Ports) -> None:
    await open_books(ports.ledger)
    await book_one(ports.ledger)
    known = (await ports.ledger.load(1)).position(BTC).mark
    assert known is not None
    at = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)
    newer = Mark(Price(Decimal(50_000)), TRADE_SOURCE, at)
    update = PriceUpdate(marks={BTC: newer}, at=at, since=0, instead_of={BTC: known})
    await ports.prices.record(1, update, None)
    assert (await ports.ledger.load(1)).position(BTC).mark == newer
    assert await ports.prices.closes([BTC], since=at.date(), until=at.date()) == []


async def test_a_refresh_that_was_held_up_brings_back_no_price_of_before(ports: Ports) -> None:
    await open_books(ports.ledger)
    await book_one(ports.ledger)
    await book_one(ports.ledger, execution(quantity="2", price="1000", fees="0", symbol=ETH))
    await record(ports, AT, ETH="900")
    late = AT + timedelta(seconds=30)
    await record(ports, late, BTC="50000")
    marks = {BTC: mark("40000", late - timedelta(seconds=1)), ETH: mark("950", late)}
    await ports.prices.record(1, PriceUpdate(marks=marks, at=late, since=1), None)
    after = await ports.ledger.load(1)
    assert (after.position(BTC).mark, after.position(ETH).mark) == (mark("50000", late), mark("950", late))
    assert (after.price_revision, after.total_value) == (3, after.cash + money(5000) + money(1900))
    # One that nobody has written beside may be older by its clock: clocks are set back.
    await ports.prices.record(1, PriceUpdate(marks=marks, at=late, since=3), None)
    assert (await ports.ledger.load(1)).position(BTC).mark == marks[BTC]


async def test_a_price_from_a_clock_ahead_of_the_others_is_replaced(ports: Ports) -> None:
    await open_books(ports.ledger)
    await book_one(ports.ledger)
    await record(ports, AT + timedelta(hours=1), BTC="50000")
    await ports.prices.record(1, PriceUpdate(marks={BTC: mark("40000")}, at=AT, since=0), None)
    assert (await ports.ledger.load(1)).position(BTC).mark == mark("40000")


async def test_todays_value_is_kept_current_and_yesterdays_is_final(ports: Ports) -> None:
    await open_books(ports.ledger)
    await book_one(ports.ledger)
    late = datetime(2026, 3, 4, 23, 59, 59, tzinfo=UTC)
    await record(ports, AT, BTC="40000")
    await record(ports, late, BTC="50000")
    await record(ports, late + timedelta(seconds=1), BTC="60000")
    await record(ports, late, BTC="10000")
    first, second = await ports.days.values(1, since=DAY, today=DAY + timedelta(days=1))
    # cash 95477.5 + 0.1 x 50000, and x 60000 a day later
    assert (first.day, first.total_value, first.cash) == (DAY, money("100477.5"), money("95477.5"))
    assert (second.day, second.total_value) == (DAY + timedelta(days=1), money("101477.5"))
    # one unit was one dollar when 100000 came in
    assert (first.unit_value, first.net_deposits) == (Decimal("1.004775"), money(100_000))
    assert [v.day for v in await ports.days.values(1, since=second.day, today=second.day)] == [second.day]


async def test_a_close_replaces_what_was_known_of_its_day(ports: Ports) -> None:
    assert await ports.prices.add_closes([close(DAY, "1"), close(DAY, "2", ETH)]) == 2
    assert await ports.prices.add_closes([close(DAY, "3.000000000000000001")]) == 1
    assert await ports.prices.add_closes([]) == 0
    found = await ports.prices.closes([BTC, ETH], since=DAY, until=DAY)
    assert list(found) == [close(DAY, "3.000000000000000001"), close(DAY, "2", ETH)]


async def test_closes_are_of_the_days_and_symbols_asked_for(ports: Ports) -> None:
    days = [DAY + timedelta(days=number) for number in range(4)]
    await ports.prices.add_closes([close(day, "1", symbol) for day in days for symbol in (ETH, BTC)])
    found = await ports.prices.closes([BTC], since=days[1], until=days[2])
    assert [(c.symbol, c.day) for c in found] == [(BTC, days[1]), (BTC, days[2])]


async def test_closes_bump_the_price_revision_once_the_books_are_open(ports: Ports) -> None:
    await ports.prices.add_closes([close(DAY, "1")])
    await open_books(ports.ledger)
    before = await ports.ledger.revisions(1)
    await ports.prices.add_closes([close(DAY, "2"), close(DAY, "2", ETH)])
    assert await ports.ledger.revisions(1) == replace(before, prices=before.prices + 1)
    await ports.prices.add_closes([])
    assert await ports.ledger.revisions(1) == replace(before, prices=before.prices + 1)


async def test_symbols_whose_closes_were_written_after_a_price_revision_are_told(ports: Ports) -> None:
    async def changed_since(revision: int) -> set[Symbol]:
        return set(await ports.prices.changed_closes(after=revision))

    await ports.prices.add_closes([close(DAY, "1"), close(DAY, "1", ETH)])
    await open_books(ports.ledger)
    first = (await ports.ledger.revisions(1)).prices
    assert await changed_since(first) == {BTC, ETH}
    await ports.prices.add_closes([close(DAY, "2", ETH)])
    assert await changed_since(first + 1) == set()
    await ports.prices.add_closes([close(DAY, "3")])
    assert await changed_since(first + 1) == {BTC}
    assert await changed_since(first) == {BTC, ETH}
    await ports.prices.add_closes([close(DAY, "3", ETH), close(DAY, "3")])
    assert await changed_since((await ports.ledger.revisions(1)).prices - 1) == {BTC, ETH}


async def test_a_price_of_yesterday_may_be_a_close_and_one_of_today_is_none(ports: Ports) -> None:
    await open_books(ports.ledger)
    midnight = datetime(2026, 3, 6, tzinfo=UTC)
    await record(ports, midnight + timedelta(minutes=1), BTC="2", ETH="2")
    assert not await ports.prices.changed_closes(after=0)
    late = {BTC: mark("3", midnight - timedelta(seconds=1)), ETH: mark("3", midnight)}
    await ports.prices.record(1, PriceUpdate(marks=late, at=midnight + timedelta(minutes=2)), None)
    assert set(await ports.prices.changed_closes(after=1)) == {BTC}
    assert not await ports.prices.changed_closes(after=2)


async def test_ticks_made_into_closes_change_none(ports: Ports) -> None:
    await open_books(ports.ledger)
    last_hour = datetime(2026, 3, 5, 23, 30, tzinfo=UTC)
    await record(ports, last_hour, BTC="2")
    closes = await ports.prices.closes([BTC], since=DAY, until=last_hour.date())
    assert await ports.prices.thin_ticks(last_hour + timedelta(days=1)) == 1
    assert await ports.prices.closes([BTC], since=DAY, until=last_hour.date()) == closes
    assert not await ports.prices.changed_closes(after=0)


async def test_a_day_without_a_candle_closes_at_the_last_price_of_its_last_hour(ports: Ports) -> None:
    await open_books(ports.ledger)
    at = datetime(2026, 3, 4, 22, 59, 59, tzinfo=UTC)
    await record(ports, at, BTC="1", ETH="10")
    assert not await ports.prices.closes([BTC, ETH], since=DAY, until=DAY)
    await record(ports, at + timedelta(seconds=1), BTC="2")
    await record(ports, at + timedelta(minutes=59), BTC="3")
    [found] = await ports.prices.closes([BTC, ETH], since=DAY, until=DAY)
    assert (found.price, found.source) == (Price(Decimal(3)), "coinbase")
    await ports.prices.add_closes([close(DAY, "4")])
    [found] = await ports.prices.closes([BTC, ETH], since=DAY, until=DAY)
    assert (found.price, found.source) == (Price(Decimal(4)), "candles")


async def test_old_ticks_become_one_close_a_day(ports: Ports) -> None:
    await open_books(ports.ledger)
    noon, night = (datetime(2026, 3, 4, hour, 30, tzinfo=UTC) for hour in (12, 23))
    for days in range(3):
        await record(ports, noon + timedelta(days=days), BTC="1", ETH="1")
        await record(ports, night + timedelta(days=days), BTC=str(2 + days))
    await ports.prices.add_closes([close(DAY, "99")])
    # The third day is not over: its ticks stay. Two days of three ticks each go, a day at a time.
    assert [await ports.prices.thin_ticks(noon + timedelta(days=2)) for _ in range(3)] == [3, 3, 0]
    found = await ports.prices.closes([BTC, ETH], since=DAY, until=DAY + timedelta(days=2))
    assert [(c.day, c.price.value) for c in found] == [
        (DAY, Decimal(99)),
        (DAY + timedelta(days=1), Decimal(3)),
        (DAY + timedelta(days=2), Decimal(4)),
    ]
