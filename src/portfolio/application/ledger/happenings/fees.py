"""Values fees that were paid in a third asset: it is sold for its value, which is the fee of the trade."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from portfolio.application.ledger.records import BookTrade
from portfolio.domain.errors import InsufficientQuantity, ValueUnknown
from portfolio.domain.ledger.event_case import price_at
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.trade import Execution, Side, Trade
from portfolio.domain.money import Money


def pay_fee(
    books: Portfolio, command: BookTrade, rules: BookingRules, now: datetime
) -> tuple[Portfolio, Execution, Trade | None]:
    """Return the portfolio after the sale of a fee in another asset, the execution with its value, and the sale.

    Raises:
        ValueUnknown: the books know no price of it of that time, and no fees are stated.
        InsufficientQuantity: less of it is held.
        InvalidAmount: it is worth nothing at 18 decimals.
    """
    fee, execution = command.fee, command.execution
    if fee is None:
        return books, execution, None
    try:
        price = price_at(books, fee.symbol, execution.executed_at, rules, field="fees")
        value = fee.quantity.at(price)
    except ValueUnknown:
        value = execution.fees
        if not value:
            raise
        price = value.per(fee.quantity)
    sale = Execution(
        symbol=fee.symbol,
        side=Side.SELL,
        quantity=fee.quantity,
        price=price,
        net_amount=value,
        fees=Money.zero(),
        executed_at=execution.executed_at,
    )
    try:
        after, trade = books.book(sale, rules, override=command.override, now=now)
    except InsufficientQuantity as failure:  # it names another asset than the booking does
        raise InsufficientQuantity(failure.symbol, failure.held, failure.requested, verb="paid as the fee") from failure
    return after, replace(execution, fees=value), trade
