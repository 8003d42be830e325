"""The coefficients of all pairs as exact numbers, each made when it is asked for."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from decimal import Decimal

import numpy as np

from portfolio.analytics.correlation import Correlation, coefficients_of, correlation, pairs_above
from portfolio.analytics.decimals import from_rounded, rounded, sum_of_rounded, to_decimals
from portfolio.analytics.estimate import Matrix, frozen

Pair = tuple[str, str]

# More than the distance of a coefficient to a bound of its own 12 decimals can err by in binary.
_MARGIN = 1e-9
# The matrix of more assets is not made unless it is asked for: of ten thousand it takes a gigabyte.
MOST_AT_ONCE = 1_000


class PairMatrix:
    """The defined coefficients by ordered pair of symbols, at 12 decimals, half even.

    Of half a million pairs the rules look at a few: a Decimal is made for those alone. Of more than 1,000 assets the
    coefficients themselves are computed for those alone.

    Args:
        symbols: ascending, one a column of the returns.
        returns: ``(n_days, n_assets)``, NaN where there is none.
    """

    def __init__(self, symbols: Sequence[str], returns: Matrix) -> None:
        assert returns.shape[1] == len(symbols)
        self._symbols = tuple(symbols)
        self._place_of = {symbol: place for place, symbol in enumerate(symbols)}
        self._returns = returns
        # No cached properties: those of Python 3.11 have one lock for all instances, which the event loop would wait
        # for while a thread multiplies. Two threads may compute the same twice.
        self._correlation: Correlation | None = None
        self._rounded: Matrix | None = None
        self._counts: tuple[float, list[int]] | None = None
        self._sum: tuple[Decimal, int] | None = None
        self._part: tuple[tuple[str, ...], PairMatrix] | None = None

    @property
    def correlation(self) -> Correlation:
        """Return the correlation of all assets."""
        found = self._correlation
        if found is None:
            found = self._correlation = correlation(self._returns)
        return found

    def get(self, pair: Pair) -> Decimal | None:
        """Return the coefficient of a pair, its symbols in order; None where there is none."""
        one, other = (self._place_of.get(symbol, -1) for symbol in pair)
        if not 0 <= one < other:
            return None
        if self._is_large:
            return self.of(pair).get(pair)
        value = float(self._values[one, other])
        return None if math.isnan(value) else from_rounded(value)

    def of(self, symbols: Collection[str]) -> PairMatrix:
        """Return the coefficients of the pairs of these symbols; those that are no column are passed over.

        Those asked for last are kept: a booking hardly ever changes which positions count.
        """
        places = sorted(self._place_of[symbol] for symbol in symbols if symbol in self._place_of)
        chosen = tuple(self._symbols[place] for place in places)
        if chosen == self._symbols:
            return self
        found = self._part
        if found is None or found[0] != chosen:
            found = self._part = chosen, PairMatrix(chosen, self._returns[:, places])
        return found[1]

    def summed(self) -> tuple[Decimal, int]:
        """Return the exact sum of the coefficients, and how many there are."""
        if self._sum is None:
            defined = self._values[np.triu(~np.isnan(self._values), k=1)]
            self._sum = sum_of_rounded(defined), defined.size
        return self._sum

    def above(self, bound: Decimal) -> dict[Pair, Decimal]:
        """Return the coefficients that are greater than ``bound``, by pair, in their order."""
        least = float(bound) - _MARGIN
        if self._is_large:
            near = pairs_above(self._returns, least)
        else:
            rows, columns = np.nonzero(np.triu(self._values > least, k=1))
            places = zip(rows.tolist(), columns.tolist(), strict=True)
            near = dict(zip(places, self._values[rows, columns].tolist(), strict=True))
        symbols = self._symbols
        exact = zip(near, to_decimals(list(near.values())), strict=True)
        return {(symbols[i], symbols[j]): value for (i, j), value in exact if value is not None and value > bound}

    def partners(self, symbol: str, bound: Decimal) -> list[str]:
        """Return the symbols, in order, whose coefficient with ``symbol`` is greater than ``bound``."""
        own = self._place_of.get(symbol)
        if own is None:
            return []
        least = float(bound) - _MARGIN
        if self._is_large:
            row = rounded(coefficients_of(self._returns, own))
        elif self._counts_above(least)[own]:
            row = self._values[own]
        else:  # most assets have none: this takes a tenth of the time of looking at the row
            return []
        near = [place for place in np.flatnonzero(row > least).tolist() if place != own]
        sure = float(bound) + _MARGIN
        return [self._symbols[at] for at in near if row[at] > sure or from_rounded(float(row[at])) > bound]

    def rows(self) -> list[list[float | None]]:
        """Return the whole matrix at 12 decimals, as the numbers whose shortest text that is: whole ones are integers.

        None where undefined.
        """
        values = self._values
        found: list[list[float | None]] = values.tolist()
        for row, column in np.argwhere((values == np.rint(values)) | np.isnan(values)).tolist():
            value = float(values[row, column])
            found[row][column] = None if math.isnan(value) else int(value)
        return found

    def _counts_above(self, least: float) -> list[int]:
        """Return for each asset how many others have a coefficient above ``least``."""
        found = self._counts
        if found is None or found[0] != least:
            above = self._values > least
            np.fill_diagonal(above, False)
            found = self._counts = least, np.count_nonzero(above, axis=1).tolist()
        return found[1]

    @property
    def _is_large(self) -> bool:
        return len(self._symbols) > MOST_AT_ONCE

    @property
    def _values(self) -> Matrix:
        found = self._rounded
        if found is None:
            found = self._rounded = frozen(rounded(self.correlation.matrix))
        return found
