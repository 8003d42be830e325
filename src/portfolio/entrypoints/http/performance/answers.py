"""What is answered about performance."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from portfolio.entrypoints.http.shell.numbers import Number, Percent, Ratio
from portfolio.entrypoints.http.shell.responses import Answer, Moment, Reasons, SymbolCode


class PeriodView(msgspec.Struct, kw_only=True):
    """The figures of a period of completed days."""

    total_return: Number | None
    total_return_percent: Percent | None
    win_rate: Ratio | None
    profit_factor: Ratio | None
    sharpe_ratio: Ratio | None
    sortino_ratio: Ratio | None
    annualized_return: Ratio | None
    annualized_volatility: Ratio | None
    max_drawdown: Ratio | None
    max_drawdown_peak: date | None
    max_drawdown_trough: date | None
    max_drawdown_recovery: date | None
    calmar_ratio: Ratio | None
    num_trades: int
    period_days: int
    days_covered: int
    observations: int
    reasons: Reasons


class PerformanceView(PeriodView, kw_only=True):
    """Results over the last completed days; conventions: crypto-365-v1."""

    daily_return: Number | None
    daily_return_percent: Percent | None
    first_day: date | None
    last_day: date | None
    as_of: Moment
    stale: bool
    convention: str


class PerformanceAnswer(Answer, kw_only=True):
    """The performance over a period."""

    performance: PerformanceView
    period_days: int


class ContributionView(msgspec.Struct, kw_only=True):
    """What a position added: the growth of its realized and unrealized result, fees included, in dollars."""

    symbol: SymbolCode
    money: Number | None
    percent: Annotated[Percent | None, Meta(description="Of the portfolio's value at the start of the period.")]
    reasons: Reasons


class TimeframeView(PeriodView, kw_only=True):
    """The figures from the end of `start` to the end of `end`; contributions and `other_effects` sum to the return."""

    start: date | None
    end: date
    contributions: list[ContributionView] | None
    other_effects: Annotated[
        Number | None, Meta(description="What no position explains: what others wrote and adjustments.")
    ]


class TimeframesAnswer(Answer, kw_only=True):
    """Every timeframe by its name: 1d, 7d, 30d, 90d, ytd, 1y, all."""

    timeframes: dict[str, TimeframeView]
    convention: str
    stale: bool
    as_of: Moment
