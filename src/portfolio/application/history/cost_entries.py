"""What entries say of average cost: those that stand, and why an asset cannot be restated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import chain
from typing import Final

import msgspec

from portfolio.application.ledger.cash_records import CashEntry, PositionAdjustment
from portfolio.application.ledger.lots.movement import Movement
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.position import Position
from portfolio.domain.money import Money
from portfolio.domain.symbol import Symbol

ADJUSTED: Final = "adjusted"
NO_COST: Final = "cost_not_stated"
UNKNOWN_EVENT: Final = "moved_by_events"
PARTLY_REVERSED: Final = "reversed_in_part"

_NOTHING: Final = Money.zero()


class CostEntries(msgspec.Struct):
    """The entries that stand since the newest baseline, and what was there before.

    What was taken out is in no order: neither it nor what takes it out. ``net_deposits`` is by how much all entries, by
    the asset that they moved, changed net deposits. ``left_out`` has the assets that cannot be restated, each with the
    reason.
    """

    opening: dict[Symbol, Position] = msgspec.field(default_factory=dict)
    left_out: dict[Symbol, str] = msgspec.field(default_factory=dict)
    net_deposits: defaultdict[Symbol, Money] = msgspec.field(default_factory=lambda: defaultdict(Money.zero))
    _trades: dict[int, Movement] = msgspec.field(default_factory=dict)
    _events: dict[int, CashEntry] = msgspec.field(default_factory=dict)
    _groups: dict[Symbol, Symbol] = msgspec.field(default_factory=dict)

    def add(self, entry: Movement | CashEntry) -> None:
        """Take in the next entry."""
        if isinstance(entry, Movement):
            self._add_trade(entry)
        elif entry.transaction.kind is CashTransactionKind.BASELINE:
            self._begin(entry.positions)
        elif entry.positions:
            self._add_moves(entry)

    @property
    def groups(self) -> list[list[Symbol]]:
        """Return all assets that ever moved, those together between which an exchange moved cost; all by symbol."""
        groups = defaultdict[Symbol, list[Symbol]](list)
        for symbol in sorted(self._groups):
            groups[self._group_of(symbol)].append(symbol)
        return list(groups.values())

    def in_order(self) -> dict[Symbol, list[Movement | CashEntry]]:
        """Return what stands in the order of effect, by the first asset of each group; of equal times as booked."""
        of = defaultdict[Symbol, list[Movement | CashEntry]](list)
        for entry in chain[Movement | CashEntry](self._trades.values(), self._events.values()):
            of[self._group_of(entry.moves[0].symbol)].append(entry)
        for entries in of.values():
            entries.sort(key=lambda one: (one.effective_at, one.revision))
        return {group[0]: of[self._group_of(group[0])] for group in self.groups}

    def _begin(self, positions: Iterable[PositionAdjustment]) -> None:
        for each in (self.opening, self.left_out, self.net_deposits, self._trades, self._events, self._groups):
            each.clear()
        for moved in positions:
            self._link(moved.symbol, moved.symbol)
            if moved.cost_basis_delta is None or moved.asset_cost_delta is None:
                self.left_out[moved.symbol] = NO_COST
                continue
            self.opening[moved.symbol] = Position(
                symbol=moved.symbol,
                quantity=moved.quantity_delta,
                ledger_quantity=moved.quantity_delta,
                asset_cost=moved.asset_cost_delta,
                cost_basis=moved.cost_basis_delta,
                realized_pnl=moved.realized_delta or _NOTHING,
                avg_entry_price=moved.avg_entry_price,
            )

    def _add_trade(self, trade: Movement) -> None:
        symbol = trade.symbol
        self._link(symbol, symbol)
        if trade.reverses is None:
            self._trades[trade.id] = trade
            return
        taken = self._trades.pop(trade.reverses, None)
        if taken is None or taken.quantity != trade.quantity:
            self.left_out[symbol] = PARTLY_REVERSED

    def _add_moves(self, entry: CashEntry) -> None:
        transaction, symbols = entry.transaction, [moved.symbol for moved in entry.positions]
        is_adjusted = transaction.kind is CashTransactionKind.ADJUSTMENT
        for symbol in symbols:
            self._link(symbol if is_adjusted else symbols[0], symbol)
        if is_adjusted:
            self.left_out.update(dict.fromkeys(symbols, ADJUSTED))
            return
        self.net_deposits[symbols[0]] = self.net_deposits[symbols[0]] + transaction.net_deposits_delta
        if transaction.event is None:  # an earlier restatement
            return
        taken_out = transaction.event.reverses_revision
        if taken_out is None:
            self._events[entry.revision] = entry
        elif self._events.pop(taken_out, None) is None:
            self.left_out.update(dict.fromkeys(symbols, UNKNOWN_EVENT))

    def _link(self, one: Symbol, other: Symbol) -> None:
        first, second = sorted((self._group_of(one), self._group_of(other)))
        self._groups.setdefault(first, first)
        self._groups[second] = first

    def _group_of(self, symbol: Symbol) -> Symbol:
        while (of := self._groups.get(symbol, symbol)) != symbol:
            symbol = of
        return symbol
