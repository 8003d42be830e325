"""Figures of a series of unit values, by hand, by other means, and for any series."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.analytics.decimals import statistic
from portfolio.analytics.performance import (
    Drawdown,
    annualized_return,
    annualized_volatility,
    daily_returns,
    max_drawdown,
    money_weighted_growths,
    sharpe_ratio,
    sortino_ratio,
)

FIRST = date(2025, 1, 1)
VALUES = st.lists(st.floats(1e-15, 1e19), min_size=1, max_size=60)
RETURNS = st.lists(st.floats(-0.9, 3.0).map(lambda r: round(r, 6)), min_size=2, max_size=60)


def test_a_return_is_simple_and_between_adjacent_days() -> None:
    assert daily_returns([1, 2, 3], [100, 110, 99]).tolist() == pytest.approx([0.1, -0.1])


def test_a_gap_gives_no_return() -> None:
    # day 3 is missing: of 1, 2, 4, 5 only 1-2 and 4-5 are adjacent
    assert daily_returns([1, 2, 4, 5], [100, 110, 220, 231]).tolist() == pytest.approx([0.1, 0.05])
    assert daily_returns([1, 3, 5], [1, 2, 3]).shape == (0,)


@pytest.mark.parametrize("count", [0, 1])
def test_without_two_values_there_is_no_return(count: int) -> None:
    assert daily_returns(range(count), [5.0] * count).shape == (0,)


def test_days_and_values_belong_together() -> None:
    with pytest.raises(AssertionError):
        daily_returns([1, 2], [1.0])


def test_volatility_by_hand() -> None:
    # mean 0.01, deviations +-0.02: variance (0.0004 + 0.0004) / 1, so 0.0282842712 a day, x sqrt(365)
    assert annualized_volatility([0.03, -0.01]) == pytest.approx(0.0282842712475 * 19.1049731745)
    assert annualized_volatility([0.03]) is None


def test_sharpe_by_hand() -> None:
    # 0.01 / 0.0282842712 = 0.3535533906, x sqrt(365) = 6.7546280
    assert sharpe_ratio([0.03, -0.01]) == pytest.approx(6.7546280)
    assert sharpe_ratio([0.03, -0.01], risk_free_daily=0.01) == pytest.approx(0.0, abs=1e-12)


def test_sortino_by_hand() -> None:
    # downside sqrt((0 + 0.0001) / 2) = 0.0070710678; 0.01 / it = 1.41421356, x sqrt(365) = 27.0185122
    assert sortino_ratio([0.03, -0.01]) == pytest.approx(27.0185122)


@pytest.mark.parametrize("returns", [[], [0.01], [0.01] * 40, [0.0] * 40])
def test_what_does_not_vary_has_no_sharpe_ratio(returns: list[float]) -> None:
    assert sharpe_ratio(returns) is None


def test_noise_in_the_last_bits_is_no_variation() -> None:
    steady = daily_returns(range(50), [1.01**n for n in range(50)])
    assert steady.std(ddof=1) > 0
    assert sharpe_ratio(steady) is None


@pytest.mark.parametrize("returns", [[], [0.01, 0.02], [0.0, 0.0]])
def test_without_a_losing_day_there_is_no_sortino_ratio(returns: list[float]) -> None:
    assert sortino_ratio(returns) is None


def test_a_year_of_returns_is_compounded() -> None:
    assert annualized_return(1.21, 730) == pytest.approx(0.1)
    assert annualized_return(1.1, 365) == pytest.approx(0.1)
    assert annualized_return(0.5, 365) == pytest.approx(-0.5)
    assert annualized_return(1e300, 1) == math.inf


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([100, 120, 90, 110, 120, 80], Drawdown(80 / 120 - 1, 4, 5, None)),
        ([100, 120, 90, 110, 130], Drawdown(-0.25, 1, 2, 4)),
        ([100, 50, 100, 50], Drawdown(-0.5, 0, 1, 2)),  # equally deep: the first
        ([120, 120, 60], Drawdown(-0.5, 1, 2, None)),  # the last day at that height
        ([100, 90, 80], Drawdown(-0.2, 0, 2, None)),  # the starting value is a peak
        ([100, 100, 101], Drawdown(0.0, 0, 0, 0)),
        ([100], Drawdown(0.0, 0, 0, 0)),
    ],
)
def test_the_deepest_fall_and_its_days(values: list[float], expected: Drawdown) -> None:
    found = max_drawdown(values)
    assert found is not None
    assert found.depth == pytest.approx(expected.depth)
    assert (found.peak, found.trough, found.recovery) == (expected.peak, expected.trough, expected.recovery)


def test_an_empty_series_has_no_drawdown() -> None:
    assert max_drawdown([]) is None


@given(VALUES)
def test_the_drawdown_is_the_least_ratio_of_any_later_to_any_earlier_value(values: list[float]) -> None:
    found = max_drawdown(values)
    assert found is not None
    by_pairs = min(later / earlier - 1 for i, earlier in enumerate(values) for later in values[i:])
    assert found.depth == pytest.approx(by_pairs, abs=1e-12)
    assert -1 <= found.depth <= 0
    assert found.peak <= found.trough
    assert values[found.trough] / values[found.peak] - 1 == pytest.approx(found.depth, abs=1e-12)
    if found.recovery is not None and found.depth < 0:
        assert found.recovery > found.trough
        assert values[found.recovery] >= values[found.peak]
        assert all(v < values[found.peak] for v in values[found.trough : found.recovery])


@given(RETURNS)
def test_ratios_are_those_of_the_statistics_module(returns: list[float]) -> None:
    mean, deviation = statistics.fmean(returns), statistics.stdev(returns)
    downside = math.sqrt(math.fsum(min(r, 0.0) ** 2 for r in returns) / len(returns))
    volatility, sharpe, sortino = annualized_volatility(returns), sharpe_ratio(returns), sortino_ratio(returns)
    assert volatility == pytest.approx(deviation * math.sqrt(365), abs=1e-9)
    if deviation > 1e-11:
        assert sharpe == pytest.approx(mean / deviation * math.sqrt(365), rel=1e-6, abs=1e-6)
    if downside > 1e-11:
        assert sortino == pytest.approx(mean / downside * math.sqrt(365), rel=1e-6, abs=1e-6)
    else:
        assert sortino is None


@given(VALUES, st.data())
def test_nothing_is_ever_nan_or_infinite(values: list[float], data: st.DataObject) -> None:
    days = sorted(data.draw(st.sets(st.integers(1, 200), min_size=len(values), max_size=len(values))))
    returns = daily_returns(days, values)
    assert np.isfinite(returns).all()
    assert returns.shape == (sum(b - a == 1 for a, b in itertools.pairwise(days)),)
    for figure in (annualized_volatility(returns), sharpe_ratio(returns), sortino_ratio(returns)):
        assert figure is None or math.isfinite(figure)


@given(st.floats(-1e19, 1e19))
def test_a_statistic_is_rounded_once_at_12_decimals_half_even(value: float) -> None:
    exact = statistic(value)
    assert exact is not None
    assert Fraction(exact) * 10**12 == round(Fraction(value) * 10**12)
    assert exact.as_tuple().exponent == -12


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e20, -1e300])
def test_what_is_no_number_of_the_ledger_is_no_statistic(value: float) -> None:
    assert statistic(value) is None


def test_a_tie_of_a_statistic_goes_to_the_even_neighbour() -> None:
    # 2**-13 = 0.0001220703125 has 13 decimals and is exact in binary; so is three times it, 0.0003662109375
    assert statistic(2**-13) == Decimal("0.000122070312")
    assert statistic(3 * 2**-13) == Decimal("0.000366210938")


def growths(payments: Sequence[float], *, each: int = 1) -> list[float]:
    """The growths of payments so many days apart."""
    return money_weighted_growths([FIRST + timedelta(days=each * n) for n in range(len(payments))], payments)


def of_roots(roots: Sequence[float]) -> list[float]:
    """Payments that are worth nothing together at exactly these growths from one of them to the next."""
    found = [-1.0]
    for root in roots:
        found = [a - root * b for a, b in zip([*found, 0.0], [0.0, *found], strict=True)]
    return found


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=5), st.floats(1e-2, 1e12), st.integers(1, 90))
def test_who_only_pays_in_has_one_growth_at_which_the_payments_are_worth_nothing(
    deposits: list[float], left: float, each: int
) -> None:
    paid = [-100.0, *(-amount for amount in deposits), left]
    [growth] = growths(paid, each=each)
    shares = [n / (len(paid) - 1) for n in range(len(paid))]
    parts = [amount * growth ** (1.0 - share) for amount, share in zip(paid, shares, strict=True)]
    assert math.fsum(parts) == pytest.approx(0.0, abs=1e-9 * max(map(abs, parts)))


@pytest.mark.parametrize("roots", [(1.0,), (1.5,), (0.001,), (0.5, 1.0, 1.02), (0.3, 0.9, 1.1, 1.5, 4.0)])
@pytest.mark.parametrize("each", [1, 365])
def test_every_growth_is_found(roots: Sequence[float], each: int) -> None:
    wanted = [root ** len(roots) for root in roots]
    assert growths(of_roots(roots), each=each) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("payments", [(-1.0, -1.0), (-1.0, 1.0, -1.0), (-1.0, 0.0, 0.0)])
def test_there_may_be_none(payments: Sequence[float]) -> None:
    assert growths(payments) == []


def test_what_no_number_can_tell_is_nothing_or_too_much() -> None:
    [lost] = growths([-1.0, *[0.0] * 98, -1e20, 1e-18])  # 1e-38 in the last of a hundred days
    [won] = growths([-1.0, 1e20, *[0.0] * 98, 1.0])
    assert lost == pytest.approx(0.0, abs=1e-200)
    assert won == pytest.approx(math.exp(600.0))


def test_what_is_paid_on_a_day_grows_from_that_day_on() -> None:
    days = [FIRST, FIRST + timedelta(days=30), FIRST + timedelta(days=40)]
    [growth] = money_weighted_growths(days, [-100.0, -100.0, 250.0])
    assert growth + growth**0.25 == pytest.approx(2.5, rel=1e-12)
