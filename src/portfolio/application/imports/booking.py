"""The use case of an import: all events of all files, in the order in which they happened, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, Protocol

import msgspec

from portfolio.application.announcer import NO_LISTENERS, Announcer
from portfolio.application.clock import Clock
from portfolio.application.imports.already.between import INSIDE
from portfolio.application.imports.already.likeness import span_of
from portfolio.application.imports.already.likes import Likes
from portfolio.application.imports.already.own_transfers import tell_own_transfers
from portfolio.application.imports.before_splits import remarks_on, renames_in
from portfolio.application.imports.entering import Allowed, Entering
from portfolio.application.imports.kept.writing import write_entries
from portfolio.application.imports.letting_go import let_go
from portfolio.application.imports.preview import Placing, PreviewImport
from portfolio.application.imports.progress import Tell, tell_nobody
from portfolio.application.imports.reading import ReadFile
from portfolio.application.imports.records import Identified, Options, Preview
from portfolio.application.imports.rehearsing.rehearsal import Rehearsal
from portfolio.application.imports.simulation import Simulation
from portfolio.application.imports.valuing import FindWorths
from portfolio.application.imports.worth import Rates, Worth
from portfolio.application.in_thread import in_long_thread
from portfolio.application.ledger.happenings.imported import BookedMove, ImportedRow, KeptImport
from portfolio.application.ledger.lost_commit import Made, commit_once, has_entry
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.application.prices.ports import CloseFeed, PriceStore
from portfolio.domain.imports.records import FileEvent
from portfolio.domain.ledger.happening import BookedChange
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio

_MAX_FEE_SHARE: Final = Decimal(1)
"""Exchanges charge a dollar of a purchase for four; their files say of each fee what it was charged in."""

_LOOKED_AT_AGAIN: Final = (
    "a row that is reported is not remembered: if it comes again, in the same file too, it is booked if it can be by"
    " then, out of what is held then, which may have been bought after the time of the row"
)


class ImportWish(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be imported, and how.

    With ``partial`` the good rows of a file are booked of which others are reported; else nothing of that file is.
    What looks like what was booked otherwise is booked all the same, unless it ``leaves_out`` that. A dry run is the
    same run, and is not committed.
    """

    paths: Sequence[str]
    options: Options
    allowed: Allowed = msgspec.field(default_factory=Allowed)
    rates: Rates = msgspec.field(default_factory=dict)
    partial: bool = False
    dry_run: bool = False
    leaves_out: bool = False


Span = tuple[datetime, datetime]
"""Two moments, both included."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The books, what is known of earlier imports of an account, what else was ``booked`` in the time of files, and the
    splits and renames, ``changes``, that are booked of then or later.
    """

    portfolio: Portfolio
    kept: Sequence[ImportedRow]
    booked: Sequence[BookedMove] = ()
    changes: Sequence[BookedChange] = ()


ReadStanding = Callable[[Span | None], Awaitable[Standing]]


class Within(Protocol):
    """What else belongs to the transaction of an import."""

    @property
    def preview_id(self) -> str:
        """Return the preview that is booked."""

    async def begin(self, unit: LedgerUnit) -> None:
        """Look at what was there before; what is raised here ends it."""

    async def end(self, unit: LedgerUnit, previews: Sequence[Preview], import_id: int | None) -> None:
        """Write what else is to be written; ``import_id`` is None where nothing was new."""

    async def is_kept(self, unit: LedgerUnit) -> bool:
        """Return whether what was written is in the books."""


class BookImport(msgspec.Struct):
    """Books files: what is new in them, completely or not at all.

    Closes that it needs and that are not stored are fetched of ``feed``, within a minute, before any lock.
    """

    preview: PreviewImport
    ledger: Ledger
    prices: PriceStore
    clock: Clock
    rules: BookingRules
    announce: Announcer = NO_LISTENERS
    feed: CloseFeed | None = None

    async def __call__(
        self,
        portfolio_id: int,
        wish: ImportWish,
        tell: Tell = tell_nobody,
        within: Within | None = None,
        standing: ReadStanding | None = None,
    ) -> list[Preview]:
        """Return one preview a file, once its events are committed: what was booked, was known, or is reported.

        ``tell`` hears how far it is: the rows that were read, the events that were placed, the entries that are booked.
        What takes long is computed in a thread, so that others are answered meanwhile; with ``standing`` before the
        lock, and under it only where the books or what is known have moved since; a dry run takes no lock then.

        Raises:
            OSError: there is no such file.
            OutcomeUnknown: the commit was lost and could not be looked up; the same import again tells.
        """
        files, worth, span = await self._read(wish, tell)
        looked = None if standing is None else await self._entered(files, wish, worth, await standing(span), tell)
        if looked is not None and wish.dry_run:
            return looked.answer
        runs = [] if looked is None else [looked]

        async def book(unit: LedgerUnit) -> Made[list[Preview]]:
            if within is not None:
                await within.begin(unit)
            stands = await _stands(unit, wish, span, looked)
            run = looked
            if run is None or not await in_long_thread(run.holds_for, stands, self.clock.now()):
                run = await self._entered(files, wish, worth, stands, tell)
                runs.append(run)
            return Made(run.answer) if wish.dry_run else await run.write(unit, within)

        previews = await commit_once(self.ledger, portfolio_id, book, announce=self.announce)
        await in_long_thread(let_go, *(run.books.entries for run in runs))
        return previews

    async def _read(self, wish: ImportWish, tell: Tell) -> tuple[list[ReadFile], Worth, Span | None]:
        files = await in_long_thread(self.preview.read, wish.paths, wish.options, tell)
        find = FindWorths(self.prices, self.clock, self.feed)
        events = await in_long_thread(_events_of, files)
        worth = await find(events, wish.rates, opening=wish.allowed.opening, tell=tell)
        return files, worth, await in_long_thread(span_of, events)

    async def _entered(
        self, files: Sequence[ReadFile], wish: ImportWish, worth: Worth, standing: Standing, tell: Tell
    ) -> _Run:
        now, keeps, rules = self.clock.now(), not wish.dry_run, replace(self.rules, max_fee_share=_MAX_FEE_SHARE)
        books = Entering(standing.portfolio, rules, worth, now, keeps_entries=keeps)
        run = _Run(files, wish, standing, books, tell)
        await in_long_thread(run.until_it_holds)
        return run


class _Run(msgspec.Struct):
    """One run of the transaction; previews are by the number of their file."""

    files: Sequence[ReadFile]
    wish: ImportWish
    standing: Standing
    books: Entering
    tell: Tell
    previews: dict[int, Preview] = msgspec.field(default_factory=dict)
    revisions: dict[int, int | None] = msgspec.field(default_factory=dict)
    learned: Mapping[int, str] = msgspec.field(default_factory=dict)

    def holds_for(self, standing: Standing, now: datetime) -> bool:
        """Return whether the books stand as they did, on the same day: then the run is what it would be now."""
        return self.books.now.date() == now.date() and self.standing == standing

    def until_it_holds(self) -> None:
        """Enter the files; those of which rows are reported are given up, until those that are left stand alone."""
        start, good = self.books.portfolio, dict(enumerate(self.files))
        while True:
            self.books.portfolio, self.books.entries = start, []
            books = self.books if self.books.keeps_entries else Rehearsal(self.books)
            placing, entered = Placing(self.standing.kept), Simulation(books, self.wish.allowed, self.tell)
            previews = placing.placed(good)
            likes = Likes(previews, self.standing.booked, leaves_out=self.wish.leaves_out)
            entered.enter(previews)
            likes.tell()
            self.previews.update(previews)
            spoilt = [n for n, one in previews.items() if one.reported and not self.wish.partial]
            for number in spoilt:
                previews[number].is_given_up = True
                del good[number]
            if not spoilt:
                self.revisions, self.learned = entered.revisions, placing.learned()
                break
        changes, booked = self.standing.changes, [one for one in self.answer if not one.is_given_up]
        renames = renames_in(event for one in booked for event in one.events)
        for preview in self.previews.values():
            preview.add_up()
            of_changes = remarks_on(preview.events, changes, renames)
            again = [_LOOKED_AT_AGAIN] if preview.reported and preview.events else []
            preview.remarks = () if preview.is_given_up else [*preview.remarks, *of_changes, *again]
        tell_own_transfers(booked)

    async def write(self, unit: LedgerUnit, within: Within | None) -> Made[list[Preview]]:
        """Write the entries and what came; nothing where nothing did."""
        entries = self.books.entries
        told = await write_entries(unit, entries, self.tell)
        if self.learned:
            await unit.name_imported_rows(self.learned)
        rows = await in_long_thread(self._rows)
        record = self._record(unit.portfolio.id, within)
        import_id = await unit.add_import(record, rows) if rows else None
        if within is not None:
            await within.end(unit, self.answer, import_id)
        if entries:
            await unit.save(self.books.portfolio)
        has_first = has_entry(entries[0]) if entries else None
        return Made(self.answer, has_first if within is None else within.is_kept, told)

    @property
    def answer(self) -> list[Preview]:
        """Return one preview a file, in their order."""
        return [self.previews[number] for number in range(len(self.files))]

    def _rows(self) -> list[ImportedRow]:
        booked = [(number, one) for number, one in self.previews.items() if not one.is_given_up]
        return [
            *(
                self._row(one, preview, self.files[number].family, self.revisions[id(one)])
                for number, preview in booked
                for one in preview.events
            ),
            *(self._row(one, preview, INSIDE, None) for _, preview in booked for one in preview.inside),
        ]

    def _row(self, one: Identified, preview: Preview, family: str, revision: int | None) -> ImportedRow:
        return ImportedRow(
            account=self.wish.options.account,
            family=family,
            format=preview.format or "",
            external_id=one.name.own_id,
            content=one.content,
            effective_at=one.event.at,
            ledger_revision=revision,
        )

    def _record(self, portfolio_id: int, within: Within | None) -> KeptImport:
        entries = self.books.entries
        files = [
            {
                "name": one.name.encode(errors="replace").decode(),
                "format": one.format,
                "rows": one.rows,
                "events": 0 if one.is_given_up else len(one.events),
                "ignored": len(one.ignored),
                "known": len(one.known),
                "reported": len(one.reported),
            }
            for one in self.answer
        ]
        return KeptImport(
            portfolio_id=portfolio_id,
            imported_at=self.books.now,
            account=self.wish.options.account,
            files=json.dumps(files),
            preview_id=None if within is None else within.preview_id,
            first_revision=entries[0].revision if entries else None,
            last_revision=entries[-1].revision if entries else None,
        )


async def _stands(unit: LedgerUnit, wish: ImportWish, span: Span | None, looked: _Run | None) -> Standing:
    """Return how things stand under the lock; at the revision that was looked at the same was booked as then."""
    kept = await unit.imported_rows(wish.options.account)
    if looked is not None and looked.standing.portfolio.revision == unit.portfolio.revision:
        return replace(looked.standing, portfolio=unit.portfolio, kept=kept)
    if span is None:
        return Standing(unit.portfolio, kept)
    booked, changes = await unit.imports.booked_between(*span), await unit.changes_after(span[0])
    return Standing(unit.portfolio, kept, [*booked], [*changes])


def _events_of(files: Sequence[ReadFile]) -> list[FileEvent]:
    return [one for file in files for one in file.outcomes if isinstance(one, FileEvent)]
