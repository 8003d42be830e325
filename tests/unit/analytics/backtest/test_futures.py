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
