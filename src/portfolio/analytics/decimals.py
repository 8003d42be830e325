"""Converts float64 to exact decimals, and back."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from itertools import repeat
from typing import Final

import numpy as np
import numpy.typing as npt

from portfolio.analytics.estimate import Matrix

DECIMALS: Final = 12
LIMIT: Final = 1e20

_SCALE: Final = 1e12  # exact in binary: 5^12 has 28 bits
_GREATEST_ERROR: Final = 2**-13  # of a value in [-1, 1], scaled: it has 40 bits before the point, and 53 in all
STEP: Final = Decimal(1).scaleb(-DECIMALS)
_CONTEXT: Final = Context(prec=40, rounding=ROUND_HALF_EVEN)


def statistic(value: float) -> Decimal | None:
    """Return ``value`` at 12 decimals, half even, never -0; None where it is not finite, or 1e20 or more.

    A rule never compares two floats: it compares what comes out of here, so that noise in the last bits of an
    average decides nothing.
    """
    if not abs(value) < LIMIT:  # NaN is not below it either
        return None
    return _CONTEXT.plus(Decimal(value).quantize(STEP, context=_CONTEXT))


def to_decimals(values: npt.ArrayLike) -> list[Decimal | None]:
    """Return every value at 12 decimals, half even; None where it is not finite, or 1e20 or more.

    What is rounded is the binary value itself, to the last bit: each element equals ``Decimal(x).quantize(...)``,
    except that nothing is ever -0. Almost all of them get there by way of integers, several times as fast: scaling to
    units of 1e-12 errs by half a unit in the last place at most, so the nearest integer is certain unless the scaled
    value lies that close to the middle between two; those few take the exact way.

    Args:
        values: any shape; a matrix is read row by row.
    """
    array = np.asarray(values, dtype=np.float64).ravel()
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = array * _SCALE
        whole = np.rint(scaled)
        certain = np.abs(scaled - whole) < 0.5 - np.spacing(np.abs(scaled))
    units = np.where(certain, whole, 0.0).astype(np.int64).tolist()
    decimals: list[Decimal | None] = list(map(_CONTEXT.multiply, units, repeat(STEP)))
    for index in np.flatnonzero(~certain).tolist():
        decimals[index] = statistic(float(array[index]))
    return decimals


def rounded(values: Matrix) -> Matrix:
    """Return every value, in [-1, 1], as the float nearest to what ``to_decimals`` makes of it; NaN stays NaN.

    A decimal of at most 15 digits is the shortest text of the float nearest to it, so that is what an encoder writes.
    """
    scaled = values * _SCALE
    whole = np.rint(scaled)
    # One margin for all, that of the greatest: a few more go the exact way, and all the others sooner.
    with np.errstate(invalid="ignore"):
        close = np.abs(scaled - whole) >= 0.5 - _GREATEST_ERROR
    nearest: Matrix = whole / _SCALE + 0.0  # 0 where it was -0
    for place in np.argwhere(close).tolist():
        exact = statistic(float(values[tuple(place)]))
        assert exact is not None
        nearest[tuple(place)] = float(exact)
    return nearest


def from_rounded(value: float) -> Decimal:
    """Return the decimal that one of ``rounded``, not a NaN, stands for."""
    return _CONTEXT.multiply(round(value * _SCALE), STEP)


def sum_of_rounded(values: npt.NDArray[np.float64]) -> Decimal:
    """Return the sum of the decimals that values of ``rounded``, of which none is a NaN, stand for; exactly.

    Of nine million values it has 19 digits, as many as an integer of 64 bits.
    """
    return _CONTEXT.multiply(int(np.rint(values * _SCALE).astype(np.int64).sum()), STEP)
