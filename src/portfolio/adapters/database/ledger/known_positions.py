"""Positions read before, for rows that have not changed since."""

from __future__ import annotations

from typing import Any

from portfolio.adapters.database.ledger.mapping_positions import position_from_row
from portfolio.domain.ledger.position import Position


class KnownPositions:
    """Reads rows of the holdings, and gives the position of before where a row has not changed since.

    Of a thousand rows few change between two reads, and to compare a row takes a twentieth of the time to map it.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, Position]] = {}

    def __call__(self, row: Any) -> Position:
        """Return the position that the row describes.

        Raises:
            InvalidSymbol: no asset goes by the row's symbol.
        """
        known = self._known.get(row.id)
        if known is not None and known[0] == row:
            return known[1]
        position = position_from_row(row)
        self._known[row.id] = (row, position)
        return position
