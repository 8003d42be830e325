"""The lots that are left, and the gains of a year, by any method."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Literal, TypeAlias, TypeVar

import msgspec

from portfolio.application.clock import Clock
from portfolio.application.ledger.lots.journal import Entries, Journal, KnownAt
from portfolio.application.ledger.lots.picking import PickedSales, picks_of
from portfolio.application.ledger.lots.postings import known_postings
from portfolio.application.ledger.snapshots import Snapshots
from portfolio.domain.ledger.lots.methods import NO_PICKS, lots_of
from portfolio.domain.ledger.lots.records import Disposal, Lot, LotBook, LotMethod, Posting
from portfolio.domain.ledger.picks import Picks
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.money import Money, added, subtracted, sum_of
from portfolio.domain.packed import Packed

T = TypeVar("T")

Term: TypeAlias = Literal["short", "long"]


class Lots(msgspec.Struct, frozen=True, kw_only=True):
    """The lots at a moment. ``cost_basis`` and ``gain`` are the sums: what is left, and what was realized until then.

    By the method ``picked``, ``unpicked`` says of how many disposals nobody picked the lot; else it is None.
    ``is_complete`` is False where entries are gone or cannot be read; see :class:`Entries`.
    """

    method: LotMethod
    as_of: datetime
    lots: Sequence[Lot]
    cost_basis: Money
    gain: Money
    unpicked: int | None
    revision: int
    is_complete: bool


class Gains(msgspec.Struct, frozen=True, kw_only=True):
    """What was realized in a UTC year, or ever, with its sums. ``unpicked`` is that of the lots.

    What was held for more than ``long_term_days`` is of the ``long_term``, what has no date on one side is ``undated``.
    """

    method: LotMethod
    as_of: datetime
    year: int | None
    long_term_days: int
    disposals: Packed[Disposal]
    proceeds: Money
    basis: Money
    gain: Money
    short_term: Money
    long_term: Money
    undated: Money
    unpicked: int | None
    revision: int
    is_complete: bool


@dataclass(slots=True)
class ReadLots:
    """Folds the entries into lots. The fold of a revision is kept, since the years of one method are asked together."""

    journal: Journal
    snapshots: Snapshots
    picked: PickedSales
    clock: Clock
    _: KW_ONLY
    long_term_days: int

    async def __call__(self, method: LotMethod, as_of: datetime | None = None, known_at: KnownAt | None = None) -> Lots:
        """Return the lots of everything that took effect until ``as_of``, that moment included; until now without.

        Of entries that were booked after ``known_at`` nothing is known.
        """
        wanted = _Wanted(method=method, as_of=as_of, known_at=known_at)
        return await self._made("lots", wanted, partial(_lots, method))

    async def gains(
        self,
        method: LotMethod,
        year: int | None = None,
        as_of: datetime | None = None,
        known_at: KnownAt | None = None,
    ) -> Gains:
        """Return what was realized in a UTC year; of all years without. The moments are those of the lots."""
        wanted = _Wanted(method=method, as_of=as_of, known_at=known_at)
        return await self._made(("gains", year), wanted, partial(self._gains, method, year))

    async def _made(self, what: Hashable, wanted: _Wanted, make: Callable[[Entries, LotBook, datetime], T]) -> T:
        portfolio = (await self.snapshots.newest()).portfolio
        entries, now = await self.journal.read(portfolio), self.clock.now()
        if wanted.method is LotMethod.PICKED:
            wanted = replace(wanted, picks=picks_of(await self.picked.all(portfolio.id), wanted.known_at))

        def made() -> T:
            return make(*_book(entries, portfolio, wanted), wanted.as_of or now)

        return await self.journal.fold(entries, wanted.known_at, (what, wanted.key), made)

    def _gains(self, method: LotMethod, year: int | None, entries: Entries, book: LotBook, as_of: datetime) -> Gains:
        found = book.disposals
        wanted = found if year is None else found.where(lambda one: one.realized_at.astimezone(UTC).year == year)
        terms, proceeds, basis = defaultdict[Term | None, Money](Money.zero), Money.zero(), Money.zero()
        unpicked = 0
        for one in wanted:
            unpicked += not one.is_picked
            term = term_of(one.days_held, self.long_term_days)
            terms[term] = added(terms[term], one.gain)
            proceeds, basis = added(proceeds, one.proceeds), added(basis, one.basis)
        return Gains(
            method=method,
            as_of=as_of,
            year=year,
            long_term_days=self.long_term_days,
            disposals=wanted,
            proceeds=proceeds,
            basis=basis,
            gain=subtracted(proceeds, basis),
            short_term=terms["short"],
            long_term=terms["long"],
            undated=terms[None],
            unpicked=unpicked if method is LotMethod.PICKED else None,
            revision=entries.revision,
            is_complete=entries.is_complete,
        )


def _lots(method: LotMethod, entries: Entries, book: LotBook, as_of: datetime) -> Lots:
    return Lots(
        method=method,
        as_of=as_of,
        lots=book.lots,
        cost_basis=sum_of(lot.basis for lot in book.lots),
        gain=sum_of(disposal.gain for disposal in book.disposals),
        unpicked=sum(not one.is_picked for one in book.disposals) if method is LotMethod.PICKED else None,
        revision=entries.revision,
        is_complete=entries.is_complete,
    )


def term_of(days_held: int | None, long_term_days: int) -> Term | None:
    """Return long of what was held for more than so many days; None where nobody knows for how long."""
    return None if days_held is None else "long" if days_held > long_term_days else "short"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What is asked for of the entries."""

    method: LotMethod
    as_of: datetime | None
    known_at: KnownAt | None
    picks: Picks = field(default_factory=lambda: NO_PICKS)

    @property
    def key(self) -> Hashable:
        """Return what tells a fold of known entries from the others."""
        return self.method, tuple(self.picks.items()), self.as_of


def _book(entries: Entries, portfolio: Portfolio, wanted: _Wanted) -> tuple[Entries, LotBook]:
    """Return the entries that were known, and their fold, which is kept: page after page is of it."""
    known = entries.known(wanted.known_at)
    return known, known.derived.once(wanted.key, partial(_folded, known_postings(entries, known, portfolio), wanted))


def _folded(postings: Packed[Posting], wanted: _Wanted) -> LotBook:
    as_of = wanted.as_of
    until = postings if as_of is None else postings.where(lambda posting: posting.at <= as_of)
    return lots_of(until, wanted.method, wanted.picks)
