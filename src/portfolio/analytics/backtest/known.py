"""What was known of closes on each day: none of it looks at a later row."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

import numpy as np

from portfolio.analytics.estimate import Counts, Mask, Matrix, frozen

LEAST_CLOSES: Final = 31
"""So many closes an asset has before it is traded: as many as the statistics of a policy look back."""

DAYS_UNTIL_WRITTEN_DOWN: Final = 7
MOST_DECIMALS: Final = 18

_SURE: Final = 1e15  # a decimal of at most 15 digits is the shortest text of the float nearest to it


def days_since_close(closes: Matrix) -> Counts:
    """Return for each day how long ago the last close is, 0 for a close of that day; -1 before the first one.

    Args:
        closes: one row a day, oldest first, NaN where there is none, ``(n_days, n_assets)``; so is the result.
    """
    days = np.arange(len(closes), dtype=np.int64)[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(closes), -1, days), axis=0)
    return frozen(np.where(last < 0, -1, days - last))


def entered(closes: Matrix) -> Mask:
    """Return for each day and asset whether it has 31 closes by then, counted anew after it was written down.

    Args:
        closes: as above.
    """
    count = np.cumsum(~np.isnan(closes), axis=0)
    gone = np.where(days_since_close(closes) >= DAYS_UNTIL_WRITTEN_DOWN, count, 0)
    return frozen(count - np.maximum.accumulate(gone, axis=0) >= LEAST_CLOSES)


def newest(closes: Matrix) -> Matrix:
    """Return the newest close by the end of each day, 0 before the first one.

    Args:
        closes: as above.
    """
    rows = np.arange(len(closes))[:, None] - days_since_close(closes)
    found = np.take_along_axis(closes, np.minimum(rows, len(closes) - 1), axis=0)
    return frozen(np.where(days_since_close(closes) < 0, 0.0, found))


def in_units(marks: Matrix) -> tuple[list[list[int]], tuple[int, ...]]:
    """Return marks as integers, exactly: of each asset they are units of ten to the power of minus its decimals.

    What is meant is the shortest decimal that is the float, as it was stored; at most 18 decimals, half even, and where
    that would be none, as of a close that was divided by a split, the last of them.

    Args:
        marks: 0 or above, finite, ``(n_days, n_assets)``; the integers are as many.
    """
    decimals = np.full(marks.shape[1], -1)
    units: Counts = np.zeros(marks.shape, dtype=np.int64)
    for count in range(MOST_DECIMALS + 1):
        scaled = np.rint(marks * 10.0**count)
        fits = (decimals < 0) & ((scaled / 10.0**count == marks) & (scaled < _SURE)).all(axis=0)
        decimals[fits] = count
        units[:, fits] = scaled[:, fits]
    table: list[list[int]] = units.tolist()
    for asset in np.flatnonzero(decimals < 0).tolist():
        decimals[asset] = MOST_DECIMALS
        for row, value in zip(table, marks[:, asset].tolist(), strict=True):
            rounded = int(Decimal(repr(value)).scaleb(MOST_DECIMALS).to_integral_value(ROUND_HALF_EVEN))
            row[asset] = rounded or int(value > 0)
    return table, tuple(decimals.tolist())
