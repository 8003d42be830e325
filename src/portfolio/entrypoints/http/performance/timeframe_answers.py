"""The body of the answer about all timeframes."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from portfolio.entrypoints.http.performance.answers import PeriodView
from portfolio.entrypoints.http.shell.numbers import Number
from portfolio.entrypoints.http.shell.responses import Answer, Moment, Percent, Reasons


class ContributionView(msgspec.Struct, kw_only=True):
    """What a position added: the growth of its realized and unrealized result, fees included, in dollars."""

    symbol: str
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
