"""Restates average cost: one entry an asset, after which the books are those booked in the order of effect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final

from portfolio.application.announcer import NO_LISTENERS, Announcer, Event
from portfolio.application.clock import Clock
from portfolio.application.errors import BooksMoved
from portfolio.application.in_thread import in_thread
from portfolio.application.ledger.cash_records import CashEntry, PositionAdjustment, RecordedCashEntry
from portfolio.application.ledger.events import CashMoved
from portfolio.application.ledger.lost_commit import IsKept, Made, commit_once, has_entry
from portfolio.application.ledger.lots.journal import Entries, Journal
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.application.ledger.records import Movement
from portfolio.domain.errors import OutOfRange
from portfolio.domain.ledger.cash_transaction import CashTransactionKind, EventTerms
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.restatement import Restatement, in_order, restate, restatement
from portfolio.domain.ledger.trade import Execution, Side
from portfolio.domain.money import Money, Price
from portfolio.domain.symbol import Symbol

ATTEMPTS: Final = 5

COMINGS: Final = frozenset({CashTransactionKind.INCOME, CashTransactionKind.TRANSFER_IN})
"""Events by which an asset comes, at a cost of its own: in the order of effect they are purchases."""

INCOMPLETE: Final = "entries_missing"
UNRECONCILED: Final = "unreconciled"
ADJUSTED: Final = "adjusted"
NO_COST: Final = "cost_not_stated"
NOT_TRADES: Final = "moved_by_events"
PARTLY_REVERSED: Final = "reversed_in_part"
UNEXPLAINED: Final = "unexplained"
TOO_LARGE: Final = "out_of_range"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restatements:
    """What is to be restated at a ledger revision, and which assets are left as they are, each with the reason.

    ``booked`` are the entries, in the order of ``found``; none where it was only looked at.
    """

    revision: int
    found: Sequence[Restatement]
    left_out: dict[Symbol, str]
    booked: Sequence[RecordedCashEntry] = ()


class RestateBooks:
    """Compares the books with those of the order of effect, and books the difference."""

    def __init__(self, ledger: Ledger, journal: Journal, clock: Clock, announce: Announcer = NO_LISTENERS) -> None:
        self._ledger = ledger
        self._journal = journal
        self._clock = clock
        self._announce = announce

    async def look(self, portfolio_id: int) -> Restatements:
        """Return what would be restated.

        Raises:
            LedgerUnavailable: the database is away.
            PortfolioMissing: the books were never opened.
        """
        portfolio = await self._ledger.newest(portfolio_id)
        return await self._compared(portfolio)

    async def __call__(self, portfolio_id: int, *, owner: str, revision: int | None = None) -> Restatements:
        """Return what was restated, once it is committed; with a ``revision`` only what was looked at there.

        Raises:
            BooksMoved: the books are not at that revision, or move on too fast to be compared.
            LedgerUnavailable: nothing was applied.
            OutcomeUnknown: the commit was lost and could not be looked up; asking again restates what is left.
            PortfolioMissing: the books were never opened.
        """
        for _ in range(ATTEMPTS):
            wanted = await self.look(portfolio_id)
            if revision is not None and wanted.revision != revision:
                break
            if not wanted.found:
                return wanted
            made = await commit_once(
                self._ledger, portfolio_id, partial(self._book, wanted, owner), announce=self._announce
            )
            if made is not None:
                return made
        raise BooksMoved

    async def _book(self, wanted: Restatements, owner: str, unit: LedgerUnit) -> Made[Restatements | None]:
        portfolio = unit.portfolio
        if portfolio.revision != wanted.revision:
            return Made(None)
        booked, told, now = list[RecordedCashEntry](), list[Event](), self._clock.now()
        is_kept: IsKept | None = None
        for one in wanted.found:
            portfolio, entry = _entry(portfolio, one, owner, now)
            recorded = RecordedCashEntry(id=await unit.add_cash_entry(entry), entry=entry)
            booked.append(recorded)
            told.append(CashMoved(recorded.id, entry))
            is_kept = is_kept or has_entry(entry)
        await unit.save(portfolio)
        made = Restatements(revision=portfolio.revision, found=wanted.found, left_out=wanted.left_out, booked=booked)
        return Made(made, is_kept, told)

    async def _compared(self, portfolio: Portfolio) -> Restatements:
        entries = await self._journal.read(portfolio)
        return await in_thread(compare, entries, portfolio)


def _entry(portfolio: Portfolio, one: Restatement, owner: str, now: datetime) -> tuple[Portfolio, CashEntry]:
    after, transaction = restate(portfolio, one, now)
    moved = PositionAdjustment(
        symbol=one.after.symbol,
        quantity_delta=one.after.quantity - one.before.quantity,
        asset_cost_delta=one.asset_cost_delta,
        cost_basis_delta=one.cost_basis_delta,
        realized_delta=one.realized_delta,
        avg_entry_price=one.after.avg_entry_price,
    )
    return after, CashEntry.of(transaction, after, owner=owner, positions=[moved])


def compare(entries: Entries, portfolio: Portfolio) -> Restatements:
    """Return the positions whose cost is not that of the order of effect, by symbol."""
    told = _Told()
    for entry in entries.moved:
        told.add(entry)
    found, left_out = [], {}
    for symbol in sorted(told.trades):
        why, one = told.left_out.get(symbol), None
        if not entries.is_complete:
            why = INCOMPLETE
        elif portfolio.position(symbol).unreconciled:
            why = UNRECONCILED
        elif why is None:
            steps = [*map(_step, told.trades[symbol].values()), *told.comings[symbol].values()]
            why, one = _restated(portfolio.position(symbol), told.opening[symbol], steps)
        if why is not None:
            left_out[symbol] = why
        elif one is not None and one.changes:
            found.append(one)
    return Restatements(revision=entries.revision, found=found, left_out=left_out)


@dataclass(frozen=True, slots=True)
class _Step:
    """What a trade or a coming does in the order of effect, and what it brings whatever the order."""

    execution: Execution
    revision: int
    brought: Money = Money.zero()


def _restated(position: Position, opening: Position, steps: Iterable[_Step]) -> tuple[str | None, Restatement | None]:
    ordered = sorted(steps, key=lambda one: (one.execution.executed_at, one.revision))
    brought = sum((one.brought for one in ordered), opening.realized_pnl)
    try:
        made = in_order(replace(opening, realized_pnl=brought), (one.execution for one in ordered))
    except OutOfRange:
        return TOO_LARGE, None
    one = restatement(position, made)
    return (None, one) if one.explains else (UNEXPLAINED, None)


def _step(trade: Movement) -> _Step:
    return _Step(_execution(trade), trade.revision)


def _coming(entry: CashEntry, terms: EventTerms, moved: PositionAdjustment) -> _Step:
    """Return what came beside trades as a purchase at its cost; what it brought is no matter of the order."""
    execution = Execution(
        symbol=moved.symbol,
        side=Side.BUY,
        quantity=moved.quantity_delta,
        price=Price.zero(),
        net_amount=moved.leg.basis_delta,
        fees=Money.zero(),
        executed_at=terms.effective_at,
    )
    return _Step(execution, entry.revision, moved.leg.realized_delta)


def _execution(trade: Movement) -> Execution:
    return Execution(
        symbol=trade.symbol,
        side=trade.side,
        quantity=trade.quantity,
        price=Price.zero(),  # what is paid counts, and a price is of no use to costs
        net_amount=trade.notional,
        fees=trade.fees,
        executed_at=trade.executed_at,
    )


@dataclass(slots=True)
class _Told:
    """What entries say of each asset: its trades that stand, what was there before, and why it cannot be restated."""

    trades: defaultdict[Symbol, dict[int, Movement]] = field(default_factory=lambda: defaultdict(dict))
    comings: defaultdict[Symbol, dict[int, _Step]] = field(default_factory=lambda: defaultdict(dict))
    opening: dict[Symbol, Position] = field(default_factory=dict)
    left_out: dict[Symbol, str] = field(default_factory=dict)

    def add(self, entry: Movement | CashEntry) -> None:
        """Take in the next entry."""
        if isinstance(entry, Movement):
            self._add_trade(entry)
        elif entry.transaction.kind is CashTransactionKind.BASELINE:
            self.trades.clear()
            self.comings.clear()
            self.opening.clear()
            self.left_out.clear()
            for moved in entry.positions:
                self._open(moved)
        elif entry.transaction.kind is not CashTransactionKind.RESTATEMENT:
            for moved in entry.positions:
                if not self._comes(entry, moved):
                    is_adjusted = entry.transaction.kind is CashTransactionKind.ADJUSTMENT
                    self.left_out[moved.symbol] = ADJUSTED if is_adjusted else NOT_TRADES

    def _comes(self, entry: CashEntry, moved: PositionAdjustment) -> bool:
        """Take in what came beside trades, or take it out again; return whether the entry is one of these."""
        terms = entry.transaction.event
        if terms is None or entry.transaction.kind not in COMINGS:
            return False
        self.opening.setdefault(moved.symbol, Position(symbol=moved.symbol))
        if terms.reverses_revision is not None:
            return self.comings[moved.symbol].pop(terms.reverses_revision, None) is not None
        self.comings[moved.symbol][entry.revision] = _coming(entry, terms, moved)
        return True

    def _add_trade(self, trade: Movement) -> None:
        symbol = trade.symbol
        self.opening.setdefault(symbol, Position(symbol=symbol))
        taken = self.trades[symbol].pop(trade.reverses or 0, None)
        if trade.reverses is None:
            self.trades[symbol][trade.id] = trade
        elif taken is None or taken.quantity != trade.quantity:
            self.left_out[symbol] = PARTLY_REVERSED

    def _open(self, moved: PositionAdjustment) -> None:
        if moved.cost_basis_delta is None or moved.asset_cost_delta is None:
            self.left_out[moved.symbol] = NO_COST
            return
        self.opening[moved.symbol] = Position(
            symbol=moved.symbol,
            quantity=moved.quantity_delta,
            ledger_quantity=moved.quantity_delta,
            asset_cost=moved.asset_cost_delta,
            cost_basis=moved.cost_basis_delta,
            realized_pnl=moved.realized_delta or Money.zero(),
            avg_entry_price=moved.avg_entry_price,
        )
