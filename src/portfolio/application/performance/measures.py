"""The figures of a period, each defined or with the reason why it is not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Final

import msgspec

from portfolio.analytics.decimals import STEP, statistic
from portfolio.analytics.performance import (
    Drawdown,
    annualized_return,
    annualized_volatility,
    daily_returns,
    drawdowns,
    max_drawdown,
    money_weighted_growths,
    risk_free_of_a_day,
    sharpe_ratio,
    sharpe_standard_error,
    sortino_ratio,
)
from portfolio.application.performance.reasons import Figures, Reasons
from portfolio.application.performance.records import MeasuredDay
from portfolio.domain.days import DAY, each_day
from portfolio.domain.money import Money, subtracted

LEAST_RETURNS: Final = 30
LEAST_DAYS_TO_ANNUALIZE: Final = 90
MOST_FALLS: Final = 10
VALUE_NOT_POSITIVE: Final = "value_not_positive"


class Fall(msgspec.Struct, frozen=True, kw_only=True):
    """A fall of the unit value from a peak, a fraction below zero, and for how many days it has lasted."""

    depth: Decimal | None
    peak: date
    trough: date
    recovery: date | None
    days: int


def is_ruined(days: Sequence[MeasuredDay]) -> bool:
    """Return whether the portfolio was worth nothing, or less, on one of the days: nothing can be relative to that."""
    return any(day.total_value.value <= 0 for day in days)


def period_change(finals: Sequence[MeasuredDay], reasons: Reasons) -> Figures:
    """Return the gain from the first to the last final day: without deposits and withdrawals, and time-weighted."""
    if len(finals) < 2:
        return reasons.undefined(("total_return", "total_return_percent"), "no_history")
    first, last = finals[0], finals[-1]
    return {"total_return": gain(first, last), **_growth(finals, "total_return_percent", reasons)}


def daily_change(finals: Sequence[MeasuredDay], now: MeasuredDay, reasons: Reasons) -> Figures:
    """Return the gain from the end of yesterday to now."""
    if not finals or finals[-1].day != now.day - DAY:
        return reasons.undefined(("daily_return", "daily_return_percent"), "no_value_yesterday")
    return {"daily_return": gain(finals[-1], now), **_growth([finals[-1], now], "daily_return_percent", reasons)}


def gain(first: MeasuredDay, last: MeasuredDay) -> Money:
    """Return what was gained between two days, without deposits and withdrawals."""
    value = subtracted(last.total_value, first.total_value)
    return subtracted(value, subtracted(last.net_deposits, first.net_deposits))


def _growth(days: Sequence[MeasuredDay], name: str, reasons: Reasons) -> Figures:
    if is_ruined(days):
        return reasons.undefined([name], VALUE_NOT_POSITIVE)
    return {name: reasons.growth_percent(name, days[0].unit_value, days[-1].unit_value)}


def deepest_fall(finals: Sequence[MeasuredDay], reasons: Reasons) -> Figures:
    """Return the maximum drawdown of the final days, the first one's value included, and when it was."""
    dates = ("max_drawdown_peak", "max_drawdown_trough", "max_drawdown_recovery")
    if is_ruined(finals):
        return reasons.undefined(("max_drawdown", *dates), VALUE_NOT_POSITIVE)
    drawdown = max_drawdown(_units(finals)) if len(finals) > 1 else None
    depth = reasons.ratio("max_drawdown", drawdown.depth if drawdown else None, "no_history")
    if drawdown is None or not depth:
        return {"max_drawdown": depth, **reasons.undefined(dates, "no_drawdown" if drawdown else "no_history")}
    places = (drawdown.peak, drawdown.trough, drawdown.recovery)
    if drawdown.recovery is None:
        reasons.noted["max_drawdown_recovery"] = "not_recovered"
    days = (None if place is None else finals[place].day for place in places)
    return {"max_drawdown": depth, **dict(zip(dates, days, strict=True))}


def falls_of(finals: Sequence[MeasuredDay], reasons: Reasons) -> Figures:
    """Return the fall that the period ends in, for how many days it has lasted, and the ten deepest falls."""
    names = ("current_drawdown", "current_drawdown_days", "worst_drawdowns")
    if is_ruined(finals) or len(finals) < 2:
        return reasons.undefined(names, VALUE_NOT_POSITIVE if is_ruined(finals) else "no_history")
    falls = drawdowns(_units(finals))
    lasting = next((fall for fall in falls if fall.recovery is None), None)
    depth = float(finals[-1].unit_value / max(day.unit_value for day in finals)) - 1.0 if lasting else 0.0
    return {
        "current_drawdown": reasons.ratio("current_drawdown", depth, "no_history"),
        "current_drawdown_days": (finals[-1].day - finals[lasting.peak].day).days if lasting else 0,
        "worst_drawdowns": [_fall(fall, finals) for fall in falls[:MOST_FALLS]],
    }


def _fall(fall: Drawdown, finals: Sequence[MeasuredDay]) -> Fall:
    peak, last = finals[fall.peak].day, finals[-1 if fall.recovery is None else fall.recovery].day
    return Fall(
        depth=statistic(fall.depth),
        peak=peak,
        trough=finals[fall.trough].day,
        recovery=None if fall.recovery is None else last,
        days=(last - peak).days,
    )


def money_weighted(finals: Sequence[MeasuredDay], reasons: Reasons) -> Figures:
    """Return the money-weighted return of the period, in percent, and of a year."""
    names = ("money_weighted_return_percent", "money_weighted_return")
    if len(finals) < 2:
        return reasons.undefined(names, "no_history")
    if is_ruined(finals):
        return reasons.undefined(names, VALUE_NOT_POSITIVE)
    paid = [-float(finals[0].total_value.value)]
    paid += [float(subtracted(one.net_deposits, two.net_deposits).value) for one, two in pairwise(finals)]
    paid[-1] += float(finals[-1].total_value.value)
    growths, days = money_weighted_growths([day.day for day in finals], paid), days_covered(finals)
    growth = growths[0] if len(growths) == 1 else None
    why = "several_rates" if growths else "no_rate"
    is_long = days >= LEAST_DAYS_TO_ANNUALIZE
    yearly = annualized_return(growth, days) if growth is not None and is_long else None
    return {
        names[0]: reasons.percent(names[0], None if growth is None else (growth - 1.0) * 100.0, why),
        names[1]: reasons.ratio(names[1], yearly, why if is_long else "period_too_short"),
    }


def figures_of_days(finals: Sequence[MeasuredDay], risk_free_rate: Decimal, reasons: Reasons) -> Figures:
    """Return the change, the deepest fall and the ratios of the final days, at a year's rate."""
    fall = deepest_fall(finals, reasons)
    change = period_change(finals, reasons)
    return change | fall | risk_ratios(finals, fall["max_drawdown"], risk_free_rate, reasons)


def risk_ratios(
    finals: Sequence[MeasuredDay], max_drawdown: Decimal | None, risk_free_rate: Decimal, reasons: Reasons
) -> Figures:
    """Return the ratios of the final days; None where they are too few to say anything.

    ``risk_free_rate`` is that of a year: a day has its 365th root.
    """
    units = _units(finals)
    returns = daily_returns([f.day.toordinal() for f in finals], units)
    days = days_covered(finals)
    ratios = ("sharpe_ratio", "sharpe_standard_error", "sortino_ratio", "annualized_volatility")
    if is_ruined(finals):
        undefined = reasons.undefined((*ratios, "annualized_return", "calmar_ratio"), VALUE_NOT_POSITIVE)
        return {"observations": int(returns.size), **undefined}
    growth = annualized_return(units[-1] / units[0], days) if days >= LEAST_DAYS_TO_ANNUALIZE else None
    yearly = reasons.ratio("annualized_return", growth, "period_too_short")
    figures = {
        "observations": int(returns.size),
        "annualized_return": yearly,
        "calmar_ratio": _calmar(yearly, max_drawdown, reasons),
    }
    if returns.size < LEAST_RETURNS:
        return figures | reasons.undefined(ratios, "too_few_observations")
    risk_free_daily = risk_free_of_a_day(risk_free_rate)
    sharpe = sharpe_ratio(returns, risk_free_daily=risk_free_daily)
    sortino = sortino_ratio(returns, risk_free_daily=risk_free_daily)
    error = None if sharpe is None else sharpe_standard_error(returns, sharpe)
    return figures | {
        "sharpe_ratio": reasons.ratio("sharpe_ratio", sharpe, "no_variation"),
        "sharpe_standard_error": reasons.ratio("sharpe_standard_error", error, "no_variation"),
        "sortino_ratio": reasons.ratio("sortino_ratio", sortino, "no_losing_days"),
        "annualized_volatility": reasons.ratio(
            "annualized_volatility", annualized_volatility(returns), "too_few_observations"
        ),
    }


def _units(finals: Sequence[MeasuredDay]) -> list[float]:
    return [float(day.unit_value) for day in finals]


def every_unit_value(finals: Sequence[MeasuredDay]) -> tuple[list[date], list[float]]:
    """Return every day from the first to the last, and the unit values, NaN of a gap and from a ruin on."""
    if not finals:
        return [], []
    known = {day.day: day for day in finals}
    ruined = next((day.day for day in finals if day.total_value.value <= 0), date.max)
    every = each_day(finals[0].day, finals[-1].day)
    return every, [float(known[day].unit_value) if day in known and day < ruined else math.nan for day in every]


def days_covered(finals: Sequence[MeasuredDay]) -> int:
    """Return the days between the first and the last; 0 where there are fewer than two."""
    return (finals[-1].day - finals[0].day).days if finals else 0


def _calmar(yearly: Decimal | None, max_drawdown: Decimal | None, reasons: Reasons) -> Decimal | None:
    """Return annualized return over maximum drawdown (Young, "Calmar Ratio", Futures 20, 1991)."""
    if yearly is None or max_drawdown is None:
        reasons.noted["calmar_ratio"] = reasons.noted["annualized_return"]
        return None
    return reasons.quotient("calmar_ratio", yearly, -max_drawdown, STEP, "no_drawdown")
