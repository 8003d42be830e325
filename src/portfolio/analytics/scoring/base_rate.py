"""How often a trade of an asset would have paid, made at any close."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import numpy as np

from portfolio.analytics.decimals import statistic
from portfolio.analytics.estimate import Vector

LEAST_CHANGES: Final = 30


def changes_over(closes: Vector, n_days: int) -> Vector:
    """Return the relative changes over so many days, the least first: of all pairs of closes that are known, ``(n,)``.

    Args:
        closes: one a day, oldest first, above zero, NaN where there is none, ``(n_closes,)``.
        n_days: the days between the two closes of a change, 1 or more.
    """
    changes = closes[n_days:] / closes[:-n_days] - 1.0
    return np.sort(changes[~np.isnan(changes)])


def rate_of(changes: Vector, *, is_buy: bool, cost: float) -> Decimal | None:
    """Return on which fraction of the days a trade had paid more than its cost after them, 12 decimals.

    A purchase pays by the rise, a sale by the fall. None where fewer than 30 changes are known.

    Args:
        changes: the least first, ``(n,)``.
        is_buy: whether it is a purchase.
        cost: the fee as a fraction of the trade's value.
    """
    if changes.size < LEAST_CHANGES:
        return None
    paid = changes.size - np.searchsorted(changes, cost, "right") if is_buy else np.searchsorted(changes, -cost, "left")
    return statistic(int(paid) / changes.size)
