"""Time-weighted return by unit value, as a fund keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from portfolio.domain.errors import OutOfRange
from portfolio.domain.money import EXACT, Money, round_to_step

# Fewer units than this count as none: at 18 decimals their value would be noise.
LEAST_COUNT = Decimal("0.000000001")
LEAST_SHARE_OF_DEPOSITS = Decimal("0.1")


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

        With nothing in the portfolio, or less, it stays what it was at the last flow; so it does where nothing is left
        of it at 18 decimals, or it would be 1e20 or more.
        """
        if self.count <= 0 or total.value <= 0:
            return self.last_value
        try:
            value = round_to_step(EXACT.divide(total.value, self.count))
        except OutOfRange:
            return self.last_value
        return value if value > 0 else self.last_value

    def begin_anew(self, before: Units, value_before: Money) -> bool:
        """Return whether these units, after a flow, are no continuation of those ``before`` it."""
        return self != before and self.last_value != before.value(value_before)

    def after_flow(self, value_before: Money, flow: Money) -> Units:
        """Return the units after ``flow`` (negative: a withdrawal) into a portfolio worth ``value_before``.

        Where it would buy 1e20 units or more, as after a loss of nearly everything, they begin anew at a value of one.
        """
        if not flow:
            return self
        unit_value = self.value(value_before)
        total = value_before + flow
        try:
            count = round_to_step(EXACT.divide(total.value, unit_value)) if total.value > 0 else Decimal(0)
        except OutOfRange:
            return Units(count=total.value)
        return Units(count=count if count >= LEAST_COUNT else Decimal(0), last_value=unit_value)


def is_mostly_withdrawn(deposits: Money, net_deposits: Money) -> bool:
    """Return whether net deposits are under a tenth of all deposits: nothing is told in percent of so small a rest."""
    return net_deposits.value < EXACT.multiply(deposits.value, LEAST_SHARE_OF_DEPOSITS)
