"""Windows that move over the days: each equals the figures of its own days, and gaps take only what touches them."""

from __future__ import annotations

import math
import statistics
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.analytics.rolling import rolling_figures, underwater

UNIT = st.floats(0.01, 1e6).map(lambda value: round(value, 6))
SERIES = st.lists(UNIT | st.just(math.nan), max_size=50)


@given(SERIES, st.integers(2, 12), st.integers(2, 12))
def test_each_window_has_the_figures_of_its_own_days(values: list[float], n: int, least: int) -> None:
    found = rolling_figures(values, n, least=least, risk_free_daily=0.0001)
    for end in range(len(values)):
        window = values[end - n : end + 1] if end >= n else []
        returns = [b / a - 1 for a, b in pairwise(window) if not math.isnan(a + b)]
        growth = window[-1] / window[0] - 1 if window else math.nan
        assert found.growth[end] == pytest.approx(growth, rel=1e-9, abs=1e-12, nan_ok=True)
        if len(returns) < least:
            assert math.isnan(found.volatility[end])
            assert math.isnan(found.sharpe[end])
            continue
        deviation = statistics.stdev(returns)
        assert found.volatility[end] == pytest.approx(deviation * math.sqrt(365), rel=1e-6, abs=1e-9)
        if deviation > 1e-9:
            ratio = (statistics.fmean(returns) - 0.0001) / deviation * math.sqrt(365)
            assert found.sharpe[end] == pytest.approx(ratio, rel=1e-6, abs=1e-9)


def test_returns_that_do_not_vary_have_no_ratio() -> None:
    found = rolling_figures([1.01**n for n in range(40)], 30, least=30)
    assert np.isnan(found.sharpe).all()
    assert not np.isnan(found.volatility[30:]).any()


@given(SERIES)
def test_a_fall_is_from_the_highest_value_so_far(values: list[float]) -> None:
    found = underwater(values)
    for place, value in enumerate(values):
        known = [one for one in values[: place + 1] if not math.isnan(one)]
        assert found[place] == pytest.approx(value / max(known) - 1 if known else math.nan, abs=1e-12, nan_ok=True)
