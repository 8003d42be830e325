"""Closes that are made up: another future of those there are, and random walks."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from portfolio.analytics.estimate import Matrix, frozen

_COMMON = 0.6  # how much of a day's move all assets share
_DAILY = 0.05


class Future(StrEnum):
    """What becomes of the closes after a day."""

    MISSING = "missing"
    NOISE = "noise"
    THOUSANDFOLD = "thousandfold"


def with_future(closes: Matrix, last_row: int, future: Future, *, seed: int) -> Matrix:
    """Return a copy of closes ``(n_days, n_assets)`` whose rows after ``last_row`` are another future."""
    changed = closes.copy()
    after = changed[last_row + 1 :]
    if future is Future.MISSING:
        after[:] = np.nan
    elif future is Future.THOUSANDFOLD:
        after *= 1000.0
    else:
        generator = np.random.Generator(np.random.PCG64([seed, last_row]))
        after[:] = np.exp(generator.normal(0.0, 3.0, after.shape))
    return frozen(changed)


def simulated_closes(n_days: int, n_assets: int, *, seed: int) -> Matrix:
    """Return geometric random walks that move together in part, ``(n_days, n_assets)``, at eight significant digits.

    The same seed gives the same closes.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    shared = generator.normal(0.0, _DAILY * _COMMON, (n_days, 1))
    own = generator.normal(0.0, _DAILY * (1 - _COMMON**2) ** 0.5, (n_days, n_assets))
    levels = np.exp(np.cumsum(shared + own, axis=0)) * generator.uniform(0.5, 500.0, n_assets)
    return frozen(np.array([[float(f"{level:.8g}") for level in row] for row in levels.tolist()]))
