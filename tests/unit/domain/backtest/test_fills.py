"""Fills of orders: slippage against the trader, fees, sales before purchases, and cash that is never short."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portfolio.domain.arithmetic import exact
from portfolio.domain.backtest.fills import WRITE_DOWN, Costs, Order, Wallet, recovery_of
from portfolio.domain.ledger.trade import Side

DECIDED, DAY = date(2024, 1, 1), date(2024, 1, 2)
COSTS = Costs(fee_rate=Decimal("0.001"), slippage_rate=Decimal("0.002"))
FREE = Costs(fee_rate=Decimal(0), slippage_rate=Decimal(0))


def order(side: Side, quantity: str, symbol: str = "A") -> Order:
    return Order(decided=DECIDED, symbol=symbol, side=side, quantity=Decimal(quantity), rule="rule")


def wallet(cash: str, **quantities: str) -> Wallet:
    return Wallet(cash=Decimal(cash), quantities={symbol: Decimal(of) for symbol, of in quantities.items()})


def test_a_purchase_pays_more_than_the_close_and_the_fee_on_that() -> None:
    held = wallet("1000")
    [fill] = held.fill([order(Side.BUY, "2")], {"A": Decimal(100)}, DAY, COSTS)
    # 100 x 1.002, 2 of it, and a thousandth of 200.4
    assert (fill.price, fill.value, fill.fee, fill.slippage) == tuple(map(Decimal, ("100.2", "200.4", "0.2004", "0.4")))
    assert (fill.decided, fill.filled, fill.change, fill.rule) == (DECIDED, DAY, Decimal(2), "rule")
    assert held == wallet("799.3996", A="2")


def test_a_sale_gets_less_than_the_close() -> None:
    held = wallet("0", A="5")
    [fill] = held.fill([order(Side.SELL, "2")], {"A": Decimal(100)}, DAY, COSTS)
    assert (fill.price, fill.value, fill.fee, fill.slippage) == tuple(map(Decimal, ("99.8", "199.6", "0.1996", "0.4")))
    assert fill.change == -2
    assert held == wallet("199.4004", A="3")


def test_a_sale_takes_no_more_than_is_held_and_leaves_nothing_behind() -> None:
    held = wallet("0", A="1.5")
    [fill] = held.fill([order(Side.SELL, "2"), order(Side.SELL, "1", "B")], {"A": Decimal(10)}, DAY, FREE)
    assert fill.quantity == Decimal("1.5")
    assert held == wallet("15")
    assert held.fill([order(Side.SELL, "1")], {"A": Decimal(10)}, DAY, FREE) == []


def test_without_a_close_nothing_is_filled() -> None:
    held = wallet("100", A="1")
    assert held.fill([order(Side.SELL, "1"), order(Side.BUY, "1", "B")], {}, DAY, FREE) == []
    assert held == wallet("100", A="1")


def test_sales_pay_for_purchases_of_the_same_close() -> None:
    held = wallet("0", A="10")
    closes = {"A": Decimal(10), "B": Decimal(7)}
    fills = held.fill([order(Side.BUY, "10", "B"), order(Side.SELL, "10")], closes, DAY, FREE)
    assert [fill.side for fill in fills] == [Side.SELL, Side.BUY]
    assert held == wallet("30", B="10")


def test_purchases_short_of_cash_are_scaled_by_one_factor() -> None:
    held = wallet("100")
    closes = {"A": Decimal(10), "B": Decimal(40)}
    fills = held.fill([order(Side.BUY, "10"), order(Side.BUY, "5", "B")], closes, DAY, FREE)
    # 300 wanted of 100, less two millionths in case value and fee are rounded up: a third of each.
    assert [float(fill.quantity) for fill in fills] == pytest.approx([10 / 3, 5 / 3], rel=1e-7)
    assert fills[0].quantity / 10 == pytest.approx(fills[1].quantity / 5, abs=Decimal("1e-17"))
    assert 0 <= held.cash < Decimal("0.00001")


def test_without_cash_nothing_is_bought() -> None:
    held = wallet("-5")
    assert held.fill([order(Side.BUY, "1")], {"A": Decimal(10)}, DAY, FREE) == []
    assert held == wallet("-5")


@given(
    cash=st.decimals(0, 10_000, places=6),
    wanted=st.lists(st.tuples(st.decimals(1, 50, places=18), st.decimals("0.01", 900, places=8)), max_size=6),
)
@example(cash=Decimal("0.000003"), wanted=[(Decimal(1), Decimal(1)), (Decimal(1), Decimal(1))])
def test_no_purchase_overdraws(cash: Decimal, wanted: list[tuple[Decimal, Decimal]]) -> None:
    held = wallet(str(cash))
    orders = [order(Side.BUY, str(quantity), f"A{place}") for place, (quantity, _) in enumerate(wanted)]
    held.fill(orders, {f"A{place}": close for place, (_, close) in enumerate(wanted)}, DAY, COSTS)
    assert held.cash >= 0


def test_what_is_written_down_is_turned_into_a_part_of_its_last_price() -> None:
    held = wallet("10", A="4", B="1")
    fill = held.write_down("A", Decimal(5), recovery_of(Decimal(50)), DAY)
    assert fill is not None
    assert (fill.rule, fill.side, fill.quantity) == (WRITE_DOWN, Side.SELL, Decimal(4))
    assert (fill.price, fill.value) == (Decimal("2.5"), Decimal(10))
    assert fill.fee == fill.slippage == 0
    assert held == wallet("20", B="1")
    assert held.write_down("A", Decimal(5), Decimal(0), DAY) is None


def test_a_short_position_that_is_written_down_is_bought_back() -> None:
    held = wallet("10", A="-4")
    fill = held.write_down("A", Decimal(5), Decimal(1), DAY)
    assert fill is not None
    assert (fill.side, fill.quantity) == (Side.BUY, Decimal(4))
    assert held == wallet("-10")


@exact
def test_liquidation_costs_slippage_and_the_fee_on_what_that_leaves() -> None:
    held = wallet("10", A="4", B="-1")
    # 400 x (.002 + .001 x .998) for the sale, 50 x (.002 + .001 x 1.002) to buy back.
    assert held.liquidation_cost({"A": Decimal(100), "B": Decimal(50)}, COSTS) == Decimal("1.1992") + Decimal("0.1501")
