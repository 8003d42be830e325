"""What a day brought, told from the day before it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from portfolio.domain.money import EXACT, bounded_percent

_ONE, _HUNDRED = Decimal(1), Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayValue:
    """What the portfolio was worth at the end of a day, in dollars, and one unit of it.

    ``unit_value`` and ``net_deposits`` are None on a day from before the adoption; ``cumulative_percent`` is what the
    days until then brought.
    """

    total_value: Decimal
    unit_value: Decimal | None
    net_deposits: Decimal | None
    cumulative_percent: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayResult:
    """The result of a day in dollars and in percent, and of all days in percent; percentages have 8 decimals."""

    pnl: Decimal
    percent: Decimal
    cumulative_percent: Decimal


def day_result(value: Decimal, unit_value: Decimal, flow: Decimal, before: DayValue | None) -> DayResult:
    """Return what a day brought, ``flow`` being what was paid in since the day ``before``, net.

    The day's percentage is the unit's growth, so that deposits do not count; after a day without a unit value it is the
    result on that day's value. All days' percentage is linked: (1 + all before) x (1 + the day) - 1.
    """
    if before is None:
        grown = bounded_percent(EXACT.subtract(unit_value, _ONE), _ONE)
        return DayResult(pnl=EXACT.subtract(value, flow), percent=grown, cumulative_percent=grown)
    pnl = EXACT.subtract(EXACT.subtract(value, before.total_value), flow)
    if before.unit_value is not None:
        percent = bounded_percent(EXACT.subtract(unit_value, before.unit_value), before.unit_value)
    else:
        percent = bounded_percent(pnl, before.total_value)
    linked = EXACT.multiply(_growth(before.cumulative_percent or Decimal(0)), _growth(percent))
    cumulative = bounded_percent(EXACT.subtract(linked, _ONE), _ONE)
    return DayResult(pnl=pnl, percent=percent, cumulative_percent=cumulative)


def flow_since(before: DayValue | None, net_deposits: Decimal) -> Decimal:
    """Return what was paid in, net, since a day that this service wrote; all of it where there is none before."""
    if before is None or before.net_deposits is None:
        return net_deposits
    return EXACT.subtract(net_deposits, before.net_deposits)


def _growth(percent: Decimal) -> Decimal:
    return EXACT.add(_ONE, EXACT.divide(percent, _HUNDRED))
