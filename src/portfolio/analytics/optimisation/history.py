"""The returns that weights are made of: those of the days common to the assets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from portfolio.analytics.estimate import Matrix, Vector
from portfolio.analytics.returns import LIGHT_WEIGHT, MOST_LEFT_OUT, PriceHistory, common_days

LEAST_OWN_RETURNS: Final = 20
"""Fewer returns of an asset's own define no volatility (conventions ``crypto-365-v1``, 8)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CommonReturns:
    """Returns ``(n_common_days, n_assets)`` without NaN, oldest first.

    ``own_days`` counts the returns of each asset; ``deviations`` ``(n_assets,)`` are those of its own days, NaN where
    they are too few.
    """

    returns: Matrix
    own_days: Sequence[int]
    deviations: Vector


def own_days(history: PriceHistory, symbols: Sequence[str], days: int) -> list[int]:
    """Return how many returns each of ``symbols``, columns of the history, has in its last ``days``."""
    columns = [history.symbols.index(symbol) for symbol in symbols]
    there = ~np.isnan(history.last(days).returns[:, columns])
    counts: list[int] = np.count_nonzero(there, axis=0).tolist()
    return counts


def common_returns(history: PriceHistory, symbols: Sequence[str], days: int) -> CommonReturns:
    """Return the returns of ``symbols``, each a column of the history, in its last ``days``."""
    columns = [history.symbols.index(symbol) for symbol in symbols]
    returns = history.last(days).returns[:, columns]
    there = ~np.isnan(returns)
    own_days = np.count_nonzero(there, axis=0)
    deviations, enough = np.full(len(symbols), np.nan), own_days >= LEAST_OWN_RETURNS
    deviations[enough] = np.nanstd(returns[:, enough], axis=0, ddof=1)
    return CommonReturns(
        returns=np.ascontiguousarray(returns[there.all(axis=1)]),
        own_days=[int(count) for count in own_days],
        deviations=deviations,
    )


def too_short(
    history: PriceHistory, symbols: Sequence[str], weights: Sequence[float], days: int, *, least: int
) -> list[str]:
    """Return those of ``symbols`` whose past costs the others more days than their weight is worth: under 2 %, and with
    them over a fifth of the days would be gone or under ``least`` be left (conventions ``crypto-365-v1``, 6).

    None where they are over a tenth of the weights together.
    """
    columns = [history.symbols.index(symbol) for symbol in symbols]
    sizes = np.abs(weights)
    included = common_days(history.last(days).returns[:, columns], sizes, least=least).included
    left_out = ~included & (sizes < LIGHT_WEIGHT)
    if not included.any() or sizes[left_out].sum() > MOST_LEFT_OUT * sizes.sum():
        return []
    return [symbol for symbol, is_out in zip(symbols, left_out.tolist(), strict=True) if is_out]
