"""Equal contributions, and the tree of hierarchical risk parity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.adapters.compute.solvers import NativeSolvers
from portfolio.analytics.estimate import Matrix
from portfolio.analytics.optimisation.hierarchy import hierarchical_risk_parity
from portfolio.analytics.optimisation.problem import NoSolution
from portfolio.analytics.optimisation.risk_parity import risk_parity
from tests.support.optimisation import CORRELATIONS, DEVIATIONS


def random_covariance(seed: int, n_assets: int) -> Matrix:
    """A covariance of random days, of very different deviations."""
    generator = np.random.default_rng(seed)
    days = generator.normal(0, 1, (3 * n_assets + 2, n_assets)) + generator.normal(0, 1, (3 * n_assets + 2, 1))
    covariance: Matrix = np.cov(days * 10 ** generator.uniform(-3, 0, n_assets), rowvar=False).reshape(
        n_assets, n_assets
    )
    return covariance


@given(seed=st.integers(0, 2**32 - 1), n_assets=st.integers(1, 40))
def test_every_asset_contributes_the_same(seed: int, n_assets: int) -> None:
    covariance = random_covariance(seed, n_assets)
    weights, difference = risk_parity(covariance)
    parts = weights * (covariance @ weights)
    assert np.allclose(parts / parts.sum(), 1 / n_assets, atol=1e-9)
    assert difference < 1e-9
    assert weights.sum() == pytest.approx(1)
    assert (weights > 0).all()


def test_uncorrelated_assets_have_weights_by_their_inverse_deviation() -> None:
    # 1/.2 : 1/.3 : 1/.4 : 1/.6 = 6 : 4 : 3 : 2
    weights, _ = risk_parity(np.diag([0.04, 0.09, 0.16, 0.36]))
    assert weights == pytest.approx([0.4, 4 / 15, 0.2, 2 / 15], abs=1e-12)


def test_assets_that_offset_each_other_without_end_have_no_risk_parity() -> None:
    with pytest.raises(NoSolution, match="risk_parity_not_found"):
        risk_parity(np.array([[1.0, -1.0], [-1.0, 1.0]]))


@pytest.mark.parametrize("way", [risk_parity, lambda covariance: hierarchical_risk_parity(covariance, NativeSolvers())])
def test_an_asset_that_does_not_move_has_no_part_in_the_risk(way: object) -> None:
    assert callable(way)
    with pytest.raises(NoSolution, match="an_asset_does_not_move"):
        way(np.diag([0.04, 0.0]))
    with pytest.raises(NoSolution, match="an_asset_does_not_move"):
        way(np.diag([0.04, 1e-36]))  # a steady rise of 1 % a day: what is left of its deviation is rounding


def test_money_is_divided_down_the_tree() -> None:
    # backtest.md, section 6; see the derivation below, by hand for the first split: AB and CD of inverse variance
    # 9 : 4 have variances .048142 and .172118, so AB gets .172118 / .220260 = .781430, and A 9/13 of it.
    covariance = np.outer(DEVIATIONS, DEVIATIONS) * CORRELATIONS
    weights = hierarchical_risk_parity(covariance, NativeSolvers())
    assert weights == pytest.approx([0.540991, 0.240440, 0.151317, 0.067252], abs=1e-6)


def test_one_asset_has_everything() -> None:
    assert hierarchical_risk_parity(np.array([[0.04]]), NativeSolvers()).tolist() == [1.0]


@given(seed=st.integers(0, 2**32 - 1), n_assets=st.integers(2, 30))
def test_shares_of_the_tree_are_positive_and_sum_to_one(seed: int, n_assets: int) -> None:
    weights = hierarchical_risk_parity(random_covariance(seed, n_assets), NativeSolvers())
    assert weights.sum() == pytest.approx(1)
    assert (weights > 0).all()
