"""The coefficients of all pairs as exact numbers, each made when it is asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import numpy as np

from portfolio.analytics.decimals import from_rounded, rounded
from portfolio.analytics.figure import Matrix, frozen

Pair = tuple[str, str]

# More than the distance of a coefficient to a bound of its own 12 decimals can err by in binary.
_MARGIN = 1e-9


class PairMatrix(Mapping[Pair, Decimal]):
    """The defined coefficients by ordered pair of symbols, at 12 decimals, half even.

    Of half a million pairs the rules look at a few: a Decimal is made for those alone.

    Args:
        symbols: ascending, one a row of the matrix.
        matrix: coefficients, symmetric, NaN where undefined, ``(n_assets, n_assets)``.
    """

    def __init__(self, symbols: Sequence[str], matrix: Matrix) -> None:
        assert matrix.shape == (len(symbols), len(symbols))
        self._symbols = tuple(symbols)
        self._place_of = {symbol: place for place, symbol in enumerate(symbols)}
        self._values = frozen(rounded(matrix))

    def __getitem__(self, pair: Pair) -> Decimal:
        one, other = (self._place_of.get(symbol, -1) for symbol in pair)
        if not 0 <= one < other or np.isnan(value := float(self._values[one, other])):
            raise KeyError(pair)
        return from_rounded(value)

    def __iter__(self) -> Iterator[Pair]:
        rows, columns = np.nonzero(np.triu(~np.isnan(self._values), k=1))
        return iter(self._pairs(rows.tolist(), columns.tolist()))

    def __len__(self) -> int:
        return int(np.count_nonzero(np.triu(~np.isnan(self._values), k=1)))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PairMatrix):
            return self._symbols == other._symbols and np.array_equal(self._values, other._values, equal_nan=True)
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]  # as for every mapping that compares by what it holds

    def above(self, bound: Decimal) -> dict[Pair, Decimal]:
        """Return the coefficients that are greater than ``bound``, by pair, in their order."""
        rows, columns = np.nonzero(self._values > float(bound) - _MARGIN)
        upper = rows < columns
        rows, columns = rows[upper], columns[upper]
        values = map(from_rounded, self._values[rows, columns].tolist())
        pairs = self._pairs(rows.tolist(), columns.tolist())
        return {pair: value for pair, value in zip(pairs, values, strict=True) if value > bound}

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

    def _pairs(self, rows: Sequence[int], columns: Sequence[int]) -> list[Pair]:
        symbols = self._symbols
        return [(symbols[row], symbols[column]) for row, column in zip(rows, columns, strict=True)]
