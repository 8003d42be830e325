"""Computes the books as they were at the end of past days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date

from portfolio.application.ledger.records import CashEntry, Entry, TradeEntry
from portfolio.application.ledger.verification import Fold
from portfolio.domain.ledger.trade import Trade
from portfolio.domain.ledger.trade_counts import TradeCounts
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class DayBooks:
    """The sums of all entries at the end of a day. Costs and results of positions are sums of changes."""

    cash: Money
    net_deposits: Money
    realized_pnl: Money
    trade_counts: TradeCounts
    quantities: Mapping[Symbol, Quantity]
    costs: Mapping[Symbol, Money]
    results: Mapping[Symbol, Money]
    adjustments: int


class PastBooks:
    """Adds up entries in their order, and keeps the sums at the end of each wanted day."""

    def __init__(self, wanted: Sequence[date]) -> None:
        self._wanted = list(reversed(wanted))
        self._fold = Fold()
        self._trade_counts = TradeCounts()
        self._costs: defaultdict[Symbol, Money] = defaultdict(Money.zero)
        self._results: defaultdict[Symbol, Money] = defaultdict(Money.zero)
        self._adjustments = 0
        self.books: dict[date, DayBooks] = {}
        self.transactions: list[CashEntry] = []

    @property
    def revision(self) -> int:
        """Return the revision of the entry added last."""
        return self._fold.revision

    def add(self, entry: Entry, taken_back: Trade | None) -> None:
        """Add one entry; ``taken_back`` is the trade that it reverses."""
        day = booked_on(entry)
        while self._wanted and self._wanted[-1] < day:
            self.books[self._wanted.pop()] = self.sums()
        self._fold.add(entry)
        if isinstance(entry, CashEntry):
            self.transactions.append(entry)
            self._adjustments += bool(entry.positions)
            return
        trade = entry.trade
        self._trade_counts = (
            self._trade_counts.with_trade(trade) if taken_back is None else self._trade_counts.without(taken_back)
        )
        self._costs[trade.symbol] = self._costs[trade.symbol] + trade.basis_delta
        self._results[trade.symbol] = self._results[trade.symbol] + trade.realized_pnl

    def finish(self) -> None:
        """Fill the days after the last entry with its sums: nothing changed on them."""
        while self._wanted:
            self.books[self._wanted.pop()] = self.sums()

    def sums(self) -> DayBooks:
        """Return the sums of the entries so far."""
        fold = self._fold
        return DayBooks(
            cash=fold.cash,
            net_deposits=fold.net_deposits,
            realized_pnl=fold.realized_pnl,
            trade_counts=self._trade_counts,
            quantities=dict(fold.quantities),
            costs=dict(self._costs),
            results=dict(self._results),
            adjustments=self._adjustments,
        )


def booked_on(entry: Entry) -> date:
    """Return the UTC day on which an entry was booked."""
    at = entry.booked_at if isinstance(entry, TradeEntry) else entry.transaction.at
    return at.astimezone(UTC).date()
