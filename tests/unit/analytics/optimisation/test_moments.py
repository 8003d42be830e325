"""Estimates of mean and covariance, against figures worked out by hand."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.analytics.optimisation.moments import exponentially_weighted, ledoit_wolf, moments, sample
from portfolio.analytics.optimisation.problem import Estimator

# Centred on (2.5, 3): S (1/n) has 1.25 and 2.5 on its diagonal and 1.25 beside it, the mean variance is 1.875, so
# |S - m I|^2 = 2 x .625^2 + 2 x 1.25^2 = 3.90625; each day is |x x' - S|^2 = 3.375 away, 13.5 / 16 = .84375 in all.
FOUR_DAYS = np.array([[1.0, 2.0], [2.0, 1.0], [3.0, 5.0], [4.0, 4.0]])


def test_the_shrinkage_of_ledoit_and_wolf_is_that_of_their_formula() -> None:
    found = ledoit_wolf(FOUR_DAYS)
    assert found.shrinkage == pytest.approx(float(Fraction(27, 125)), abs=1e-15)
    # With n - 1: 5/3 and 10/3 and 5/3 become .216 x 2.5 + .784 x each, and .784 of what is beside.
    expected = np.array([[0.54 + 0.784 * 5 / 3, 0.784 * 5 / 3], [0.784 * 5 / 3, 0.54 + 0.784 * 10 / 3]])
    assert np.allclose(found.covariance, expected, atol=1e-14)


def test_the_plain_covariance_has_one_day_less_in_its_denominator() -> None:
    found = sample(FOUR_DAYS)
    assert np.allclose(found.covariance, [[5 / 3, 5 / 3], [5 / 3, 10 / 3]], atol=1e-15)
    assert (found.effective_observations, found.shrinkage) == (4.0, None)
    # Eigenvalues (3 +- sqrt(5)) / 2 x 5/3
    assert found.condition_number == pytest.approx((3 + math.sqrt(5)) / (3 - math.sqrt(5)), rel=1e-12)


def test_days_that_do_not_differ_are_shrunk_to_nothing_of_their_own() -> None:
    assert ledoit_wolf(np.ones((5, 3))).shrinkage == 1.0
    assert sample(np.ones((5, 3))).condition_number == math.inf


def test_of_exponential_weights_the_newest_day_counts_twice_what_one_half_life_older_does() -> None:
    # Two days, half-life 1: weights 1/3, 2/3; mean 2/3, variance (1/3 x 4/9 + 2/3 x 1/9) / (1 - 5/9) = 1/2.
    found = exponentially_weighted(np.array([[0.0], [1.0]]), 1.0)
    assert found.mean[0] == pytest.approx(2 / 3)
    assert found.covariance[0, 0] == pytest.approx(1 / 2)
    assert found.effective_observations == pytest.approx(9 / 5)


def test_of_an_endless_half_life_exponential_weights_are_equal() -> None:
    plain, weighted = sample(FOUR_DAYS), exponentially_weighted(FOUR_DAYS, 1e12)
    assert np.allclose(plain.covariance, weighted.covariance, rtol=1e-9)
    assert weighted.effective_observations == pytest.approx(4)


@given(seed=st.integers(0, 2**32 - 1), estimator=st.sampled_from(Estimator), n_assets=st.integers(1, 8))
def test_a_covariance_is_symmetric_positive_and_goes_with_its_assets(
    seed: int, estimator: Estimator, n_assets: int
) -> None:
    generator = np.random.default_rng(seed)
    returns = generator.normal(0, 0.03, (30, n_assets))
    order = generator.permutation(n_assets)
    found, other = moments(returns, estimator, 10.0), moments(returns[:, order], estimator, 10.0)
    assert np.allclose(found.covariance, found.covariance.T, atol=1e-18)
    assert np.linalg.eigvalsh(found.covariance)[0] > -1e-15
    assert np.allclose(other.covariance, found.covariance[np.ix_(order, order)], rtol=1e-10, atol=1e-15)
    assert found.shrinkage is None or 0 <= found.shrinkage <= 1
