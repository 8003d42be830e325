"""What average cost would be had everything been booked in the order in which it took effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from portfolio.domain.ledger.cash_transaction import CashTransaction, CashTransactionKind
from portfolio.domain.ledger.event_rules import happen
from portfolio.domain.ledger.happening import Happening
from portfolio.domain.ledger.leg import Leg
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio, recorded
from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.trade import Execution, Side
from portfolio.domain.money import Money, Price
from portfolio.domain.symbol import Symbol

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


@dataclass(frozen=True, slots=True)
class GroupRestatement:
    """Positions between which exchanges moved cost, restated together; ``net_deposits_delta`` is of what left them.

    An asset that was never exchanged is a group of its own. ``positions`` are those that change, by symbol.
    """

    positions: tuple[Restatement, ...]
    net_deposits_delta: Money = Money.zero()

    @property
    def realized_delta(self) -> Money:
        """Return by how much what was realized changes in all."""
        return sum((one.realized_delta for one in self.positions), _NOTHING)

    @property
    def explains(self) -> bool:
        """Return whether no quantity changes and cost changes by deposits and result: then no entry is missing."""
        cost = sum((one.cost_basis_delta for one in self.positions), _NOTHING)
        holds = all(one.before.quantity == one.after.quantity for one in self.positions)
        return holds and cost == self.net_deposits_delta + self.realized_delta


class OrderedBooks:
    """The positions that entries make in the order in which they took effect, and what their deposits add up to.

    Every step is by the rules of the ledger itself. Prices are no matter of cost: there are none.
    """

    def __init__(self, opening: Mapping[Symbol, Position]) -> None:
        self.net_deposits = _NOTHING
        self._positions = dict(opening)

    def position(self, symbol: Symbol) -> Position:
        """Return a position as it is by now."""
        return self._positions.get(symbol) or Position(symbol=symbol)

    def settle(self, execution: Execution) -> None:
        """Take in a trade."""
        self._positions[execution.symbol], _ = self.position(execution.symbol).settle(execution)

    def come(self, leg: Leg, at: datetime, net_deposits: Money) -> None:
        """Take in what came beside trades: a purchase at its cost. What it brought is no matter of the order."""
        self.settle(
            Execution(
                symbol=leg.symbol,
                side=Side.BUY,
                quantity=leg.quantity_delta,
                price=Price.zero(),
                net_amount=leg.basis_delta,
                fees=_NOTHING,
                executed_at=at,
            )
        )
        position = self.position(leg.symbol)
        self._positions[leg.symbol] = replace(position, realized_pnl=position.realized_pnl + leg.realized_delta)
        self.net_deposits = self.net_deposits + net_deposits

    def happen(self, what: Happening) -> tuple[Leg, ...]:
        """Take in an event by which an asset leaves or becomes something else, and return what it moves.

        Raises:
            DomainError: in this order it cannot happen.
        """
        symbols = [symbol for symbol in (what.symbol, what.to_symbol) if symbol is not None]
        books = Portfolio(id=0, positions={s: replace(self.position(s), mark=None) for s in symbols})
        happened = happen(books, what, BookingRules(), what.effective_at)
        self._positions.update(happened.after.positions)
        self.net_deposits = self.net_deposits + happened.transaction.net_deposits_delta
        return happened.legs


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


def restate(portfolio: Portfolio, group: GroupRestatement, at: datetime) -> tuple[Portfolio, CashTransaction]:
    """Return the portfolio with positions restated, and the entry: no cash, and cost as the law has it.

    Deposits change where what was transferred out had another cost in the order of effect.
    """
    transaction = CashTransaction(
        kind=CashTransactionKind.RESTATEMENT,
        cash_delta=_NOTHING,
        net_deposits_delta=group.net_deposits_delta,
        realized_delta=group.realized_delta,
        value_before=portfolio.total_value,
        at=at,
    )
    restated = {**portfolio.positions, **{one.after.symbol: one.after for one in group.positions}}
    after, _ = recorded(replace(portfolio, positions=restated), transaction)
    return after.in_range(), transaction
