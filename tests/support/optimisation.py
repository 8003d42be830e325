"""Days whose means and covariance are known to the last digit, and closes that have them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from portfolio.analytics.estimate import Matrix, Vector
from portfolio.analytics.optimisation.problem import Bounds, Estimator, Objective, Problem
from portfolio.application.prices.records import Close
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol

FOUR = ("AAA", "BBB", "CCC", "DDD")
DEVIATIONS = np.array([0.02, 0.03, 0.04, 0.06])
"""Their squares are as .04 to .09 to .16 to .36."""
MEANS = np.array([0.0002, 0.0003, 0.0005, 0.0006])
"""As .02 to .03 to .05 to .06."""
CORRELATIONS = np.array([[1, 0.8, 0.1, 0.1], [0.8, 1, 0.1, 0.1], [0.1, 0.1, 1, 0.6], [0.1, 0.1, 0.6, 1]])
"""r(AB) .8, r(CD) .6, else .1."""
SCENARIOS = np.array([[-0.10, 0.05], [0.02, -0.06], [0.04, 0.01], [-0.02, 0.03]])
"""Four days of two assets, for CVaR."""

ORTHANT = [((place,), 0.4) for place in range(4)]
"""Each asset at most 40 %."""


def waves(n_assets: int, n_days: int = 64) -> Matrix:
    """Series of +1 and -1, each of mean 0 and uncorrelated with every other: Walsh's functions."""
    table = np.ones((1, 1))
    while len(table) < n_days:
        table = np.block([[table, table], [table, -table]])
    found: Matrix = table[1 : n_assets + 1].T
    return found


def uncorrelated(means: Vector | float = 0.0) -> Matrix:
    """64 days of four assets with ``DEVIATIONS``, uncorrelated."""
    returns: Matrix = waves(4) * DEVIATIONS + means
    return returns


def correlated() -> Matrix:
    """The same with ``CORRELATIONS``."""
    returns: Matrix = waves(4) @ np.linalg.cholesky(CORRELATIONS).T * DEVIATIONS
    return returns


def scenarios() -> Matrix:
    """64 days of two assets: the four, sixteen times."""
    return np.tile(SCENARIOS, (16, 1))


def problem(
    objective: Objective,
    returns: Matrix,
    limits: Sequence[tuple[tuple[int, ...], float]] = (),
    *,
    invested: float = 1.0,
    current: Sequence[float] | None = None,
    turnover: float | None = None,
    estimator: Estimator = Estimator.SAMPLE,
    confidence: str = "0.95",
) -> Problem:
    """A problem over these days; nothing is held yet, unless it is said."""
    n_assets = returns.shape[1]
    return Problem(
        objective=objective,
        estimator=estimator,
        half_life=60.0,
        confidence=Decimal(confidence),
        risk_free_rate=0.0,
        returns=returns,
        deviations=returns.std(axis=0, ddof=1) if len(returns) > 1 else np.full(n_assets, np.nan),
        bounds=Bounds.of(limits, invested=invested, current=current or [0.0] * n_assets, most_turnover=turnover),
    )


def closes_of(returns: Matrix, symbols: Sequence[str], yesterday: date, *, last: float = 1000.0) -> list[Close]:
    """Closes with these returns, the last ones of ``yesterday`` and at ``last`` dollars."""
    growth = np.cumprod(np.vstack([np.ones(returns.shape[1]), 1 + returns]), axis=0)
    table = growth / growth[-1] * last
    return [
        Close(
            symbol=Symbol(symbol),
            day=yesterday - timedelta(days=len(table) - 1 - row),
            price=Price.rounded(Decimal(float(table[row, column]))),
            source="candles",
        )
        for row in range(len(table))
        for column, symbol in enumerate(symbols)
    ]
