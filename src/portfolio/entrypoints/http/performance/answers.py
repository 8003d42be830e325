"""What is answered about performance."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from portfolio.entrypoints.http.shell.numbers import Number, Percent, Ratio
from portfolio.entrypoints.http.shell.responses import Answer, Moment, Reasons, SymbolCode

Index = Annotated[Percent | None, Meta(description="100 on the first day, 6 decimals.")]
Result = Annotated[Number | None, Meta(description="In dollars, net of all fees.")]
Streak = Annotated[int, Meta(description="Closing trades in a row; those that brought nothing are passed over.")]


class SeriesDayView(msgspec.Struct, kw_only=True):
    """A day at its end; in a gap everything of the portfolio is null, with the reason `no_value`."""

    day: date
    value: Annotated[Number | None, Meta(description="Total value, in dollars.")]
    net_deposits: Annotated[
        Number | None,
        Meta(description="Deposits less withdrawals until then, transfers of assets at their cost, in dollars."),
    ]
    unit_value: Annotated[Number | None, Meta(description="Value of one unit: what returns are made of.")]
    unit_index: Index
    drawdown: Annotated[Ratio | None, Meta(description="Fall from the highest unit value since the first day.")]
    benchmark_close: Ratio | None
    benchmark_index: Index
    estimated: Annotated[
        Literal["adopted", "no_close", "not_over"] | None,
        Meta(description="Why the value is not made of the day's own closes alone; null where it is."),
    ]
    without_close: Annotated[list[SymbolCode], Meta(description="What was held that has no close of that day.")]
    reasons: Reasons


class CalendarPeriodView(msgspec.Struct, kw_only=True):
    """A calendar month or year, from the end of `start` to the end of `end`."""

    name: Annotated[str, Meta(description="`2026-01`, or `2026`.")]
    start: date
    end: date
    is_whole: Annotated[bool, Meta(description="Whether it reaches over the whole month, or year.")]
    return_percent: Percent | None
    total_return: Annotated[Number | None, Meta(description="In dollars, without deposits and withdrawals.")]
    benchmark_return_percent: Annotated[Percent | None, Meta(description="The benchmark's, between the same days.")]
    reasons: Reasons


class HistoryView(msgspec.Struct, kw_only=True):
    """Every day from the first to the last that is over; docs/figures.md says how each figure is made."""

    days: list[SeriesDayView]
    today: SeriesDayView
    gaps: Annotated[list[date], Meta(description="The days without a value.")]
    months: list[CalendarPeriodView]
    years: list[CalendarPeriodView]
    benchmark: SymbolCode
    joined_history: Joined
    unjoined_history: Unjoined
    estimates_known: Annotated[
        bool, Meta(description="False where the closes could not be read: then no day is marked `no_close`.")
    ]
    period_days: int
    convention: str
    as_of: Moment
    stale: bool


class HistoryAnswer(Answer, kw_only=True):
    """The days of a period, one by one."""

    history: HistoryView
    basis: BasisName


class JoinedView(msgspec.Struct, kw_only=True):
    """A split or a rename across which closes are joined: those of before `on` are divided by `ratio`."""

    symbol: str
    from_symbol: Annotated[str, Meta(description="What it was before; the same asset at a split.")]
    ratio: Annotated[Number, Meta(description="How many there are of `symbol` for one of `from_symbol`.")]
    on: Annotated[date, Meta(description="The UTC day of the event.")]


class UnjoinedView(JoinedView, kw_only=True):
    """A split or a rename across which closes are not joined: the figures are made of them as they are.

    `no_jump`: the closes do not move by the ratio; an exchange may have restated those of before, or there was no such
    split. `prices_apart`: the two assets cost something else. `ratios_differ`: it was booked at several ratios.
    """

    reason: Literal["no_jump", "prices_apart", "ratios_differ"]


Joined = Annotated[
    list[JoinedView],
    Meta(
        description="Splits and renames across which the closes behind the figures are joined, by the ledger's events."
    ),
]
Unjoined = Annotated[
    list[UnjoinedView],
    Meta(description="Splits and renames of the ledger's events that the closes do not bear out: nothing is joined."),
]


class DrawdownView(msgspec.Struct, kw_only=True):
    """A fall from a peak until its height was reached again."""

    depth: Annotated[Ratio, Meta(description="A fraction, below zero.")]
    peak: Annotated[date, Meta(description="The day of the peak.")]
    trough: Annotated[date, Meta(description="The day of the lowest value.")]
    recovery: Annotated[date | None, Meta(description="The day on which the peak was reached again; null until then.")]
    days: Annotated[int, Meta(description="From the peak to the recovery, or to the end of the period.")]


BasisName = Annotated[
    Literal["restated", "recorded"],
    Meta(description="restated: each day by all that is known by now; recorded: as it was when it was over."),
]


class PeriodView(msgspec.Struct, kw_only=True):
    """The figures of a period, all from one start to one end; docs/figures.md says how each is made."""

    total_return: Number | None
    total_return_percent: Percent | None
    money_weighted_return_percent: Annotated[Percent | None, Meta(description="Of the period, not of a year.")]
    money_weighted_return: Annotated[Ratio | None, Meta(description="A year's rate (XIRR), from 90 days on.")]
    win_rate: Ratio | None
    profit_factor: Ratio | None
    expectancy: Annotated[Number | None, Meta(description="Mean result of a closing trade, in dollars.")]
    average_win: Result
    average_loss: Result
    largest_win: Result
    largest_loss: Result
    longest_winning_streak: Streak
    longest_losing_streak: Streak
    current_streak: Annotated[int, Meta(description="The one that the period ends with; below zero: of losses.")]
    average_holding_days: Annotated[
        Ratio | None, Meta(description="Mean time from purchase, at average cost, to sale.")
    ]
    sharpe_ratio: Ratio | None
    sharpe_standard_error: Annotated[Ratio | None, Meta(description="Of the annualized Sharpe ratio.")]
    sortino_ratio: Ratio | None
    annualized_return: Ratio | None
    annualized_volatility: Ratio | None
    max_drawdown: Ratio | None
    max_drawdown_peak: date | None
    max_drawdown_trough: date | None
    max_drawdown_recovery: date | None
    current_drawdown: Annotated[Ratio | None, Meta(description="At the end of the period; 0 at a peak.")]
    current_drawdown_days: Annotated[int | None, Meta(description="Days since the last peak.")]
    worst_drawdowns: Annotated[list[DrawdownView] | None, Meta(description="The ten deepest, deepest first.")]
    calmar_ratio: Ratio | None
    benchmark: Annotated[SymbolCode, Meta(description="The asset that the figures up to `down_capture` compare with.")]
    benchmark_covered_percent: Annotated[
        Percent | None, Meta(description="On how many of the days it has a close; under 90 the figures are null.")
    ]
    benchmark_missing_days: Annotated[list[date] | None, Meta(description="Those on which it has none.")]
    benchmark_return_percent: Annotated[Percent | None, Meta(description="From the first day's close to the last's.")]
    excess_return_percent: Annotated[Percent | None, Meta(description="`total_return_percent` less the benchmark's.")]
    annualized_excess_return: Annotated[
        Ratio | None, Meta(description="`annualized_return` less the benchmark's, from 90 days on.")
    ]
    beta: Annotated[Ratio | None, Meta(description="Covariance with the benchmark over the benchmark's variance.")]
    up_capture: Annotated[
        Ratio | None, Meta(description="Mean return over the benchmark's, on the days on which it rose; 1 is as much.")
    ]
    down_capture: Annotated[Ratio | None, Meta(description="The same on the days on which it fell.")]
    joined_history: Joined
    unjoined_history: Unjoined
    num_trades: int
    period_days: int
    days_covered: int
    adopted_days: Annotated[int, Meta(description="Days that another program recorded before the adoption.")]
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
    basis: BasisName
    convention: str


class PerformanceAnswer(Answer, kw_only=True):
    """The performance over a period."""

    performance: PerformanceView
    period_days: int
    basis: BasisName


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
    """Every timeframe by its name: 1d, 7d, 30d, 90d, wtd, mtd, ytd, 1y, 5y, all."""

    timeframes: Annotated[dict[str, TimeframeView], Meta(description="Of completed days: they end with yesterday.")]
    to_now: Annotated[dict[str, TimeframeView], Meta(description="The same that end now: `1d` is today so far.")]
    convention: str
    stale: bool
    as_of: Moment
    basis: BasisName


class PeriodAnswer(Answer, kw_only=True):
    """The performance between two days."""

    period: TimeframeView
    convention: str
    basis: BasisName
