"""Equal weights: the same value of each asset."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from portfolio.domain.backtest.equal_weight import equal_weight_orders
from portfolio.domain.backtest.fills import Costs, Wallet
from portfolio.domain.ledger.trade import Side

DAY = date(2024, 1, 1)
MARKS = {"A": Decimal(10), "B": Decimal(20), "C": Decimal(5)}


def wallet(cash: str, **quantities: str) -> Wallet:
    return Wallet(cash=Decimal(cash), quantities={symbol: Decimal(of) for symbol, of in quantities.items()})


def test_each_asset_comes_to_the_same_value_and_no_cash_is_left() -> None:
    held = wallet("100", A="30", B="10")  # 600 in all: 300 each
    orders = equal_weight_orders(held, MARKS, {"A", "B"}, DAY)
    assert [(order.symbol, order.side, order.quantity) for order in orders] == [("B", Side.BUY, Decimal(5))]
    held.fill(orders, MARKS, DAY, Costs(fee_rate=Decimal(0), slippage_rate=Decimal(0)))
    assert held.value(MARKS) == 600
    assert held.cash <= Decimal("0.000002")


def test_what_cannot_be_traded_stays_and_the_others_share_the_rest() -> None:
    held = wallet("0", A="30", C="40")  # C, of 200, stays: 300 for A and B
    orders = equal_weight_orders(held, MARKS, {"A", "B"}, DAY)
    assert [(order.symbol, order.side, order.quantity) for order in orders] == [
        ("A", Side.SELL, Decimal(15)),
        ("B", Side.BUY, Decimal("7.5")),
    ]


def test_without_assets_or_value_nothing_is_ordered() -> None:
    assert equal_weight_orders(wallet("100"), MARKS, set(), DAY) == []
    assert equal_weight_orders(wallet("-300", A="30"), MARKS, {"A"}, DAY) == []
