"""The entries of the ledger on one day: what was traded, moved and closed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Generic, TypeVar

from portfolio.application.ledger.cash_records import CashEntry, PositionAdjustment
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.performance.days.holding import HoldingTimes
from portfolio.application.performance.days.splits import Splits
from portfolio.domain.ledger.cash_transaction import CashTransaction, CashTransactionKind
from portfolio.domain.money import Amount, Money, Quantity, added, of_any_size, sum_of
from portfolio.domain.symbol import Symbol

A = TypeVar("A", bound=Amount)


@dataclass(frozen=True, slots=True, order=True)
class Closing:
    """What a closing trade brought, net of all fees, and for how many days what it sold was held, where known."""

    at: datetime
    revision: int
    result: Money
    held_days: float | None = field(compare=False)


class _Sum(Generic[A]):
    """A sum of a record that is kept as its decimal: of a million of them none is looked at for garbage."""

    def __init__(self, of: type[A]) -> None:
        self._of = of

    def __set_name__(self, owner: type[object], name: str) -> None:
        self._slot = f"_{name}"

    def __get__(self, record: object, owner: type[object]) -> A:
        return of_any_size(self._of, getattr(record, self._slot))

    def __set__(self, record: object, amount: A) -> None:
        setattr(record, self._slot, amount.value)


class Change:
    """By how much the entries of a day moved a position, and what trading it took.

    ``trades``, ``notional`` and ``fees`` are of the trades that were not reversed. ``came`` is the quantity that was
    bought or came by events, and ``came_for`` what it was bought for or came at: unlike a cost they are the same
    whatever the order of booking.
    """

    __slots__ = ("_came", "_came_for", "_cost_basis", "_fees", "_notional", "_quantity", "_realized_pnl", "trades")

    quantity = _Sum(Quantity)
    cost_basis = _Sum(Money)
    realized_pnl = _Sum(Money)
    notional = _Sum(Money)
    fees = _Sum(Money)
    came = _Sum(Quantity)
    came_for = _Sum(Money)

    def __init__(self) -> None:
        self.trades = 0
        self._quantity = self._cost_basis = self._realized_pnl = Decimal(0)
        self._notional = self._fees = self._came = self._came_for = Decimal(0)

    def add(self, trade: Movement) -> None:
        """Add what a trade moved; a reversal takes out the trade that it reverses, which is of the same day."""
        is_reversal = trade.reverses is not None
        self.trades += -1 if is_reversal else 1
        notional = -trade.notional if is_reversal else trade.notional
        self.notional = added(self.notional, notional)
        self.fees = added(self.fees, trade.fees_delta)
        self.quantity = added(self.quantity, trade.quantity_delta)
        self.cost_basis = added(self.cost_basis, trade.basis_delta)
        self.realized_pnl = added(self.realized_pnl, trade.realized_pnl)
        if (trade.quantity_delta.value > 0) is not is_reversal:
            self.came = added(self.came, trade.quantity_delta)
            self.came_for = added(self.came_for, notional)

    def adjust(self, moved: PositionAdjustment, *, is_known: bool, comes: bool = False) -> None:
        """Add what an entry that is no trade moved; of an event, which ``is_known``, its cost and result as well.

        What ``comes``, or is taken out again after it came, counts as such.
        """
        self.quantity = added(self.quantity, moved.quantity_delta)
        if is_known:
            self.cost_basis = added(self.cost_basis, moved.leg.basis_delta)
            self.realized_pnl = added(self.realized_pnl, moved.leg.realized_delta)
        if comes:
            self.came = added(self.came, moved.quantity_delta)
            self.came_for = added(self.came_for, moved.leg.basis_delta)


@dataclass(slots=True)
class LedgerDay:
    """The entries of a day. A trade that was reversed is not among ``trades`` and ``closings``."""

    trades: set[int] = field(default_factory=set)
    closings: list[Closing] = field(default_factory=list)
    cash: Money = Money.zero()
    net_deposits: Money = Money.zero()
    realized_pnl: Money = Money.zero()
    changes: defaultdict[Symbol, Change] = field(default_factory=lambda: defaultdict(Change))
    is_adjusted: bool = False

    def add_trade(self, trade: Movement, taken_back: Movement | None, holding: HoldingTimes) -> None:
        """Take in a trade; one that takes back another one leaves neither of the two."""
        self.cash = added(self.cash, trade.cash_delta)
        self.realized_pnl = added(self.realized_pnl, trade.realized_pnl)
        self.changes[trade.symbol].add(trade)
        if taken_back is not None:
            holding.take_out(taken_back)
            self.trades.discard(taken_back.revision)
            self.closings = [closing for closing in self.closings if closing.revision != taken_back.revision]
            return
        held_days = holding.add(trade)
        self.trades.add(trade.revision)
        if trade.closes:
            insort(self.closings, Closing(trade.executed_at, trade.revision, trade.realized_pnl, held_days))

    def add_cash(self, transaction: CashTransaction) -> None:
        """Take in what an entry that is no trade moved, positions apart."""
        self.cash = added(self.cash, transaction.cash_delta)
        self.net_deposits = added(self.net_deposits, transaction.net_deposits_delta)
        self.realized_pnl = added(self.realized_pnl, transaction.realized_delta)
        self.is_adjusted |= transaction.kind is CashTransactionKind.ADJUSTMENT


class DayEntries(ABC):
    """The entries by day: as of the opening at the earliest, or as of when each took effect."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.revision = 0
        self.days: defaultdict[date, LedgerDay] = defaultdict(LedgerDay)
        self.transactions: list[CashEntry] = []
        self.is_late = False
        """Whether an entry took effect before the opening, or days before it was booked."""
        self.whole_since = date.min
        """The first day whose end all that are read add up to."""
        self._holding = HoldingTimes()
        self.splits = Splits()

    @property
    @abstractmethod
    def opened(self) -> date | None:
        """Return the day as of which the books can be valued; None where nothing was read yet."""

    def within(self, start: date, end: date) -> Sequence[LedgerDay]:
        """Return the days after ``start`` until ``end`` that have entries, oldest first."""
        return [self.days[day] for day in sorted(self.days) if start < day <= end]

    @property
    def deposits(self) -> Money:
        """Return what was ever paid in, withdrawals apart; the baseline is one payment."""
        return sum_of(entry.transaction.paid_in for entry in self.transactions)

    @property
    def begins_with_positions(self) -> bool:
        """Return whether the books were opened on positions that were there before."""
        return bool(self.transactions and self.transactions[0].positions)
