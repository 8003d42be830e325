"""What is asked of an optimisation, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import msgspec

from portfolio.analytics.closes import Join
from portfolio.analytics.optimisation.problem import Estimator, Objective
from portfolio.application.risk.state import MarketState
from portfolio.domain.optimisation.headroom import Headroom
from portfolio.domain.optimisation.plan import TargetPlan


class LimitMode(StrEnum):
    """How much of each limit weights may use: as much as purchases of the policy may, or all of it."""

    POLICY = "policy"
    HARD = "hard"


class Targets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The weights to reach.

    ``symbols`` are the assets to hold, None for those that are held, or that a backtest begins with; ``days`` completed
    days are looked at. ``cash_percent`` None is the policy's target, ``max_turnover_percent`` None is any.
    ``confidence`` is that of CVaR.
    """

    objective: Objective
    estimator: Estimator = Estimator.LEDOIT_WOLF
    half_life_days: Decimal = Decimal(60)
    days: int = 180
    symbols: tuple[str, ...] | None = None
    cash_percent: Decimal | None = None
    max_turnover_percent: Decimal | None = None
    limits: LimitMode = LimitMode.POLICY
    confidence: Decimal = Decimal("0.95")


class OptimisationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: weights, and ``changes``, the settings of the policy that are to be others in this answer."""

    targets: Targets
    changes: Mapping[str, object] = msgspec.field(default_factory=dict)


class WhyKept(StrEnum):
    """Why an asset keeps its value whatever the weights are."""

    PRICE_NOT_LIVE = "price_not_live"
    SHORT_POSITION = "short_position"
    STABLECOIN = "stablecoin"
    PRICE_TOO_LOW = "price_too_low"
    TOO_SHORT_FOR_ITS_WEIGHT = "too_short_for_its_weight"
    STAYS = "stays"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An asset that keeps its value, as a fraction of the total value."""

    symbol: str
    weight: Decimal
    reason: WhyKept


class ExpectedFigure(msgspec.Struct, frozen=True, kw_only=True):
    """A figure at 12 decimals, and its standard error; None where undefined."""

    value: Decimal | None
    standard_error: Decimal | None


class ExpectedFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What weights promise: of a year, and the conditional value at risk of a day."""

    annual_return: ExpectedFigure
    volatility: ExpectedFigure
    sharpe: ExpectedFigure
    cvar: ExpectedFigure


class BindingLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that is reached, and by how much the objective would get better for each unit that it is wider."""

    headroom: Headroom
    dual: Decimal | None


class LimitsLeaveCash(msgspec.Struct, frozen=True, kw_only=True):
    """Limits leave less room than was to be invested, or the bound on turnover does; both are fractions."""

    wanted: Decimal
    possible: Decimal
    headrooms: Sequence[Headroom]
    turnover: bool


class StepTaken(msgspec.Struct, frozen=True, kw_only=True):
    """A way that was tried; ``objective`` is ``current`` where the weights stay, ``reason`` None of the one taken."""

    objective: str
    reason: str | None


class HonestFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of how much the weights are worth; None where undefined.

    ``weight_spread`` has by symbol the standard deviation of the weight over days drawn anew.
    """

    observations: int
    effective_observations: Decimal | None
    condition_number: Decimal | None
    shrinkage: Decimal | None
    optimality_gap: Decimal | None
    weight_spread: Mapping[str, Decimal] | None
    binding_limits: Sequence[BindingLimit]


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """Weights that others are compared with, by symbol, and the cash beside them: fractions of the total value."""

    weights: Mapping[str, Decimal]
    cash: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimised:
    """Weights, what they promise beside what is held and beside equal weights, and the plan that leads to them.

    ``weights`` are fractions of the total value after the plan's costs, by symbol; ``cash`` is what they and what is
    ``kept`` leave. ``plan`` has no trades where the weights stay as they are. ``priced_at_close`` are assets that
    nobody holds, at the last daily close: there is no newer price. ``held`` are the weights of today, with those of
    what is to be sold, ``equal`` those of equal weights. Closes are joined across ``joined_history``, and not across
    ``unjoined_history``.
    """

    state: MarketState
    targets: Targets
    weights: Mapping[str, Decimal]
    cash: Decimal
    kept: Sequence[Kept]
    sold: Sequence[str]
    expected: ExpectedFigures | None
    current: ExpectedFigures | None
    equal_weight: ExpectedFigures | None
    contributions: Mapping[str, Decimal] | None
    plan: TargetPlan
    honesty: HonestFigures
    steps: Sequence[StepTaken]
    shortfall: LimitsLeaveCash | None
    priced_at_close: Sequence[str]
    held: Compared
    equal: Compared
    joined_history: Sequence[Join] = ()
    unjoined_history: Sequence[Join] = ()
