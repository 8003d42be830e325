"""From a problem to weights: the way that was asked for, and the ways to fall back on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np

from portfolio.analytics.estimate import Matrix, Vector
from portfolio.analytics.optimisation.cuts import Cuts, near_zero
from portfolio.analytics.optimisation.feasibility import reachable
from portfolio.analytics.optimisation.figures import Market, blocks, contributions, expected
from portfolio.analytics.optimisation.filling import filled, trimmed
from portfolio.analytics.optimisation.hierarchy import hierarchical_risk_parity
from portfolio.analytics.optimisation.moments import all_moving, moments
from portfolio.analytics.optimisation.problem import (
    CLOSE,
    Binding,
    Chosen,
    Honesty,
    NoSolution,
    Objective,
    Problem,
    Shortfall,
    Solved,
    Step,
)
from portfolio.analytics.optimisation.programmes import Found, max_sharpe, min_cvar, min_variance, nearest
from portfolio.analytics.optimisation.risk_parity import risk_parity
from portfolio.analytics.optimisation.solvers import Solvers

RESAMPLES: Final = 20

_SINGULAR: Final = 1e15  # a condition number of more digits than a float has

_NEXT: Mapping[Objective, Objective] = MappingProxyType(
    {
        Objective.MAX_SHARPE: Objective.MIN_VARIANCE,
        Objective.MIN_CVAR: Objective.MIN_VARIANCE,
        Objective.MIN_VARIANCE: Objective.RISK_PARITY,
        Objective.RISK_PARITY: Objective.INVERSE_VOLATILITY,
        Objective.HRP: Objective.INVERSE_VOLATILITY,
    }
)


def optimise(problem: Problem, solvers: Solvers) -> Solved:
    """Return the weights of the objective, or of the first of its fallbacks that leads to some.

    Raises:
        TurnoverTooSmall: the limits cannot be met by so little trading.
    """
    search = _Search.of(problem, solvers)
    found, steps = search.first_found()
    weights, market, binding = _kept(found, search), search.market, _binding(found, search)
    n_assets = problem.bounds.n_assets
    equal = np.full(n_assets, problem.bounds.invested / n_assets)
    return Solved(
        weights=weights.tolist(),
        steps=steps,
        shortfall=search.shortfall,
        binding=binding,
        contributions=None if market is None else contributions(weights, market.moments),
        expected=None if market is None else expected(weights, market),
        current=None if market is None else expected(problem.bounds.current, market),
        equal_weight=None if market is None else expected(equal, market),
        honesty=_honesty(found, search),
    )


def choose(problem: Problem, solvers: Solvers) -> Chosen:
    """Return the weights of ``optimise`` alone, without what they promise and how sure they are; raises as that."""
    search = _Search.of(problem, solvers)
    found, steps = search.first_found()
    return Chosen(weights=_kept(found, search).tolist(), stays=steps[-1].objective is None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Search:
    """A problem, and what all ways to solve it have in common; ``market`` is None where the days are too few."""

    problem: Problem
    solvers: Solvers
    cuts: Cuts
    invested: float
    shortfall: Shortfall | None
    market: Market | None

    @classmethod
    def of(cls, problem: Problem, solvers: Solvers) -> _Search:
        cuts = Cuts(problem.bounds)
        invested, shortfall = reachable(cuts, solvers)
        market = _market(problem, problem.returns) if problem.has_enough_days else None
        return cls(problem=problem, solvers=solvers, cuts=cuts, invested=invested, shortfall=shortfall, market=market)

    def first_found(self) -> tuple[Found, Sequence[Step]]:
        """Return what the first way that leads to weights has found, and all ways that were tried."""
        steps: list[Step] = []
        way: Objective | None = self.problem.objective
        while way is not None:
            try:
                return self._by(way), [*steps, Step(objective=way)]
            except NoSolution as error:
                steps.append(Step(objective=way, reason=str(error)))
                way = _NEXT.get(way)
        return Found(self.problem.bounds.current), [*steps, Step(objective=None)]

    def _by(self, way: Objective) -> Found:
        if self.market is None:
            return self._constructed(way)
        estimates, cuts, solvers = self.market.moments, self.cuts, self.solvers
        if way is Objective.MIN_VARIANCE:
            return min_variance(estimates, cuts, self.invested, solvers)
        if way is Objective.MAX_SHARPE:
            return max_sharpe(estimates, cuts, self.invested, solvers, self.market.risk_free_rate)
        if way is Objective.MIN_CVAR:
            return min_cvar(self.market.returns, self.market.confidence, cuts, self.invested, solvers)
        return self._constructed(way)

    def _constructed(self, way: Objective) -> Found:
        """Return weights in given proportions, filled into the limits; what filling cannot reach, the nearest does."""
        shares, gap = self._shares(way)
        bounds = replace(self.problem.bounds, invested=self.invested)
        weights = filled(shares, bounds)
        is_reached = abs(float(weights.sum()) - self.invested) <= CLOSE
        turnover = float(np.abs(weights - bounds.current).sum())
        if is_reached and (bounds.most_turnover is None or turnover <= bounds.most_turnover + CLOSE):
            is_free = bool(np.abs(weights - shares * self.invested).max() <= CLOSE)
            return Found(weights, gap=gap if is_free else None)
        return nearest(weights, self.cuts, self.invested, self.solvers)

    def _shares(self, way: Objective) -> tuple[Vector, float | None]:
        """Return shares that sum to 1, whatever the limits, and how far from the optimum where they are to be one."""
        if way is Objective.EQUAL_WEIGHT:
            return np.full(self.problem.bounds.n_assets, 1 / self.problem.bounds.n_assets), None
        if way is Objective.INVERSE_VOLATILITY:
            return _inverse_volatility(self._deviations()), None
        assert self.market is not None
        covariance = self.market.moments.covariance
        if way is Objective.HRP:
            return hierarchical_risk_parity(covariance, self.solvers), None
        return risk_parity(covariance)

    def _deviations(self) -> Vector:
        if self.market is None:
            return self.problem.deviations
        deviations: Vector = np.sqrt(np.diag(self.market.moments.covariance))
        return deviations


def _market(problem: Problem, returns: Matrix) -> Market:
    return Market(
        returns=returns,
        moments=moments(returns, problem.estimator, problem.half_life),
        confidence=problem.confidence,
        risk_free_rate=problem.risk_free_rate,
    )


def _inverse_volatility(deviations: Vector) -> Vector:
    if np.isnan(deviations).any():
        raise NoSolution("a_volatility_is_unknown")
    shares: Vector = 1 / (all_moving(deviations) * (1 / deviations).sum())
    return shares


def _kept(found: Found, search: _Search) -> Vector:
    """Return the weights of the answer; those of now stay as they are, whatever the limits say."""
    bounds = search.problem.bounds
    return found.weights if found.weights is bounds.current else trimmed(found.weights, bounds)


def _binding(found: Found, search: _Search) -> list[Binding]:
    """Return the limits that are reached, with what they cost where that is known."""
    bounds = search.problem.bounds
    if found.weights is bounds.current:
        return []
    tight = bounds.sums(found.weights) >= bounds.most * (1 - 1e-7)
    bound = []
    for limit in np.flatnonzero(tight).tolist():
        dual = None if found.duals is None else float(found.duals[limit])
        if dual is None or not near_zero(dual):
            bound.append(Binding(limit=limit, dual=dual))
    return bound


def _honesty(found: Found, search: _Search) -> Honesty:
    if search.market is None:
        nothing = [None] * search.problem.bounds.n_assets
        return Honesty(
            effective_observations=None,
            condition_number=None,
            shrinkage=None,
            optimality_gap=None,
            spread=nothing,
        )
    estimates = search.market.moments
    condition = estimates.condition_number
    return Honesty(
        effective_observations=estimates.effective_observations,
        condition_number=condition if math.isfinite(condition) and condition < _SINGULAR else None,
        shrinkage=estimates.shrinkage,
        optimality_gap=found.gap,
        spread=_spread(search),
    )


def _spread(search: _Search) -> list[float | None]:
    """Return the standard deviation of each weight over days drawn anew: all else is as it was."""
    problem, drawn = search.problem, []
    for days in blocks(len(problem.returns), RESAMPLES):
        again = replace(search, market=_market(problem, problem.returns[days]))
        drawn.append(again.first_found()[0].weights)
    return [float(one) for one in np.std(drawn, axis=0, ddof=1)]
