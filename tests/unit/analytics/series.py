"""Series for the tests, and the plainest way to each figure: one pair, one asset, one day at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from portfolio.analytics.estimate import Matrix

# Of a daily return 12 decimals are kept: finer differences are noise to every figure.
daily_return = st.integers(-900_000_000, 3_000_000_000).map(lambda billionths: billionths / 1e9)


def random_returns(n_days: int, n_assets: int, *, seed: int) -> Matrix:
    """Return returns of a common market and each asset's own moves, without gaps."""
    generator = np.random.default_rng(seed)
    market = generator.normal(0.001, 0.03, (n_days, 1))
    return market + generator.standard_t(4, (n_days, n_assets)) * 0.02


def with_holes(returns: Matrix, holes: Sequence[tuple[slice, int]]) -> Matrix:
    """Return a copy with NaN in the given days of the given columns."""
    copy = returns.copy()
    for days, column in holes:
        copy[days, column] = np.nan
    return copy


GAPS_OF_EVERY_SHAPE: Sequence[tuple[slice, int]] = (
    (slice(0, 60), 0),  # a late listing
    (slice(80, 100), 1),  # an early end
    (slice(30, 31), 2),  # one day
    (slice(40, 55), 3),  # a stretch
    (slice(0, 100, 2), 4),  # every other day
    (slice(1, 100, 2), 5),  # ... and the days between: nothing in common with it
    (slice(0, 100), 6),  # nothing at all
    (slice(19, 100), 7),  # 19 days, one too few
    (slice(20, 100), 8),  # 20 days, just enough
    (slice(1, 100), 9),  # one bar
)


def gappy_returns(n_days: int = 100, *, seed: int = 7) -> Matrix:
    """Return twelve assets: one for each shape of gap, and two without."""
    return with_holes(random_returns(n_days, 12, seed=seed), GAPS_OF_EVERY_SHAPE)


KINDS_OF_ASSET = ("token", "stablecoin", "flat", "pegged once", "wild")


def _series(kind: str, n_days: int, generator: np.random.Generator) -> Matrix:
    """Return the returns of one asset in steps of 1e-9, so that what varies at all varies by more than rounding."""
    scale = {"token": 0.04, "stablecoin": 1e-4, "flat": 0.0, "pegged once": 0.03, "wild": 0.05}[kind]
    series = generator.normal(0.001, 1.0, n_days) * scale
    if kind == "pegged once":
        series[: n_days // 2] = 0.01
    if kind == "wild" and n_days:
        series[generator.integers(n_days)] = 300.0
    return np.maximum(series, -0.9).round(9)


@st.composite
def matrices(draw: st.DrawFn, *, gaps: bool = True, least_days: int = 0, least_assets: int = 0) -> Matrix:
    """Draw returns of up to 60 days and 5 assets of any kind, with late listings and gaps anywhere or nowhere."""
    n_days = draw(st.integers(least_days, 60))
    kinds = draw(st.lists(st.sampled_from(KINDS_OF_ASSET), min_size=least_assets, max_size=5))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    columns = [_series(kind, n_days, generator) for kind in kinds]
    returns = np.column_stack(columns) if columns else np.empty((n_days, 0))
    if gaps:
        share = draw(st.sampled_from([0.0, 0.05, 0.4]))
        returns[generator.random(returns.shape) < share] = np.nan
        for column in range(len(kinds)):
            returns[: draw(st.sampled_from([0, 0, 1, 20, 40])), column] = np.nan
    return returns


def weights_of(n_assets: int) -> st.SearchStrategy[list[float]]:
    """Draw shares of a total value of which at least a little is cash; none of them zero."""
    return st.lists(st.integers(1, 1000), min_size=n_assets, max_size=n_assets).map(
        lambda parts: [part / (sum(parts) + 100) for part in parts]
    )


def common_columns(returns: Matrix, one: int, other: int) -> Matrix:
    """Return the two columns on the days that both have, ``(n_common, 2)``."""
    pair = returns[:, [one, other]]
    return pair[~np.isnan(pair).any(axis=1)]


def slow_correlation(returns: Matrix) -> Matrix:
    """Return numpy's own coefficients pair by pair, NaN under 20 common days or where one of them is constant."""
    n_assets = returns.shape[1]
    matrix = np.full((n_assets, n_assets), np.nan)
    for one in range(n_assets):
        for other in range(n_assets):
            pair = common_columns(returns, one, other)
            own = [common_columns(returns, asset, asset)[:, 0] for asset in (one, other)]
            spreads = [*(pair[:, side] for side in (0, 1)), *own]
            if len(pair) >= 20 and all(spread.std(ddof=1) > 5e-13 for spread in spreads):
                matrix[one, other] = 1.0 if one == other else np.atleast_2d(np.corrcoef(pair, rowvar=False))[0, 1]
    return matrix
