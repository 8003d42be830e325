"""What is answered about performance."""

from __future__ import annotations

from datetime import date

import msgspec

from portfolio.entrypoints.http.shell.numbers import Number
from portfolio.entrypoints.http.shell.responses import Answer, Moment, Percent, Reasons


class PeriodView(msgspec.Struct, kw_only=True):
    """The figures of a period of completed days."""

    total_return: Number | None
    total_return_percent: Percent | None
    win_rate: Number | None
    profit_factor: Number | None
    sharpe_ratio: Number | None
    sortino_ratio: Number | None
    annualized_return: Number | None
    annualized_volatility: Number | None
    max_drawdown: Number | None
    max_drawdown_peak: date | None
    max_drawdown_trough: date | None
    max_drawdown_recovery: date | None
    calmar_ratio: Number | None
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
