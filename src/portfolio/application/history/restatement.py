"""Restates average cost: after its entries the books are those booked in the order of effect."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

import msgspec

from portfolio.application.announcer import NO_LISTENERS, Announcement, Announcer
from portfolio.application.clock import Clock
from portfolio.application.errors import BooksMoved
from portfolio.application.history.cost_entries import CostEntries
from portfolio.application.in_thread import in_fold_thread
from portfolio.application.ledger.announcements import CashMoved
from portfolio.application.ledger.cash_records import CashEntry, PositionAdjustment, RecordedCashEntry
from portfolio.application.ledger.lost_commit import IsKept, Made, commit_once, has_entry
from portfolio.application.ledger.lots.journal import Entries, Journal
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.domain.errors import DomainError, OutOfRange
from portfolio.domain.ledger.cash_transaction import CashTransaction, CashTransactionKind
from portfolio.domain.ledger.happening import Happening
from portfolio.domain.ledger.leg import Leg
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.restatement import GroupRestatement, OrderedBooks, restate, restatement
from portfolio.domain.ledger.trade import Execution
from portfolio.domain.money import Money, Price
from portfolio.domain.symbol import Symbol

ATTEMPTS: Final = 5

INCOMPLETE: Final = "entries_missing"
UNRECONCILED: Final = "unreconciled"
UNEXPLAINED: Final = "unexplained"
TOO_LARGE: Final = "out_of_range"
NOT_IN_ORDER: Final = "impossible_in_order"
OTHER_SPLIT: Final = "split_of_another_quantity"
EXCHANGED: Final = "exchanged_with_one_left_out"

_COMINGS: Final = frozenset({CashTransactionKind.INCOME, CashTransactionKind.TRANSFER_IN})
"""Events by which an asset comes, at a cost of its own: in the order of effect they are purchases."""


class Restatements(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be restated at a ledger revision, and which assets are left as they are, each with the reason.

    Each of ``found`` is one entry. ``booked`` are these, in the same order; none where it was only looked at.
    """

    revision: int
    found: Sequence[GroupRestatement]
    left_out: dict[Symbol, str]
    booked: Sequence[RecordedCashEntry] = ()


class RestateBooks(msgspec.Struct, frozen=True):
    """Compares the books with those of the order of effect, and books the difference."""

    ledger: Ledger
    journal: Journal
    clock: Clock
    announce: Announcer = NO_LISTENERS

    async def look(self, portfolio_id: int, *, revision: int | None = None) -> Restatements:
        """Return what would be restated; with a ``revision`` only what is to be looked at there.

        Raises:
            BooksMoved: the books are not at that revision.
        """
        portfolio = await self.ledger.newest(portfolio_id)
        wanted = await in_fold_thread(compare, await self.journal.read(portfolio), portfolio)
        if revision is not None and wanted.revision != revision:
            raise BooksMoved
        return wanted

    async def __call__(self, portfolio_id: int, *, owner: str, revision: int | None = None) -> Restatements:
        """Return what was restated, once it is committed; with a ``revision`` only what was looked at there.

        Raises:
            BooksMoved: the books are not at that revision, or move on too fast to be compared.
            OutcomeUnknown: the commit was lost and could not be looked up; asking again restates what is left.
        """
        for _ in range(ATTEMPTS):
            wanted = await self.look(portfolio_id, revision=revision)
            if not wanted.found:
                return wanted
            made = await commit_once(
                self.ledger, portfolio_id, partial(self._book, wanted, owner), announce=self.announce
            )
            if made is not None:
                return made
        raise BooksMoved

    async def _book(self, wanted: Restatements, owner: str, unit: LedgerUnit) -> Made[Restatements | None]:
        portfolio = unit.portfolio
        if portfolio.revision != wanted.revision:
            return Made(None)
        booked, told, now = list[RecordedCashEntry](), list[Announcement](), self.clock.now()
        is_kept: IsKept | None = None
        for one in wanted.found:
            portfolio, entry = _entry(portfolio, one, owner, now)
            recorded = RecordedCashEntry(id=await unit.add_cash_entry(entry), entry=entry)
            booked.append(recorded)
            told.append(CashMoved(entry))
            is_kept = is_kept or has_entry(entry)
        await unit.save(portfolio)
        made = Restatements(revision=portfolio.revision, found=wanted.found, left_out=wanted.left_out, booked=booked)
        return Made(made, is_kept, told)


def _entry(portfolio: Portfolio, group: GroupRestatement, owner: str, now: datetime) -> tuple[Portfolio, CashEntry]:
    after, transaction = restate(portfolio, group, now)
    moved = [
        PositionAdjustment(
            symbol=one.after.symbol,
            quantity_delta=one.after.quantity - one.before.quantity,
            asset_cost_delta=one.asset_cost_delta,
            cost_basis_delta=one.cost_basis_delta,
            realized_delta=one.realized_delta,
            avg_entry_price=one.after.avg_entry_price,
        )
        for one in group.positions
    ]
    return after, CashEntry.of(transaction, after, owner=owner, positions=moved)


def compare(entries: Entries, portfolio: Portfolio) -> Restatements:
    """Return the positions whose cost is not that of the order of effect, by group."""
    cost_entries = CostEntries()
    for entry in entries.moved:
        cost_entries.add(entry)
    found, left_out, ordered = [], dict[Symbol, str](), cost_entries.in_order()
    for group in cost_entries.groups:
        own = {
            symbol: why for symbol in group if (why := _why_not(symbol, entries, cost_entries, portfolio)) is not None
        }
        if own:
            left_out |= {symbol: own.get(symbol, EXCHANGED) for symbol in group}
            continue
        try:
            one = _restated(group, ordered[group[0]], cost_entries, portfolio)
        except _CannotRestateError as failure:
            left_out |= {symbol: failure.why if symbol in failure.symbols else EXCHANGED for symbol in group}
        else:
            found += [one] if one.positions else []
    return Restatements(revision=entries.revision, found=found, left_out=dict(sorted(left_out.items())))


class _CannotRestateError(Exception):
    """A group of assets stays as it is, for a reason that is that of some of them."""

    def __init__(self, why: str, symbols: Collection[Symbol]) -> None:
        super().__init__(why)
        self.why = why
        self.symbols = symbols


def _why_not(symbol: Symbol, entries: Entries, cost_entries: CostEntries, portfolio: Portfolio) -> str | None:
    if not entries.is_complete:
        return INCOMPLETE
    return UNRECONCILED if portfolio.position(symbol).unreconciled else cost_entries.left_out.get(symbol)


def _restated(
    group: Sequence[Symbol], entries: Iterable[Movement | CashEntry], cost_entries: CostEntries, portfolio: Portfolio
) -> GroupRestatement:
    books = OrderedBooks({symbol: cost_entries.opening[symbol] for symbol in group if symbol in cost_entries.opening})
    booked = sum((cost_entries.net_deposits[symbol] for symbol in group), Money.zero())
    for entry in entries:
        try:
            _take_in(books, entry)
        except DomainError as failure:
            why = TOO_LARGE if isinstance(failure, OutOfRange) else NOT_IN_ORDER
            raise _CannotRestateError(why, {moved.symbol for moved in entry.moves}) from None
    made = [restatement(portfolio.position(symbol), books.position(symbol)) for symbol in group]
    changed = tuple(one for one in made if one.changes)
    one = GroupRestatement(changed, books.net_deposits - booked)
    if not one.explains:
        others = {each.after.symbol for each in changed if each.before.quantity != each.after.quantity}
        raise _CannotRestateError(UNEXPLAINED, others or group)
    return one


def _take_in(books: OrderedBooks, entry: Movement | CashEntry) -> None:
    if isinstance(entry, Movement):
        books.settle(_execution(entry))
        return
    transaction, legs = entry.transaction, list(entry.moves)
    if transaction.kind in _COMINGS:
        if transaction.kind is CashTransactionKind.TRANSFER_IN:
            # As it was stated: what covered a short position, by an override, moved that one's cost.
            legs = [replace(legs[0], basis_delta=transaction.net_deposits_delta, realized_delta=Money.zero())]
        books.come(legs[0], transaction.effective_at, transaction.net_deposits_delta)
        return
    moved = books.happen(_happening(transaction, legs))
    of_before = [leg.quantity_delta for leg in legs]
    if transaction.kind is CashTransactionKind.SPLIT and [leg.quantity_delta for leg in moved] != of_before:
        raise _CannotRestateError(OTHER_SPLIT, {leg.symbol for leg in legs})


def _happening(transaction: CashTransaction, legs: Sequence[Leg]) -> Happening:
    """Return an event as it was stated, but for values, which are no matter of cost."""
    terms, kind, old, new = transaction.event, transaction.kind, legs[0], legs[-1]
    assert terms is not None
    is_split = kind is CashTransactionKind.SPLIT
    is_exchange = kind is CashTransactionKind.EXCHANGE
    return Happening(
        kind=kind,
        effective_at=terms.effective_at,
        symbol=old.symbol,
        quantity=None if is_split else -old.quantity_delta,
        value=None if is_split or is_exchange else Money.zero(),
        to_symbol=new.symbol if is_exchange else None,
        to_quantity=new.quantity_delta if is_exchange else None,
        ratio=terms.ratio if is_split else None,
    )


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
