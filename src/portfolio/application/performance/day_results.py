"""The result of a day, computed from the day and the day before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from portfolio.application.performance.records import DailyValue
from portfolio.domain.ledger.portfolio import Portfolio
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
    """Return the result of a day. ``flow`` is the net amount paid in since the day ``before``.

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


def results_with_filled(
    filled: Mapping[date, DailyValue], known: Mapping[date, DayValue], before: DayValue | None
) -> Mapping[date, DayResult]:
    """Return the results of the ``filled`` days, and the new result of the ``known`` day after each gap.

    The cumulative percentage of a known day stays as it is: it was linked over the gap already. A known day from before
    the adoption is not told anew. ``before`` is the newest day before all of these.
    """
    results: dict[date, DayResult] = {}
    is_after_filled = False
    for day in sorted({*filled, *known}):
        is_filled = day not in known
        value = _day_value(filled[day]) if is_filled else known[day]
        if (is_filled or is_after_filled) and value.unit_value is not None and value.net_deposits is not None:
            flow = flow_since(before, value.net_deposits)
            result = day_result(value.total_value, value.unit_value, flow, before)
            if value.cumulative_percent is not None:
                result = replace(result, cumulative_percent=value.cumulative_percent)
            results[day] = result
            value = replace(value, cumulative_percent=result.cumulative_percent)
        before, is_after_filled = value, is_filled
    return results


def daily_value(portfolio: Portfolio, day: date) -> DailyValue:
    """Return the portfolio as ``day`` keeps it."""
    return DailyValue(
        day=day,
        total_value=portfolio.total_value,
        cash=portfolio.cash,
        unit_value=portfolio.units.value(portfolio.total_value),
        net_deposits=portfolio.net_deposits,
        realized_pnl=portfolio.realized_pnl,
        trade_counts=portfolio.trade_counts,
    )


def flow_since(before: DayValue | None, net_deposits: Decimal) -> Decimal:
    """Return the net amount paid in since the last day that this service wrote; everything if there is none."""
    if before is None or before.net_deposits is None:
        return net_deposits
    return EXACT.subtract(net_deposits, before.net_deposits)


def _day_value(value: DailyValue) -> DayValue:
    return DayValue(
        total_value=value.total_value.value,
        unit_value=value.unit_value,
        net_deposits=None if value.net_deposits is None else value.net_deposits.value,
    )


def _growth(percent: Decimal) -> Decimal:
    return EXACT.add(_ONE, EXACT.divide(percent, _HUNDRED))
