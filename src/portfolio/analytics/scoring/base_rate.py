"""How often a trade of an asset would have paid, made at any close."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import numpy as np

from portfolio.analytics.decimals import statistic
from portfolio.analytics.estimate import Vector

LEAST_CHANGES: Final = 30


def base_rate(closes: Vector, n_days: int, *, is_buy: bool, cost: float) -> Decimal | None:
    """Return on which fraction of the days a trade had paid more than its cost ``n_days`` later, 12 decimals.

    A purchase pays by the rise, a sale by the fall. None where fewer than 30 changes over so many days are known.

    Args:
        closes: one a day, oldest first, above zero, NaN where there is none, ``(n_closes,)``.
        n_days: the days between the two closes of a change, 1 or more.
        is_buy: whether it is a purchase.
        cost: the fee as a fraction of the trade's value.
    """
    changes = closes[n_days:] / closes[:-n_days] - 1.0
    known = changes[~np.isnan(changes)]
    if known.size < LEAST_CHANGES:
        return None
    gains = known if is_buy else -known
    return statistic(np.count_nonzero(gains > cost) / known.size)
