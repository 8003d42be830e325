"""The bodies of answers about risk; every figure by the conventions that ``convention`` names."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from portfolio.entrypoints.http.performance.answers import Joined, Unjoined
from portfolio.entrypoints.http.risk.limit_answers import ConcentrationView, Level, RecommendationView
from portfolio.entrypoints.http.shell.numbers import Cents, Number, NumberRow, Percent, Ratio
from portfolio.entrypoints.http.shell.responses import Answer, Moment, Reasons

Simulated = Annotated[bool, Meta(description="Whether the closes are made up.")]
Mixed = Annotated[
    list[str],
    Meta(description="Symbols with closes that are left out: real and simulated ones are never mixed."),
]
AssumedRate = Annotated[
    list[str],
    Meta(description="Symbols with closes in USDT that were converted at parity: its own close of the day is missing."),
]
Covered = Annotated[Percent, Meta(description="How much of the total value the figures are made of, in percent.")]


class ConcentrationRiskView(ConcentrationView, kw_only=True):
    """Concentration as of now."""

    convention: str
    stale: bool
    as_of: Moment
    revision: int
    reasons: Reasons


class ConcentrationAnswer(Answer, kw_only=True):
    """The concentration."""

    concentration_analysis: ConcentrationRiskView


class HistoryView(msgspec.Struct, kw_only=True):
    """What every figure from history says about itself."""

    lookback_days: int
    convention: str
    simulated_history: Simulated
    mixed_history: Mixed
    assumed_rate_history: AssumedRate
    joined_history: Joined
    unjoined_history: Unjoined
    stale: bool
    as_of: Moment
    revision: int
    reasons: Reasons


class ExcludedView(msgspec.Struct, kw_only=True):
    """An asset that the figures are made without."""

    symbol: str
    reason: str


class HighPairView(msgspec.Struct, kw_only=True):
    """Two assets that move together more than the policy's bound."""

    symbols: list[str]
    correlation: Ratio
    common_days: int


class UndefinedPairView(msgspec.Struct, kw_only=True):
    """Two assets whose correlation is undefined although neither is excluded."""

    symbols: list[str]
    reason: str


class CorrelationView(HistoryView, kw_only=True):
    """Pearson's coefficients on each pair's common days; rows and columns as in `symbols`."""

    symbols: list[str]
    matrix: list[NumberRow]
    average_correlation: Ratio | None
    high_pairs: list[HighPairView]
    excluded: list[ExcludedView]
    undefined_pairs: list[UndefinedPairView]


class CorrelationAnswer(Answer, kw_only=True):
    """The correlations."""

    correlation: CorrelationView


class AssetVolatilityView(msgspec.Struct, kw_only=True):
    """One asset; `risk_contribution` is its share of the portfolio's variance, a fraction."""

    symbol: str
    daily_volatility: Ratio | None
    annualized_volatility: Ratio | None
    level: Level | None
    allocation_percent: Percent | None
    risk_contribution: Ratio | None
    risk_contribution_percent: Percent | None
    reasons: Reasons


class VolatilityView(HistoryView, kw_only=True):
    """Annualised volatility as fractions; the contributions' percentages sum to 100."""

    portfolio_volatility: Ratio | None
    diversification_ratio: Ratio | None
    portfolio_heat: Ratio | None
    assets: list[AssetVolatilityView]
    excluded: list[ExcludedView]
    common_days: int
    covered_percent: Covered | None


class VolatilityAnswer(Answer, kw_only=True):
    """The volatility."""

    volatility: VolatilityView


class LossView(msgspec.Struct, kw_only=True):
    """One day's loss as a fraction of the total value and in dollars; below zero it is a gain."""

    value_at_risk: Ratio | None
    value_at_risk_amount: Cents | None
    conditional_value_at_risk: Ratio | None
    conditional_value_at_risk_amount: Cents | None
    reasons: Reasons


class ConfidenceView(msgspec.Struct, kw_only=True):
    """The loss at one confidence, estimated in three ways."""

    confidence: Number
    historical: LossView
    cornish_fisher: LossView
    normal: LossView


class BacktestView(msgspec.Struct, kw_only=True):
    """How historical value at risk did: each day from the 31st on beside what all days before it said.

    `kupiec_p_value` is how likely a number of days at least as far from `expected` is if value at risk is right.
    """

    days: int
    expected: Number
    beyond: int
    kupiec_p_value: Ratio | None
    reasons: Reasons


class TailView(HistoryView, kw_only=True):
    """What a bad day costs at today's weights."""

    confidence_95: ConfidenceView
    confidence_99: ConfidenceView
    backtest_95: BacktestView
    backtest_99: BacktestView
    observations: int
    excluded: list[ExcludedView]
    covered_percent: Covered | None


class TailAnswer(Answer, kw_only=True):
    """The value at risk."""

    value_at_risk: TailView


class SectorView(msgspec.Struct, kw_only=True):
    """A category, or cash."""

    category: str
    value: Cents
    allocation_percent: Percent | None
    limit_percent: Percent | None
    over_limit: bool
    symbols: list[str]
    reasons: Reasons


class SectorsAnswer(Answer, kw_only=True):
    """The categories, the largest first, and cash at the end; allocations sum to 100."""

    sectors: list[SectorView]
    convention: str
    stale: bool
    as_of: Moment
    revision: int


class DeductionView(msgspec.Struct, kw_only=True):
    """Points off the score; `subject` is the symbol or category, null where it is the whole portfolio."""

    factor: Literal["position_over_limit", "category_over_limit", "average_correlation", "floor"]
    points: Number
    subject: str | None
    detail: str


class ObstacleView(msgspec.Struct, kw_only=True):
    """A deduction that these trades do not take away; `obstacle` is null where no limit is behind it."""

    deduction: DeductionView
    obstacle: str | None


class WayToTargetView(msgspec.Struct, kw_only=True):
    """The trades of least value that lift the score to the target; if none do, what stands in the way."""

    reachable: bool
    projected_score: Number | None
    trades: list[RecommendationView]
    trade_value: Cents
    estimated_cost: Cents
    in_the_way: list[ObstacleView]


class HealthScoreView(msgspec.Struct, kw_only=True):
    """The score; `deductions` sum to 100 - score."""

    score: Number | None
    target: Number
    healthy: bool | None
    average_correlation: Ratio | None
    deductions: list[DeductionView]
    recommendations: list[RecommendationView]
    to_reach_target: WayToTargetView
    lookback_days: int
    convention: str
    stale: bool
    as_of: Moment
    revision: int
    reasons: Reasons


class PortfolioHealthAnswer(Answer, kw_only=True):
    """The health of the portfolio."""

    health: HealthScoreView
