"""What entries add up to, and how the portfolio that states these sums is held against it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol

from portfolio.domain.ledger.cash_transaction import CashTransaction, CashTransactionKind
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol

_OF_ENTRIES = ("ledger_cash", "net_deposits", "realized_pnl", "fees_paid")


class Adjusted(Protocol):
    """By how much a position grew."""

    @property
    def symbol(self) -> Symbol:
        """Return the asset of the position."""

    @property
    def quantity_delta(self) -> Quantity:
        """Return by how much the position grew."""


class Moved(Adjusted, Protocol):
    """What a trade moved."""

    @property
    def cash_delta(self) -> Money:
        """Return by how much cash grew."""

    @property
    def realized_pnl(self) -> Money:
        """Return what the trade brought."""

    @property
    def fees_delta(self) -> Money:
        """Return by how much the fees paid grew."""


@dataclass(slots=True)
class LedgerSums:
    """The sums of entries from the newest baseline on: a baseline states everything that there is."""

    cash: Money = Money.zero()
    net_deposits: Money = Money.zero()
    realized_pnl: Money = Money.zero()
    fees_paid: Money = Money.zero()
    quantities: defaultdict[Symbol, Quantity] = field(default_factory=lambda: defaultdict(Quantity.zero))

    def move(self, trade: Moved) -> None:
        """Add what a trade moved."""
        self.cash = self.cash + trade.cash_delta
        self.realized_pnl = self.realized_pnl + trade.realized_pnl
        self.fees_paid = self.fees_paid + trade.fees_delta
        self.quantities[trade.symbol] = self.quantities[trade.symbol] + trade.quantity_delta

    def transact(self, transaction: CashTransaction, adjusted: Iterable[Adjusted]) -> None:
        """Add what a cash transaction moved, and by how much it adjusted positions."""
        if transaction.kind is CashTransactionKind.BASELINE:
            self.cash = self.net_deposits = self.realized_pnl = self.fees_paid = Money.zero()
            self.quantities.clear()
        self.cash = self.cash + transaction.cash_delta
        self.net_deposits = self.net_deposits + transaction.net_deposits_delta
        self.realized_pnl = self.realized_pnl + transaction.realized_delta
        for one in adjusted:
            self.quantities[one.symbol] = self.quantities[one.symbol] + one.quantity_delta

    def stated(self, portfolio: Portfolio) -> Portfolio:
        """Return a portfolio with these sums in place of those that it states."""
        symbols = portfolio.positions.keys() | self.quantities.keys()
        held = {symbol: self.quantities.get(symbol, Quantity.zero()) for symbol in symbols}
        return replace(
            portfolio,
            ledger_cash=self.cash,
            net_deposits=self.net_deposits,
            realized_pnl=self.realized_pnl,
            fees_paid=self.fees_paid,
            positions={s: replace(portfolio.position(s), ledger_quantity=quantity) for s, quantity in held.items()},
        )


def moved_without_entry(before: Portfolio, after: Portfolio, symbols: Iterable[Symbol]) -> list[str]:
    """Return a line for each sum that only entries move, and that is not the same in two states of one revision."""
    moved = [(f"{name} of mock_portfolio", getattr(before, name), getattr(after, name)) for name in _OF_ENTRIES]
    unread = {name.upper() for name in before.unreadable_rows}
    for symbol in sorted(symbol for symbol in symbols if symbol.code not in unread):
        said, says = before.position(symbol).ledger_quantity, after.position(symbol).ledger_quantity
        moved.append((f"ledger_quantity of {symbol}", said, says))
    return [f"{name} was {said} and is {says}, without an entry" for name, said, says in moved if said != says]
