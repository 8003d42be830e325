"""The block bootstrap of a mean."""

from __future__ import annotations

import math

import numpy as np
import pytest

from portfolio.analytics.backtest.bootstrap import log_differences, mean_interval


def test_of_a_constant_there_is_no_doubt() -> None:
    found = mean_interval([0.25] * 40, confidence=0.95, seed=1)
    assert (found.mean, found.low, found.high, found.share_above) == (0.25, 0.25, 0.25, 1.0)


def test_of_independent_days_the_interval_is_that_of_the_normal_distribution() -> None:
    days = np.random.default_rng(4).normal(0.001, 0.02, 1000)
    found = mean_interval(days, confidence=0.95, seed=1, block=1)
    error = 1.96 * days.std() / math.sqrt(1000)
    # The quantiles of 2,000 draws err by a few percent of the width.
    assert found.low == pytest.approx(days.mean() - error, abs=0.1 * error)
    assert found.high == pytest.approx(days.mean() + error, abs=0.1 * error)


def test_days_that_follow_each_other_make_it_wider() -> None:
    # Five days alike, two hundred times: a fifth of the days is independent, so it is about sqrt(5) times as wide.
    days = np.repeat(np.random.default_rng(5).normal(0, 0.02, 200), 5)
    narrow, wide = (mean_interval(days, confidence=0.95, seed=1, block=block) for block in (1, 25))
    assert (wide.high - wide.low) / (narrow.high - narrow.low) == pytest.approx(math.sqrt(5), rel=0.2)


def test_the_same_seed_gives_the_same_interval() -> None:
    days = np.random.default_rng(6).normal(0, 1, 50)
    first, again, other = (mean_interval(days, confidence=0.9, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_differences_are_those_of_log_returns() -> None:
    found = log_differences([100.0, 110.0, 110.0], [50.0, 50.0, 100.0])
    assert found.tolist() == pytest.approx([math.log(1.1), -math.log(2)])
