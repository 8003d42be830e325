"""Other futures leave the past as it was."""

from __future__ import annotations

import numpy as np
import pytest

from portfolio.analytics.backtest.futures import Future, with_future
from tests.support.backtests import walk


@pytest.mark.parametrize("future", Future)
def test_only_what_comes_after_is_another_one(future: Future) -> None:
    closes = walk(20, 3)
    changed = with_future(closes, 11, future, seed=1)
    assert np.array_equal(changed[:12], closes[:12])
    assert not np.isclose(changed[12:], closes[12:]).any()
    assert not changed.flags.writeable
    assert np.array_equal(changed, with_future(closes, 11, future, seed=1), equal_nan=True)


def test_each_future_is_what_its_name_says() -> None:
    closes = walk(20, 3)
    missing, noise, thousandfold = (with_future(closes, 11, one, seed=1)[12:] for one in Future)
    assert np.isnan(missing).all()
    assert np.array_equal(thousandfold, closes[12:] * 1000.0)
    assert (noise > 0).all()
    assert not np.isclose(noise, thousandfold).any()
    assert not np.isclose(noise, with_future(closes, 11, Future.NOISE, seed=2)[12:]).any()
