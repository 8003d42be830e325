"""The use case of an import: all events of all files, in the order in which they happened, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from portfolio.application.announcer import NO_LISTENERS, Announcer, Event
from portfolio.application.clock import Clock
from portfolio.application.imports.entering import Allowed, Entering
from portfolio.application.imports.preview import Placing, PreviewImport
from portfolio.application.imports.progress import EVERY, Tell, tell_nobody
from portfolio.application.imports.reading import ReadFile
from portfolio.application.imports.records import Identified, Options, Preview
from portfolio.application.imports.simulation import Simulation
from portfolio.application.imports.valuing import FETCH_SECONDS, FindWorths
from portfolio.application.imports.worth import Rates
from portfolio.application.ledger.cash_records import CashEntry, Entry
from portfolio.application.ledger.events import CashMoved, TradeBooked
from portfolio.application.ledger.happenings.imported import ImportedRow, KeptImport
from portfolio.application.ledger.lost_commit import Made, commit_once, has_entry
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.application.ledger.records import TradeEntry
from portfolio.application.prices.ports import CloseFeed, PriceStore
from portfolio.domain.imports.records import Event as FileEvent
from portfolio.domain.ledger.portfolio import BookingRules


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportWish:
    """What is to be imported, and how.

    With ``partial`` the good rows of a file are booked of which others are reported; else nothing of that file is.
    A dry run is the same run, and is not committed.
    """

    paths: Sequence[str]
    options: Options
    allowed: Allowed = field(default_factory=Allowed)
    rates: Rates = field(default_factory=dict)
    partial: bool = False
    dry_run: bool = False


@dataclass(slots=True)
class BookImport:
    """Books files: what is new in them, completely or not at all.

    Closes that it needs and that are not stored are fetched of ``feed``, within ``fetch_seconds``, before any lock.
    """

    preview: PreviewImport
    ledger: Ledger
    prices: PriceStore
    clock: Clock
    rules: BookingRules
    announce: Announcer = NO_LISTENERS
    feed: CloseFeed | None = None
    fetch_seconds: float = FETCH_SECONDS

    async def __call__(self, portfolio_id: int, wish: ImportWish, tell: Tell = tell_nobody) -> list[Preview]:
        """Return one preview a file, once its events are committed: what was booked, was known, or is reported.

        ``tell`` hears how far it is: the rows that were read, the events that were placed, the entries that are booked.

        Raises:
            OSError: there is no such file.
            PortfolioMissing: the books were not opened yet.
            LedgerUnavailable: nothing was applied.
            OutcomeUnknown: the commit was lost and could not be looked up; the same import again tells.
        """
        files = self.preview.read(wish.paths, wish.options, tell)
        find = FindWorths(self.prices, self.clock, self.feed, self.fetch_seconds)
        worth = await find(_events_of(files), wish.rates, opening=wish.allowed.opening, tell=tell)

        async def book(unit: LedgerUnit) -> Made[list[Preview]]:
            kept = await unit.imported_rows(wish.options.account)
            run = _Run(files, wish, kept, Entering(unit.portfolio, self.rules, worth, self.clock.now()), tell)
            run.until_it_holds()
            if wish.dry_run:
                return Made(run.answer)
            return await run.write(unit)

        return await commit_once(self.ledger, portfolio_id, book, announce=self.announce)


@dataclass(slots=True)
class _Run:
    """One run of the transaction; previews are by the number of their file."""

    files: Sequence[ReadFile]
    wish: ImportWish
    kept: Sequence[ImportedRow]
    books: Entering
    tell: Tell
    previews: dict[int, Preview] = field(default_factory=dict)
    revisions: dict[int, int | None] = field(default_factory=dict)
    learned: Mapping[int, str] = field(default_factory=dict)

    def until_it_holds(self) -> None:
        """Enter the files; those of which rows are reported are given up, until those that are left stand alone."""
        start, good = self.books.portfolio, dict(enumerate(self.files))
        while True:
            self.books.portfolio, self.books.entries = start, []
            placing, entered = Placing(self.kept), Simulation(self.books, self.wish.allowed, self.tell)
            previews = placing.placed(good)
            entered.enter(previews)
            self.previews.update(previews)
            spoilt = [n for n, one in previews.items() if one.reported and not self.wish.partial]
            for number in spoilt:
                previews[number].is_given_up = True
                del good[number]
            if not spoilt:
                self.revisions, self.learned = entered.revisions, placing.learned()
                break
        for preview in self.previews.values():
            preview.add_up()

    async def write(self, unit: LedgerUnit) -> Made[list[Preview]]:
        """Write the entries and what came; nothing where nothing did."""
        told: list[Event] = []
        for some in _runs_of(self.books.entries):
            self.tell("booking", len(told), len(self.books.entries))
            told += await _written(unit, some)
        self.tell("booking", len(told), len(told))
        if self.learned:
            await unit.name_imported_rows(self.learned)
        rows = [row for number in self.previews for row in self._rows(number)]
        if rows:
            await unit.add_import(self._record(unit.portfolio.id), rows)
        if not self.books.entries:
            return Made(self.answer)
        await unit.save(self.books.portfolio)
        return Made(self.answer, has_entry(self.books.entries[0]), told)

    @property
    def answer(self) -> list[Preview]:
        """Return one preview a file, in their order."""
        return [self.previews[number] for number in range(len(self.files))]

    def _rows(self, number: int) -> list[ImportedRow]:
        preview, family = self.previews[number], self.files[number].family
        return [] if preview.is_given_up else [self._row(family, preview, one) for one in preview.events]

    def _row(self, family: str, preview: Preview, identified: Identified) -> ImportedRow:
        return ImportedRow(
            account=self.wish.options.account,
            family=family,
            format=preview.format or "",
            external_id=identified.name.own_id,
            content=identified.content,
            effective_at=identified.event.at,
            ledger_revision=self.revisions[id(identified)],
        )

    def _record(self, portfolio_id: int) -> KeptImport:
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
        )


def _events_of(files: Sequence[ReadFile]) -> list[FileEvent]:
    return [one for file in files for one in file.outcomes if isinstance(one, FileEvent)]


def _runs_of(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Return entries as they can be written: trades that follow one another together, any other by itself."""
    runs: list[list[Entry]] = []
    for entry in entries:
        is_next = bool(runs) and isinstance(entry, TradeEntry) and isinstance(runs[-1][0], TradeEntry)
        if is_next and len(runs[-1]) < EVERY:
            runs[-1].append(entry)
        else:
            runs.append([entry])
    return runs


async def _written(unit: LedgerUnit, run: Sequence[Entry]) -> list[Event]:
    trades = [entry for entry in run if isinstance(entry, TradeEntry)]
    moved = [entry for entry in run if isinstance(entry, CashEntry)]
    told: list[Event] = [CashMoved(await unit.add_cash_entry(entry), entry) for entry in moved]
    ids = await unit.add_trades(trades) if trades else ()
    return [*told, *(TradeBooked(trade_id, trade) for trade_id, trade in zip(ids, trades, strict=True))]
