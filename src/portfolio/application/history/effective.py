"""The entries by the UTC day on which they took effect, also of days before the books were opened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime

import msgspec

from portfolio.application.ledger.cash_records import CashEntry
from portfolio.application.ledger.lots.journal import MOVEMENTS
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.performance.days.entries import DayEntries
from portfolio.domain.days import day_of
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.money import Money, added
from portfolio.domain.symbol import Symbol

_NOTHING = Money.zero()


class Flows(msgspec.Struct):
    """What came in on a day and what went out, both at least zero, at its market value; ``paid_in`` at its cost."""

    inflow: Money = _NOTHING
    outflow: Money = _NOTHING
    paid_in: Money = _NOTHING


class EffectiveDays(DayEntries):
    """What took effect on each day: quantities, cash, deposits and flows are sums, in whatever order they were booked.

    A trade is of the day of its execution, an event of the day on which it happened, and their reversals too. Books
    that were opened on something cannot be valued before that: what is said to be executed before is of the day of the
    opening. New books begin with their first entry.
    """

    def _begin(self) -> None:
        super()._begin()
        self.flows: defaultdict[date, Flows] = defaultdict(Flows)
        self.symbols: set[Symbol] = set()
        """Every asset of which anything ever moved."""
        self._trades: dict[int, object] = {}
        self._not_before = date.min

    @property
    def opened(self) -> date | None:
        """Return the first day on which anything took effect, as of which the books can be valued."""
        return min(self.days, default=None)

    def add(self, entry: Movement | CashEntry) -> date:
        """Take in the next entry, and return the day that it changes; the first of all at a baseline."""
        changed = self._add_trade(entry) if isinstance(entry, Movement) else self._add_transaction(entry)
        self.revision = entry.revision
        return changed

    def _add_trade(self, trade: Movement) -> date:
        kept = self._trades.pop(trade.reverses or 0, None)
        taken_back: Movement | None = None if kept is None else MOVEMENTS.unpack(kept)
        own = taken_back or trade
        at = self._day(own.executed_at)
        self.days[at].add_trade(trade, taken_back, self._holding)
        self.symbols.add(trade.symbol)
        if taken_back is None:
            self._trades[trade.id] = MOVEMENTS.pack(trade)
        return at

    def _add_transaction(self, entry: CashEntry) -> date:
        transaction, at = entry.transaction, self._day(entry.transaction.effective_at)
        is_baseline = transaction.kind is CashTransactionKind.BASELINE
        if is_baseline:
            self._begin()
            at = day_of(transaction.at)
            self._not_before = at if transaction.cash_delta or entry.positions else date.min
        self.transactions.append(entry)
        self.splits.add(entry, at)
        self._holding.change(entry)
        day = self.days[at]
        day.add_cash(transaction)
        event = transaction.event
        is_taken_out = event is not None and event.reverses_revision is not None
        is_split = transaction.kind is CashTransactionKind.SPLIT
        for moved in entry.positions:
            comes = is_split or (moved.quantity_delta.value > 0) is not is_taken_out
            day.changes[moved.symbol].adjust(moved, is_known=True, comes=comes)
            self.symbols.add(moved.symbol)
        self._flow(at, entry)
        return date.min if is_baseline else at

    def _flow(self, at: date, entry: CashEntry) -> None:
        """Add what came in or went out; what the books were opened on came in at what it was worth then."""
        transaction, flows = entry.transaction, self.flows[at]
        flow, comes_in = transaction.flow, transaction.comes_in
        if transaction.kind is CashTransactionKind.BASELINE:
            flow = transaction.value_before or transaction.net_deposits_delta + transaction.realized_delta
            comes_in = flow.value > 0
        if comes_in:  # what a reversal takes out is of the same day, and never came, or never went
            flows.inflow = added(flows.inflow, flow)
            flows.paid_in = added(flows.paid_in, transaction.net_deposits_delta)
        else:
            flows.outflow = added(flows.outflow, -flow)

    def _day(self, at: datetime) -> date:
        return max(day_of(at), self._not_before)


def folded(moved: Iterable[Movement | CashEntry]) -> EffectiveDays:
    """Return the days of entries, in the order they were booked."""
    days = EffectiveDays()
    for entry in moved:
        days.add(entry)
    return days
