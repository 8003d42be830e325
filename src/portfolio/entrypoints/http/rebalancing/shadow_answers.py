"""The body of the answer about shadow portfolios."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from portfolio.entrypoints.http.performance.answers import BasisName, Joined, Unjoined
from portfolio.entrypoints.http.risk.answers import Simulated
from portfolio.entrypoints.http.shell.numbers import Cents, Number, Percent, Ratio
from portfolio.entrypoints.http.shell.responses import Answer, Moment, Reasons

ShadowName = Literal[
    "do_nothing", "policy", "concentration_risk", "high_volatility", "negative_momentum", "category_concentration",
    "high_correlation", "cash_deployment",
]  # fmt: skip
UnitValue = Annotated[Number | None, Meta(description="The value of a unit that was worth 1 at the beginning.")]


class UnitFiguresView(msgspec.Struct, kw_only=True):
    """What became of the portfolio itself, by the definitions of `GET /performance`."""

    value: Cents
    total_return: Cents | None
    total_return_percent: Percent | None
    annualized_volatility: Ratio | None
    sharpe_ratio: Ratio | None
    max_drawdown: Ratio | None
    reasons: Reasons


class ShadowView(UnitFiguresView, kw_only=True):
    """What would have become of the same books: without a trade, by the whole policy, or by one of its rules alone."""

    name: ShadowName
    cash: Cents
    trades: int
    traded: Cents
    fees: Cents
    slippage: Cents


class ShadowDayView(msgspec.Struct, kw_only=True):
    """The end of a day: the value of a unit of the portfolio, which is null on a day that is not final, and of each
    shadow.
    """

    day: date
    actual: UnitValue
    do_nothing: UnitValue
    policy: UnitValue
    concentration_risk: UnitValue
    high_volatility: UnitValue
    negative_momentum: UnitValue
    category_concentration: UnitValue
    high_correlation: UnitValue
    cash_deployment: UnitValue


class ShadowsView(msgspec.Struct, kw_only=True):
    """The books of the end of `first_day`, and what became of them, and would have, by the end of `last_day`.

    Without shadows `reasons` says why.
    """

    first_day: date | None
    last_day: date | None
    actual: UnitFiguresView | None
    shadows: list[ShadowView]
    days: list[ShadowDayView]
    left_out: list[str]
    policy_id: str | None
    simulated_history: Simulated
    joined_history: Joined
    unjoined_history: Unjoined
    basis: BasisName
    convention: str
    stale: bool
    as_of: Moment
    reasons: Reasons


class ShadowsAnswer(Answer, kw_only=True):
    """The shadow portfolios."""

    shadows: ShadowsView
