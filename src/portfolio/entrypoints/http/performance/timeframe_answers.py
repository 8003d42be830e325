"""The body of the answer about all timeframes."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from portfolio.entrypoints.http.shell.numbers import Number
from portfolio.entrypoints.http.shell.responses import Answer, Moment, Percent, Reasons


class ContributionView(msgspec.Struct, kw_only=True):
    """What a position added: the growth of its realized and unrealized result, fees included, in dollars."""

    symbol: str
    money: Number | None
    percent: Annotated[Percent | None, Meta(description="Of the portfolio's value at the start of the period.")]
    reasons: Reasons


class TimeframeView(msgspec.Struct, kw_only=True):
    """The figures from the end of `start` to the end of `end`; contributions and `other_effects` sum to the return."""

    start: date | None
    end: date
    period_days: int
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
    days_covered: int
    observations: int
    contributions: list[ContributionView] | None
    other_effects: Annotated[
        Number | None, Meta(description="What no position explains: what others wrote and adjustments.")
    ]
    reasons: Reasons


class TimeframesAnswer(Answer, kw_only=True):
    """Every timeframe by its name: 1d, 7d, 30d, 90d, ytd, 1y, all."""

    timeframes: dict[str, TimeframeView]
    convention: str
    stale: bool
    as_of: Moment
