"""The ports of the ledger: the books, a unit of work on them, and look-ups."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from portfolio.application.ledger.audit import EntryLine, KeptRow, StatedBooks
from portfolio.application.ledger.cash_records import (
    CashEntry,
    Entry,
    LoggedEntry,
    RecordedCashEntry,
    RefusedCashEntry,
)
from portfolio.application.ledger.happenings.activity import EntryFilter, ListedEntry
from portfolio.application.ledger.happenings.imported import ImportBook, ImportedRow, KeptImport
from portfolio.application.ledger.happenings.records import RecordedEvent
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.ledger.records import (
    BookedTrade,
    BookingKey,
    Page,
    RecordedOutcome,
    Revisions,
    TradeEntry,
    TradeFilter,
)
from portfolio.domain.categories import A_QUARTER, PositionLimit
from portfolio.domain.ledger.happening import BookedChange, LaterMove
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.symbol import Symbol

T = TypeVar("T")


class LedgerUnit(Protocol):
    """One open transaction on one portfolio, which holds that portfolio's row lock.

    Everything done here is committed together when the work returns, or not at all. A write may wait for the next
    question or for the end of the work, and only then meet a conflict.
    """

    @property
    def portfolio(self) -> Portfolio:
        """Return the portfolio as it was when the lock was taken."""

    async def outcomes(self, keys: Collection[BookingKey]) -> Mapping[BookingKey, RecordedOutcome]:
        """Return the stored outcomes of these keys, and those of other owners under the same ids, the newest last."""

    async def keeps(self, refusal: RecordedOutcome) -> bool:
        """Return whether exactly this refusal is stored, not an earlier one of the same booking."""

    async def latest_twins(self, fingerprints: Collection[str], since: datetime) -> Mapping[str, int]:
        """Return by fingerprint the id of the newest trade booked since then with the same content."""

    async def trade(self, trade_id: int) -> BookedTrade | None:
        """Return a trade of the table, whoever wrote it; None where there is none."""

    async def trade_at(self, revision: int) -> BookedTrade | None:
        """Return the trade whose entry made this ledger revision; None where none did."""

    async def entries(self, *, after: int, limit: int) -> Sequence[Entry]:
        """Return the ledger's entries in the order they were booked, those after ledger revision ``after``."""

    async def entry_lines(self, *, after: int, limit: int) -> Sequence[EntryLine]:
        """Return the rows of the ledger's entries, in order, those after ledger revision ``after``."""

    @property
    def is_sealed(self) -> bool:
        """Return whether new entries carry digests; there is none yet of those of older books."""

    def follow(self, head: str) -> None:
        """Have the next entry follow this digest, of all entries that there are; it is saved with the portfolio."""

    @property
    def is_repeated(self) -> bool:
        """Return whether the work ran before and met a conflict."""

    async def booked_under(self, keys: Collection[BookingKey]) -> Mapping[BookingKey, BookedTrade]:
        """Return the trades booked under these keys; a key without one is absent."""

    async def transaction(self, owner: str, client_transaction_id: str) -> RecordedCashEntry | RefusedCashEntry | None:
        """Return the cash transaction recorded or refused under this key; None where there is none."""

    async def event(self, event_id: int) -> RecordedEvent | None:
        """Return an event with its trades; None where there is none, or the entry is of none."""

    async def moved_after(self, symbol: Symbol, at: datetime) -> Sequence[LaterMove]:
        """Return what entries since the baseline moved of an asset that took effect after ``at``.

        What takes a trade or an event out takes effect with it. In the order they were booked, trades first.
        """

    async def changes_after(self, at: datetime) -> Sequence[BookedChange]:
        """Return the splits and renames that stand and took effect after ``at``, in the order they were booked."""

    async def splits_and_exchanges(self, *, after: int, needs_all: bool) -> Sequence[RecordedCashEntry]:
        """Return the splits and exchanges after a ledger revision, with what takes such out, as they were booked.

        One that cannot be read is left out, or is an error where the caller ``needs_all``.
        """

    async def add_trades(self, trades: Sequence[TradeEntry]) -> Sequence[int]:
        """Add entries to the ledger, whose revisions follow one another, and return their ids, in order."""

    async def add_outcomes(self, outcomes: Sequence[RecordedOutcome]) -> None:
        """Store outcomes of bookings. An outcome that has an id replaces the stored one."""

    async def add_cash_entry(self, transaction: CashEntry) -> int:
        """Add an entry that is no trade, with the positions' differences it carries; return its id."""

    async def add_cash_refusal(self, refused: RefusedCashEntry) -> None:
        """Store that a cash transaction or an event was refused."""

    async def imported_rows(self, account: str) -> Sequence[ImportedRow]:
        """Return what came from files of an account, in the order it was kept."""

    async def add_import(self, kept: KeptImport, rows: Sequence[ImportedRow]) -> int:
        """Keep an import with what came by it, and return its id."""

    @property
    def imports(self) -> ImportBook:
        """Return the imports, in this transaction."""

    async def name_imported_rows(self, names: Mapping[int, str]) -> None:
        """Give rows that were kept without an id the ones that files have for them, by the rows' ids."""

    async def save(self, portfolio: Portfolio) -> None:
        """Write the portfolio: its sums, its revision and the positions that differ from those loaded."""

    def hold_to(self, entered: Portfolio) -> None:
        """Have the rows believed at this revision only where what entries alone move is as ``entered`` has it.

        Else every later unit and read of this process raises BooksContradicted, until there is another entry.
        """


class Ledger(Protocol):
    """The books: the one place where positions and cash change, and where they are read."""

    async def transact(
        self,
        portfolio_id: int,
        work: Callable[[LedgerUnit], Awaitable[T]],
        *,
        keys: Collection[BookingKey] = (),
        symbols: Collection[Symbol] | None = None,
    ) -> T:
        """Run ``work`` in one transaction under the portfolio's row lock, commit once, and return its result.

        On a conflict (deadlock, lock wait, a write in between) the whole of ``work`` is run again from its first read,
        so it must have no other effect. An error raised by ``work`` rolls everything back. ``keys`` are those whose
        outcomes ``work`` will ask for first: they may be looked up along with the lock. ``symbols`` are the positions
        that ``work`` may change, None for all: what other programs wrote into the rows of others may not be seen.

        Raises:
            BooksContradicted: the portfolio's row is gone, or is not the one that the ledger's entries made.
            LedgerUnavailable: no connection, deadline passed or conflicts without end; nothing was applied.
            OutcomeUnknown: the connection was lost during the commit and what became of it could not be found out.
        """

    async def create(self, portfolio_id: int) -> None:
        """Create an empty portfolio row where there is none at all; harmless when two do it at once."""

    async def is_adopted(self, portfolio_id: int) -> bool | None:
        """Return whether the books were opened on the row; None where there is no row at all.

        Raises:
            BooksContradicted: the ledger has entries, or had some, and the row is not the one that they made.
        """

    async def revisions(self, portfolio_id: int) -> Revisions:
        """Return the revisions as committed now, by one indexed lookup."""

    async def version(self, portfolio_id: int) -> str:
        """Return an opaque token that changes when anything that ``load`` reads changes, whoever wrote it."""

    async def load(self, portfolio_id: int) -> Portfolio:
        """Return the portfolio in one consistent read, without a lock."""

    async def newest(self, portfolio_id: int) -> Portfolio:
        """Return the portfolio with every committed entry and price; ``load`` sees other programs' writes too."""

    async def entries(self, portfolio_id: int, *, after: int, limit: int) -> Sequence[Entry]:
        """Return the ledger's entries in the order they were booked, those after ledger revision ``after``."""

    async def movements(self, portfolio_id: int, *, after: int, limit: int) -> Sequence[Movement | CashEntry]:
        """Return what the entries after ledger revision ``after`` moved, in the order they were booked."""

    async def stated(self, portfolio_id: int) -> StatedBooks:
        """Return what the books say, with the rows beside them that are in no chain, in one consistent read."""

    async def entry_lines(self, *, after: int, limit: int) -> Sequence[EntryLine]:
        """Return the rows of the ledger's entries, in order, those after ledger revision ``after``."""

    async def refused_rows(self, *, of_cash: bool, after: int, limit: int) -> Sequence[KeptRow]:
        """Return refused bookings, or cash transactions, as they are kept, in order, those after the id ``after``."""

    async def owners_of(
        self, portfolio_id: int, keys: Collection[str], *, of_cash: bool = False
    ) -> Mapping[str, Sequence[str]]:
        """Return for each key the owners that have a booking under it, sorted; a key without one is absent.

        With ``of_cash`` those are meant that have a cash transaction or an event under it, recorded or refused.
        """


class Lookups(Protocol):
    """What was booked and refused, for those who look it up."""

    async def trades(self, portfolio_id: int, wanted: TradeFilter) -> Page[BookedTrade]:
        """Return booked trades, newest first."""

    async def cash_transactions(self, portfolio_id: int, *, before: int | None, limit: int) -> Page[RecordedCashEntry]:
        """Return the entries that are no trade, newest first: deposits, the baseline, events and all others."""

    async def events(
        self, portfolio_id: int, *, before: int | None, limit: int, event_id: int | None = None
    ) -> Page[RecordedEvent]:
        """Return the entries that are events, newest first; ``event_id`` asks for one alone."""

    async def splits_and_exchanges(self, portfolio_id: int, *, after: int) -> Sequence[CashEntry]:
        """Return the splits and exchanges after a ledger revision, with what takes such out, as they were booked."""

    async def event_under(self, portfolio_id: int, owner: str, key: str) -> RecordedEvent | RefusedCashEntry | None:
        """Return the event that was booked under this key, or what was refused under it; None where nothing was.

        Raises:
            KeyReused: it is the key of a deposit or a withdrawal.
        """

    async def activity(self, portfolio_id: int, wanted: EntryFilter) -> Page[ListedEntry]:
        """Return entries of all kinds, newest first; the page goes on before a ledger revision."""

    async def log(self, portfolio_id: int, *, after: int, until: int) -> Sequence[LoggedEntry]:
        """Return the entries after one ledger revision and up to another, in the order they were booked."""

    async def outcome(
        self, portfolio_id: int, key: BookingKey, limit: PositionLimit = A_QUARTER
    ) -> RecordedOutcome | None:
        """Return the stored outcome of this key; of a trade whose own is gone, one by its position limit and the state
        as it is now. None where nothing was booked or refused under the key.
        """

    async def refusals(self, portfolio_id: int, *, before: int | None, limit: int) -> Page[RecordedOutcome]:
        """Return refused bookings, newest first."""

    async def cash_refusals(self, portfolio_id: int, *, before: int | None, limit: int) -> Page[RefusedCashEntry]:
        """Return refused events and cash transactions, newest first, but for those that an override booked."""
