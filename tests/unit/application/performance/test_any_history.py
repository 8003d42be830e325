"""For any history of trades, payments and reversals: what is true of each period is true of their union."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.application.performance.timeframes import Timeframe
from portfolio.application.prices.records import Close
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Money, Price
from tests.support.fakes.clock import FakeClock
from tests.unit.application.ledger.booking_examples import opened
from tests.unit.application.performance.test_timeframes import BTC, ETH, World
from tests.unit.examples import money

MONDAY = date(2026, 3, 2)
DAYS = 6

# Of each day: the closes of both assets, and what is done: a trade of so many cents of each asset, or a payment.
PRICES = st.tuples(st.integers(5, 20), st.integers(5, 20))
ACTS = st.tuples(st.sampled_from(["btc", "eth", "cash"]), st.integers(-9, 9).filter(bool))
HISTORIES = st.lists(st.tuples(PRICES, st.lists(ACTS, max_size=3)), min_size=DAYS, max_size=DAYS)
History = Sequence[tuple[tuple[int, int], Sequence[tuple[str, int]]]]


@dataclass
class Lived:
    """The days of a history, and the trades in it by their ids, each with its day."""

    world: World
    trades: dict[int, int]

    async def period(self, first: int, last: int) -> Timeframe:
        """The figures from the beginning of one day to the end of another."""
        found = await self.world.read.between(MONDAY + timedelta(days=first), MONDAY + timedelta(days=last))
        assert found.incomplete is None
        return found


async def lived(history: History, *, without: int | None = None) -> Lived:
    """Live through the days; the trade ``without`` is done in none of them."""
    clock = FakeClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
    done = Lived(World(await opened(clock), clock), {})
    world, held, number = done.world, {BTC: 0, ETH: 0}, 0
    for day, ((btc, eth), acts) in enumerate(history):
        await world.refresh(BTC=str(btc), ETH=str(eth))
        for what, wanted in acts:
            if what == "cash":
                kind = CashTransactionKind.DEPOSIT if wanted > 0 else CashTransactionKind.WITHDRAWAL
                await world.move(str(abs(wanted)), kind)
                continue
            symbol, each = (BTC, btc) if what == "btc" else (ETH, eth)
            size = max(wanted, -held[symbol])
            if not size:
                continue
            number, held[symbol] = number + 1, held[symbol] + size
            if number != without:
                side = Side.BUY if size > 0 else Side.SELL
                await world.trade(symbol, side, str(abs(size)), str(each), "0.01")
                done.trades[max(world.ledger.books.trades)] = day
            world.clock.advance(60)
        await world.refresh(BTC=str(btc), ETH=str(eth))
        on = world.clock.now().date()
        await world.prices.add_closes(
            [
                Close(symbol=symbol, day=on, price=Price(Decimal(price)), source="candles")
                for symbol, price in ((BTC, btc), (ETH, eth))
            ]
        )
        world.sleep()
    await world.refresh()
    return done


def money_of(frames: Sequence[Timeframe]) -> dict[str, Money]:
    """What each position brought in all of these periods, and what none explains."""
    found: dict[str, Money] = {}
    for frame in frames:
        assert frame.attribution is not None
        parts = [(part.symbol.code, part.money or money(0)) for part in frame.attribution.contributions]
        for name, brought in [*parts, ("", frame.attribution.other)]:
            found[name] = found.get(name, money(0)) + brought
    return {name: brought for name, brought in found.items() if brought}


@settings(max_examples=40)
@given(HISTORIES, st.sets(st.integers(1, DAYS - 1), max_size=3))
async def test_periods_side_by_side_add_and_multiply_up_to_the_one_that_they_make_up(
    history: History, cuts: set[int]
) -> None:
    done = await lived(history)
    edges = [0, *sorted(cuts), DAYS]
    parts = [await done.period(first, end - 1) for first, end in pairwise(edges)]
    whole = await done.period(0, DAYS - 1)
    measured, together = [part.performance for part in parts], whole.performance
    assert together.num_trades == sum(p.num_trades for p in measured)
    assert together.total_return == sum((p.total_return or money(0) for p in measured), money(0))
    assert together.observations == sum(p.observations for p in measured)
    assert money_of(parts) == money_of([whole])
    assert sum(money_of([whole]).values(), money(0)) == together.total_return
    growth = Decimal(1)
    for p in measured:
        growth *= 1 + (p.total_return_percent or Decimal(0)) / 100
    assert float(growth - 1) * 100 == pytest.approx(float(together.total_return_percent or 0), abs=1e-5)


@settings(max_examples=15)
@given(HISTORIES)
async def test_a_reversal_leaves_every_period_as_if_there_had_never_been_the_trade(history: History) -> None:
    done = await lived(history)
    # What a sale brought depends on the trades before it, so the last one alone leaves the others as they would be.
    sales = [
        number
        for number, (_, entry) in enumerate(sorted(done.world.ledger.books.trades.items()), start=1)
        if entry is not None and entry.trade.closes and entry.trade.executed_at.date() >= MONDAY
    ]
    if not sales:
        return
    number = sales[-1]
    await done.world.back(sorted(done.world.ledger.books.trades)[number - 1])
    await done.world.refresh()
    await done.world.make_final()
    never = await lived(history, without=number)
    await never.world.make_final()
    for first, last in [*((day, day) for day in range(DAYS)), (0, DAYS - 1)]:
        one, other = await done.period(first, last), await never.period(first, last)
        assert money_of([one]) == money_of([other])
        for name in ("num_trades", "win_rate", "expectancy", "total_return", "longest_winning_streak", "current_streak",
                     "average_holding_days"):  # fmt: skip
            assert getattr(one.performance, name) == getattr(other.performance, name), name
        # A deposit of the time between bought its units at the value of its moment, with what the trade brought in it.
        for name in ("total_return_percent", "max_drawdown"):
            figures = [float(getattr(frame.performance, name)) for frame in (one, other)]
            assert figures[0] == pytest.approx(figures[1], abs=1e-4), name
