"""How daily returns are distributed: how often they lay between which bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

MOST_BINS: Final = 60
_STEPS: Final = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Bin:
    """How many returns were ``low`` or more and less than ``high``, both fractions, exact."""

    low: Fraction
    high: Fraction
    count: int


def histogram(returns: npt.ArrayLike) -> list[Bin]:
    """Return how many of the returns lie in each of bins of one width, from the lowest to the highest; none of nothing.

    One bound is zero, so that no bin mixes gains and losses. The width is the smallest of 1, 2 and 5 times a power of
    ten that is not less than that of Freedman and Diaconis, "On the Histogram as a Density Estimator" (1981), 2 IQR /
    cube root of n, and that makes at most 60 bins.

    Args:
        returns: finite, ``(n,)``.
    """
    values = np.asarray(returns, dtype=np.float64)
    if not values.size:
        return []
    quarter, three_quarters = np.quantile(values, (0.25, 0.75)).tolist()
    spread = max(float(values.max()), 0.0) - min(float(values.min()), 0.0)
    wanted = max(2.0 * (three_quarters - quarter) / values.size ** (1.0 / 3.0), spread / (MOST_BINS - 2))
    width = _round_width(wanted) if wanted > 0.0 else Fraction(1, 1000)
    # Exact: a return that is a bound as written lies above it, whatever the last bit of a quotient of floats is.
    places = [math.floor(Fraction(str(value)) / width) for value in values.tolist()]
    counts = np.bincount(np.asarray(places) - min(places)).tolist()
    return [Bin((min(places) + n) * width, (min(places) + n + 1) * width, count) for n, count in enumerate(counts)]


def _round_width(least: float) -> Fraction:
    """Return the smallest of 1, 2 and 5 times a power of ten that is not less."""
    power = Fraction(10) ** math.floor(math.log10(least))
    exact = Fraction(least)
    return next(step * power for step in (*_STEPS, 10, 20) if step * power >= exact)
