"""Other futures: closes that are the same up to a day, and something else after it."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from portfolio.analytics.estimate import Matrix, frozen


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
