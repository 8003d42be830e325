"""The bodies of answers about rebalancing."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from portfolio.entrypoints.http.risk.limit_answers import BrokenLimitView, ConcentrationView, RecommendationView, Rule
from portfolio.entrypoints.http.shell.numbers import Cents, Number, Percent, Ratio
from portfolio.entrypoints.http.shell.responses import Answer, Moment, Reasons


class UnresolvedView(msgspec.Struct, kw_only=True):
    """What is left as it is: a symbol, a category, or (neither) a pair of symbols. `limit` is the rule still broken."""

    symbol: str | None
    category: str | None
    symbols: list[str]
    reason: str
    detail: str
    limit: Rule | None


class StandingView(msgspec.Struct, kw_only=True):
    """A portfolio in a few figures, current or projected."""

    total_value: Cents
    cash_balance: Cents
    cash_allocation: Percent | None
    portfolio_health_score: Number | None
    total_positions: int
    concentration_analysis: ConcentrationView
    average_correlation: Ratio | None
    broken_limits: list[BrokenLimitView]
    reasons: Reasons


class PolicyView(msgspec.Struct, kw_only=True):
    """The policy, as its file has it: shares are fractions. `id` is another one as soon as any value is."""

    id: str
    position_limit: Number
    volatility_threshold: Number
    momentum_threshold: Number
    momentum_limit: Number
    category_limit: Number
    pair_correlation: Number
    pair_limit: Number
    pair_floor: Number
    cash_trigger: Number
    cash_target: Number
    sell_down_share: Number
    fee_bps: Number
    dust_value: Number
    uncapped_categories: list[str]
    stable_categories: list[str]
    priorities: dict[str, str]
    confidences: dict[str, Number]


class AnalysisView(msgspec.Struct, kw_only=True):
    """The portfolio as the policy sees it, the plan, and the same figures after it."""

    portfolio_health_score: Number | None
    total_positions: int
    total_recommendations: int
    concentration_analysis: ConcentrationView
    average_correlation: Ratio | None
    high_priority_actions: Annotated[int, Meta(description="How many recommendations have priority high.")]
    recommendations: list[RecommendationView]
    unresolved: list[UnresolvedView]
    turnover_percent: Percent | None
    estimated_cost: Cents
    broken_limits: list[BrokenLimitView]
    projected: StandingView
    withheld_rules: list[Rule]
    withheld_because: str | None
    policy: PolicyView
    lookback_days: int
    convention: str
    stale: bool
    as_of: Moment
    revision: int
    reasons: Reasons


class AnalysisAnswer(Answer, kw_only=True):
    """The analysis."""

    analysis: AnalysisView


class RecommendationsAnswer(Answer, kw_only=True):
    """What the plan asks for: sales before purchases, by priority, then the largest, then by symbol."""

    recommendations: list[RecommendationView]
    total_recommendations: int
    high_priority: int
    unresolved: list[UnresolvedView]
    policy_id: str
    stale: bool
    as_of: Moment
    revision: int


class ProjectedTradeView(msgspec.Struct, kw_only=True):
    """A trade as it was projected."""

    symbol: str
    side: Literal["BUY", "SELL"]
    quantity: Number
    price: Number
    trade_value: Cents
    estimated_fee: Cents


class WhatIfView(msgspec.Struct, kw_only=True):
    """The projected portfolio beside the current one, both held to `policy`.

    `trades` are those asked about or, with basis `plan`, those that the policy asks for. `recommendations` is what it
    asks of the current portfolio, `remaining` what it asks of the projected one.
    """

    basis: Literal["trades", "plan"]
    trades: list[ProjectedTradeView]
    turnover_percent: Percent | None
    estimated_cost: Cents
    current: StandingView
    projected: StandingView
    newly_broken: list[BrokenLimitView]
    recommendations: list[RecommendationView]
    remaining: list[RecommendationView]
    unresolved: list[UnresolvedView]
    policy: PolicyView
    stale: bool
    as_of: Moment
    revision: int
    reasons: Reasons


class WhatIfAnswer(Answer, kw_only=True):
    """What would be."""

    what_if: WhatIfView
