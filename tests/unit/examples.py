"""Short ways to say what the tests book."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.trade import Execution, Side
from portfolio.domain.mark import Mark
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol

NOON = datetime(2025, 6, 15, 12, 0, tzinfo=UTC)
RULES = BookingRules()


def money(text: str | int) -> Money:
    return Money(Decimal(text))


def price(text: str | int) -> Price:
    return Price(Decimal(text))


def units(text: str | int) -> Quantity:
    return Quantity(Decimal(text))


def execution(
    side: Side,
    symbol: str,
    quantity: str | int,
    at: str | int,
    *,
    net: str | int | None = None,
    fees: str | int = 0,
    fees_included: bool = False,
    executed_at: datetime = NOON,
) -> Execution:
    """Return an execution; its net amount is quantity x price unless given."""
    return Execution(
        symbol=Symbol(symbol),
        side=side,
        quantity=units(quantity),
        price=price(at),
        net_amount=units(quantity).at(price(at)) if net is None else money(net),
        fees=money(fees),
        fees_included=fees_included,
        executed_at=executed_at,
    )


def bought(
    symbol: str, quantity: str | int, at: str | int, *, net: str | int | None = None, fees: str | int = 0
) -> Execution:
    return execution(Side.BUY, symbol, quantity, at, net=net, fees=fees)


def sold(
    symbol: str, quantity: str | int, at: str | int, *, net: str | int | None = None, fees: str | int = 0
) -> Execution:
    return execution(Side.SELL, symbol, quantity, at, net=net, fees=fees)


def funded(cash: str | int = 100_000) -> Portfolio:
    """Return books opened with a deposit."""
    empty, _ = Portfolio(id=1).adopt(NOON)
    portfolio, _ = empty.deposit(money(cash), NOON)
    return portfolio


def after(portfolio: Portfolio, *executions: Execution, override: bool = False) -> Portfolio:
    """Return the portfolio after each of the executions."""
    for one in executions:
        portfolio, _ = portfolio.book(one, RULES, override=override)
    return portfolio


def mark(text: str | int, at: datetime = NOON) -> Mark:
    return Mark(price(text), "coinbase", at)
