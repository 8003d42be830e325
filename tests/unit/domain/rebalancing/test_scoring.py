"""What advice brought, and whether forecasts came true as often as they said."""

from __future__ import annotations

from decimal import Decimal

import pytest

from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.rebalancing.scoring.forecasts import LEAST_FORECASTS, Forecast, calibration_of, wilson_interval
from portfolio.domain.rebalancing.scoring.outcome import Deal


@pytest.mark.parametrize(
    ("side", "close", "expected"),
    [
        (Side.BUY, "110", "19.8"),  # 2 (110 - 100) - 0.2
        (Side.BUY, "90", "-20.2"),
        (Side.SELL, "90", "19.8"),  # -2 (90 - 100) - 0.2
        (Side.SELL, "110", "-20.2"),
        (Side.BUY, "100", "-0.2"),  # the fee is lost where nothing moves
        (Side.SELL, "100", "-0.2"),
    ],
)
def test_a_trade_has_brought_the_move_in_its_direction_less_its_fee(side: Side, close: str, expected: str) -> None:
    deal = Deal(side=side, quantity=Quantity(Decimal(2)), value=Money(Decimal(200)), fee=Money(Decimal("0.2")))
    assert deal.result_at(Price(Decimal(close))) == Decimal(expected)


def test_a_result_is_exact_where_the_price_paid_has_no_end() -> None:
    # p = 10 / 3: d q (c - p) = 3 x 4 - 10.
    deal = Deal(side=Side.BUY, quantity=Quantity(Decimal(3)), value=Money(Decimal(10)), fee=Money.zero())
    assert deal.result_at(Price(Decimal(4))) == 2


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        # R. G. Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998),
        # table I, method 3 (Wilson's score without continuity correction).
        (81, 263, "0.2553", "0.3662"),
        (15, 148, "0.0624", "0.1605"),
        (0, 20, "0.0000", "0.1611"),
        (1, 29, "0.0061", "0.1718"),
    ],
)
def test_the_interval_is_wilsons(hits: int, of: int, low: str, high: str) -> None:
    found = wilson_interval(hits, of)
    assert [round(end, 4) for end in found] == [Decimal(low), Decimal(high)]


def forecasts(hits: int, of: int, *, base_rate: str | None = None) -> list[Forecast]:
    """So many forecasts of 0.75, of which some came true."""
    base = None if base_rate is None else Decimal(base_rate)
    return [Forecast(confidence=Decimal("0.75"), came_true=n < hits, base_rate=base) for n in range(of)]


def test_claims_stand_beside_what_the_base_rate_would_have_got() -> None:
    found = calibration_of(forecasts(20, 40, base_rate="0.5"))
    assert (found.forecasts, found.based) == (40, 40)
    assert (found.mean_confidence, found.hit_rate) == (Decimal("0.75"), Decimal("0.5"))
    # Half of them 0.25^2, half 0.75^2; saying 0.5 gets 0.5^2 whatever happens.
    assert (found.brier_score, found.base_brier_score) == (Decimal("0.3125"), Decimal("0.25"))
    assert found.base_rate == Decimal("0.5")
    assert (found.hit_rate_low, found.hit_rate_high) == wilson_interval(20, 40)


def test_of_fewer_than_thirty_claims_nothing_is_said() -> None:
    few = calibration_of(forecasts(LEAST_FORECASTS - 1, LEAST_FORECASTS - 1, base_rate="0.5"))
    assert (few.forecasts, few.based) == (29, 29)
    assert {few.mean_confidence, few.hit_rate, few.hit_rate_low, few.hit_rate_high, few.brier_score} == {None}
    assert {few.base_rate, few.base_brier_score} == {None}
    assert calibration_of(forecasts(LEAST_FORECASTS, LEAST_FORECASTS)).hit_rate == 1


def test_a_base_rate_is_compared_where_thirty_claims_have_one() -> None:
    found = calibration_of([*forecasts(1, 29, base_rate="0.5"), *forecasts(1, 1)])
    assert (found.forecasts, found.based, found.base_rate, found.base_brier_score) == (30, 29, None, None)
    assert round(found.hit_rate or 0, 12) == Decimal("0.066666666667")
