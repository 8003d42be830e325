"""Figures of the days until each day: how return and risk moved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec

from portfolio.analytics.decimals import to_decimals
from portfolio.analytics.performance import risk_free_of_a_day
from portfolio.analytics.rolling import rolling_figures
from portfolio.application.performance.measures import LEAST_RETURNS, every_unit_value
from portfolio.application.performance.records import MeasuredDay


class Rolling(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of the ``window_days`` that end with each of the ``days``; None where one is not defined.

    ``returns`` are time-weighted, fractions, and need a value on the first and the last day of the window;
    ``volatilities`` and ``sharpe_ratios`` are annualized and need 30 daily returns in it. All have 12 decimals.
    """

    window_days: int
    days: Sequence[date]
    returns: Sequence[Decimal | None]
    volatilities: Sequence[Decimal | None]
    sharpe_ratios: Sequence[Decimal | None]


def rolling_of(finals: Sequence[MeasuredDay], window_days: int, risk_free_rate: Decimal = Decimal(0)) -> Rolling:
    """Return the figures for every calendar day of the period that has a whole window before it.

    From the first day at or below zero on none is defined. ``risk_free_rate`` is that of a year, a fraction.
    """
    every, units = every_unit_value(finals)
    risk_free_daily = risk_free_of_a_day(risk_free_rate)
    found = rolling_figures(units, window_days, least=LEAST_RETURNS, risk_free_daily=risk_free_daily)
    return Rolling(
        window_days=window_days,
        days=every[window_days:],
        returns=to_decimals(found.growth[window_days:]),
        volatilities=to_decimals(found.volatility[window_days:]),
        sharpe_ratios=to_decimals(found.sharpe[window_days:]),
    )
