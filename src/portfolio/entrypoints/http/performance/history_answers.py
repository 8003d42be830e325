"""What is answered about the days of a period, one by one."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from portfolio.entrypoints.http.performance.answers import BasisName, Joined, Unjoined
from portfolio.entrypoints.http.shell.numbers import Number, Percent, Ratio
from portfolio.entrypoints.http.shell.responses import Answer, Moment, Reasons, SymbolCode

Index = Annotated[Percent | None, Meta(description="100 on the first day, 6 decimals.")]


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
