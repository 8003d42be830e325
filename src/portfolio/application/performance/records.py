"""Days of the portfolio, as they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from portfolio.domain.money import Money, Quantity, added, subtracted
from portfolio.domain.symbol import Symbol

EARLIEST: Final = date(1970, 1, 1)
"""No day is before it: from when on they are read where all are."""


class Basis(StrEnum):
    """What days are made of: what is known by now, or what was recorded when they were over."""

    RESTATED = "restated"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayResult:
    """The result of a day in dollars and in percent, and of all days in percent; percentages have 8 decimals."""

    pnl: Money
    percent: Decimal
    cumulative_percent: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyValue:
    """The portfolio at the end of a UTC day, or of today so far.

    ``unit_value`` and the sums are None on rows from before the adoption; ``result`` is what was stored as the day's.
    """

    day: date
    total_value: Money
    cash: Money
    unit_value: Decimal | None = None
    net_deposits: Money | None = None
    realized_pnl: Money | None = None
    result: DayResult | None = None

    @property
    def measured(self) -> MeasuredDay | None:
        """Return what returns are made of; None on a row from before the adoption."""
        if self.net_deposits is None or not self.unit_value:
            return None
        return MeasuredDay(self.day, self.total_value, self.net_deposits, self.unit_value)


@dataclass(frozen=True, slots=True)
class MeasuredDay:
    """A day with all that returns are made of; ``is_adopted`` where they are what another program recorded."""

    day: date
    total_value: Money
    net_deposits: Money
    unit_value: Decimal
    is_adopted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionOnDay:
    """A position as it was at the end of a day, or today so far. One without any price is carried at its cost."""

    quantity: Quantity
    market_value: Money
    cost_basis: Money
    realized_pnl: Money
    is_priced: bool

    @property
    def result(self) -> Money:
        """Return the position's whole result, realized and unrealized."""
        return subtracted(added(self.realized_pnl, self.market_value), self.cost_basis)


DayPositions = Mapping[Symbol, PositionOnDay]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledDay:
    """A day that is over, computed from the books and the closes.

    ``positions`` is None where what they had cost by then is not known any more.
    """

    value: DailyValue
    num_positions: int
    positions: DayPositions | None
