"""The ledger's entries by the day they are of: what was traded, moved and closed on each."""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from portfolio.application.announcer import Event
from portfolio.application.errors import NotFound
from portfolio.application.ledger.cash_records import CashEntry, Entry
from portfolio.application.ledger.events import CashMoved, TradeBooked
from portfolio.application.ledger.ports import Ledger, Lookups
from portfolio.application.ledger.records import TradeEntry, TradeFilter
from portfolio.application.performance.holding import HoldingTimes
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.trade import Trade
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol

PAGE_SIZE: Final = 1_000


@dataclass(frozen=True, slots=True, order=True)
class Closing:
    """What a closing trade brought, net of all fees, and for how many days what it sold was held, where known."""

    at: datetime
    revision: int
    result: Money
    held_days: float | None = field(compare=False)


@dataclass(slots=True)
class Change:
    """By how much the entries of a day moved a position."""

    quantity: Quantity = Quantity.zero()
    cost_basis: Money = Money.zero()
    realized_pnl: Money = Money.zero()

    def add(self, trade: Trade) -> None:
        """Add what a trade moved."""
        self.quantity = self.quantity + trade.quantity_delta
        self.cost_basis = self.cost_basis + trade.basis_delta
        self.realized_pnl = self.realized_pnl + trade.realized_pnl


@dataclass(slots=True)
class LedgerDay:
    """The entries of a day. A trade that was reversed is not among ``trades`` and ``closings``."""

    trades: set[int] = field(default_factory=set)
    closings: list[Closing] = field(default_factory=list)
    cash: Money = Money.zero()
    net_deposits: Money = Money.zero()
    realized_pnl: Money = Money.zero()
    changes: dict[Symbol, Change] = field(default_factory=dict)
    is_adjusted: bool = False

    def change(self, symbol: Symbol) -> Change:
        """Return by how much a position was moved, to be added to."""
        return self.changes.setdefault(symbol, Change())


class LedgerDays:
    """Reads the entries once, and from then on those that are new.

    An entry is of the day of its own time: a trade of the day on which it was executed, so that one that is booked just
    after midnight counts before it. A reversal is of the day of the trade that it takes out. A baseline states
    everything that there is: nothing from before it counts, and what is said to be executed before it is of its day.
    """

    def __init__(self, ledger: Ledger, lookups: Lookups) -> None:
        self._ledger = ledger
        self._lookups = lookups
        self._lock = asyncio.Lock()
        self._announced: dict[int, Entry] = {}
        self.revision = 0
        self._days: dict[date, LedgerDay] = {}
        self._holding = HoldingTimes()
        self.transactions: list[CashEntry] = []
        self.is_read = False

    @property
    def opened(self) -> date | None:
        """Return the day of the newest baseline; None where nothing was read yet."""
        return _day_of(self.transactions[0].transaction.at) if self.transactions else None

    @property
    def deposits(self) -> Money:
        """Return what was ever paid in, withdrawals apart; the baseline is one payment."""
        paid = (entry.transaction.net_deposits_delta for entry in self.transactions)
        return sum((delta for delta in paid if delta.value > 0), Money.zero())

    @property
    def begins_with_positions(self) -> bool:
        """Return whether the books were opened on positions that were there before."""
        return bool(self.transactions and self.transactions[0].positions)

    def take_notice(self, event: Event) -> None:
        """Keep an entry that this process committed: asking for it was half the cost of a read after a booking."""
        if isinstance(event, TradeBooked | CashMoved) and len(self._announced) < PAGE_SIZE:
            self._announced[event.entry.revision] = event.entry

    async def read(self, portfolio_id: int, until: int) -> None:
        """Read the entries up to a ledger revision. What was read stays when the reading is interrupted.

        Raises:
            LedgerUnavailable: the database is away.
        """
        async with self._lock:
            while self.revision < until:
                entries = await self._next(portfolio_id)
                for entry in entries:
                    if entry.revision > until:
                        break
                    if isinstance(entry, TradeEntry):
                        self._add_trade(entry, await self._taken_back(portfolio_id, entry.trade))
                    else:
                        self._add_transaction(entry)
                    self.revision = entry.revision
                if not entries or entries[-1].revision > until:
                    break
            self._announced = {at: entry for at, entry in self._announced.items() if at > self.revision}
            self.is_read = True

    async def _next(self, portfolio_id: int) -> Sequence[Entry]:
        """Return the next entries, in order: the one that was announced, else a page of the database's."""
        announced = self._announced.get(self.revision + 1)
        if announced is not None:
            return [announced]
        return await self._ledger.entries(portfolio_id, after=self.revision, limit=PAGE_SIZE)

    def within(self, start: date, end: date) -> Sequence[LedgerDay]:
        """Return the days after ``start`` until ``end`` that have entries, oldest first."""
        return [self._days[day] for day in sorted(self._days) if start < day <= end]

    @property
    def days(self) -> Mapping[date, LedgerDay]:
        """Return the days that have entries."""
        return self._days

    def _add_trade(self, entry: TradeEntry, taken_back: TradeEntry | None) -> None:
        trade, own = entry.trade, taken_back or entry
        day = self._day(min(own.trade.executed_at, own.booked_at))
        day.cash = day.cash + trade.cash_delta
        day.realized_pnl = day.realized_pnl + trade.realized_pnl
        day.change(trade.symbol).add(trade)
        if taken_back is not None:
            self._holding.take_out(taken_back.trade)
            day.trades.discard(taken_back.revision)
            day.closings = [closing for closing in day.closings if closing.revision != taken_back.revision]
            return
        held_days = self._holding.add(trade)
        day.trades.add(entry.revision)
        if trade.closes:
            insort(day.closings, Closing(trade.executed_at, entry.revision, trade.realized_pnl, held_days))

    def _add_transaction(self, entry: CashEntry) -> None:
        transaction = entry.transaction
        if transaction.kind is CashTransactionKind.BASELINE:
            self._days.clear()
            self.transactions.clear()
            self._holding = HoldingTimes()
        self.transactions.append(entry)
        day = self._day(transaction.at)
        day.cash = day.cash + transaction.cash_delta
        day.net_deposits = day.net_deposits + transaction.net_deposits_delta
        day.realized_pnl = day.realized_pnl + transaction.realized_delta
        for adjustment in entry.positions:
            change = day.change(adjustment.symbol)
            change.quantity = change.quantity + adjustment.quantity_delta
        day.is_adjusted |= transaction.kind is CashTransactionKind.ADJUSTMENT

    def _day(self, at: datetime) -> LedgerDay:
        day = _day_of(at)
        return self._days.setdefault(max(day, self.opened or day), LedgerDay())

    async def _taken_back(self, portfolio_id: int, trade: Trade) -> TradeEntry | None:
        """Return the entry that a reversal takes out; None for any other trade."""
        if trade.reverses is None:
            return None
        page = await self._lookups.trades(portfolio_id, TradeFilter(before=trade.reverses + 1, limit=1))
        found = page.items[0] if page.items else None
        if found is None or found.id != trade.reverses or found.entry is None:
            raise NotFound("trade", str(trade.reverses))
        return found.entry


def _day_of(at: datetime) -> date:
    return at.astimezone(UTC).date()
