"""Time-weighted return by unit value, as a fund keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from portfolio.domain.money import EXACT, Money, round_to_step


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Shares in the portfolio: a contribution buys units at the unit value of its moment, a withdrawal gives them back.

    The unit value therefore moves with results alone, and the ratio of two of them is the time-weighted return between,
    linked at every flow (CFA Institute, GIPS: true time-weighted rate of return).
    """

    count: Decimal = Decimal(0)
    last_value: Decimal = Decimal(1)

    def value(self, total: Money) -> Decimal:
        """Return the value of one unit when the whole is worth ``total``, half even at 18 decimals.

        With nothing in the portfolio, or less, it stays what it was at the last flow.
        """
        if self.count <= 0 or total.value <= 0:
            return self.last_value
        value = round_to_step(EXACT.divide(total.value, self.count))
        return value if value > 0 else self.last_value

    def after_flow(self, value_before: Money, flow: Money) -> Units:
        """Return the units after ``flow`` (negative: a withdrawal) into a portfolio worth ``value_before``."""
        unit_value = self.value(value_before)
        total = value_before + flow
        if total.value <= 0:
            return Units(count=Decimal(0), last_value=unit_value)
        return Units(count=round_to_step(EXACT.divide(total.value, unit_value)), last_value=unit_value)
