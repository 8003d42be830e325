"""How often a trade would have paid anyway."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from portfolio.analytics.scoring.base_rate import LEAST_CHANGES, changes_over, rate_of


def base_rate(closes: np.ndarray, n_days: int, *, is_buy: bool, cost: float) -> Decimal | None:
    return rate_of(changes_over(closes, n_days), is_buy=is_buy, cost=cost)


# Of 40 closes 33 are followed by one 7 days later, and of these the last 7 before the rise see it.
RISE = np.array([100.0] * 20 + [110.0] * 20)


@pytest.mark.parametrize(
    ("is_buy", "cost", "closes", "expected"),
    [
        (True, 0.001, RISE, 7 / 33),
        (True, 0.2, RISE, 0.0),  # a rise of 10 % does not pay a fee of 20 %
        (False, 0.001, RISE, 0.0),
        (False, 0.001, RISE[::-1], 7 / 33),
        (True, 0.0, np.full(40, 100.0), 0.0),  # to stand still is not to have paid
    ],
)
def test_it_is_the_fraction_of_the_days_after_which_a_trade_had_paid(
    is_buy: bool, cost: float, closes: np.ndarray, expected: float
) -> None:
    assert base_rate(closes, 7, is_buy=is_buy, cost=cost) == round(Decimal(expected), 12)


def test_a_missing_close_takes_both_of_its_changes_away() -> None:
    closes = RISE.copy()
    closes[[19, 0]] = np.nan  # changes from 19 (a rise) and from 0; to 19, from 12
    assert base_rate(closes, 7, is_buy=True, cost=0.0) == Decimal("0.2")  # 6 of 30
    closes[1] = np.nan
    assert base_rate(closes, 7, is_buy=True, cost=0.0) is None
    assert LEAST_CHANGES == 30


def test_of_a_short_history_there_is_none() -> None:
    assert base_rate(np.full(3, 100.0), 7, is_buy=True, cost=0.0) is None
    assert base_rate(np.array([]), 7, is_buy=True, cost=0.0) is None
