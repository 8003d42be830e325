"""What a trade has brought by a later close, beside having done nothing."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from portfolio.domain.arithmetic import exact
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Money, Price, Quantity

HORIZONS: Final = (1, 7, 30)
"""After so many days a trade is judged, each at the close of its day."""
FORECAST_HORIZON: Final = 7
"""The confidence of an advice is how sure it is that it has brought something after so many days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """A trade that was advised, or made: so many units for so much money, and the fee on top."""

    side: Side
    quantity: Quantity
    value: Money
    fee: Money

    @exact
    def result_at(self, close: Price) -> Decimal:
        """Return what it has brought, in dollars, once a unit is worth ``close``; doing nothing brings 0.

        d q (c - p) - fee, where p = value / q is the price paid, and d is 1 for a BUY and -1 for a SELL, which brings
        what was not lost. It is exact: nothing is divided.
        """
        gain = self.quantity.value * close.value - self.value.value
        return (gain if self.side is Side.BUY else -gain) - self.fee.value
