"""The check figures of one trade, by hand.

A 200 at 150, B 200 at 50, cash 70,000: 110,000 in all, A 27.27 % of it, over 25 %. It is sold down to 23 % of what the
plan leaves: 30,000 - x = .23 (110,000 - .001 x), so x = 4700 / .99977 = 4701.0812486872..., and x / 150 =
31.34054165791618... of A.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from portfolio.application.backtest.records import BacktestResult, TradeRow
from portfolio.application.backtest.request import FillAt
from portfolio.application.backtest.result import result, trades
from portfolio.application.backtest.run import advance, start
from portfolio.domain.rebalancing.policy import RebalancePolicy
from tests.support.backtests import held, panel_of, request_of

POLICY = RebalancePolicy(cash_trigger=Decimal(1))  # of 10 basis points


def one_trade(fill: FillAt) -> tuple[list[TradeRow], BacktestResult]:
    """31 days at 150 and 50, and one more on which A is at 120."""
    panel = panel_of({"A": [150.0] * 31 + [120.0], "B": [50.0] * 32})
    request = request_of(panel, policy=POLICY, fill=fill)
    state = advance(start(request, panel, held(70_000, A=200, B=200)), panel, request.last)
    return trades(state), result(state, panel)


def test_a_trade_is_filled_at_the_next_close() -> None:
    [trade], found = one_trade(FillAt.NEXT_CLOSE)
    assert str(trade.quantity)[:20] == "31.34054165791618739"
    assert (trade.price, trade.symbol, trade.rule) == (Decimal(120), "A", "concentration_risk")
    # 168.659458... x 120 + 200 x 50 + 70,000 + 31.340541... x 120 x .999
    assert found.end_value == Decimal("103996.239135")
    # Doing nothing: 200 x 120 + 10,000 + 70,000. Sold at the close that it ends at: the fee is the difference.
    assert found.do_nothing.total_return == Decimal(-6000)
    assert found.difference == -trade.fee == Decimal("-3.760865")


def test_filled_at_the_close_of_the_decision_it_avoids_the_fall_and_says_so() -> None:
    [trade], found = one_trade(FillAt.SAME_CLOSE)
    assert trade.price == 150
    # 168.659458... x 120 + 200 x 50 + 70,000 + 4,701.081249 - 4.701081: money is booked at 6 decimals.
    assert found.end_value == Decimal("104935.515169")
    assert found.remarks == ["hindsight", "same_close"]


def test_what_is_traded_on_the_first_day_costs_what_is_measured() -> None:
    _, found = one_trade(FillAt.SAME_CLOSE)
    # Before the sale there were 110,000; the fee of 4.701081 is in 104,935.515169.
    assert found.start_value == 110_000
    assert found.figures.total_return == Decimal("-5064.484831")
    # 55,000 of each want 70,000 for purchases, and 70,000 in cash pay for 70,000 / 1.001 = 69,930.069930 of them, and
    # 69.930070 of fees. A, 30,000 + 25,000 / 1.001 = 54,975.024975, loses a fifth of that: 10,995.004995.
    assert found.equal_weight.total_return == Decimal("-11064.935065")


@pytest.mark.parametrize("fill", FillAt)
def test_a_result_less_that_of_doing_nothing_is_the_difference(fill: FillAt) -> None:
    _, found = one_trade(fill)
    own, idle = found.figures.total_return, found.do_nothing.total_return
    assert own is not None
    assert idle is not None
    assert own - idle == found.difference


@pytest.mark.parametrize("fill", FillAt)
def test_the_difference_is_attributed_to_the_rule(fill: FillAt) -> None:
    _, found = one_trade(fill)
    [part] = found.attribution
    assert (part.rule, part.trades) == ("concentration_risk", 1)
    assert part.total + found.rounding == found.difference
