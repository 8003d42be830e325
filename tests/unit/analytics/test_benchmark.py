"""Beside a benchmark: by hand, by numpy's own functions, and for any series."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.analytics.benchmark import beta, capture_ratio, returns_of_both
from portfolio.analytics.estimate import Vector

RETURNS = st.lists(st.floats(-0.5, 0.5).map(lambda r: round(r, 4)), min_size=2, max_size=60).map(np.array)
NAN = float("nan")


def captures(returns: Vector, benchmark: Vector) -> tuple[float | None, float | None]:
    return capture_ratio(returns, benchmark, of_gains=True), capture_ratio(returns, benchmark, of_gains=False)


def test_returns_are_of_the_days_that_both_have() -> None:
    # Day 3 is no day of the portfolio, and the benchmark has no close on day 6.
    own, other = returns_of_both([1, 2, 4, 5, 6, 7, 8], [100, 110, 99, 198, 100, 50, 60], [10, 9, 8, 16, NAN, 5, 10])
    assert own.tolist() == pytest.approx([0.1, 1.0, 0.2])
    assert other.tolist() == pytest.approx([-0.1, 1.0, 1.0])
    assert [series.size for series in returns_of_both([1], [100], [10])] == [0, 0]


def test_beta_by_hand() -> None:
    # The benchmark moves by -1 %, 0, +1 % about its mean, the portfolio by -3 %, +1 %, +2 %: (3 + 0 + 2) / (1 + 0 + 1)
    assert beta(np.array([-0.02, 0.02, 0.03]), np.array([0.0, 0.01, 0.02])) == pytest.approx(2.5)


def test_capture_by_hand() -> None:
    # It rose by 10 % and 21 %: a mean of sqrt(1.331) - 1; the portfolio by 5 % and 26.755...: sqrt(1.05 x 1.2) - 1.
    # It fell by 10 %, the portfolio rose by 1 %. On the day on which it stood the portfolio doubled, which counts for
    # neither.
    own, other = np.array([0.05, 0.2, 0.01, 1.0]), np.array([0.1, 0.21, -0.1, 0.0])
    up, down = captures(own, other)
    assert up == pytest.approx((1.26**0.5 - 1) / (1.331**0.5 - 1))
    assert down == pytest.approx(-0.1)


@pytest.mark.parametrize("benchmark", [[0.0] * 5, [1e-15, -1e-15] * 3])
def test_beside_what_does_not_move_nothing_is_defined(benchmark: list[float]) -> None:
    own = np.linspace(-0.1, 0.1, len(benchmark))
    assert beta(own, np.array(benchmark)) is None
    assert captures(own, np.array(benchmark)) == (None, None)


def test_of_no_days_and_of_one_nothing_is_defined() -> None:
    for size in (0, 1):
        assert beta(np.full(size, 0.1), np.full(size, 0.1)) is None
    assert captures(np.array([]), np.array([])) == (None, None)


@given(RETURNS)
def test_the_benchmark_itself_has_a_beta_of_one_and_captures_all(returns: Vector) -> None:
    assert beta(returns, returns) in (None, pytest.approx(1.0))
    assert all(found in (None, pytest.approx(1.0)) for found in captures(returns, returns))


@given(RETURNS, st.floats(0.1, 1.9), st.randoms(use_true_random=False))
def test_beta_is_numpys_and_grows_with_the_portfolio(returns: Vector, factor: float, random: object) -> None:
    other = np.array(random.sample(returns.tolist(), returns.size))  # type: ignore[attr-defined] # it is a Random
    found = beta(returns, other)
    if found is not None:
        covariance = np.cov(returns, other, ddof=1)
        assert found == pytest.approx(covariance[0, 1] / covariance[1, 1], abs=1e-9)
        assert beta(returns * factor + 0.01, other) == pytest.approx(factor * found, abs=1e-9)
