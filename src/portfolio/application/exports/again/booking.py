"""Books exported events again, one after the other, by the use cases that booked them first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from portfolio.application.errors import BooksMoved, KeyReused, NotFound
from portfolio.application.exports.again.money_back import TakeMoneyBack
from portfolio.application.exports.again.reading import MONEY_KINDS, read_rows
from portfolio.application.exports.again.records import AgainRow, BookedAgain, ExportedFile, ReportedRow
from portfolio.application.exports.again.wishes import cash_of, event_of, key_of, trade_of
from portfolio.application.exports.happened import TRADE, HappenedRow, HappenedRows
from portfolio.application.history.restatement import RestateBooks
from portfolio.application.imports.progress import Tell, tell_nobody
from portfolio.application.ledger.booking import BookTrades
from portfolio.application.ledger.cash import MoveCashInOrOut
from portfolio.application.ledger.cash_records import RefusedCashEntry
from portfolio.application.ledger.happenings.booking import BookEvents
from portfolio.application.ledger.happenings.late_splits import without_remark
from portfolio.application.ledger.happenings.records import BookEvent, EventReply
from portfolio.application.ledger.happenings.reversal import ReverseEvent
from portfolio.application.ledger.lots.journal import Journal
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.ports import Ledger, Lookups
from portfolio.application.ledger.records import Acceptance, BookingReply, BookTrade, Refusal
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.domain.errors import DomainError
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.portfolio import BookingRules
from portfolio.domain.money import Money

_K = CashTransactionKind
_SAID_ELSEWHERE: Final = frozenset({"key", "note"})
"""What need not be the same: an entry without a key gets one, and some remarks are those of the booking."""
_TIMES: Final = frozenset({"effective_at", "booked_at"})
_ROWS_AT_ONCE: Final = 500
_EMPTY: Final = (
    "nothing is booked: it takes books that PORTFOLIO_INITIAL_CASH=0 portfolio migrate made, and nobody used"
)


class RowClock:
    """A clock that shows when the row that is being booked was booked first."""

    def __init__(self) -> None:
        self._now: datetime | None = None

    def now(self) -> datetime:
        """Return that moment; only asked while a row is booked."""
        assert self._now is not None
        return self._now

    def monotonic(self) -> float:
        """Return its seconds."""
        return self.now().timestamp()

    def stand_at(self, moment: datetime) -> None:
        """Show another moment."""
        self._now = moment


class BookAgain:
    """Books a file of exported events into empty books, or into books that hold the beginning of it.

    What was accepted once is accepted again: neither are trades held to the rules of bookings, nor is cash missed.
    """

    def __init__(self, ledger: Ledger, lookups: Lookups) -> None:
        self._ledger = ledger
        self._lookups = lookups
        self._clock = RowClock()

    async def __call__(
        self, portfolio_id: int, file: ExportedFile, *, dry_run: bool = False, tell: Tell = tell_nobody
    ) -> BookedAgain:
        """Return what became of the rows, each committed alone; nothing is booked where a row cannot be, or the books
        hold anything else.

        Books that are not open yet are opened, but for a dry run. Killed in between and run again it goes on.

        Raises:
            LedgerUnavailable: the database is away; what was booked before is booked.
            OutcomeUnknown: a commit was lost and could not be looked up; the same file again tells.
        """
        rows, reported = read_rows(file)
        count = len(file.rows) + len(file.faults)
        if reported:
            return BookedAgain(rows=count, reported=reported)
        run = _Run(self._ledger, self._lookups, self._clock, portfolio_id, rows)
        wrong = await run.find_beginning(opens=not dry_run)
        known = rows[: run.done]
        if wrong is not None:
            wrong = replace(wrong, reason=f"{wrong.reason}; {_EMPTY}")
            return BookedAgain(rows=count, known=known, reported=[wrong])
        if dry_run:
            return BookedAgain(rows=count, known=known, booked=rows[run.done :])
        wrong = await run.book_the_others(tell)
        return BookedAgain(
            rows=count, known=known, booked=rows[len(known) : run.done], reported=[] if wrong is None else [wrong]
        )


class _RefusedError(Exception):
    """A row was not booked; the text says why."""


class _Run:
    """One run over the rows, of which ``done`` are in the books, each as the file has it."""

    def __init__(
        self, ledger: Ledger, lookups: Lookups, clock: RowClock, portfolio_id: int, rows: Sequence[AgainRow]
    ) -> None:
        rules = BookingRules(allow_negative_cash=True, max_fee_share=Decimal(1))  # as imports have it
        self.done = 0
        self._ledger, self._lookups, self._clock, self._id, self._rows = ledger, lookups, clock, portfolio_id, rows
        self._happened, self._read, self._ids = HappenedRows(), 0, dict[int, int]()
        self._open = OpenBooks(ledger, clock, Money.zero())
        self._book_trades = BookTrades(ledger, clock, rules)
        self._move_cash = MoveCashInOrOut(ledger, clock, rules)
        self._book_events = BookEvents(ledger, clock, rules)
        self._reverse_trade = ReverseTrade(ledger, clock, rules)
        self._reverse_event = ReverseEvent(ledger, clock, rules)
        self._take_money_back = TakeMoneyBack(ledger, clock, rules)
        self._restate = RestateBooks(ledger, Journal(ledger), clock)

    async def find_beginning(self, *, opens: bool) -> ReportedRow | None:
        """Find how many rows are in the books; return where the books differ from the file."""
        adopted = await self._ledger.is_adopted(self._id)
        if adopted is False:
            there = await self._ledger.load(self._id)
            if there.cash or there.positions:
                return ReportedRow(self._rows[0].place, "the books are not empty: another program wrote rows into them")
        if not adopted:
            if not opens:
                return None
            self._clock.stand_at(self._rows[0].at)
            await self._open(self._id)
        return await self._look()

    async def book_the_others(self, tell: Tell) -> ReportedRow | None:
        """Book the rows that are left, each on top of those before; return what went wrong, after which nothing is."""
        total = len(self._rows)
        while self.done < total:
            row, before = self._rows[self.done], self.done
            tell("rows", before, total)
            self._clock.stand_at(row.at)
            try:
                await self._book(row.entry)
            except (DomainError, KeyReused, NotFound, BooksMoved, _RefusedError) as error:
                return ReportedRow(row.place, f"it is refused: {error}; what is above it is booked")
            wrong = await self._look()
            if wrong is not None:
                return wrong
            if self.done == before:
                return ReportedRow(row.place, "there is nothing to book for it; what is above it is booked")
        tell("rows", total, total)
        return await self._sums()

    async def _look(self) -> ReportedRow | None:
        """Read what is in the books and was not read yet, and compare it with the rows; return the first difference."""
        newest = (await self._ledger.revisions(self._id)).ledger
        while self._read < newest:
            until = min(self._read + _ROWS_AT_ONCE, newest)
            logged = await self._lookups.log(self._id, after=self._read, until=until)
            self._ids |= {one.revision: one.entry.id for one in logged if one.entry is not None}
            self._read = until
            for found in self._happened.rows(logged):
                if self.done == len(self._rows):
                    why = f"the books hold revision {found.revision}, which is not in the file"
                    return ReportedRow(self._rows[-1].place, why)
                row = self._rows[self.done]
                name = _difference(found, row.entry)
                if name is not None:
                    stands, states = _text(getattr(found, name)), _text(getattr(row.entry, name))
                    why = (
                        f"the books are another at revision {found.revision}: {name} is {stands}, in the file {states}"
                    )
                    return ReportedRow(row.place, why)
                self.done += 1
        return None

    async def _sums(self) -> ReportedRow | None:
        """Return where the sums of the books are not those of the rows."""
        books = await self._ledger.newest(self._id)
        for name, of_books in (
            ("cash_delta", books.ledger_cash),
            ("net_deposits_delta", books.net_deposits),
            ("realized_delta", books.realized_pnl),
        ):
            of_rows = sum((getattr(row.entry, name) for row in self._rows), Money.zero())
            if of_rows != of_books:
                why = f"all {name} of the file add up to {of_rows}, and the books have {of_books}"
                return ReportedRow(self._rows[-1].place, why)
        return None

    async def _book(self, row: HappenedRow) -> None:
        owner, reverses = row.owner or "", row.reverses
        if row.kind == _K.RESTATEMENT.value:
            await self._restate(self._id, owner=owner, revision=row.revision - 1)
        elif reverses is None:
            await self._book_new(row, owner, row.key or key_of(row))
        elif row.kind == TRADE:
            await self._reverse_trade(self._id, self._ids[reverses], owner=owner, notes=without_remark(row.note))
        elif row.kind in MONEY_KINDS:
            before = row.revision - 1
            await self._take_money_back(self._id, reverses, owner=owner, note=row.note, revision=before)
        else:
            await self._reverse_event(self._id, self._ids[reverses], owner=owner, note=row.note)

    async def _book_new(self, row: HappenedRow, owner: str, key: str) -> None:
        if row.kind == TRADE:
            await self._trade(row, owner, key)
        elif row.kind in MONEY_KINDS:
            moved = await self._move_cash(self._id, cash_of(row, owner, key))
            if isinstance(moved.transaction, RefusedCashEntry):
                raise _RefusedError(moved.transaction.refusal.detail)
        else:
            await self._event(event_of(row, owner, key))

    async def _event(self, wish: BookEvent) -> None:
        """Book an event; one that the rules refuse as an override, since it was booked once."""
        [result] = await self._book_events(self._id, [wish])
        if isinstance(result, EventReply) and isinstance(result.event, RefusedCashEntry):
            [result] = await self._book_events(self._id, [replace(wish, override=True)])
        if not isinstance(result, EventReply):
            raise result

    async def _trade(self, row: HappenedRow, owner: str, key: str) -> None:
        """Book a trade; one that the rules refuse as an override, since it was booked once."""
        wish = trade_of(row, owner, key)
        if isinstance(await self._booked(wish), Refusal):
            await self._booked(replace(wish, override=True))

    async def _booked(self, wish: BookTrade) -> Acceptance | Refusal:
        [result] = await self._book_trades(self._id, [wish])
        if not isinstance(result, BookingReply):
            raise result
        return result.outcome.result


def _difference(found: HappenedRow, row: HappenedRow) -> str | None:
    """Return the name of the first column in which what is in the books differs from a row."""
    # Books may have been opened by the service, before the file came.
    of_no_matter = _SAID_ELSEWHERE | (_TIMES if row.kind == _K.BASELINE.value else frozenset())
    names = (field.name for field in fields(HappenedRow) if field.name not in of_no_matter)
    return next((name for name in names if getattr(found, name) != getattr(row, name)), None)


def _text(value: object) -> str:
    return "nothing" if value is None else str(value)[:60]
