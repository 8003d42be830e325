"""Makes the rows of the books anew of the ledger's entries, and says so in an entry of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

import msgspec

from portfolio.application.announcer import NO_LISTENERS, Announcer
from portfolio.application.clock import Clock
from portfolio.application.ledger.announcements import CashMoved
from portfolio.application.ledger.cash_records import CashEntry, Entry
from portfolio.application.ledger.fold import PAGE_SIZE, Fold, add_entries
from portfolio.application.ledger.lost_commit import Made, commit_once, has_entry
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.application.ledger.records import TradeEntry
from portfolio.application.ledger.verification import compare
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.sums import LedgerSums
from portfolio.domain.ledger.trade import Side, Trade
from portfolio.domain.ledger.trade_counts import TradeCounts
from portfolio.domain.ledger.units import Units
from portfolio.domain.mark import TRADE_SOURCE, Mark
from portfolio.domain.money import Money
from portfolio.domain.symbol import Symbol


class Entries(Protocol):
    """The next page of the entries."""

    async def __call__(self, *, after: int) -> Sequence[Entry]:
        """Return entries of later ledger revisions, in order; none where there are no more."""


@dataclass(slots=True)
class FoldedBooks(LedgerSums):
    """The books that the entries make, and what is wrong with these.

    Of what was adopted or accepted, ``without_cost``, entries know the quantity alone. ``reversed`` are the ids of the
    trades that were taken back: ``trade_counts`` counts them all the same.
    """

    revision: int = 0
    broken: list[str] = field(default_factory=list)
    positions: dict[Symbol, Position] = field(default_factory=dict)
    without_cost: set[Symbol] = field(default_factory=set)
    units: Units = field(default_factory=Units)
    trade_counts: TradeCounts = field(default_factory=TradeCounts)
    reversed: list[int] = field(default_factory=list)
    begins_with_positions: bool = False

    def add(self, entry: Entry) -> None:
        """Take in the next entry; a gap in the revisions or an entry that does not balance is noted."""
        if entry.revision != self.revision + 1:
            self.broken.append(f"ledger revision {entry.revision} follows {self.revision}")
        self.revision = entry.revision
        if isinstance(entry, TradeEntry):
            self._add_trade(entry.trade)
            balances = _balances(entry.trade)
        else:
            self._add_cash_entry(entry)
            balances = not entry.tells_all or entry.balances
        if not balances:
            self.broken.append(f"the entry of revision {entry.revision} does not balance")

    def position(self, symbol: Symbol) -> Position:
        """Return what the entries know of a position."""
        return self.positions.get(symbol) or Position(symbol=symbol)

    def _add_trade(self, trade: Trade) -> None:
        self.move(trade)
        before = self.position(trade.symbol)
        if trade.reverses is None:
            self.trade_counts = self.trade_counts.with_trade(trade)
            after = before.entered(trade, Mark(trade.price, TRADE_SOURCE, trade.executed_at))
        else:
            self.reversed.append(trade.reverses)
            after = before.entered(trade, before.mark)
        self._keep(after)

    def _add_cash_entry(self, entry: CashEntry) -> None:
        transaction, flow = entry.transaction, entry.transaction.flow
        self.transact(transaction, entry.positions)
        if transaction.kind is CashTransactionKind.BASELINE:
            self.positions, self.without_cost, self.reversed = {}, set(), []
            self.units, self.trade_counts = Units(), TradeCounts()
            self.begins_with_positions = bool(entry.positions)
            flow = flow + transaction.realized_delta
        self.units = self.units.after_flow(transaction.value_before, flow)
        for adjustment in entry.positions:
            before = self.position(adjustment.symbol)
            if entry.tells_all:
                # The price of before a split is not that of what there is now.
                mark = None if transaction.kind is CashTransactionKind.SPLIT else before.mark
                after = before.moved(adjustment.leg, mark)
                self._keep(replace(after, avg_entry_price=adjustment.avg_entry_price))
                continue
            quantity = before.quantity + adjustment.quantity_delta
            self.without_cost.add(adjustment.symbol)
            self._keep(replace(before, quantity=quantity, ledger_quantity=quantity))

    def _keep(self, position: Position) -> None:
        if not position.is_open:
            self.without_cost.discard(position.symbol)
        if position.symbol in self.without_cost:
            position = replace(position, asset_cost=Money.zero(), cost_basis=Money.zero(), avg_entry_price=None)
        self.positions[position.symbol] = position


def _balances(trade: Trade) -> bool:
    """Return whether the entry moves cash as its execution says, and its sums balance."""
    for_asset = -trade.notional if trade.side is Side.BUY else trade.notional
    return trade.cash_delta == for_asset - trade.fees_delta == trade.realized_pnl - trade.basis_delta


class RebuildBooks(msgspec.Struct):
    """Makes the rows of the books anew of the ledger's entries; ``ledger`` is one that takes whatever row it finds.

    A row stays as it is where the ledger's own part of it is what the entries say: what other programs wrote beside
    that is unreconciled. Any other becomes what the entries say. But where the row itself says two things, or entries
    are missing, what it says is held stays as unreconciled.
    """

    ledger: Ledger
    clock: Clock
    page_size: int = PAGE_SIZE
    announce: Announcer = NO_LISTENERS

    async def __call__(self, portfolio_id: int) -> CashEntry:
        """Return the entry that says what was done.

        Raises:
            OutcomeUnknown: the commit was lost and could not be looked up; asking again shows what is left.
        """
        await self.ledger.create(portfolio_id)
        fold, proof = FoldedBooks(), Fold()
        await _fold(fold, partial(self.ledger.entries, portfolio_id, limit=self.page_size))
        await add_entries(proof, sys.maxsize, self.ledger.entry_lines, limit=self.page_size)
        work = partial(self._rebuild, fold=fold, proof=proof)
        return await commit_once(self.ledger, portfolio_id, work, announce=self.announce)

    async def _rebuild(self, unit: LedgerUnit, fold: FoldedBooks, proof: Fold) -> Made[CashEntry]:
        rows = unit.portfolio
        await _fold(fold, partial(unit.entries, limit=self.page_size))
        await add_entries(proof, sys.maxsize, unit.entry_lines, limit=self.page_size)
        unit.follow(proof.chain.heads[-1])
        counts = fold.trade_counts
        for trade_id in fold.reversed:
            taken_back = await unit.trade(trade_id)
            if taken_back is not None and taken_back.entry is not None:
                counts = counts.without(taken_back.entry.trade)
        after, transaction = _rebuilt(rows, fold, counts).rebuilt(self.clock.now())
        missing = sorted(after.positions.keys() - rows.positions.keys())
        done = [*compare(rows, proof).differences, *(f"{symbol}: it had no row" for symbol in missing)]
        entry = CashEntry.of(transaction, after, note="; ".join(done) or "every row was what the entries say")
        await unit.add_cash_entry(entry)
        await unit.save(after)
        return Made(entry, has_entry(entry), [CashMoved(entry)])


async def _fold(fold: FoldedBooks, next_page: Entries) -> None:
    """Take in all entries, page by page."""
    while entries := await next_page(after=fold.revision):
        for entry in entries:
            fold.add(entry)


def _rebuilt(rows: Portfolio, fold: FoldedBooks, counts: TradeCounts) -> Portfolio:
    """Return the portfolio of the entries, with what the rows say beside them."""
    is_whole = not fold.broken and fold.revision >= rows.revision
    keeps_cash = rows.cash_unreconciled or rows.ledger_cash == fold.cash or not is_whole
    keeps_units = rows.revision and (fold.begins_with_positions or not is_whole)
    unreadable = {name.upper() for name in rows.unreadable_rows}
    symbols = [symbol for symbol in rows.positions.keys() | fold.positions.keys() if symbol.code not in unreadable]
    return replace(
        rows,
        revision=max(rows.revision, fold.revision),
        cash=rows.cash if keeps_cash else fold.cash,
        ledger_cash=fold.cash,
        net_deposits=fold.net_deposits,
        realized_pnl=fold.realized_pnl,
        fees_paid=fold.fees_paid,
        units=rows.units if keeps_units else fold.units,
        trade_counts=counts,
        positions={s: _rebuilt_position(rows.positions.get(s), fold, s, is_whole=is_whole) for s in symbols},
    )


def _rebuilt_position(held: Position | None, fold: FoldedBooks, symbol: Symbol, *, is_whole: bool) -> Position:
    entered = fold.position(symbol)
    if held is None:
        return entered
    if held.ledger_quantity == entered.ledger_quantity:
        return held
    if held.unreconciled or not is_whole:
        return replace(held, ledger_quantity=entered.ledger_quantity)
    if symbol in fold.without_cost:
        return replace(held, quantity=entered.quantity, ledger_quantity=entered.quantity)
    return replace(entered, realized_pnl=held.realized_pnl, mark=held.mark or entered.mark)
