"""How much of a portfolio lies in how few positions.

Conventions (``crypto-365-v1``, 10). Source of the index: Herfindahl, "Concentration in the Steel Industry" (1950), and
Hirschman, "The Paternity of an Index", American Economic Review 54 (1964); of its inverse as a number of equal
positions: Adelman, "Comment on the 'H' Concentration Measure as a Numbers-Equivalent", Review of Economics and
Statistics 51 (1969).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
import numpy.typing as npt

from portfolio.analytics.figure import Figure, Reason
from portfolio.analytics.level import Level, level_of

MEDIUM_ABOVE: Final = Decimal("0.15")
HIGH_ABOVE: Final = Decimal("0.25")


@dataclass(frozen=True, slots=True)
class Concentration:
    """The Herfindahl index of the positions, the same with cash as one more holding, and the number it is like.

    Of n positions ``hhi`` is between 1/n (all alike) and 1 (one is all), ``effective_positions`` between
    1 and n.
    """

    hhi: Figure
    hhi_with_cash: Figure
    effective_positions: Figure


def concentration(market_values: npt.ArrayLike, cash: float) -> Concentration:
    """Return the concentration of positions worth ``market_values``.

    ``hhi`` is the sum of squared shares of the invested value, ``hhi_with_cash`` that of the shares of the total value,
    of which cash is one, so that here too the shares add up to 1. Positions of no value change nothing. Undefined
    without positions (``no_positions``; with cash only if there is none of it either), and where one of the values is
    below zero (``value_not_positive``): shorts, or cash overdrawn, are no part of a whole.

    Args:
        market_values: of each position, US dollars, finite, ``(n_positions,)``.
        cash: US dollars, finite.
    """
    values = np.asarray(market_values, dtype=np.float64)
    hhi = _sum_of_squared_shares(values)
    return Concentration(
        hhi=hhi,
        hhi_with_cash=_sum_of_squared_shares(np.append(values, cash)),
        effective_positions=hhi if hhi.value is None else Figure(1.0 / hhi.value),
    )


def concentration_level(hhi: Decimal | None) -> Level | None:
    """Return high above 0.25, medium above 0.15, else low; None for None."""
    return level_of(hhi, medium_above=MEDIUM_ABOVE, high_above=HIGH_ABOVE)


def _sum_of_squared_shares(values: npt.NDArray[np.float64]) -> Figure:
    if not values.any():
        return Figure(reason=Reason.NO_POSITIONS)
    if (values < 0.0).any():
        return Figure(reason=Reason.VALUE_NOT_POSITIVE)
    shares = values / values.sum()
    return Figure(float(shares @ shares))
