"""Tells in floats on which days no rule of the policy can ask for a trade.

It errs to one side: what is within a millionth of a bound counts as beyond it. So a day that it passes over is one on
which the exact rules do nothing, and all others are planned exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.analytics.correlation import correlation
from portfolio.analytics.estimate import Counts, Vector
from portfolio.analytics.momentum import DAYS, FULL_SCALE, momentum
from portfolio.analytics.returns import LEAST_RETURNS, PriceHistory
from portfolio.analytics.volatility import daily_volatility

MARGIN: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The bounds of the policy, fractions of the total value."""

    position: float
    volatility: float
    momentum: float
    falling: float
    category: float
    correlation: float
    pair: float
    floor: float
    cash: float
    cash_target: float
    uncapped: frozenset[str]
    stable: frozenset[str]


class Screen:
    """Whether a rule may ask for a trade, by the bounds of one policy."""

    def __init__(self, bounds: Thresholds) -> None:
        self._bounds = bounds
        self._kinds: dict[Sequence[str], _Kinds] = {}

    def may_trade(self, worth: Vector, cash: float, history: PriceHistory, categories: Sequence[str]) -> bool:
        """Return whether a rule may ask for a trade; False where none can.

        Args:
            worth: what is held of each asset, in dollars, ``(n_assets,)``.
            cash: in dollars.
            history: the closes of the rules' look-back, its columns in this order.
            categories: of each asset.
        """
        whole = cash + float(worth.sum())
        if not whole > 0.0:
            return False
        bounds, kinds = self._bounds, self._kinds_of(categories)
        shares = worth / whole
        risky = shares * kinds.risky
        largest = np.sort(risky)[-2:].tolist()
        if largest and largest[-1] > bounds.position - MARGIN:
            return True
        if any(float(shares[members].sum()) > bounds.category - MARGIN for members in kinds.capped):
            return True
        moved, yearly = _moves(history)
        over = (risky * yearly > bounds.position * bounds.volatility - MARGIN) & (yearly > bounds.volatility - MARGIN)
        over |= (moved < bounds.momentum + MARGIN) & (risky > bounds.falling - MARGIN)
        if over.any():
            return True
        if cash / whole > bounds.cash - MARGIN and ((moved > -MARGIN) & (risky > 0.0)).any():
            return True
        return sum(largest) > bounds.pair - MARGIN and _pair_over(risky, history, bounds)

    def _kinds_of(self, categories: Sequence[str]) -> _Kinds:
        found = self._kinds.get(categories)
        if found is None:
            names = dict.fromkeys(name for name in categories if name not in self._bounds.uncapped)
            found = self._kinds[categories] = _Kinds(
                risky=np.array([name not in self._bounds.stable for name in categories], dtype=np.float64),
                capped=[np.flatnonzero([one == name for one in categories]) for name in names],
            )
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Kinds:
    """Of assets of certain categories: 1 where it is no stablecoin, else 0, and the members of each category with a
    limit.
    """

    risky: Vector
    capped: Sequence[Counts]


def _moves(history: PriceHistory) -> tuple[Vector, Vector]:
    """Return momentum and annualized volatility, ``(n_assets,)`` each, NaN where there is none."""
    returns, closes = history.returns, history.closes
    if len(returns) > LEAST_RETURNS and len(closes) > DAYS:
        centred = returns - returns.sum(axis=0) / len(returns)
        squares = np.einsum("ij,ij->j", centred, centred)
        if not math.isnan(float(squares.sum())):
            moved = (closes[-1] / closes[-1 - DAYS] - 1.0) / FULL_SCALE
            return moved, np.sqrt(squares * (DAYS_PER_YEAR / (len(returns) - 1)))
    return momentum(closes).values, daily_volatility(returns).values * DAYS_PER_YEAR**0.5


def _pair_over(shares: Vector, history: PriceHistory, bounds: Thresholds) -> bool:
    """Return whether a correlated pair may be over its limit: few pairs are so large, and they alone are correlated."""
    large = np.flatnonzero(shares > bounds.floor - MARGIN)
    together = shares[large][:, None] + shares[large][None, :]
    over = np.triu(together > bounds.pair - MARGIN, k=1)
    if not over.any():
        return False
    coefficients = correlation(history.returns[:, large]).matrix
    return bool((coefficients[over] > bounds.correlation - MARGIN).any())
