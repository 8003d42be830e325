"""Writes expected.json and expected_backtests.json anew: what other libraries answer to the same questions. Run by
`make oracles`, in an environment of its own that has them; the tests compare and install none of them.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from itertools import combinations
from pathlib import Path
from typing import Any

import cvxpy as cp
import numpy as np
import pandas as pd
from skfolio import RiskMeasure
from skfolio.optimization import MeanRisk, ObjectiveFunction, RiskBudgeting
from sklearn.covariance import ledoit_wolf

from tests.oracles.backtests import backtests

FILE = Path(__file__).with_name("expected.json")
FILE_OF_BACKTESTS = Path(__file__).with_name("expected_backtests.json")
CONFIDENCE = 0.95
TIGHT = {"tol_gap_abs": 1e-13, "tol_gap_rel": 1e-13, "tol_feas": 1e-13}


def case(seed: int, n_assets: int, most: float, invested: float) -> dict[str, Any]:
    """Days to 6 decimals, and limits: of each asset, of two groups, of some pairs."""
    generator = np.random.default_rng(seed)
    days = generator.normal(0.004, 0.02, (120, 1)) + generator.normal(0.002, 0.03, (120, n_assets))
    limits: list[Any] = [[[place], most] for place in range(n_assets)]
    limits += [[list(range(first, n_assets, 2)), 0.6 * invested] for first in (0, 1)]
    limits += [[list(pair), 1.3 * most] for pair in combinations(range(n_assets), 2) if generator.random() < 0.2]
    return {"returns": np.round(days, 6).tolist(), "limits": limits, "invested": invested}


def solved(objective: cp.Minimize, constraints: list[Any], weights: cp.Variable) -> list[float]:
    """The weights of a programme."""
    cp.Problem(objective, constraints).solve(solver=cp.CLARABEL, **TIGHT)
    assert weights.value is not None
    return [float(weight) for weight in weights.value]


def by_skfolio(of: dict[str, Any], objective: ObjectiveFunction, measure: RiskMeasure) -> list[float]:
    """The same programmes, as skfolio states them."""
    returns = pd.DataFrame(of["returns"]).add_prefix("A")
    limits = [f"{' + '.join(f'A{place}' for place in members)} <= {most}" for members, most in of["limits"]]
    model = MeanRisk(
        objective_function=objective,
        risk_measure=measure,
        cvar_beta=CONFIDENCE,
        min_weights=0,
        max_weights=None,
        budget=of["invested"],
        linear_constraints=limits,
        solver="CLARABEL",
        solver_params=TIGHT,
    )
    return [float(weight) for weight in model.fit(returns).weights_]


def answers(of: dict[str, Any]) -> dict[str, Any]:
    """What the libraries answer to a case."""
    returns = np.array(of["returns"])
    mean, covariance = returns.mean(axis=0), np.cov(returns, rowvar=False)
    n_days, n_assets = returns.shape
    w, scale = cp.Variable(n_assets), cp.Variable()
    root = np.linalg.cholesky(covariance)
    within = [w >= 0, cp.sum(w) == of["invested"], *(cp.sum(w[members]) <= most for members, most in of["limits"])]
    ratio = [w >= 0, cp.sum(w) == of["invested"] * scale, mean @ w == 0.01, scale >= 0]
    ratio += [cp.sum(w[members]) <= most * scale for members, most in of["limits"]]
    at_risk, beyond = cp.Variable(), cp.Variable(n_days)
    tail = at_risk + cp.sum(beyond) / ((1 - CONFIDENCE) * n_days)
    spoken = solved(cp.Minimize(cp.sum_squares(root.T @ w)), ratio, w)
    parity = RiskBudgeting(risk_measure=RiskMeasure.VARIANCE).fit(returns)
    return {
        "min_variance": solved(cp.Minimize(cp.sum_squares(root.T @ w)), within, w),
        "max_sharpe": [float(part) / float(scale.value) for part in spoken] if scale.value else spoken,
        "min_cvar": solved(cp.Minimize(tail), [*within, beyond >= 0, beyond >= -returns @ w - at_risk], w),
        "risk_parity": [float(weight) for weight in parity.weights_],
        "shrinkage": float(ledoit_wolf(returns)[1]),
        "skfolio": {
            "min_variance": by_skfolio(of, ObjectiveFunction.MINIMIZE_RISK, RiskMeasure.VARIANCE),
            "max_sharpe": by_skfolio(of, ObjectiveFunction.MAXIMIZE_RATIO, RiskMeasure.VARIANCE),
            "min_cvar": by_skfolio(of, ObjectiveFunction.MINIMIZE_RISK, RiskMeasure.CVAR),
        },
    }


def write(file: Path, libraries: tuple[str, ...], found: list[dict[str, Any]]) -> None:
    """Write answers, with the versions of who gave them."""
    file.write_text(json.dumps({"versions": {name: version(name) for name in libraries}, "cases": found}) + "\n")


if __name__ == "__main__":
    cases = [case(1, 4, 0.4, 1.0), case(2, 8, 0.23, 0.9), case(3, 15, 0.15, 0.9)]
    write(
        FILE,
        ("cvxpy", "skfolio", "scikit-learn", "clarabel", "numpy"),
        [{**one, "expected": answers(one)} for one in cases],
    )
    write(
        FILE_OF_BACKTESTS,
        ("vectorbt", "bt", "ffn", "quantstats", "empyrical-reloaded", "skfolio", "numba", "pandas", "numpy"),
        backtests(),
    )
