"""How the portfolio did: the figures of a period, from its final days and the entries in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

from portfolio.analytics.closes import Join
from portfolio.analytics.conventions import CONVENTION, MAX_DAYS
from portfolio.application.ledger.snapshots import Snapshot, Snapshots
from portfolio.application.performance.benchmark import beside
from portfolio.application.performance.days.entries import LedgerDay
from portfolio.application.performance.history import History, ReadsHistory
from portfolio.application.performance.measures import (
    Fall,
    daily_change,
    days_covered,
    falls_of,
    figures_of_days,
    money_weighted,
)
from portfolio.application.performance.reasons import Figures, Reasons
from portfolio.application.performance.records import Basis, MeasuredDay
from portfolio.application.performance.trading import trading_results
from portfolio.domain.days import DAY
from portfolio.domain.money import Money
from portfolio.domain.symbol import Symbol

OfFinals: TypeAlias = Callable[[History, Sequence[MeasuredDay]], tuple[Figures, Mapping[str, str]]]
"""What makes the figures of final days, and the reasons of those that are not defined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """The figures of the last ``period_days`` completed days; ``daily_return`` alone is of today so far.

    Names in ``_percent`` are percentages with 6 decimals; ratios, ``win_rate`` and the other rates are fractions with
    12. A figure that is not defined is None, and ``reasons`` says why under the figure's name:

    - ``no_history``: fewer than two final days in the period
    - ``value_not_positive``: the portfolio was worth nothing, or less, on a day of the period
    - ``no_value_yesterday``: no final row of the day before today
    - ``too_few_observations``: fewer than 30 daily returns
    - ``period_too_short``: fewer than 90 days to annualize
    - ``no_variation``, ``no_losing_days``, ``no_drawdown``: nothing to divide by
    - ``no_rate``, ``several_rates``: no rate makes what was paid in and taken out worth the same, or more than one
    - ``not_recovered``: still below the peak
    - ``no_closing_trades``, ``no_wins``, ``no_losses``: of the trades executed in the period
    - ``no_purchase_known``: what was sold was there before the books were opened
    - ``no_benchmark_closes``, ``too_little_covered``: the benchmark has a close on no day, or on under 90 % of the days
    - ``no_benchmark_close_at_start``, ``no_benchmark_close_at_end``: none on the first day, or the last
    - ``no_gains_of_benchmark``, ``no_losses_of_benchmark``: it never rose, or fell, on the days that both have
    - ``history_unavailable``: the benchmark's closes could not be read
    - ``out_of_range``: 1e20 or more

    ``days_covered`` are the days between the first and the last final day used, ``observations`` the daily returns
    among them: fewer where there are gaps. The first day is that at whose end the period begins: of the whole, the day
    before the opening deposit. ``adopted_days`` are those that another program recorded before the adoption. ``stale``
    says that the database could not be asked since ``as_of``.
    """

    total_return: Money | None
    total_return_percent: Decimal | None
    money_weighted_return_percent: Decimal | None
    money_weighted_return: Decimal | None
    daily_return: Money | None
    daily_return_percent: Decimal | None
    win_rate: Decimal | None
    profit_factor: Decimal | None
    expectancy: Money | None
    average_win: Money | None
    average_loss: Money | None
    largest_win: Money | None
    largest_loss: Money | None
    longest_winning_streak: int
    longest_losing_streak: int
    current_streak: int
    average_holding_days: Decimal | None
    sharpe_ratio: Decimal | None
    sharpe_standard_error: Decimal | None
    sortino_ratio: Decimal | None
    annualized_return: Decimal | None
    annualized_volatility: Decimal | None
    max_drawdown: Decimal | None
    max_drawdown_peak: date | None
    max_drawdown_trough: date | None
    max_drawdown_recovery: date | None
    current_drawdown: Decimal | None
    current_drawdown_days: int | None
    worst_drawdowns: Sequence[Fall] | None
    calmar_ratio: Decimal | None
    benchmark: Symbol
    benchmark_covered_percent: Decimal | None
    benchmark_missing_days: Sequence[date] | None
    benchmark_return_percent: Decimal | None
    excess_return_percent: Decimal | None
    annualized_excess_return: Decimal | None
    beta: Decimal | None
    up_capture: Decimal | None
    down_capture: Decimal | None
    joined_history: Sequence[Join]
    unjoined_history: Sequence[Join]
    num_trades: int
    period_days: int
    days_covered: int
    deposits: Money
    adopted_days: int
    observations: int
    first_day: date | None
    last_day: date | None
    as_of: datetime
    stale: bool
    reasons: Mapping[str, str]
    basis: Basis = Basis.RECORDED
    convention: str = CONVENTION


def final_figures(history: History, finals: Sequence[MeasuredDay]) -> tuple[Figures, Mapping[str, str]]:
    """Return the figures that are made of final days alone, and the reasons of those that are not defined."""
    reasons = Reasons()
    figures = figures_of_days(finals, history.risk_free_rate, reasons)
    figures |= money_weighted(finals, reasons)
    figures |= falls_of(finals, reasons)
    figures |= beside(finals, history.benchmark, figures, reasons)
    figures |= {
        "days_covered": days_covered(finals),
        "adopted_days": sum(day.is_adopted for day in finals),
        "first_day": finals[0].day if finals else None,
        "last_day": finals[-1].day if finals else None,
    }
    return figures, reasons.noted


@dataclass(slots=True, eq=False)
class KeptFigures:
    """The ``final_figures`` made last, for as long as they are asked for of the same days, at one risk-free rate: a
    booking of today changes none of them.

    Making them anew took 3 % of a read of the portfolio just after one, and of 30 days 25 times as much.
    """

    _of: object = field(default=None, init=False)
    _figures: tuple[Figures, Mapping[str, str]] = field(default=({}, {}), init=False)

    def __call__(self, history: History, finals: Sequence[MeasuredDay]) -> tuple[Figures, Mapping[str, str]]:
        """Return the figures and reasons."""
        other = history.benchmark
        closes = [other.closes.get(day.day) for day in finals]
        of = (finals, closes, other.symbol, other.is_known, other.joined_history, other.unjoined_history)
        if self._of == of:
            return self._figures
        made = final_figures(history, finals)
        self._figures, self._of = made, of
        return made


@dataclass(frozen=True, slots=True)
class ReadPerformance:
    """Measures the portfolio over its last completed days."""

    read_history: ReadsHistory
    snapshots: Snapshots
    figures: KeptFigures = field(default_factory=KeptFigures, init=False)

    async def __call__(self, days: int, benchmark: Symbol | None = None) -> Performance:
        """Return the figures of the last ``days`` completed days, 1 to 3650; with the database away, the last seen.

        They are compared with the benchmark that is set where none is given.
        """
        return await self.of(await self.snapshots.newest(), days, benchmark)

    async def of(self, snapshot: Snapshot, days: int, benchmark: Symbol | None = None) -> Performance:
        """Return the figures at a snapshot read already."""
        assert 1 <= days <= MAX_DAYS
        return measure_days(await self.days(snapshot, days, benchmark), days, self.figures)

    async def is_late(self) -> bool:
        """Return whether an entry took effect before the opening, or days before it was booked."""
        return (await self.days(await self.snapshots.newest(), 1)).entries.is_late

    async def days(self, snapshot: Snapshot, days: int, benchmark: Symbol | None = None) -> History:
        """Return the days that figures of the last ``days`` completed days are made of."""
        return await self.read_history(snapshot, days + 1, benchmark)

    async def history(self, benchmark: Symbol | None = None) -> History:
        """Return all recorded days; with the database away, the last seen."""
        return await self.read_history(await self.snapshots.newest(), benchmark=benchmark)


def measure_days(history: History, days: int, of_finals: OfFinals = final_figures) -> Performance:
    """Return the figures of the last ``days`` completed days, of which ``history`` was read."""
    end = history.today - DAY
    return measure(history, history.finals, history.booked(end - timedelta(days=days), end), days, of_finals)


def of_today(history: History) -> Performance:
    """Return the figures of today so far, with none of a period."""
    return measure(history, history.finals[-1:], (), 1)


def measure(
    history: History,
    finals: Sequence[MeasuredDay],
    booked: Sequence[LedgerDay],
    days: int,
    of_finals: OfFinals = final_figures,
) -> Performance:
    """Return the figures of the period of ``days`` that ``finals`` make up, and of today so far.

    ``booked`` are the entries of the same period.
    """
    figures, undefined = of_finals(history, finals)
    reasons = Reasons(dict(undefined))
    return Performance(
        **figures,
        **daily_change(history.finals, history.now, reasons),
        **trading_results(booked, reasons),
        period_days=days,
        deposits=history.entries.deposits,
        as_of=history.snapshot.as_of,
        stale=history.stale,
        reasons=reasons.noted,
        basis=history.basis,
    )
