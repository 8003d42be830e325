"""The books as of a moment, by the entries' own times: what had taken effect until then, as far as was known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Final

import msgspec

from portfolio.application.clock import Clock
from portfolio.application.ledger.cash_records import CashEntry
from portfolio.application.ledger.lots.journal import Entries, Journal, KnownAt, Moved
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.ledger.lots.postings import known_postings
from portfolio.application.ledger.snapshots import Snapshots
from portfolio.application.prices.ports import PriceStore
from portfolio.domain.days import day_of
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.lots.records import Posting
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.money import Money, Price, Quantity, added, subtracted, sum_of
from portfolio.domain.symbol import Symbol

_NOTHING: Final = Money.zero()


@dataclass(frozen=True, slots=True, kw_only=True)
class PastPosition:
    """What was held of an asset. ``price`` is the close of the day, None where nobody knows it."""

    symbol: Symbol
    quantity: Quantity
    cost_basis: Money
    realized_pnl: Money
    price: Price | None = None

    @property
    def market_value(self) -> Money | None:
        """Return what it was worth at the day's close, None of 1e20 and more; a cost of nothing is worth nothing."""
        if not self.quantity:
            return _NOTHING
        return None if self.price is None else self.quantity.worth(self.price)

    @property
    def unrealized_pnl(self) -> Money | None:
        """Return what it was worth more than it had cost."""
        worth = self.market_value
        return None if worth is None else subtracted(worth, self.cost_basis)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastBooks:
    """The books as of a moment, valued at the closes of its UTC day.

    Sums with market values are None where a close is not known: of what is held, or as the day is not over. By the
    entries alone: ``cash_balance + cost_basis == net_deposits + realized_pnl``, of any size. ``revision`` is that of
    the newest known entry; ``is_complete`` is False where entries are gone or cannot be read.
    """

    as_of: datetime
    revision: int
    cash_balance: Money
    net_deposits: Money
    realized_pnl: Money
    fees_paid: Money
    positions: Sequence[PastPosition]
    is_complete: bool

    @property
    def priced_on(self) -> date:
        """Return the UTC day whose closes count."""
        return day_of(self.as_of)

    @property
    def cost_basis(self) -> Money:
        """Return what everything that was held had cost."""
        return sum_of(one.cost_basis for one in self.positions)

    @property
    def invested_amount(self) -> Money | None:
        """Return what everything that was held was worth."""
        worth = [one.market_value for one in self.positions]
        known = [amount for amount in worth if amount is not None]
        return sum_of(known) if len(known) == len(worth) else None

    @property
    def total_value(self) -> Money | None:
        """Return cash and what everything was worth."""
        worth = self.invested_amount
        return None if worth is None else added(self.cash_balance, worth)

    @property
    def unrealized_pnl(self) -> Money | None:
        """Return what everything was worth more than it had cost."""
        worth = self.invested_amount
        return None if worth is None else subtracted(worth, self.cost_basis)

    @property
    def total_pnl(self) -> Money | None:
        """Return all that was won or lost until then."""
        unrealized = self.unrealized_pnl
        return None if unrealized is None else added(self.realized_pnl, unrealized)


class ReadPastBooks(msgspec.Struct, frozen=True):
    """Folds the entries until a moment, and values what was held at the closes of its day."""

    journal: Journal
    snapshots: Snapshots
    prices: PriceStore
    clock: Clock

    async def __call__(self, as_of: datetime | None, known_at: KnownAt | None = None) -> PastBooks:
        """Return the books as of a moment, itself included; until now without one.

        Of entries that were booked after ``known_at`` nothing is known. Before everything that was booked the books
        are empty.
        """
        portfolio = (await self.snapshots.newest()).portfolio
        entries, now = await self.journal.read(portfolio), self.clock.now()
        at = as_of or now
        made = partial(entries.sums.once, (books_at, at, known_at), partial(books_at, entries, portfolio, at, known_at))
        found = await self.journal.fold(entries, known_at, (books_at, as_of), made)
        prices = await self._closes(found, now)
        return replace(found, positions=[replace(one, price=prices.get(one.symbol)) for one in found.positions])

    async def _closes(self, books: PastBooks, now: datetime) -> Mapping[Symbol, Price]:
        """Return the closes of a day that is over."""
        day, symbols = books.priced_on, {one.symbol for one in books.positions}
        if day >= day_of(now) or not symbols:
            return {}
        return {close.symbol: close.price for close in await self.prices.closes(symbols, since=day, until=day)}


def books_at(entries: Entries, portfolio: Portfolio, as_of: datetime, known_at: KnownAt | None) -> PastBooks:
    """Return the books as of a moment without prices; the ``portfolio`` has all entries.

    A trade counts when it was executed, its reversal too, and an event when it happened. What the books were opened on
    was there before the first entry, if that took effect before the opening.
    """
    known = entries.known(known_at)
    sums = _Sums(as_of)
    for entry in _since_opening(known.moved):
        sums.add(entry)
    postings = known_postings(entries, known, portfolio)
    return PastBooks(
        as_of=as_of,
        revision=known.revision,
        cash_balance=sums.cash,
        net_deposits=sums.net_deposits,
        realized_pnl=sums.realized,
        fees_paid=sums.fees,
        positions=sums.positions(postings) if sums.is_open else [],
        is_complete=known.is_complete,
    )


def _since_opening(moved: Moved) -> Moved:
    """Return the entries from the newest baseline on, which states everything that there was."""
    baselines = (place for place in reversed(moved.others) if _is_baseline(moved[place]))
    return moved[next(baselines, 0) :]


def _is_baseline(entry: Movement | CashEntry) -> bool:
    return isinstance(entry, CashEntry) and entry.transaction.kind is CashTransactionKind.BASELINE


class _Sums:
    """What the entries until a moment add up to."""

    def __init__(self, as_of: datetime) -> None:
        self._as_of = as_of
        self._executed: dict[int, datetime] = {}
        self._realized_before: dict[Symbol, Money] = {}
        self._opening: CashEntry | None = None
        self.is_open = False
        self.cash = self.net_deposits = self.realized = self.fees = _NOTHING

    def add(self, entry: Movement | CashEntry) -> None:
        """Take in an entry; the baseline once it, or what is from before it, had taken effect."""
        if isinstance(entry, Movement):
            at = self._executed.get(entry.reverses or 0, entry.executed_at)
            self._executed[entry.id] = entry.executed_at
            if at <= self._as_of:
                self._open()
                self.cash = added(self.cash, entry.cash_delta)
                self.realized = added(self.realized, entry.realized_pnl)
                self.fees = added(self.fees, entry.fees_delta)
        elif _is_baseline(entry):
            self._opening = entry
            if entry.transaction.at <= self._as_of:
                self._open()
        elif entry.transaction.effective_at <= self._as_of:
            self._open()
            self._transact(entry)

    def _open(self) -> None:
        self.is_open = True
        if self._opening is not None:
            self._transact(self._opening)
            stated = self._opening.positions
            self._realized_before = {one.symbol: one.realized_delta for one in stated if one.realized_delta}
            self._opening = None

    def _transact(self, entry: CashEntry) -> None:
        transaction = entry.transaction
        self.cash = added(self.cash, transaction.cash_delta)
        self.net_deposits = added(self.net_deposits, transaction.net_deposits_delta)
        self.realized = added(self.realized, transaction.realized_delta)

    def positions(self, postings: Iterable[Posting]) -> list[PastPosition]:
        """Return what was held, by symbol; also a cost that nothing is held of yet."""
        quantities: defaultdict[Symbol, Quantity] = defaultdict(Quantity.zero)
        basis: defaultdict[Symbol, Money] = defaultdict(Money.zero)
        realized = defaultdict(Money.zero, self._realized_before)
        for posting in postings:
            if posting.at <= self._as_of:
                symbol = posting.symbol
                quantities[symbol] = added(quantities[symbol], posting.quantity)
                basis[symbol] = added(basis[symbol], posting.basis)
                realized[symbol] = added(realized[symbol], posting.realized)
        return [
            PastPosition(symbol=symbol, quantity=quantity, cost_basis=basis[symbol], realized_pnl=realized[symbol])
            for symbol, quantity in sorted(quantities.items())
            if quantity or basis[symbol]
        ]
