"""The result of a day, computed from the day and the day before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from portfolio.application.performance.records import DailyValue, DayResult, MeasuredDay
from portfolio.domain.arithmetic import HUNDRED, ONE, exact
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.money import Money, bounded_percent

_ANEW = Decimal(10**6)
"""No portfolio grows by so many times in a day: its units began anew after a loss of nearly everything."""


@exact
def day_result(day: MeasuredDay, flow: Money, before: DailyValue | None) -> DayResult:
    """Return the result of a day. ``flow`` is the net amount paid in since the day ``before``.

    The day's percentage is the unit's growth, so that deposits do not count; after a day without a unit value, or where
    units began anew, it is the result on that day's value. All days' percentage is linked: (1 + all before) x (1 + the
    day) - 1.
    """
    value_before = before.total_value if before else Money.zero()
    unit_before = before.unit_value if before else ONE
    all_before = before.result.cumulative_percent if before and before.result else Decimal(0)
    pnl = day.total_value - value_before - flow
    if unit_before is not None and day.unit_value < _ANEW * unit_before:
        percent = bounded_percent(day.unit_value - unit_before, unit_before)
    else:
        percent = bounded_percent(pnl.value, value_before.value)
    linked = (ONE + all_before / HUNDRED) * (ONE + percent / HUNDRED)
    cumulative = bounded_percent(linked - ONE, ONE)
    return DayResult(pnl=pnl, percent=percent, cumulative_percent=cumulative)


def results_with_final(
    final: Mapping[date, DailyValue], known: Mapping[date, DailyValue], before: DailyValue | None
) -> Mapping[date, DayResult]:
    """Return the results of the ``final`` days, and the new result of the ``known`` day after each of them.

    The cumulative percentage of a known day stays as it is: it was linked already. A known day from before
    the adoption is not told anew. ``before`` is the newest day before all of these.
    """
    results: dict[date, DayResult] = {}
    is_after_final = False
    for day, value in sorted({**known, **final}.items()):
        is_final = day in final
        if (is_final or is_after_final) and (measured := value.measured):
            result = day_result(measured, flow_since(before, measured.net_deposits), before)
            if value.result is not None:
                result = replace(result, cumulative_percent=value.result.cumulative_percent)
            results[day] = result
            before = replace(value, result=result)
        else:
            before = value
        is_after_final = is_final
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
    )


def flow_since(before: DailyValue | None, net_deposits: Money) -> Money:
    """Return the net amount paid in since the last day that this service wrote; everything if there is none."""
    if before is None or before.net_deposits is None:
        return net_deposits
    return net_deposits - before.net_deposits
