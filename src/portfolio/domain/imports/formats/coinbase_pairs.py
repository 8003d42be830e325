"""Which row of Coinbase's reports is the other half of which: what went, and what came for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from portfolio.domain.imports.events import Origin, Part
from portfolio.domain.imports.records import Row


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A row of which is known what it always says."""

    row: Row
    at: datetime
    part: Part

    @property
    def origin(self) -> Origin:
        """Return the event of this row alone."""
        return Origin((self.row.place,), self.at, self.row.text("ID") or None)


Pair = tuple[Line, Line]


def pairs(given: Sequence[Line], came: Sequence[Line]) -> list[Pair]:
    """Return what came for what went, in whatever order they stand; nothing where that is not certain.

    Of one asset into one other more came for more: at one moment they have one price. Of several, all that went has
    to be equal, or all that came.
    """
    is_of_one = len({line.part.symbol for line in given}) == len({line.part.symbol for line in came}) == 1
    is_equal = 1 in {len({line.part for line in given}), len({line.part for line in came})}
    if len(given) != len(came) or not (is_of_one or is_equal):
        return []
    return list(zip(sorted(given, key=_size), sorted(came, key=_size), strict=True))


def _size(line: Line) -> tuple[Decimal, datetime, str]:
    return line.part.amount.copy_abs(), line.at, line.row.text("ID")
