"""The books as they were at the end of past days: those of now, less what the days since moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from portfolio.application.performance.days.entries import DayEntries
from portfolio.application.performance.records import DayPositions, PositionOnDay
from portfolio.application.performance.unit_history import unit_history
from portfolio.domain.days import day_of
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.units import Units
from portfolio.domain.money import Money, Quantity, subtracted
from portfolio.domain.symbol import Symbol

_ZERO = Money.zero()


class BookedPosition(msgspec.Struct, frozen=True, kw_only=True):
    """What was held of an asset, what it had cost and what it had brought."""

    quantity: Quantity
    cost_basis: Money
    realized_pnl: Money


class DayBooks(msgspec.Struct, frozen=True, kw_only=True):
    """The books at the end of a day, by the ledger's entries alone.

    ``is_reconciled`` says that no program wrote the rows since without an entry: costs are known, nothing is lacking.
    """

    day: date
    cash: Money
    net_deposits: Money
    realized_pnl: Money
    units: Units
    past: Mapping[Symbol, BookedPosition]
    is_reconciled: bool

    @property
    def held(self) -> Mapping[Symbol, Quantity]:
        """Return the quantities of what was held."""
        return {symbol: position.quantity for symbol, position in self.past.items() if position.quantity}

    def positions(self, worth: Mapping[Symbol, Money]) -> DayPositions:
        """Return the positions as a day keeps them; ``worth`` is what those that are held were worth."""
        return {
            symbol: PositionOnDay(
                quantity=position.quantity,
                market_value=worth.get(symbol, _ZERO),
                cost_basis=position.cost_basis,
                realized_pnl=position.realized_pnl,
                is_priced=True,
            )
            for symbol, position in self.past.items()
        }


def books_of(portfolio: Portfolio, entries: DayEntries, wanted: Sequence[date]) -> list[DayBooks]:
    """Return the books at the end of the ``wanted`` days, oldest first; all ``entries`` are in the portfolio.

    Sums may be of any size: of entries in the order of their effect there may have been more than was ever booked.
    """
    cash, net_deposits, realized = portfolio.ledger_cash, portfolio.net_deposits, portfolio.realized_pnl
    past = {
        symbol: BookedPosition(quantity=p.ledger_quantity, cost_basis=p.cost_basis, realized_pnl=p.realized_pnl)
        for symbol, p in portfolio.positions.items()
    }
    is_reconciled = not portfolio.has_unreconciled
    history = unit_history(entries.transactions, portfolio.units)
    units = [(day_of(e.transaction.at), one) for e, one in zip(entries.transactions, history, strict=True)]
    later = sorted(entries.days)
    books = []
    for day in sorted(wanted, reverse=True):
        while later and later[-1] > day:
            moved = entries.days[later.pop()]
            cash, net_deposits = subtracted(cash, moved.cash), subtracted(net_deposits, moved.net_deposits)
            realized = subtracted(realized, moved.realized_pnl)
            is_reconciled &= not moved.is_adjusted
            for symbol, change in moved.changes.items():
                if symbol in past:
                    past[symbol] = BookedPosition(
                        quantity=subtracted(past[symbol].quantity, change.quantity),
                        cost_basis=subtracted(past[symbol].cost_basis, change.cost_basis),
                        realized_pnl=subtracted(past[symbol].realized_pnl, change.realized_pnl),
                    )
        books.append(
            DayBooks(
                day=day,
                cash=cash,
                net_deposits=net_deposits,
                realized_pnl=realized,
                units=next((one for since, one in reversed(units) if since <= day), Units()),
                past=dict(past),
                is_reconciled=is_reconciled,
            )
        )
    return books[::-1]
