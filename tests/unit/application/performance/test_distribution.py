"""The distribution of the portfolio's own days: by other means, and null where it would say nothing."""

from __future__ import annotations

import math
import statistics
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from portfolio.application.performance.series.distribution import Distribution, distribution_of
from portfolio.application.performance.series.rolling import rolling_of
from tests.unit.application.performance.test_benchmark import walk
from tests.unit.application.performance.test_months import days

FIRST = date(2026, 1, 1)
FIGURES = ("mean", "standard_deviation", "skewness", "excess_kurtosis", "value_at_risk_95",
           "conditional_value_at_risk_95", "value_at_risk_99", "conditional_value_at_risk_99")  # fmt: skip


def of(units: list[float], without: int | None = None) -> Distribution:
    finals = days(FIRST, [str(unit) for unit in units])
    found = distribution_of([day for n, day in enumerate(finals) if n != without])
    optional = {*FIGURES, "best", "worst"}
    assert {name for name in optional if getattr(found, name) is None} == set(found.reasons)
    return found


def test_figures_are_those_of_an_independent_computation() -> None:
    units = walk(200, seed=11)
    returns = [b / a - 1 for a, b in pairwise(units)]
    found = of(units)
    mean, deviation = statistics.fmean(returns), statistics.stdev(returns)
    n = len(returns)
    cubes = sum(((r - mean) / deviation) ** 3 for r in returns)
    fourths = sum(((r - mean) / deviation) ** 4 for r in returns)
    assert float(found.mean or 0) == pytest.approx(mean, abs=1e-12)
    assert float(found.standard_deviation or 0) == pytest.approx(deviation, abs=1e-12)
    assert float(found.skewness or 0) == pytest.approx(n / ((n - 1) * (n - 2)) * cubes, abs=1e-9)
    kurtosis = n * (n + 1) / ((n - 1) * (n - 2) * (n - 3)) * fourths - 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))
    assert float(found.excess_kurtosis or 0) == pytest.approx(kurtosis, abs=1e-9)
    worst = sorted(-r for r in returns)[::-1]
    # of 200 days the tenth worst, and the mean of the ten; the second, and the mean of the two
    assert float(found.value_at_risk_95 or 0) == pytest.approx(worst[9], abs=1e-12)
    assert float(found.conditional_value_at_risk_95 or 0) == pytest.approx(statistics.fmean(worst[:10]), abs=1e-12)
    assert float(found.value_at_risk_99 or 0) == pytest.approx(worst[1], abs=1e-12)
    assert float(found.conditional_value_at_risk_99 or 0) == pytest.approx(statistics.fmean(worst[:2]), abs=1e-12)
    assert found.best is not None
    assert found.worst is not None
    assert found.best.day == FIRST + timedelta(days=returns.index(max(returns)) + 1)
    assert float(found.worst.percent) == pytest.approx(min(returns) * 100, abs=1e-6)
    assert (found.observations, found.days_up) == (200, sum(r > 0 for r in returns))
    assert found.days_up + found.days_down == 200


def test_bins_are_in_percent_and_count_every_day_once() -> None:
    units = walk(200, seed=12)
    found, percents = of(units), [Decimal(str(b / a - 1)) * 100 for a, b in pairwise(units)]
    assert sum(one.count for one in found.bins) == 200
    for one in found.bins:
        assert one.count == sum(one.low_percent <= percent < one.high_percent for percent in percents)


def test_days_beside_a_gap_have_no_return() -> None:
    assert of([1.0, 2.0, 3.0, 4.0, 5.0], without=2).observations == 2


def test_under_30_returns_there_are_days_and_no_figures() -> None:
    found = of(walk(29, seed=13))
    assert {found.reasons[name] for name in FIGURES} == {"too_few_observations"}
    assert (found.observations, len(found.bins) > 0) == (29, True)
    assert of(walk(30, seed=13)).reasons == {}
    assert of([1.0]).reasons["best"] == "no_history"


def test_after_a_ruin_nothing_is_relative() -> None:
    found = of([1.0, 1.1, -0.5, 1.0])
    assert set(found.reasons.values()) == {"value_not_positive"}
    assert (found.observations, found.bins) == (0, [])


def test_returns_that_are_alike_have_losses_and_no_moments() -> None:
    found = of([1.0] * 40)
    assert {found.reasons[name] for name in FIGURES[:4]} == {"no_variation"}
    assert found.value_at_risk_95 == 0


def test_rolling_figures_stand_at_the_end_of_each_whole_window() -> None:
    units = walk(100, seed=14)
    found = rolling_of(days(FIRST, [str(unit) for unit in units]), 30, Decimal("0.05"))
    assert len(found.days) == len(found.returns) == len(found.volatilities) == len(found.sharpe_ratios) == 71
    assert (found.days[0], found.days[-1]) == (FIRST + timedelta(days=30), FIRST + timedelta(days=100))
    returns = [b / a - 1 - (1.05 ** (1 / 365) - 1) for a, b in pairwise(units[-31:])]
    assert float(found.returns[-1] or 0) == pytest.approx(units[-1] / units[-31] - 1, abs=1e-11)
    assert float(found.volatilities[-1] or 0) == pytest.approx(statistics.stdev(returns) * math.sqrt(365), abs=1e-9)
    ratio = statistics.fmean(returns) / statistics.stdev(returns) * math.sqrt(365)
    assert float(found.sharpe_ratios[-1] or 0) == pytest.approx(ratio, abs=1e-9)


def test_windows_that_touch_a_gap_or_a_ruin_lose_what_needs_it() -> None:
    units = [str(unit) for unit in walk(100, seed=15)]
    gap = rolling_of([day for n, day in enumerate(days(FIRST, units)) if n != 50], 90)
    assert len(gap.days) == 11
    assert None not in gap.returns
    assert None not in gap.volatilities  # 88 returns are enough
    short = rolling_of([day for n, day in enumerate(days(FIRST, units)) if n != 50], 30)
    # without a value on day 50: it ends no window and begins none, and 28 returns are too few for 32 windows
    assert [n for n, value in enumerate(short.returns, start=30) if value is None] == [50, 80]
    assert [n for n, value in enumerate(short.volatilities, start=30) if value is None] == list(range(50, 81))
    units[60] = "-1"
    ruined = rolling_of(days(FIRST, units), 30)
    assert [value is None for value in ruined.returns] == [n >= 60 for n in range(30, 101)]
