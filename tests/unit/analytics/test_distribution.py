"""Bins of returns: each return in exactly one, all of one width, none with gains and losses in it."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portfolio.analytics.distribution import MOST_BINS, histogram

RETURNS = st.lists(st.floats(-0.99, 5.0) | st.sampled_from([0.0, 0.01, -0.01, 0.02]), max_size=200)


@given(RETURNS)
def test_each_return_is_in_exactly_one_bin_and_no_bin_mixes_gains_and_losses(returns: list[float]) -> None:
    bins = histogram(returns)
    assert sum(one.count for one in bins) == len(returns)
    assert len(bins) <= MOST_BINS
    for one in bins:
        assert one.count == sum(one.low <= Fraction(str(value)) < one.high for value in returns)
        assert one.high <= 0 or one.low >= 0
    assert len({one.high - one.low for one in bins}) <= 1
    assert all(before.high == after.low for before, after in pairwise(bins))


@given(RETURNS)
@example([0.0, 5.0, 0.0, 5.0])
def test_a_width_is_a_round_number(returns: list[float]) -> None:
    for one in histogram(returns)[:1]:
        width = one.high - one.low
        while width < 1:
            width *= 10
        while width >= 10:
            width /= 10
        assert width in (1, 2, 5)


def test_returns_that_are_alike_are_in_one_bin() -> None:
    assert [(float(one.low), float(one.high), one.count) for one in histogram([0.0] * 7)] == [(0.0, 0.001, 7)]
    assert [one.count for one in histogram([0.05] * 7)][-1] == 7


def test_of_no_returns_there_are_no_bins() -> None:
    assert histogram([]) == []


def test_the_width_is_that_of_freedman_and_diaconis_rounded_up() -> None:
    # 1000 returns evenly over -10 % to 10 %: IQR 0.1, so 2 x 0.1 / 10 = 0.02
    returns = [(n - 500) / 5000 for n in range(1000)]
    [first, *_] = histogram(returns)
    assert first.high - first.low == Fraction(2, 100)


@pytest.mark.parametrize("value", [0.03, 0.07, 0.29, -0.03, -0.57])
def test_a_return_on_a_bound_lies_above_it(value: float) -> None:
    bins = histogram([value, *[n / 1000 - 0.6 for n in range(1000)]])
    [home] = [one for one in bins if one.low <= Fraction(str(value)) < one.high]
    assert home.low <= Fraction(str(value))
