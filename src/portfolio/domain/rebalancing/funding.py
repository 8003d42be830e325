"""How the trades of a plan pay for each other: what can be executed of each, and what a purchase waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeVar

from portfolio.domain.arithmetic import ONE, ZERO, exact, total
from portfolio.domain.ledger.trade import Side
from portfolio.domain.prices.exchange_rules import Executable, UnknownRules, executable_of
from portfolio.domain.rebalancing.view import Holding, MarketView


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTrade:
    """A trade that a plan asks for.

    Allocations are percentages: the current one of today's total value, the target of the total value after the plan's
    costs. Money is exact; ``trade_quantity`` has 18 decimals and is never more than is held. ``after`` are the symbols
    of the sales that a purchase waits for, as the cash of today does not pay for it.

    ``executable_quantity`` is what the exchange ``venue`` takes of it, see ``Executable``; ``executable_reason`` is why
    that is 0, or not known (None).
    """

    symbol: str
    action: Side
    current_allocation: Decimal
    target_allocation: Decimal
    trade_value: Decimal
    trade_quantity: Decimal
    estimated_fee: Decimal
    after: Sequence[str] = ()
    executable_quantity: Decimal | None = None
    venue: str | None = None
    executable_reason: str | None = None


Trade = TypeVar("Trade", bound=PlannedTrade)


@exact
def funded(trades: Sequence[Trade], view: MarketView, fee_rate: Decimal) -> list[Trade]:
    """Return the trades of a plan, sales before purchases, with what of each can be executed and what it waits for.

    A sale that is rounded down brings less than the plan counts on, so a purchase is executable as far as the cash and
    all sales pay for it beside the purchases before it. It waits for the first sales that are enough. Where the rules
    of the exchange are unknown, all of a trade is counted.
    """
    sales = [trade for trade in trades if trade.action is Side.SELL]
    found: list[Trade] = []
    proceeds: list[tuple[str, Decimal]] = []
    for trade in sales:
        holding = view.holdings[trade.symbol]
        executable = _executable(holding, trade.trade_quantity)
        found.append(_with(trade, executable, ()))
        proceeds.append((trade.symbol, _value(trade, executable, holding) * (ONE - fee_rate)))
    left, paid, waits_for = view.cash + total(money for _, money in proceeds), view.cash, 0
    for trade in trades[len(sales) :]:
        holding = view.holdings[trade.symbol]
        executable = _affordable(holding, trade.trade_quantity, left, ONE + fee_rate)
        cost = _value(trade, executable, holding) * (ONE + fee_rate)
        left, paid = left - cost, paid - cost
        while paid < 0 and waits_for < len(proceeds):
            paid += proceeds[waits_for][1]
            waits_for += 1
        found.append(_with(trade, executable, tuple(symbol for symbol, money in proceeds[:waits_for] if money > 0)))
    return found


def _with(trade: Trade, executable: Executable, after: Sequence[str]) -> Trade:
    return replace(
        trade,
        after=after,
        executable_quantity=executable.quantity,
        venue=executable.venue,
        executable_reason=executable.reason,
    )


def _executable(holding: Holding, quantity: Decimal) -> Executable:
    assert holding.price is not None
    return executable_of(holding.rules, quantity, holding.price)


def _affordable(holding: Holding, quantity: Decimal, money: Decimal, cost: Decimal) -> Executable:
    """Return what can be executed of a purchase for ``money``, of which each dollar's worth takes ``cost``."""
    rules = holding.rules
    if isinstance(rules, UnknownRules):
        return Executable(None, reason=rules.reason)
    assert holding.price is not None
    # Whole steps, counted without a remainder: a quotient would be rounded, perhaps up.
    most = max(money, ZERO) // (holding.price * cost * rules.step) * rules.step
    executable = _executable(holding, min(quantity, most))
    if executable.quantity == 0 and most < quantity and _executable(holding, quantity).quantity:
        return replace(executable, reason="dust: rounded down, the sales before it do not pay for it")
    return executable


def _value(trade: PlannedTrade, executable: Executable, holding: Holding) -> Decimal:
    """Return the money for the asset that moves; where nobody knows what is executed, that of all of it."""
    assert holding.price is not None
    return trade.trade_value if executable.quantity is None else executable.quantity * holding.price
