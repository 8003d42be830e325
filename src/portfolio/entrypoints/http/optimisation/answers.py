"""The bodies of answers about weights."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from portfolio.entrypoints.http.optimisation.requests import EstimatorName, ObjectiveName
from portfolio.entrypoints.http.performance.answers import Joined, Unjoined
from portfolio.entrypoints.http.rebalancing.answers import StandingView
from portfolio.entrypoints.http.risk.limit_answers import PlannedTradeView, RecommendationView, Rule
from portfolio.entrypoints.http.shell.numbers import Cents, Number, Percent, Ratio
from portfolio.entrypoints.http.shell.responses import Answer, Moment, Reasons, SymbolCode

Weights = Annotated[dict[str, Number], Meta(description="By symbol, fractions of the total value after costs.")]


class UncertainView(msgspec.Struct, kw_only=True):
    """A figure, and how far it may be off."""

    value: Ratio | None
    standard_error: Ratio | None


class ExpectedView(msgspec.Struct, kw_only=True):
    """What weights promise, going by the days looked at: of a year, CVaR of a day; fractions."""

    annual_return: UncertainView = msgspec.field(name="return")
    volatility: UncertainView
    sharpe: UncertainView
    cvar: UncertainView


class VersusView(msgspec.Struct, kw_only=True):
    """The same figures of what is held, and of equal weights."""

    current: ExpectedView | None
    equal_weight: ExpectedView | None


class KeptView(msgspec.Struct, kw_only=True):
    """An asset that keeps its value whatever the weights are."""

    symbol: SymbolCode
    weight: Number
    reason: Literal[
        "price_not_live", "short_position", "price_too_low", "stablecoin", "too_short_for_its_weight", "stays"
    ]


class RoomView(msgspec.Struct, kw_only=True):
    """A limit, and how much of it there is for the assets that get weights: a fraction of the total value."""

    rule: Rule
    symbols: list[SymbolCode]
    category: str | None
    most: Number


class BindingLimitView(RoomView, kw_only=True):
    """A limit that is reached."""

    dual: Ratio | None


class ShortfallView(msgspec.Struct, kw_only=True):
    """Limits that leave less room than was to be invested; the rest is cash."""

    wanted: Number
    possible: Number
    limits: list[RoomView]
    turnover: bool


class HonestyView(msgspec.Struct, kw_only=True):
    """What is known of how much the weights are worth."""

    observations: int
    effective_observations: Ratio | None
    condition_number: Ratio | None
    shrinkage: Ratio | None
    optimality_gap: Ratio | None
    weight_spread: Annotated[
        dict[str, Ratio] | None,
        Meta(description="By symbol, the deviation of its weight over 20 draws of the days in blocks."),
    ]
    binding_limits: list[BindingLimitView]
    reasons: Reasons


class StepView(msgspec.Struct, kw_only=True):
    """A way that was tried; `current` leaves the weights as they are. The last one has no reason: it was taken."""

    objective: Literal[ObjectiveName, "current"]
    reason: str | None


class TargetPlanView(msgspec.Struct, kw_only=True):
    """The trades that lead from what is held to the weights, and what the policy asks for after them."""

    recommendations: list[PlannedTradeView]
    turnover_percent: Percent
    estimated_cost: Cents
    too_small: list[SymbolCode]
    projected: StandingView
    remaining: list[RecommendationView]


class OptimisationView(msgspec.Struct, kw_only=True):
    """Weights, what they promise, how far that goes, and the plan that leads to them."""

    objective: ObjectiveName
    estimator: EstimatorName
    days: int
    confidence: Number
    weights: Weights
    cash: Number
    kept: list[KeptView]
    sold: list[SymbolCode]
    expected: ExpectedView | None
    risk_contributions: Annotated[
        dict[str, Ratio] | None, Meta(description="By symbol, its part in the variance; they sum to 1.")
    ]
    plan: TargetPlanView
    versus: VersusView
    honesty: HonestyView
    fallback_chain: list[StepView]
    shortfall: ShortfallView | None
    priced_at_close: list[SymbolCode]
    joined_history: Joined
    unjoined_history: Unjoined
    policy_id: str
    convention: str
    stale: bool
    as_of: Moment
    revision: int
    reasons: Reasons


class OptimisationAnswer(Answer, kw_only=True):
    """The optimisation."""

    optimisation: OptimisationView
