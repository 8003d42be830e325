"""Simulated books in debt, as withdrawals or borrowed cash make them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from portfolio.domain.backtest.fills import Costs, Order, Wallet
from portfolio.domain.ledger.trade import Side

DAY = date(2026, 3, 4)
FREE = Costs(fee_rate=Decimal(0), slippage_rate=Decimal(0))


def order(side: Side, quantity: int) -> Order:
    """So many units of A."""
    return Order(decided=DAY, symbol="A", side=side, quantity=Decimal(quantity), rule="targets")


def test_a_sale_that_does_not_pay_the_debt_is_filled() -> None:
    wallet = Wallet(cash=Decimal(-1000), quantities={"A": Decimal(5)})
    [fill] = wallet.fill([order(Side.SELL, 2)], {"A": Decimal(100)}, DAY, FREE)
    assert [fill.quantity, wallet.cash, wallet.quantities["A"]] == [2, -800, 3]


def test_nothing_is_bought_on_debt() -> None:
    wallet = Wallet(cash=Decimal(-1000), quantities={})
    assert not wallet.fill([order(Side.BUY, 2)], {"A": Decimal(100)}, DAY, FREE)
    assert (wallet.cash, wallet.quantities) == (Decimal(-1000), {})
