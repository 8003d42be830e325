"""Where the price of an asset has been going.

Conventions (``crypto-365-v1``, 12): (close of the last completed day / close 14 days before - 1) / 50 %, cut to
[-1, 1]. It is the house's own scale, with no source to cite: a rise by half in two weeks is as much as counts.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from portfolio.analytics.estimate import Estimates, Matrix, Undefined

DAYS: Final = 14
FULL_SCALE: Final = 0.5


def momentum(closes: Matrix) -> Estimates:
    """Return the momentum of each asset, in [-1, 1].

    Undefined where either of the two closes is missing, the later or the earlier (``missing_close``); those between do
    not matter. A history of under 14 days has no earlier one.

    Args:
        closes: one row a day, the last completed day last, above zero, NaN where missing, ``(n_days + 1, n_assets)``.
    """
    n_assets = closes.shape[1]
    if len(closes) <= DAYS:
        return Estimates.none(n_assets, Undefined.MISSING_CLOSE)
    change = closes[-1] / closes[-1 - DAYS] - 1.0
    missing = np.isnan(change).tolist()
    return Estimates.of(
        np.clip(change / FULL_SCALE, -1.0, 1.0), [Undefined.MISSING_CLOSE if gone else None for gone in missing]
    )
