"""Value at risk beside the days after it."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest

from portfolio.analytics.estimate import Undefined
from portfolio.analytics.tail_risk import historical_loss
from portfolio.analytics.var_backtest import backtest, kupiec_p_value

C95, C99 = Decimal("0.95"), Decimal("0.99")


@pytest.mark.parametrize("confidence", [C95, C99])
def test_each_day_is_compared_with_the_value_at_risk_of_all_days_before_it(confidence: Decimal) -> None:
    losses = np.random.default_rng(1).standard_t(3, 400) * 0.02
    found = backtest(losses, confidence)
    at_risk = [historical_loss(np.sort(losses[:n])[::-1], confidence).value_at_risk.value for n in range(30, 400)]
    assert found.beyond == np.count_nonzero(losses[30:] > np.array(at_risk, dtype=np.float64))
    assert (found.days, found.expected) == (370, (1 - confidence) * 370)
    assert found.kupiec_p_value.value == pytest.approx(kupiec_p_value(370, found.beyond, confidence))


@pytest.mark.parametrize(
    ("days", "beyond", "confidence", "ratio"),
    [
        # -2 ln(0.95^95 0.05^5 / (0.95^95 0.05^5)) = 0: just what was expected
        (100, 5, C95, 0.0),
        # The likelihood's ratio by hand: 2 (10 ln(0.1 / 0.05) + 90 ln(0.9 / 0.95))
        (100, 10, C95, 2 * (10 * math.log(2) + 90 * math.log(0.9 / 0.95))),
        (100, 0, C99, -2 * 100 * math.log(0.99)),
        (30, 30, C95, -2 * 30 * math.log(0.05)),
    ],
)
def test_kupiec_counts_the_likelihood_s_ratio(days: int, beyond: int, confidence: Decimal, ratio: float) -> None:
    # The chance that chi-square with one degree of freedom is above r is erfc(sqrt(r / 2)).
    assert kupiec_p_value(days, beyond, confidence) == pytest.approx(math.erfc(math.sqrt(ratio / 2)), abs=1e-6)


def test_the_critical_value_of_five_percent_is_that_of_the_tables() -> None:
    # Kupiec's table: of 255 days at 95 % a number of failures N is not rejected where 6 < N < 21.
    kept = [beyond for beyond in range(40) if kupiec_p_value(255, beyond, C95) > 0.05]
    assert (kept[0], kept[-1]) == (7, 20)


@pytest.mark.parametrize(("n_days", "days"), [(0, 0), (30, 0), (59, 29)])
def test_of_few_days_nothing_is_said(n_days: int, days: int) -> None:
    found = backtest(np.zeros(n_days), C95)
    assert (found.days, found.beyond, found.kupiec_p_value.reason) == (days, 0, Undefined.TOO_FEW_OBSERVATIONS)
