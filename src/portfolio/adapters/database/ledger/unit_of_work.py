"""One open transaction on the portfolio: the lock first, what is read under it, and guarded writes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, insert, select, update

from portfolio.adapters.database.connection.bulk import RowWriter
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Prepared, Result, Statement, chunks
from portfolio.adapters.database.ledger.imported.rows import add_import, naming
from portfolio.adapters.database.ledger.lost_positions import OTHER_PORTFOLIOS, lost_positions
from portfolio.adapters.database.ledger.mapping import ReadPortfolio, foreign_portfolios, trade_to_row
from portfolio.adapters.database.ledger.mapping_records import (
    adjustments_to_rows,
    cash_entry_to_row,
    outcome_to_row,
    refused_cash_to_row,
)
from portfolio.adapters.database.ledger.portfolio_row import PortfolioRow
from portfolio.adapters.database.ledger.portfolio_writes import portfolio_write, position_writes
from portfolio.adapters.database.ledger.unit_reads import OUTCOME_IDS, Asked, UnitReads
from portfolio.adapters.database.schema.fields import Values
from portfolio.adapters.database.schema.tables import (
    booking_outcomes,
    cash_refusals,
    cash_transactions,
    mock_trades,
    position_adjustments,
)
from portfolio.application.ledger.audit import (
    ADJUSTMENT,
    CASH_ENTRY,
    EVENT,
    NO_ENTRY,
    TRADE,
    TRADE_GROUP,
    content,
    digest_of,
    more_content,
)
from portfolio.application.ledger.cash_records import CashEntry, RefusedCashEntry
from portfolio.application.ledger.happenings.imported import ImportedRow, KeptImport
from portfolio.application.ledger.records import BookingKey, RecordedOutcome, TradeEntry
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.symbol import Symbol

_TRADES, _ADJUSTMENTS, _OUTCOMES = map(RowWriter, (mock_trades, position_adjustments, booking_outcomes))
_REPLACE_OUTCOME = Prepared(update(booking_outcomes).where(booking_outcomes.c.id == bindparam("row_id")))
_NEW_IDS = Prepared(
    select(mock_trades.c.id)
    .where(mock_trades.c.ledger_revision.between(bindparam("first"), bindparam("last")))
    .order_by(mock_trades.c.ledger_revision)
)


class ReadRows(msgspec.Struct, frozen=True):
    """What was read at once: the portfolio's row, the portfolio, and the results of what else was asked."""

    row: Any
    read: ReadPortfolio
    others: Sequence[Result]


async def read_rows(
    session: Session,
    portfolio_id: int,
    place: PortfolioRow,
    symbols: Collection[Symbol] | None,
    *others: Statement,
    lock: bool = False,
) -> ReadRows:
    """Read the portfolio's row, first and perhaps with its lock, and the holdings of the symbols; None: of all."""
    dialect, known = session.dialect, place.known
    wanted = None if symbols is None else known.wanted(symbols)
    row, (holdings, *results) = await place.read(
        session, portfolio_id, known.statement(dialect, wanted), *others, lock=lock
    )
    read = None if wanted is None else known.updated(row, holdings, wanted)
    if read is None:
        if wanted is not None:
            [holdings] = await session.execute(known.statement(dialect, None))
        read = known.whole(row, holdings)
        if not place.is_trusted:
            [portfolios] = await session.execute(OTHER_PORTFOLIOS.on(dialect))
            lost = await lost_positions(session, read) if known.may_lack(read) else ()
            read = known.complete(read, lost, foreign_portfolios(row, portfolios))
    return ReadRows(row, read, results)


async def open_unit(
    session: Session,
    portfolio_id: int,
    place: PortfolioRow,
    keys: Collection[BookingKey] = (),
    symbols: Collection[Symbol] | None = None,
) -> DatabaseLedgerUnit:
    """Return the unit of work on the portfolio, whose row is locked by the transaction's first statement."""
    names = sorted({key.client_trade_id for key in keys})
    outcomes = [OUTCOME_IDS.on(session.dialect, names=chunk) for chunk in chunks(names)]
    rows = await read_rows(session, portfolio_id, place, symbols, *outcomes, lock=True)
    kept = [row.id for result in rows.others for row in result]
    touched = None if symbols is None else frozenset(symbols)
    return DatabaseLedgerUnit(session, rows, Asked(frozenset(keys), kept), touched, place)


class DatabaseLedgerUnit(UnitReads):
    """The port ``LedgerUnit`` on a database. What is to be written waits for the next read, or for the end.

    ``portfolio`` is the portfolio as it was when the lock was taken, ``saved`` what it became.
    """

    def __init__(
        self,
        session: Session,
        rows: ReadRows,
        asked: Asked,
        touched: frozenset[Symbol] | None,
        place: PortfolioRow,
    ) -> None:
        """Take what was read under the lock; the positions ``touched`` may be changed, all of them where it is None."""
        super().__init__(session, asked, place.unreadable)
        self._place = place
        self._row = rows.row
        self._held = rows.read.rows
        self._touched = touched
        self.portfolio = rows.read.portfolio
        self.saved: Portfolio | None = None
        self.is_repeated = False
        # Books with entries and without a head are from before there were digests: those to come have none either yet.
        self._head: str | None = rows.row.ledger_head if self.portfolio.revision else NO_ENTRY
        self._newest: int | None = None
        self._is_written = False

    @property
    def changed(self) -> Collection[Symbol]:
        """Return the symbols whose rows may have been written."""
        if self._touched is not None:
            return self._touched
        after = self.portfolio if self.saved is None else self.saved
        return self.portfolio.positions.keys() | after.positions.keys()

    async def add_trades(self, trades: Sequence[TradeEntry]) -> Sequence[int]:
        added = _TRADES.on(self._dialect, [self._chained(trade_to_row(trade), TRADE, TRADE_GROUP) for trade in trades])
        self._finish_if_whole()
        if len(trades) == 1:
            [new] = await self.session.execute(*added)
            return [new.new_id]
        self.session.later(*added)
        [written] = await self.session.execute(
            _NEW_IDS.on(self._dialect, first=trades[0].revision, last=trades[-1].revision)
        )
        return [row.id for row in written]

    async def add_outcomes(self, outcomes: Sequence[RecordedOutcome]) -> None:
        rows = [(outcome, outcome_to_row(outcome)) for outcome in outcomes]
        self.session.later(
            *_OUTCOMES.on(self._dialect, [row for outcome, row in rows if outcome.id is None]),
            *(_REPLACE_OUTCOME.on(self._dialect, row_id=o.id, **row) for o, row in rows if o.id is not None),
        )

    async def add_cash_entry(self, transaction: CashEntry) -> int:
        moved = adjustments_to_rows(transaction)
        row = self._chained(
            cash_entry_to_row(transaction), CASH_ENTRY, EVENT, *(content(ADJUSTMENT, each) for each in moved)
        )
        result = await self.session.run(insert(cash_transactions), row)
        key: Any = result.inserted_primary_key
        cash_transaction_id = int(key[0])
        moved = [{"cash_transaction_id": cash_transaction_id, **each} for each in moved]
        await self.session.execute(*_ADJUSTMENTS.on(self._dialect, moved))
        return cash_transaction_id

    async def add_cash_refusal(self, refused: RefusedCashEntry) -> None:
        await self.session.run(insert(cash_refusals), refused_cash_to_row(refused))

    async def add_import(self, kept: KeptImport, rows: Sequence[ImportedRow]) -> int:
        return await add_import(self.session, kept, rows)

    async def name_imported_rows(self, names: Mapping[int, str]) -> None:
        self.session.later(*naming(self.session, names))

    async def save(self, portfolio: Portfolio) -> None:
        """Write the portfolio: its sums, its revision and the positions that differ from those loaded.

        Raises:
            Conflict: another program changed one of these rows since it was read; perhaps only when it is written.
        """
        assert self.saved is None, "what was read is compared with the rows once"
        self.saved = portfolio
        self.session.later(*position_writes(self._dialect, self.portfolio, portfolio, self._held, self._touched))
        self._finish_if_whole()

    def hold_to(self, entered: Portfolio) -> None:
        self._place.known.hold_to(entered)

    @property
    def is_sealed(self) -> bool:
        return self._head is not None

    def follow(self, head: str) -> None:
        self._head = head

    def finish(self) -> None:
        """Have the portfolio's row written, with the digest of the newest entry, unless it is under way."""
        if self.saved is not None and not self._is_written:
            self._is_written = True
            head = self._head or None
            self.session.later(portfolio_write(self._dialect, self._row, self.portfolio, self.saved, head))

    def _finish_if_whole(self) -> None:
        """Have the portfolio's row sent in the same message, once the entries that led to it are there."""
        if self.saved is not None and self.saved.revision == self._newest:
            self.finish()

    def _chained(self, row: Values, columns: tuple[str, ...], more: tuple[str, ...], *others: str) -> Values:
        """Return the row of the next entry with its digest."""
        self._newest = row["ledger_revision"]
        if self._head is not None:
            self._head = digest_of(self._head, content(columns, row), *others, *more_content(more, row))
        row["digest"] = self._head
        return row
