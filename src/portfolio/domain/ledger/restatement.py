"""What average cost would be had everything been booked in the order in which it took effect."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from portfolio.domain.ledger.cash_transaction import CashTransaction, CashTransactionKind
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.trade import Execution
from portfolio.domain.money import Money

_NOTHING = Money.zero()


@dataclass(frozen=True, slots=True)
class Restatement:
    """A position as the ledger has it, and the same with the cost and the result that the order of effect gives."""

    before: Position
    after: Position

    @property
    def asset_cost_delta(self) -> Money:
        """Return by how much the cost without fees changes."""
        return self.after.asset_cost - self.before.asset_cost

    @property
    def cost_basis_delta(self) -> Money:
        """Return by how much the cost changes."""
        return self.after.cost_basis - self.before.cost_basis

    @property
    def realized_delta(self) -> Money:
        """Return by how much what was realized changes: by as much as the cost."""
        return self.after.realized_pnl - self.before.realized_pnl

    @property
    def changes(self) -> bool:
        """Return whether anything is to be restated."""
        return self.before != self.after

    @property
    def explains(self) -> bool:
        """Return whether cost and result alone change, by the same amount: then no entry is missing."""
        return self.before.quantity == self.after.quantity and self.cost_basis_delta == self.realized_delta


def in_order(opening: Position, executions: Iterable[Execution]) -> Position:
    """Return the position that executions, in the order in which they took effect, make of what was there before.

    Raises:
        OutOfRange: a sum would reach 1e20.
    """
    position = opening
    for execution in executions:
        position, _ = position.settle(execution)
    return position


def restatement(position: Position, ordered: Position) -> Restatement:
    """Return how a position is restated by the one that the order of effect makes; its price stays."""
    after = replace(
        position,
        quantity=ordered.quantity,
        ledger_quantity=ordered.ledger_quantity,
        asset_cost=ordered.asset_cost,
        cost_basis=ordered.cost_basis,
        realized_pnl=ordered.realized_pnl,
        avg_entry_price=ordered.avg_entry_price,
    )
    return Restatement(position, after)


def restate(portfolio: Portfolio, one: Restatement, at: datetime) -> tuple[Portfolio, CashTransaction]:
    """Return the portfolio with a position restated, and the entry: no cash, no deposit, cost and result by the same.

    Raises:
        OutOfRange: a sum would reach 1e20.
    """
    transaction = CashTransaction(
        kind=CashTransactionKind.RESTATEMENT,
        cash_delta=_NOTHING,
        net_deposits_delta=_NOTHING,
        realized_delta=one.realized_delta,
        value_before=portfolio.total_value,
        at=at,
    )
    after = replace(
        portfolio,
        revision=portfolio.revision + 1,
        realized_pnl=portfolio.realized_pnl + one.realized_delta,
        positions={**portfolio.positions, one.after.symbol: one.after},
    )
    return after, transaction
