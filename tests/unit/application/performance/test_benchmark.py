"""Beside a benchmark: which days count, what is undefined and why, and what stays when the database goes away."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest

from portfolio.analytics.estimate import Matrix
from portfolio.application.errors import LedgerUnavailable
from portfolio.application.performance.period import Performance
from portfolio.application.performance.timeframes import ReadTimeframes, Timeframe
from portfolio.application.prices.records import Close
from portfolio.domain.ledger.position import Position
from portfolio.domain.mark import Mark
from portfolio.domain.money import Price, Quantity
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import NOON, FakeClock
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_stores import FakeDays, FakeLeases, FakePriceStore
from tests.unit.application.performance.reading import reader
from tests.unit.application.performance.test_period import TODAY, check, ledger_of, row, series

BTC, ETH = Symbol("BTC"), Symbol("ETH")
FIGURES = ("benchmark_return_percent", "excess_return_percent", "annualized_excess_return", "beta", "up_capture",
           "down_capture")  # fmt: skip


def walk(n_days: int, seed: int) -> list[float]:
    """Unit values of a random walk, of ``n_days`` returns."""
    steps = np.random.default_rng(seed).normal(0.001, 0.03, n_days)
    return [round(float(value), 12) for value in np.concatenate(([1.0], np.cumprod(1 + steps)))]


def closing(ledger: FakeLedger, prices: Sequence[float | None], symbol: Symbol = BTC, *, until: int = 1) -> None:
    """Close at these prices, the last of them ``until`` days ago."""
    for ago, price in enumerate(reversed(prices), start=until):
        if price is not None:
            day = TODAY - timedelta(days=ago)
            found = Close(symbol=symbol, day=day, price=Price(Decimal(str(price))), source="candles")
            ledger.books.closes[symbol, day] = found


def slope(pairs: Matrix) -> float:
    """Of the least squares, which is another way to beta. Each row has the benchmark's return and the portfolio's."""
    return float(np.polyfit(pairs[:, 0], pairs[:, 1], 1)[0])


async def beside(
    units: Sequence[float], prices: Sequence[float | None], *, days: int = 3650, risk_free_rate: str = "0"
) -> Performance:
    """The performance of these unit values, one a day, beside bitcoin at these prices."""
    ledger = ledger_of(series(units))
    closing(ledger, prices)
    found = await reader(ledger, FakeClock(), risk_free_rate=Decimal(risk_free_rate))(days)
    check(found)
    return found


def reasons(p: Performance) -> set[str]:
    """Why the figures are undefined: all of them are."""
    assert {getattr(p, name) for name in FIGURES} == {None}
    return {p.reasons[name] for name in FIGURES}


async def test_figures_beside_the_benchmark_are_those_of_an_independent_computation() -> None:
    own, other = walk(120, seed=1), [50_000 * value for value in walk(120, seed=2)]
    p = await beside(own, other, risk_free_rate="0.05")
    a, b = np.array(own), np.array(other)
    ra, rb = a[1:] / a[:-1] - 1, b[1:] / b[:-1] - 1
    assert (p.benchmark, p.benchmark_covered_percent, p.benchmark_missing_days) == (BTC, Decimal(100), [])
    assert float(p.benchmark_return_percent or 0) == pytest.approx((b[-1] / b[0] - 1) * 100, abs=1e-6)
    assert float(p.excess_return_percent or 0) == pytest.approx((a[-1] / a[0] - b[-1] / b[0]) * 100, abs=2e-6)
    yearly = (a[-1] / a[0]) ** (365 / 120) - (b[-1] / b[0]) ** (365 / 120)
    assert float(p.annualized_excess_return or 0) == pytest.approx(yearly, abs=1e-9)
    assert float(p.beta or 0) == pytest.approx(slope(np.column_stack((rb, ra))), abs=1e-9)
    for name, chosen in (("up_capture", rb > 0), ("down_capture", rb < 0)):
        mean_own, mean_other = (np.prod(1 + r[chosen]) ** (1 / chosen.sum()) - 1 for r in (ra, rb))
        assert float(getattr(p, name)) == pytest.approx(mean_own / mean_other, abs=1e-9)


async def test_a_portfolio_that_is_the_benchmark_is_as_good_as_it() -> None:
    own = walk(120, seed=3)
    p = await beside(own, [value * 8 for value in own])
    assert p.excess_return_percent == p.annualized_excess_return == 0
    assert p.beta == p.up_capture == p.down_capture == 1


async def test_twice_the_returns_of_the_benchmark_are_twice_its_beta() -> None:
    other = walk(60, seed=4)
    own = [1.0]
    for before, after in pairwise(other):
        own.append(own[-1] * (1 + 2 * (after / before - 1)))
    p = await beside([round(value, 15) for value in own], other)
    assert float(p.beta or 0) == pytest.approx(2, abs=1e-9)


async def test_the_benchmark_counts_on_the_days_of_the_portfolio_alone() -> None:
    own, other = walk(40, seed=5), walk(40, seed=6)
    ledger = ledger_of([one for one in series(own) if one.day != TODAY - timedelta(days=10)])
    closing(ledger, [9e9, *other])
    p = await reader(ledger, FakeClock())(3650)
    a, b = np.array(own), np.array(other)
    used = np.delete(np.column_stack((b[1:] / b[:-1] - 1, a[1:] / a[:-1] - 1)), [30, 31], axis=0)
    assert (p.observations, p.benchmark_covered_percent) == (38, Decimal(100))
    assert float(p.beta or 0) == pytest.approx(slope(used), abs=1e-9)


async def test_days_without_a_close_are_named_and_from_a_tenth_of_them_on_nothing_is_said() -> None:
    own, other = walk(39, seed=7), list[float | None](walk(39, seed=8))
    for ago in (3, 5, 7):
        other[-ago] = None
    p = await beside(own, other)
    assert (p.benchmark_covered_percent, p.benchmark_return_percent is None) == (Decimal("92.5"), False)
    assert p.benchmark_missing_days == [TODAY - timedelta(days=ago) for ago in (7, 5, 3)]
    pairs = [(b / a - 1, own[n + 1] / own[n] - 1) for n, (a, b) in enumerate(pairwise(other)) if a and b]
    assert float(p.beta or 0) == pytest.approx(slope(np.array(pairs)), abs=1e-9)
    other[-9] = None
    assert (await beside(own, other)).benchmark_covered_percent == 90
    other[-11] = None
    p = await beside(own, other)
    assert (p.benchmark_covered_percent, p.benchmark_missing_days, reasons(p)) == (
        Decimal("87.5"), None, {"too_little_covered"},
    )  # fmt: skip


async def test_without_a_close_at_an_end_the_benchmark_brought_nothing_that_is_known() -> None:
    own = walk(40, seed=9)
    for place, end in ((0, "start"), (-1, "end")):
        other = list[float | None](own)
        other[place] = None
        p = await beside(own, other)
        assert {p.reasons[name] for name in FIGURES[:3]} == {f"no_benchmark_close_at_{end}"}
        assert p.beta == p.up_capture == 1


async def test_what_is_too_little_to_compare_has_its_reason() -> None:
    assert reasons(await beside([], [])) == {"no_history"}
    assert reasons(await beside([1], [1])) == {"no_history"}
    assert reasons(await beside([1, 2, 3], [])) == {"no_benchmark_closes"}
    p = await beside(walk(29, seed=1), walk(29, seed=2))
    assert (p.beta, p.reasons["beta"], p.excess_return_percent is None) == (None, "too_few_observations", False)
    assert p.reasons["annualized_excess_return"] == "period_too_short"
    p = await beside(walk(30, seed=1), [7.0] * 31)
    assert [p.reasons[name] for name in FIGURES[3:]] == [
        "no_variation", "no_gains_of_benchmark", "no_losses_of_benchmark",
    ]  # fmt: skip
    assert (p.benchmark_return_percent, p.excess_return_percent) == (Decimal(0), p.total_return_percent)


async def test_a_return_beyond_all_numbers_is_out_of_range() -> None:
    p = await beside([1.0] * 91, [1e-9, *[1e8] * 90])
    assert (p.benchmark_return_percent, p.annualized_return) == (Decimal("1e19"), Decimal(0))
    assert (p.annualized_excess_return, p.reasons["annualized_excess_return"]) == (None, "out_of_range")


async def test_a_ruined_portfolio_is_compared_with_nothing_and_the_benchmark_stands() -> None:
    rows = series(walk(40, seed=1))
    rows[20] = replace(rows[20], total_value=-rows[20].total_value)
    ledger = ledger_of(rows)
    closing(ledger, [*[1.0] * 40, 2.0])
    p = await reader(ledger, FakeClock())(3650)
    check(p)
    assert p.benchmark_return_percent == 100
    assert {p.reasons[name] for name in FIGURES[1:]} == {"value_not_positive"}


async def test_another_benchmark_is_taken_where_it_is_asked_for() -> None:
    ledger = ledger_of(series([1, 2]))
    closing(ledger, [10, 15], ETH)
    read = reader(ledger, FakeClock())
    p = await read(30, ETH)
    assert (p.benchmark, p.benchmark_return_percent, p.excess_return_percent) == (ETH, Decimal(50), Decimal(50))
    assert (await read(30)).reasons["beta"] == "no_benchmark_closes"


async def test_a_period_up_to_now_takes_the_price_at_which_the_benchmark_is_held() -> None:
    ledger, clock = ledger_of(series([1, 1])), FakeClock()
    closing(ledger, [100, 100])
    read = ReadTimeframes(reader(ledger, clock), FakeDays(ledger))

    async def to_now(name: str, symbol: Symbol | None = None) -> Timeframe:
        return next(frame for frame in (await read(symbol)).to_now if frame.name == name)

    p = (await to_now("1d")).performance
    assert reasons(p) == {"too_little_covered"}  # one of two days
    portfolio = ledger.books.portfolio
    assert portfolio is not None
    mark = Mark(Price(Decimal(125)), "coinbase", NOON)
    held = Position(symbol=BTC, quantity=Quantity(Decimal(1)), ledger_quantity=Quantity(Decimal(1)), mark=mark)
    ledger.books.portfolio = replace(portfolio, price_revision=9, positions={BTC: held})
    p = (await to_now("1d")).performance
    assert (p.benchmark_return_percent, p.total_return_percent) == (
        Decimal(25),
        Decimal("12.5"),
    )  # 1000 in cash, 125 in bitcoin
    assert p.excess_return_percent == Decimal("-12.5")
    # A position that was closed keeps the price of its last day.
    closed = replace(held, quantity=Quantity.zero(), ledger_quantity=Quantity.zero())
    ledger.books.portfolio = replace(portfolio, price_revision=10, positions={BTC: closed})
    assert reasons((await to_now("1d")).performance) == {"too_little_covered"}
    day = TODAY - timedelta(days=1)
    found = await read.between(day, day, ETH)
    assert (found.performance.benchmark, found.performance.reasons["beta"]) == (ETH, "no_benchmark_closes")


async def test_closes_that_cannot_be_read_are_those_last_seen_or_the_reason() -> None:
    class Fading(FakePriceStore):
        is_away = False

        async def closes(self, symbols: Collection[Symbol], *, since: date, until: date) -> Sequence[Close]:
            if self.is_away:
                raise LedgerUnavailable("away")
            return await super().closes(symbols, since=since, until=until)

    ledger, clock = ledger_of(series([1, 2])), FakeClock()
    closing(ledger, [10, 20])
    prices = Fading(ledger, FakeLeases())
    read = reader(ledger, clock, prices=prices)
    assert (await read(30)).stale is False
    prices.is_away = True
    p = await read(30)
    assert (p.stale, p.excess_return_percent) == (False, Decimal(0))  # nothing was written since: they are the newest
    p = await read(30, ETH)
    assert (p.stale, reasons(p)) == (True, {"history_unavailable"})


async def test_a_period_of_more_days_than_are_kept_is_compared_over_those_there_are() -> None:
    ledger = ledger_of([row(3652, 1), row(1, 2)])
    closing(ledger, [3, 3])
    frames: Mapping[str, Timeframe] = {
        frame.name: frame for frame in (await ReadTimeframes(reader(ledger, FakeClock()), FakeDays(ledger))()).frames
    }
    p = frames["all"].performance
    assert (p.benchmark_covered_percent, reasons(p)) == (Decimal(50), {"too_little_covered"})
