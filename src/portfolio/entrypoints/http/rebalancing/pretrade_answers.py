"""The body of the answer to a check before a trade."""

from __future__ import annotations

from typing import Literal

import msgspec

from portfolio.entrypoints.http.risk.answers import ExcludedView
from portfolio.entrypoints.http.risk.limit_answers import BrokenLimitView, Level
from portfolio.entrypoints.http.shell.numbers import Cents, Number, Percent, Ratio
from portfolio.entrypoints.http.shell.responses import Answer, Moment, Problem, Reasons, SymbolCode


class CheckedLimitView(BrokenLimitView, kw_only=True):
    """A limit that is broken after the trade; `caused` if the trade broke it or adds to what was over it already."""

    newly_broken: bool
    caused: bool


class TradeStandingView(msgspec.Struct, kw_only=True):
    """The figures that a trade in one asset moves.

    Volatility is annualised, and made without the assets `excluded`; value at risk is the historical one of a day.
    """

    quantity: Number
    value: Cents
    allocation_percent: Percent | None
    category_allocation: Percent | None
    total_value: Cents
    cash_balance: Cents
    cash_allocation: Percent | None
    hhi: Ratio | None
    hhi_with_cash: Ratio | None
    concentration_level: Level | None
    portfolio_health_score: Number | None
    average_correlation: Ratio | None
    correlations: dict[str, Number]
    portfolio_volatility: Ratio | None
    value_at_risk_95: Ratio | None
    excluded: list[ExcludedView]
    reasons: Reasons


class CheckView(msgspec.Struct, kw_only=True):
    """What a booking would do: whether the ledger would take it, and which limits are broken after it.

    `largest_quantity` is the most that could be booked at this price, with fees in this proportion, without breaking a
    limit.
    """

    symbol: SymbolCode
    side: Literal["BUY", "SELL"]
    quantity: Number
    price: Number
    category: str
    accepted: bool
    problem: Problem | None
    allowed: bool | None
    breaks_limits: bool | None
    broken_limits: list[CheckedLimitView]
    largest_quantity: Number | None
    current: TradeStandingView
    projected: TradeStandingView | None
    policy_id: str
    stale: bool
    as_of: Moment
    revision: int
    reasons: Reasons


class CheckAnswer(Answer, kw_only=True):
    """The check of a booking."""

    check: CheckView
