"""Proves that the books add up, and books what other programs wrote when somebody accepts it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from portfolio.application.announcer import NO_LISTENERS, Announcer
from portfolio.application.clock import Clock
from portfolio.application.ledger.cash_records import CashEntry, Entry, PositionAdjustment
from portfolio.application.ledger.events import CashMoved
from portfolio.application.ledger.lost_commit import Made, commit_once, has_entry
from portfolio.application.ledger.opening import INITIAL_CASH
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.application.ledger.records import TradeEntry
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.trade import Side, Trade
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol

PAGE_SIZE = 5_000


@dataclass(slots=True)
class Fold:
    """The sums of the ledger's entries from the newest baseline on: a baseline states everything that there is."""

    revision: int = 0
    trades: int = 0
    transactions: int = 0
    is_new: bool = True
    cash: Money = Money.zero()
    net_deposits: Money = Money.zero()
    realized_pnl: Money = Money.zero()
    fees_paid: Money = Money.zero()
    quantities: defaultdict[Symbol, Quantity] = field(default_factory=lambda: defaultdict(Quantity.zero))
    broken: list[str] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """Take in the next entry; a gap in the revisions or an entry that does not balance is noted."""
        if entry.revision != self.revision + 1:
            self.broken.append(f"ledger revision {entry.revision} follows {self.revision}")
        self.revision = entry.revision
        if isinstance(entry, TradeEntry):
            self._add_trade(entry)
        else:
            self._add_cash_entry(entry)

    def _add_trade(self, entry: TradeEntry) -> None:
        trade = entry.trade
        self.trades += 1
        self.is_new = False
        self.cash = self.cash + trade.cash_delta
        self.realized_pnl = self.realized_pnl + trade.realized_pnl
        self.fees_paid = self.fees_paid + trade.fees_delta
        self.quantities[trade.symbol] = self.quantities[trade.symbol] + trade.quantity_delta
        if not _balances(trade):
            self.broken.append(f"the entry of revision {entry.revision} does not balance")

    def _add_cash_entry(self, entry: CashEntry) -> None:
        transaction = entry.transaction
        self.transactions += 1
        if transaction.kind is not CashTransactionKind.BASELINE and entry.note != INITIAL_CASH:
            self.is_new = False
        if transaction.kind is CashTransactionKind.BASELINE:
            self.cash = self.net_deposits = self.realized_pnl = self.fees_paid = Money.zero()
            self.quantities.clear()
        self.cash = self.cash + transaction.cash_delta
        self.net_deposits = self.net_deposits + transaction.net_deposits_delta
        self.realized_pnl = self.realized_pnl + transaction.realized_delta
        for adjustment in entry.positions:
            self.quantities[adjustment.symbol] = self.quantities[adjustment.symbol] + adjustment.quantity_delta


def _balances(trade: Trade) -> bool:
    """Return whether the entry moves cash as its execution says, and its sums balance."""
    for_asset = -trade.notional if trade.side is Side.BUY else trade.notional
    return trade.cash_delta == for_asset - trade.fees_delta == trade.realized_pnl - trade.basis_delta


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The result: ``differences`` are faults of these books, ``unreconciled`` is what other programs wrote.

    ``is_new`` says that nothing was booked since the books were opened.
    """

    trades: int
    transactions: int
    revision: int
    differences: Sequence[str]
    unreconciled: Sequence[str]
    unreconciled_value: Money
    is_new: bool = False

    @property
    def holds(self) -> bool:
        """Return whether the entries add up to the books."""
        return not self.differences


@dataclass(slots=True)
class VerifyBooks:
    """Replays the ledger's entries and compares what they add up to with positions, cash and the identity."""

    ledger: Ledger
    page_size: int = PAGE_SIZE

    async def __call__(self, portfolio_id: int) -> Verification:
        """Return what was found; bookings may go on meanwhile.

        Raises:
            LedgerUnavailable: the database is away.
            PortfolioMissing: there is nothing to verify.
        """
        portfolio, fold = await self.ledger.load(portfolio_id), Fold()
        await _add_entries(fold, portfolio.revision, partial(self.ledger.entries, portfolio_id, limit=self.page_size))
        return _verification(portfolio, fold)


class Entries(Protocol):
    """The next page of the entries."""

    async def __call__(self, *, after: int) -> Sequence[Entry]:
        """Return entries of later ledger revisions, in order; none where there are no more."""
        ...


async def _add_entries(fold: Fold, until: int, next_page: Entries) -> None:
    """Take in the entries up to a ledger revision, page by page."""
    while fold.revision < until:
        entries = await next_page(after=fold.revision)
        if not entries:
            return
        for entry in entries:
            if entry.revision > until:
                return
            fold.add(entry)


def _verification(portfolio: Portfolio, fold: Fold) -> Verification:
    differences = list(fold.broken)
    for name, ours, entries in (
        ("ledger revision", portfolio.revision, fold.revision),
        ("cash", portfolio.ledger_cash, fold.cash),
        ("net deposits", portfolio.net_deposits, fold.net_deposits),
        ("realized profit and loss", portfolio.realized_pnl, fold.realized_pnl),
        ("fees paid", portfolio.fees_paid, fold.fees_paid),
    ):
        if ours != entries:
            differences.append(f"{name}: the books say {ours}, their entries add up to {entries}")
    for symbol, position in sorted(portfolio.positions.items()):
        held, added_up = position.ledger_quantity, fold.quantities[symbol]
        if held != added_up:
            differences.append(f"{symbol}: the books say {held}, their entries add up to {added_up}")
    gone = [f"{a.symbol}: it has no row, the ledger says {-a.quantity_delta}" for a in _without_row(portfolio, fold)]
    # With the books' own sums it would always hold: what is unreconciled is what is left. The entries' sums prove it.
    identity = fold.net_deposits + fold.realized_pnl + portfolio.unrealized_pnl + portfolio.unreconciled
    if portfolio.total_value != identity:
        differences.append(
            f"identity: total value {portfolio.total_value} is not the entries' net deposits and realized result "
            f"with unrealized result and what is unreconciled, {identity}"
        )
    return Verification(
        trades=fold.trades,
        transactions=fold.transactions,
        revision=portfolio.revision,
        differences=differences,
        unreconciled=[*describe_unreconciled(portfolio), *gone],
        unreconciled_value=portfolio.unreconciled,
        is_new=fold.is_new,
    )


def _without_row(portfolio: Portfolio, fold: Fold) -> list[PositionAdjustment]:
    """Return the adjustments for positions whose rows another program deleted."""
    unreadable = {name.upper() for name in portfolio.unreadable_rows}
    return [
        PositionAdjustment(symbol=symbol, quantity_delta=-quantity)
        for symbol, quantity in sorted(fold.quantities.items())
        if quantity and symbol not in portfolio.positions and symbol.code not in unreadable
    ]


def describe_unreconciled(portfolio: Portfolio) -> list[str]:
    """Return a line for each row that another program moved, or that cannot be read."""
    lines = []
    if portfolio.cash_unreconciled:
        lines.append(f"cash: the row says {portfolio.cash}, the ledger {portfolio.ledger_cash}")
    lines.extend(
        f"{position.symbol}: the row says {position.quantity}, the ledger {position.ledger_quantity}"
        for position in portfolio.unreconciled_positions
    )
    if portfolio.unreconciled and not lines:
        lines.append(f"cost basis: the rows say {portfolio.unreconciled} more than the ledger")
    lines.extend(
        f"{name!r}: the row names no asset, or no amount that can be; it counts for nothing"
        for name in portfolio.unreadable_rows
    )
    return lines


@dataclass(slots=True)
class ReconcileBooks:
    """Books what is unreconciled as an adjustment: from then on the rows, as they are, are the books."""

    ledger: Ledger
    clock: Clock
    page_size: int = PAGE_SIZE
    announce: Announcer = NO_LISTENERS

    async def __call__(self, portfolio_id: int, *, as_realized: bool | None = None) -> CashEntry | None:
        """Return the adjustment booked; None where nothing is unreconciled.

        ``as_realized`` says whether its value is a realized result or a contribution. Left open, it is a result where a
        position moved (an engine traded on its own), else a contribution (somebody moved cash).

        Raises:
            LedgerUnavailable: nothing was applied.
            OutcomeUnknown: the commit was lost and could not be looked up; asking again shows what is left.
        """
        # Long books are read before the lock is taken; what is booked meanwhile is read under it.
        fold, revision = Fold(), (await self.ledger.load(portfolio_id)).revision
        await _add_entries(fold, revision, partial(self.ledger.entries, portfolio_id, limit=self.page_size))
        work = partial(self._reconcile, fold=fold, as_realized=as_realized)
        return await commit_once(self.ledger, portfolio_id, work, announce=self.announce)

    async def _reconcile(self, unit: LedgerUnit, fold: Fold, as_realized: bool | None) -> Made[CashEntry | None]:
        before = unit.portfolio
        await _add_entries(fold, before.revision, partial(unit.entries, limit=self.page_size))
        gone = _without_row(before, fold)
        if not before.has_unreconciled and not gone:
            return Made(None)
        moved = (*_moved(before, fold), *gone)
        realized = bool(moved) if as_realized is None else as_realized
        after, transaction = before.reconcile(self.clock.now(), as_realized=realized)
        entry = CashEntry.of(transaction, after, positions=moved)
        entry_id = await unit.add_cash_entry(entry)
        await unit.save(after)
        return Made(entry, has_entry(entry), [CashMoved(entry_id, entry)])


def _moved(portfolio: Portfolio, fold: Fold) -> list[PositionAdjustment]:
    """Return the adjustments that bring the ledger to the rows, also for rows that were deleted and made anew."""
    differences = ((s, p.quantity - fold.quantities[s]) for s, p in sorted(portfolio.positions.items()))
    return [PositionAdjustment(symbol=symbol, quantity_delta=delta) for symbol, delta in differences if delta]
