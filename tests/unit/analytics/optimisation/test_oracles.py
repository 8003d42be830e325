"""The same weights as cvxpy, skfolio and scikit-learn answer; `make oracles` writes their answers anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portfolio.adapters.compute.solvers import NativeSolvers
from portfolio.analytics.estimate import Vector
from portfolio.analytics.optimisation.moments import ledoit_wolf, sample
from portfolio.analytics.optimisation.optimise import optimise
from portfolio.analytics.optimisation.problem import Objective, Problem
from portfolio.analytics.tail_risk import historical_loss, worst_first
from tests.support.optimisation import problem

pytestmark = pytest.mark.unmeasured

FILE = Path(__file__).parents[3] / "oracles" / "expected.json"
CASES = json.loads(FILE.read_text())["cases"]


def asked(case: dict[str, Any], objective: Objective) -> Problem:
    """The question of a case; risk parity is asked without limits, as the oracle has none."""
    limits = [(tuple(members), most) for members, most in case["limits"]]
    is_free = objective is Objective.RISK_PARITY
    return problem(
        objective,
        np.array(case["returns"]),
        [] if is_free else limits,
        invested=1.0 if is_free else case["invested"],
    )


def figure(one: Problem, weights: Vector) -> float:
    """What the objective makes small."""
    if one.objective is Objective.MIN_CVAR:
        loss = historical_loss(worst_first(-(one.returns @ weights)), one.confidence).conditional_value_at_risk.value
        assert loss is not None
        return loss
    estimates = sample(one.returns)
    variance = float(weights @ estimates.covariance @ weights)
    return variance if one.objective is Objective.MIN_VARIANCE else -float(weights @ estimates.mean) / np.sqrt(variance)


@pytest.mark.parametrize("objective", [Objective.MIN_VARIANCE, Objective.MAX_SHARPE, Objective.MIN_CVAR])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{len(case['returns'][0])} assets")
def test_programmes_reach_what_the_oracle_reaches(case: dict[str, Any], objective: Objective) -> None:
    one = asked(case, objective)
    weights, oracle = np.array(optimise(one, NativeSolvers()).weights), np.array(case["expected"][objective.value])
    assert figure(one, weights) == pytest.approx(figure(one, oracle), abs=1e-9)
    assert weights == pytest.approx(oracle, abs=1e-6)


@pytest.mark.parametrize("objective", [Objective.MIN_VARIANCE, Objective.MAX_SHARPE, Objective.MIN_CVAR])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{len(case['returns'][0])} assets")
def test_programmes_reach_what_skfolio_reaches(case: dict[str, Any], objective: Objective) -> None:
    one = asked(case, objective)
    weights, oracle = np.array(optimise(one, NativeSolvers()).weights), np.array(case["expected"]["skfolio"][objective])
    assert figure(one, weights) == pytest.approx(figure(one, oracle), abs=1e-9)
    assert weights == pytest.approx(oracle, abs=1e-5)  # a ratio is flat at its top, and skfolio stops a little sooner


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{len(case['returns'][0])} assets")
def test_risk_parity_and_shrinkage_are_those_of_the_oracle(case: dict[str, Any]) -> None:
    one = asked(case, Objective.RISK_PARITY)
    found = optimise(one, NativeSolvers())
    assert found.weights == pytest.approx(case["expected"]["risk_parity"], abs=1e-4)  # as near as skfolio comes
    assert ledoit_wolf(one.returns).shrinkage == pytest.approx(case["expected"]["shrinkage"], rel=1e-12)
