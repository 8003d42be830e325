"""What the best of many trials is worth."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from portfolio.analytics.backtest.overfitting import (
    BLOCKS,
    best_by_chance,
    deflated_sharpe_ratio,
    probability_of_overfitting,
    returns_of,
    table,
    variance,
)


@pytest.mark.parametrize(("n_trials", "expected"), [(100, 0.900396834449), (46, 0.950501706876)])
def test_the_papers_example_comes_out(n_trials: int, expected: float) -> None:
    # Bailey and Lopez de Prado (2014): 2.5 a year over 1,250 days, 250 a year, skewness -3, kurtosis 10, variance 1/2.
    chance = best_by_chance(0.5 / 250, n_trials)
    found = deflated_sharpe_ratio(2.5 / math.sqrt(250), chance, observations=1250, skewness=-3, kurtosis=10)
    assert found == pytest.approx(expected, abs=5e-13)


def test_of_one_trial_nothing_is_by_chance() -> None:
    assert best_by_chance(0.5, 1) == 0
    assert variance([0.3]) == 0
    # At the benchmark itself it is as likely above as below.
    assert deflated_sharpe_ratio(0.1, 0.1, observations=100, skewness=0, kurtosis=3) == 0.5


def test_moments_that_cannot_belong_together_define_nothing() -> None:
    assert deflated_sharpe_ratio(1.0, 0.0, observations=100, skewness=3, kurtosis=3) is None


def test_what_is_kept_of_returns_is_enough_for_their_sharpe_ratio() -> None:
    returns = np.random.default_rng(1).normal(0.001, 0.02, 100)
    kept = returns_of(np.cumprod(np.concatenate([[50.0], 1 + returns])))
    assert kept is not None
    assert (kept.observations, kept.block_days, len(kept.sums)) == (100, 6, BLOCKS)
    assert kept.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1))
    assert sum(kept.sums) == pytest.approx(returns[4:].sum())
    assert sum(kept.squares) == pytest.approx((returns[4:] ** 2).sum())


def test_too_few_days_a_ruin_and_a_constant_keep_nothing() -> None:
    assert returns_of(np.linspace(1, 2, 64)) is None
    assert returns_of(np.linspace(1, 2, 65)) is not None
    assert returns_of(np.full(65, 3.0)) is None
    assert returns_of([*np.linspace(1, 2, 65), 0.0]) is None


def slowly(returns: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> float:
    """The paper's procedure as it is written, split by split."""
    blocks, below = returns.reshape(BLOCKS, -1, returns.shape[1]), 0
    for taken in combinations(range(BLOCKS), BLOCKS // 2):
        is_taken = np.isin(np.arange(BLOCKS), taken)
        inside, outside = (blocks[part].reshape(-1, returns.shape[1]) for part in (is_taken, ~is_taken))
        sharpes = outside.mean(axis=0) / outside.std(axis=0, ddof=1)
        best = int((inside.mean(axis=0) / inside.std(axis=0, ddof=1)).argmax())
        omega = (1 + int((sharpes < sharpes[best]).sum())) / (returns.shape[1] + 1)
        below += math.log(omega / (1 - omega)) <= 0
    return below / math.comb(BLOCKS, BLOCKS // 2)


def kept(returns: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> float:
    """The same, of what is kept."""
    found = [returns_of(np.cumprod(np.concatenate([[1.0], 1 + one]))) for one in returns.T]
    known = [one for one in found if one is not None]
    assert len(known) == len(found)
    return probability_of_overfitting(table([k.sums for k in known]), table([k.squares for k in known]), 5)


def test_the_probability_is_that_of_the_papers_procedure() -> None:
    returns = np.random.default_rng(2).normal(0.0, 0.02, (80, 5))
    assert kept(returns) == pytest.approx(slowly(returns), abs=1e-12)


def test_a_trial_that_is_better_every_day_is_no_overfitting() -> None:
    noise = np.random.default_rng(3).normal(0.0, 0.01, (80, 6))
    noise[:, 2] += 0.02
    assert kept(noise) == 0.0


def test_trials_that_are_all_alike_are_in_the_middle() -> None:
    noise = np.random.default_rng(4).normal(0.0, 0.01, (80, 1))
    assert kept(np.tile(noise, (1, 3))) == 1.0  # the middle counts as below
    still = np.zeros((BLOCKS, 2))
    assert probability_of_overfitting(still, still, 5) == 1.0
