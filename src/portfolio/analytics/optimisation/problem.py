"""The problem that an optimiser solves, and its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, Self

import numpy as np

from portfolio.analytics.estimate import Counts, Matrix, Vector
from portfolio.analytics.optimisation.history import LEAST_OWN_RETURNS

LEAST_OBSERVATIONS: Final = 60
"""Fewer common days than these say too little for any objective that looks at how assets move."""

CLOSE: Final = 1e-9
"""Weights that are nearer to each other are equal: the solvers err by less."""


class Objective(StrEnum):
    """What the weights are to be best at."""

    MIN_VARIANCE = "min_variance"
    MAX_SHARPE = "max_sharpe"
    RISK_PARITY = "risk_parity"
    HRP = "hrp"
    MIN_CVAR = "min_cvar"
    EQUAL_WEIGHT = "equal_weight"
    INVERSE_VOLATILITY = "inverse_volatility"

    @property
    def needs_common_days(self) -> bool:
        """Return whether it looks at how the assets move together."""
        return self not in {Objective.EQUAL_WEIGHT, Objective.INVERSE_VOLATILITY}

    @property
    def least_days(self) -> int:
        """Return how many days of returns it takes: of fewer there are never any weights."""
        if self.needs_common_days:
            return LEAST_OBSERVATIONS
        return LEAST_OWN_RETURNS if self is Objective.INVERSE_VOLATILITY else 1


class Estimator(StrEnum):
    """How the covariance is estimated."""

    SAMPLE = "sample"
    LEDOIT_WOLF = "ledoit_wolf"
    EWMA = "ewma"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bounds:
    """What the weights ``(n_assets,)`` have to keep to, all fractions of the total value.

    Of each limit ``k`` the weights of its ``members[k]``, at least one, are together at most ``most[k]``. ``invested``
    is what all weights are to sum to; ``current`` are the weights of now, and with ``most_turnover`` the sum of all
    changes of a weight is at most that.
    """

    members: Sequence[tuple[int, ...]]
    most: Vector
    invested: float
    current: Vector
    most_turnover: float | None
    flat: Counts
    starts: Counts

    @classmethod
    def of(
        cls,
        limits: Sequence[tuple[tuple[int, ...], float]],
        *,
        invested: float,
        current: Sequence[float],
        most_turnover: float | None = None,
    ) -> Self:
        """Return the bounds of limits, each the places of its members and how much they may be together."""
        members = [members for members, _ in limits]
        sizes = [len(part) for part in members]
        return cls(
            members=members,
            most=np.array([most for _, most in limits], dtype=np.float64),
            invested=invested,
            current=np.array(current, dtype=np.float64),
            most_turnover=most_turnover,
            flat=np.array([place for part in members for place in part], dtype=np.int64),
            starts=np.cumsum([0, *sizes[:-1]], dtype=np.int64) if members else np.empty(0, dtype=np.int64),
        )

    @property
    def n_assets(self) -> int:
        """Return how many assets there are."""
        return len(self.current)

    def sums(self, weights: Vector) -> Vector:
        """Return what counts against each limit, ``(n_limits,)``."""
        if not len(self.most):
            return np.empty(0)
        found: Vector = np.add.reduceat(weights[self.flat], self.starts)
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """A question for weights.

    ``returns`` are daily ones of the days common to all assets, oldest first, ``(n_days, n_assets)`` without NaN;
    under ``LEAST_OBSERVATIONS`` days none are looked at, and ``deviations`` ``(n_assets,)``, those of each asset's own
    days (NaN: unknown), stand for them. ``half_life`` is in days; ``risk_free_rate`` a year's, a fraction.
    """

    objective: Objective
    estimator: Estimator
    half_life: float
    confidence: Decimal
    risk_free_rate: float
    returns: Matrix
    deviations: Vector
    bounds: Bounds

    @property
    def has_enough_days(self) -> bool:
        """Return whether there are days enough to say how the assets move together."""
        return len(self.returns) >= LEAST_OBSERVATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertain:
    """A figure and its standard error; None where it is not finite."""

    value: float | None
    standard_error: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What weights promise: return, volatility and Sharpe ratio of a year, the conditional value at risk of a day."""

    annual_return: Uncertain
    volatility: Uncertain
    sharpe: Uncertain
    cvar: Uncertain


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A way that was tried; ``reason`` says why it was left, None of the one that was taken.

    ``objective`` is None where the weights stay as they are.
    """

    objective: Objective | None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A limit that is reached, by its place among the limits.

    ``dual`` is by how much the objective would get better for each unit that the limit is wider: of a year's variance,
    of a year's Sharpe ratio, of a day's CVaR; None where the weights are not the optimum of one of these.
    """

    limit: int
    dual: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """Limits that leave less room than ``wanted``: ``possible`` is the sum of weights that there is room for.

    ``limits`` are those that make it so; ``turnover`` says whether the bound on turnover is one of them.
    """

    wanted: float
    possible: float
    limits: Sequence[int]
    turnover: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Honesty:
    """What is known of how much the weights are worth.

    ``spread`` has of each asset the standard deviation of its weight when days are drawn anew, in blocks.
    """

    effective_observations: float | None
    condition_number: float | None
    shrinkage: float | None
    optimality_gap: float | None
    spread: Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solved:
    """The answer: ``weights`` and ``contributions`` to the variance, ``(n_assets,)``; None where undefined."""

    weights: Sequence[float]
    steps: Sequence[Step]
    shortfall: Shortfall | None
    binding: Sequence[Binding]
    contributions: Sequence[float] | None
    expected: Expected | None
    current: Expected | None
    equal_weight: Expected | None
    honesty: Honesty


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The weights of an answer, ``(n_assets,)``; ``stays`` where no way led to any, and they are those of now."""

    weights: Sequence[float]
    stays: bool


class NoSolution(Exception):
    """A way that leads to no weights; ``str()`` is the reason as a code."""


class TurnoverTooSmall(Exception):
    """Within this turnover the limits cannot be met; ``least`` is the one that does."""

    def __init__(self, least: float) -> None:
        super().__init__(least)
        self.least = least
