"""Made-up closes, for a proof that wants some where there are none."""

from __future__ import annotations

import numpy as np

from portfolio.analytics.estimate import Matrix, frozen

_COMMON = 0.6  # how much of a day's move all assets share
_DAILY = 0.05


def simulated_closes(n_days: int, n_assets: int, *, seed: int) -> Matrix:
    """Return geometric random walks that move together in part, ``(n_days, n_assets)``, at eight significant digits.

    The same seed gives the same closes.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    shared = generator.normal(0.0, _DAILY * _COMMON, (n_days, 1))
    own = generator.normal(0.0, _DAILY * (1 - _COMMON**2) ** 0.5, (n_days, n_assets))
    levels = np.exp(np.cumsum(shared + own, axis=0)) * generator.uniform(0.5, 500.0, n_assets)
    return frozen(np.array([[float(f"{level:.8g}") for level in row] for row in levels.tolist()]))
