"""Weights of every objective: optimal, within their limits, the same whatever the order, and honest about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.adapters.compute.solvers import NativeSolvers
from portfolio.analytics.closes import history_of
from portfolio.analytics.estimate import Matrix, Vector
from portfolio.analytics.optimisation.filling import filled
from portfolio.analytics.optimisation.history import common_returns
from portfolio.analytics.optimisation.moments import moments
from portfolio.analytics.optimisation.optimise import optimise
from portfolio.analytics.optimisation.problem import (
    Bounds,
    Estimator,
    NoSolution,
    Objective,
    Problem,
    Solved,
    Step,
    TurnoverTooSmall,
)
from portfolio.analytics.optimisation.solvers import Constraints, Optimum
from portfolio.analytics.tail_risk import historical_loss, worst_first
from tests.support.optimisation import MEANS, ORTHANT, problem, uncorrelated, waves

pytestmark = pytest.mark.unmeasured

SOLVERS = NativeSolvers()
Limits = Sequence[tuple[tuple[int, ...], float]]


def solve(one: Problem) -> Solved:
    """The answer."""
    return optimise(one, SOLVERS)


def days(seed: int, n_assets: int) -> Matrix:
    """Ninety days of assets that share a market."""
    generator = np.random.default_rng(seed)
    returns: Matrix = generator.normal(0.001, 0.02, (90, 1)) + generator.normal(0.0005, 0.02, (90, n_assets))
    return returns


def limits_of(seed: int, n_assets: int) -> Limits:
    """Limits as a policy's: of each asset, of groups, of pairs."""
    generator = np.random.default_rng(seed)
    single = [((place,), float(generator.uniform(0.05, 0.5))) for place in range(n_assets)]
    groups = [
        (tuple(range(first, n_assets, 3)), float(generator.uniform(0.1, 0.6))) for first in range(min(3, n_assets))
    ]
    pairs = [(pair, 0.3) for pair in combinations(range(n_assets), 2) if generator.random() < 0.3]
    return [*single, *groups, *pairs]


def figure(one: Problem, weights: Vector) -> float:
    """What the objective makes small."""
    estimates = moments(one.returns, one.estimator, one.half_life)
    if one.objective is Objective.MIN_CVAR:
        value = historical_loss(worst_first(-(one.returns @ weights)), one.confidence).conditional_value_at_risk.value
        assert value is not None
        return value
    variance = float(weights @ estimates.covariance @ weights)
    return variance if one.objective is Objective.MIN_VARIANCE else -float(weights @ estimates.mean) / np.sqrt(variance)


PROGRAMMES = (Objective.MIN_VARIANCE, Objective.MAX_SHARPE, Objective.MIN_CVAR)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_assets=st.integers(1, 9),
    objective=st.sampled_from(Objective),
    estimator=st.sampled_from(Estimator),
    turnover=st.sampled_from([None, 0.6, 1.5]),
)
def test_no_limit_is_ever_passed_and_what_is_not_invested_has_a_name(
    seed: int, n_assets: int, objective: Objective, estimator: Estimator, turnover: float | None
) -> None:
    bounds = limits_of(seed, n_assets)
    one = problem(objective, days(seed, n_assets), bounds, invested=0.9, turnover=turnover, estimator=estimator)
    found = solve(one)
    weights = np.array(found.weights)
    assert (weights >= 0).all()
    assert (one.bounds.sums(weights) <= one.bounds.most + 1e-12).all()
    assert turnover is None or np.abs(weights).sum() <= turnover + 1e-7
    possible = 0.9 if found.shortfall is None else found.shortfall.possible
    assert weights.sum() == pytest.approx(possible, abs=1e-6)
    assert found.shortfall is None or found.shortfall.limits or found.shortfall.turnover
    assert found.contributions is None or sum(found.contributions) == pytest.approx(1)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), n_assets=st.integers(2, 8), objective=st.sampled_from(PROGRAMMES))
def test_no_random_weights_within_the_limits_are_better(seed: int, n_assets: int, objective: Objective) -> None:
    one = problem(objective, days(seed, n_assets), limits_of(seed, n_assets), invested=0.5)
    found = solve(one)
    if found.shortfall is not None or len(found.steps) > 1:
        return
    reached = figure(one, np.array(found.weights))
    generator = np.random.default_rng(seed)
    for shares in generator.dirichlet(np.ones(n_assets), 50):
        other = filled(shares + 1e-6, one.bounds)
        if other.sum() > 0.5 - 1e-9:
            assert reached <= figure(one, other) + 1e-7 * abs(reached)


@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**32 - 1), objective=st.sampled_from([one for one in Objective if one is not Objective.HRP])
)
def test_weights_go_with_their_assets_whatever_the_order(seed: int, objective: Objective) -> None:
    # The tree of HRP may be turned at each branch, so its halves depend on the order; the service sorts by symbol.
    returns, limits = days(seed, 6), limits_of(seed, 6)
    order = np.random.default_rng(seed).permutation(6)
    place = np.argsort(order).tolist()
    turned = [(tuple(sorted(place[member] for member in members)), most) for members, most in limits]
    found = np.array(solve(problem(objective, returns, limits, invested=0.4)).weights)
    other = np.array(solve(problem(objective, returns[:, order], turned, invested=0.4)).weights)
    assert other == pytest.approx(found[order], abs=1e-5)


# Duals are the slope of the objective, of a year, by the limit: found again by moving the limit.
@pytest.mark.parametrize("objective", PROGRAMMES)
def test_a_dual_is_how_much_the_objective_gains_by_a_wider_limit(objective: Objective) -> None:
    def at(most: float) -> tuple[float, float]:
        limits = [((0,), most), ((2, 3), 0.3)]
        one = problem(objective, days(7, 4) + np.array([0.008, 0.006, 0.006, 0.006]), limits, confidence="0.75")
        found = solve(one)
        assert [step.reason for step in found.steps] == [None]
        value = figure(one, np.array(found.weights))
        year = {Objective.MIN_VARIANCE: 365.0, Objective.MAX_SHARPE: 365.0**0.5, Objective.MIN_CVAR: 1.0}[objective]
        [dual] = [one.dual for one in found.binding if one.limit == 0]
        assert dual is not None
        return value * year, dual

    (low, _), (_, dual), (high, _) = at(0.05 - 1e-5), at(0.05), at(0.05 + 1e-5)
    assert dual == pytest.approx((low - high) / 2e-5, rel=2e-3)


def test_the_same_days_give_the_same_answer_to_the_last_bit() -> None:
    one = problem(Objective.MAX_SHARPE, uncorrelated(MEANS), ORTHANT)
    first, second = solve(one), solve(one)
    assert (first.weights, first.honesty, first.expected) == (second.weights, second.honesty, second.expected)
    assert any(spread for spread in first.honesty.spread)


def test_a_pair_counts_only_where_it_would_be_broken_and_then_it_does() -> None:
    # Without the pair A and B have 52 of 65; with it .5, and the others the rest in proportion 9 : 4.
    found = solve(problem(Objective.MIN_VARIANCE, uncorrelated(), [((0, 1), 0.5), ((2, 3), 0.9)]))
    expected = [0.5 * 9 / 13, 0.5 * 4 / 13, 0.5 * 9 / 13, 0.5 * 4 / 13]
    assert found.weights == pytest.approx(expected, abs=1e-6)
    assert [binding.limit for binding in found.binding] == [0]


def test_too_little_turnover_says_how_much_it_takes() -> None:
    limits = [((place,), 0.3) for place in range(4)]
    one = problem(Objective.MIN_VARIANCE, uncorrelated(), limits, current=[0.5, 0.4, 0.0, 0.0], turnover=0.1)
    with pytest.raises(TurnoverTooSmall) as refused:
        solve(one)
    assert refused.value.least == pytest.approx(0.3)  # .2 of the one, .1 of the other


@pytest.mark.parametrize("debt", [1.0, 1e7, 1e15, 1e30])
def test_too_little_turnover_says_how_much_it_takes_whatever_is_owed(debt: float) -> None:
    """With nearly as much owed as is held, weights are many times the total value: here all but 0.8 of it has to go."""
    found = problem(Objective.EQUAL_WEIGHT, waves(2), ORTHANT[:2], current=[debt, debt], turnover=0.1)
    with pytest.raises(TurnoverTooSmall) as refused:
        solve(found)
    assert refused.value.least == pytest.approx(2 * debt - 0.8)


def test_a_bound_on_turnover_keeps_invested_what_cannot_be_sold_in_time() -> None:
    one = problem(Objective.EQUAL_WEIGHT, uncorrelated(), invested=0.4, current=[0.5, 0.4, 0.0, 0.0], turnover=0.2)
    found = solve(one)
    assert sum(found.weights) == pytest.approx(0.7, abs=1e-6)
    assert found.shortfall is not None
    assert (found.shortfall.wanted, found.shortfall.turnover) == (0.4, True)


def test_of_nothing_that_is_held_the_ratio_is_undefined() -> None:
    found = solve(replace(problem(Objective.MIN_VARIANCE, uncorrelated(MEANS)), risk_free_rate=0.05)).current
    assert found is not None
    assert (found.sharpe.value, found.sharpe.standard_error, found.volatility.value) == (None, None, 0.0)


@pytest.mark.parametrize("estimator", Estimator)
def test_of_what_grows_without_moving_the_ratio_is_undefined_and_so_is_what_a_limit_costs(estimator: Estimator) -> None:
    found = solve(
        problem(Objective.MAX_SHARPE, np.full((70, 2), 0.001), [((0,), 0.5), ((1,), 0.5)], estimator=estimator)
    )
    assert found.weights == pytest.approx([0.5, 0.5])
    assert found.expected is not None
    assert found.expected.sharpe.value is None
    assert [(one.limit, one.dual) for one in found.binding] == [(0, None), (1, None)]


class Failing(NativeSolvers):
    """Solvers of which the quadratic one finds nothing."""

    def quadratic(self, curvature: Matrix, slope: Vector, within: Constraints) -> Optimum:
        raise NoSolution("solver_maxiterations")


def test_a_solver_that_fails_is_followed_by_the_next_way() -> None:
    found = optimise(problem(Objective.MAX_SHARPE, uncorrelated(MEANS)), Failing())
    assert [(step.objective, step.reason) for step in found.steps] == [
        (Objective.MAX_SHARPE, "solver_maxiterations"),
        (Objective.MIN_VARIANCE, "solver_maxiterations"),
        (Objective.RISK_PARITY, None),
    ]


def test_assets_of_unknown_volatility_keep_their_weights() -> None:
    one = problem(Objective.INVERSE_VOLATILITY, waves(2, 8), current=[0.3, 0.2])
    found = solve(replace(one, deviations=np.array([0.01, np.nan])))
    assert [step.reason for step in found.steps] == ["a_volatility_is_unknown", None]
    assert found.weights == [0.3, 0.2]
    assert found.binding == []


def test_programmes_without_a_solution_say_so() -> None:
    impossible = Constraints(np.ones((1, 2)), np.array([1.0]), np.ones((1, 2)), np.array([0.5]))
    with pytest.raises(NoSolution, match="infeasible"):
        SOLVERS.linear(np.ones(2), impossible)
    with pytest.raises(NoSolution, match="infeasible"):
        SOLVERS.least_tail(np.ones((4, 2)), Decimal("0.75"), impossible)
    with pytest.raises(NoSolution, match="infeasible"):
        SOLVERS.quadratic(np.eye(2), np.zeros(2), impossible)
    endless = Constraints(np.zeros((0, 1)), np.zeros(0), np.zeros((0, 1)), np.zeros(0))
    with pytest.raises(NoSolution, match="solver_failed"):
        SOLVERS.linear(-np.ones(1), endless)


def test_filling_leaves_out_who_is_full_and_ends_where_nothing_is_left() -> None:
    # 2 : 1 : 1 of 1: A stops at .3 with B and C at .15; B and C take the rest up to .2 each.
    bounds = Bounds.of([((0,), 0.3), ((1,), 0.2), ((2,), 0.2)], invested=1.0, current=[0.0] * 3)
    assert filled(np.array([2.0, 1.0, 1.0]), bounds).tolist() == pytest.approx([0.3, 0.2, 0.2])
    free = Bounds.of([], invested=0.9, current=[0.0] * 2)
    assert filled(np.array([2.0, 1.0]), free).tolist() == pytest.approx([0.6, 0.3])


def test_common_returns_are_those_of_the_days_that_all_have() -> None:
    table = np.cumprod(np.vstack([np.ones(3), 1 + waves(3, 32) * 0.01]), axis=0, dtype=np.float64)
    table[5, 1] = np.nan
    table[:20, 2] = np.nan
    found = common_returns(history_of(table, ("A0", "A1", "A2"), date(2025, 6, 14)), ["A1", "A2"], 32)
    assert found.own_days == [30, 12]
    assert len(found.returns) == 12
    assert np.isnan(found.deviations).tolist() == [False, True]


def test_nothing_to_invest_is_no_weight_however_little_a_year_without_risk_brings() -> None:
    """Below zero even cash beats the rate, and a part of nothing has no size."""
    asked = problem(Objective.MAX_SHARPE, uncorrelated(MEANS)[:, :1], invested=0.05, turnover=0.0)
    found = solve(replace(asked, risk_free_rate=-0.01))
    assert found.weights == pytest.approx([0.0], abs=1e-9)
    assert found.steps[0] == Step(objective=Objective.MAX_SHARPE, reason="no_positive_mean")
