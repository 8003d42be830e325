"""How the daily returns of a period are distributed, and what its bad days cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import msgspec

from portfolio.analytics.distribution import histogram
from portfolio.analytics.performance import Series, daily_returns
from portfolio.analytics.tail_risk import CONFIDENCES, historical_loss, moments_of, worst_first
from portfolio.application.performance.measures import LEAST_RETURNS, VALUE_NOT_POSITIVE, is_ruined
from portfolio.application.performance.reasons import Figures, Reasons
from portfolio.application.performance.records import MeasuredDay
from portfolio.domain.arithmetic import HUNDRED, exact
from portfolio.domain.days import DAY
from portfolio.domain.money import PERCENT_STEP

_MOMENTS = ("mean", "standard_deviation", "skewness", "excess_kurtosis")
_LOSSES = ("value_at_risk", "conditional_value_at_risk")


class ReturnBin(msgspec.Struct, frozen=True):
    """How many days brought ``low_percent`` or more and less than ``high_percent``."""

    low_percent: Decimal
    high_percent: Decimal
    count: int


class DayReturn(msgspec.Struct, frozen=True):
    """What a day brought, in percent, time-weighted."""

    day: date
    percent: Decimal


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    """The daily returns of the portfolio as it was: deposits do not count, days beside a gap have none.

    ``mean`` to ``excess_kurtosis`` are of fractions, skewness and excess kurtosis unbiased. The losses are those that
    really were: value at risk of today's weights is another figure. All are None under 30 returns
    (``too_few_observations``) and after a ruin (``value_not_positive``); the moments also where no return differs from
    the others (``no_variation``).
    """

    observations: int
    days_up: int
    days_down: int
    best: DayReturn | None
    worst: DayReturn | None
    mean: Decimal | None
    standard_deviation: Decimal | None
    skewness: Decimal | None
    excess_kurtosis: Decimal | None
    value_at_risk_95: Decimal | None
    conditional_value_at_risk_95: Decimal | None
    value_at_risk_99: Decimal | None
    conditional_value_at_risk_99: Decimal | None
    bins: Sequence[ReturnBin]
    reasons: Mapping[str, str]


def distribution_of(finals: Sequence[MeasuredDay]) -> Distribution:
    """Return how the daily returns of these days are distributed; without any where one was worth nothing, or less."""
    reasons = Reasons()
    used = [] if is_ruined(finals) else finals
    returns = daily_returns([day.day.toordinal() for day in used], [float(day.unit_value) for day in used])
    each = [
        DayReturn(two.day, _percent(one.unit_value, two.unit_value))
        for one, two in pairwise(used)
        if two.day - one.day == DAY
    ]
    too_few = VALUE_NOT_POSITIVE if is_ruined(finals) else "too_few_observations"
    if not each:
        reasons.undefined(("best", "worst"), too_few if is_ruined(finals) else "no_history")
    figures: Figures = {}
    if len(each) < LEAST_RETURNS:
        names = (f"{name}_{100 * confidence:.0f}" for name in _LOSSES for confidence in CONFIDENCES)
        figures = reasons.undefined((*_MOMENTS, *names), too_few)
    else:
        figures = _moments(returns, reasons) | _losses(returns, reasons)
    return Distribution(
        observations=len(each),
        days_up=sum(one.percent > 0 for one in each),
        days_down=sum(one.percent < 0 for one in each),
        best=max(each, key=lambda one: one.percent, default=None),
        worst=min(each, key=lambda one: one.percent, default=None),
        **figures,
        bins=[ReturnBin(_decimal(one.low), _decimal(one.high), one.count) for one in histogram(returns)],
        reasons=reasons.noted,
    )


def _moments(returns: Series, reasons: Reasons) -> Figures:
    found = moments_of(returns)
    if found is None:
        return reasons.undefined(_MOMENTS, "no_variation")
    values = (found.mean, found.deviation, found.skewness, found.excess_kurtosis)
    return {name: reasons.ratio(name, value, "") for name, value in zip(_MOMENTS, values, strict=True)}


def _losses(returns: Series, reasons: Reasons) -> Figures:
    figures: Figures = {}
    falling = worst_first(-returns)
    for confidence in CONFIDENCES:
        loss = historical_loss(falling, confidence)
        for name, estimate in zip(_LOSSES, (loss.value_at_risk, loss.conditional_value_at_risk), strict=True):
            full = f"{name}_{100 * confidence:.0f}"
            figures[full] = reasons.ratio(full, estimate.value, "")
    return figures


@exact
def _percent(start: Decimal, end: Decimal) -> Decimal:
    return ((end - start) * HUNDRED / start).quantize(PERCENT_STEP)


@exact
def _decimal(bound: Fraction) -> Decimal:
    """Return a bound in percent: a few digits and a power of ten, so exact."""
    return Decimal(bound.numerator * 100) / bound.denominator
