"""The bodies of successes, field by field as the contract has them."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from portfolio.entrypoints.http.ledger.answers import PositionView
from portfolio.entrypoints.http.performance.answers import PerformanceView
from portfolio.entrypoints.http.shell.numbers import Number, Percent, Ratio
from portfolio.entrypoints.http.shell.responses import Answer, Moment, Reasons


class RiskMetricsView(msgspec.Struct, kw_only=True):
    """The portfolio's risk in a few figures; volatility is annualised, value at risk the historical one of a day."""

    health_score: Number | None
    hhi: Ratio | None
    concentration_level: str | None
    average_correlation: Ratio | None
    portfolio_volatility: Ratio | None
    portfolio_heat: Ratio | None
    value_at_risk_95: Ratio | None
    covered_percent: Annotated[
        dict[str, Percent],
        Meta(description="The share of the value behind each figure, in percent; under 90 the figure is null."),
    ]
    reasons: Reasons


class PortfolioView(msgspec.Struct, kw_only=True):
    """The portfolio at its prices: total_value = net_deposits + realized_pnl + unrealized_pnl + unreconciled."""

    total_value: Number
    cash_balance: Number
    invested_amount: Number
    cost_basis: Number
    unrealized_pnl: Number
    realized_pnl: Number
    total_pnl: Number
    total_pnl_percent: Percent | None
    fees_paid: Number
    net_deposits: Number
    unreconciled: Number
    num_positions: int
    positions: list[PositionView]
    performance_metrics: PerformanceView | None
    risk_metrics: RiskMetricsView
    priced_share_percent: Percent | None
    fresh_share_percent: Percent | None
    stale: bool
    as_of: Moment
    revision: int
    last_updated: Moment
    reasons: Reasons


MEASURED: Final = frozenset({"positions", "performance_metrics", "risk_metrics"})
"""What of a portfolio's view is more than a sum."""

TotalsView = msgspec.defstruct(
    "TotalsView",
    [(field.name, field.type) for field in msgspec.structs.fields(PortfolioView) if field.name not in MEASURED],
    kw_only=True,
    namespace={"__doc__": "The sums of the portfolio, as `GET /portfolio` has them."},
    module=__name__,
)


class PortfolioAnswer(Answer, kw_only=True):
    """The portfolio."""

    portfolio: PortfolioView


class PositionsAnswer(Answer, kw_only=True):
    """What is held, by symbol."""

    positions: list[PositionView]
    count: int
    stale: bool
    as_of: Moment


class PriceFailure(msgspec.Struct, kw_only=True):
    """A symbol whose price could not be refreshed."""

    symbol: str
    reason: str


class RefreshAnswer(Answer, kw_only=True):
    """What a refresh brought, and the portfolio after it."""

    message: str
    portfolio: PortfolioView
    refreshed: list[str]
    failed: list[PriceFailure]
