"""One open transaction on the portfolio: the lock first, what is read under it, and guarded writes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from portfolio.adapters.database.connection.bulk import RowWriter
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Prepared, Result, Statement, chunks
from portfolio.adapters.database.ledger.mapping import ReadPortfolio, trade_to_row
from portfolio.adapters.database.ledger.mapping_records import (
    adjustments_to_rows,
    cash_entry_to_row,
    outcome_to_row,
    refused_cash_to_row,
)
from portfolio.adapters.database.ledger.portfolio_row import PortfolioRow
from portfolio.adapters.database.ledger.portfolio_writes import portfolio_write, position_writes
from portfolio.adapters.database.ledger.unit_reads import OUTCOME_IDS, UnitReads
from portfolio.adapters.database.schema.fields import Values
from portfolio.adapters.database.schema.tables import (
    booking_outcomes,
    cash_refusals,
    cash_transactions,
    mock_trades,
    position_adjustments,
)
from portfolio.application.errors import PortfolioMissing
from portfolio.application.ledger.cash_records import CashEntry, RefusedCashEntry
from portfolio.application.ledger.ports import NO_OUTCOMES
from portfolio.application.ledger.records import BookingKey, RecordedOutcome, TradeEntry
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.symbol import Symbol

_TRADES, _ADJUSTMENTS, _OUTCOMES = map(RowWriter, (mock_trades, position_adjustments, booking_outcomes))
_REPLACE_OUTCOME = Prepared(update(booking_outcomes).where(booking_outcomes.c.id == bindparam("row_id")))
_NEW_IDS = Prepared(
    select(mock_trades.c.ledger_revision, mock_trades.c.id).where(
        mock_trades.c.ledger_revision.in_(bindparam("revisions", expanding=True))
    )
)


@dataclass(frozen=True, slots=True)
class ReadRows:
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
    """Read the portfolio's row, first and perhaps with its lock, and of the holdings those of the symbols; None: all.

    Raises:
        PortfolioMissing: there is no row.
    """
    dialect, known = session.dialect, place.known
    wanted = None if symbols is None else known.wanted(symbols)
    found, holdings, *results = await session.execute(
        place.statement(dialect, portfolio_id, lock=lock), known.statement(dialect, wanted), *others
    )
    row = place.found(found, lock=lock)
    if row is None:
        raise PortfolioMissing(portfolio_id)
    read = None if wanted is None else known.updated(row, holdings, wanted)
    if read is None:
        if wanted is not None:
            [holdings] = await session.execute(known.statement(dialect, None))
        read = known.whole(row, holdings)
    return ReadRows(row, read, results)


async def open_unit(
    session: Session,
    portfolio_id: int,
    place: PortfolioRow,
    keys: Collection[BookingKey] = (),
    symbols: Collection[Symbol] | None = None,
) -> DatabaseLedgerUnit:
    """Return the unit of work on the portfolio, whose row is locked by the transaction's first statement.

    Raises:
        PortfolioMissing: there is no row.
    """
    names = sorted({key.client_trade_id for key in keys})
    outcomes = [OUTCOME_IDS.on(session.dialect, names=chunk) for chunk in chunks(names)]
    rows = await read_rows(session, portfolio_id, place, symbols, *outcomes, lock=True)
    kept = [row.id for result in rows.others for row in result]
    return DatabaseLedgerUnit(session, rows, frozenset(keys), kept, None if symbols is None else frozenset(symbols))


class DatabaseLedgerUnit(UnitReads):
    """The port ``LedgerUnit`` on a database. What is to be written waits for the next read, or for the end.

    ``portfolio`` is the portfolio as it was when the lock was taken, ``saved`` what it became.
    """

    def __init__(
        self,
        session: Session,
        rows: ReadRows,
        asked: frozenset[BookingKey],
        known: Sequence[int],
        touched: frozenset[Symbol] | None,
    ) -> None:
        """Take what was read under the lock; the positions ``touched`` may be changed, all of them where it is None."""
        super().__init__(session, asked, known)
        self._row = rows.row
        self._held = rows.read.rows
        self._touched = touched
        self.portfolio = rows.read.portfolio
        self.saved: Portfolio | None = None

    @property
    def changed(self) -> Collection[Symbol]:
        """Return the symbols whose rows may have been written."""
        if self._touched is not None:
            return self._touched
        after = self.portfolio if self.saved is None else self.saved
        return self.portfolio.positions.keys() | after.positions.keys()

    async def add_trades(
        self, trades: Sequence[TradeEntry], outcomes: Mapping[int, RecordedOutcome] = NO_OUTCOMES
    ) -> Sequence[int]:
        """Add entries to the ledger and return their ids, in order.

        ``outcomes`` are acceptances by the revision of the entry each is of; they are kept with that entry's id.
        """
        added = _TRADES.on(self._dialect, [trade_to_row(trade) for trade in trades])
        if len(trades) == 1:
            [new] = await self.session.execute(*added)
            ids = {trades[0].revision: new.new_id}
        else:
            self.session.later(*added)
            written = await self._ask_in_parts(_NEW_IDS, "revisions", [trade.revision for trade in trades])
            ids = {row.ledger_revision: row.id for row in written}
        self._keep([(o, {**outcome_to_row(o), "trade_id": ids[revision]}) for revision, o in outcomes.items()])
        return [ids[trade.revision] for trade in trades]

    async def add_outcomes(self, outcomes: Sequence[RecordedOutcome]) -> None:
        """Keep what became of bookings; one that carries an id replaces what was kept under it."""
        self._keep([(outcome, outcome_to_row(outcome)) for outcome in outcomes])

    def _keep(self, rows: Sequence[tuple[RecordedOutcome, Values]]) -> None:
        self.session.later(
            *_OUTCOMES.on(self._dialect, [row for outcome, row in rows if outcome.id is None]),
            *(_REPLACE_OUTCOME.on(self._dialect, row_id=o.id, **row) for o, row in rows if o.id is not None),
        )

    async def add_cash_entry(self, transaction: CashEntry) -> int:
        """Add an entry that is no trade, with the positions' differences it carries; return its id."""
        result = await self.session.run(insert(cash_transactions), cash_entry_to_row(transaction))
        key: Any = result.inserted_primary_key
        cash_transaction_id = int(key[0])
        moved = adjustments_to_rows(transaction, cash_transaction_id)
        await self.session.execute(*_ADJUSTMENTS.on(self._dialect, moved))
        return cash_transaction_id

    async def add_cash_refusal(self, refused: RefusedCashEntry) -> None:
        """Store that a cash transaction was refused."""
        await self.session.run(insert(cash_refusals), refused_cash_to_row(refused))

    async def save(self, portfolio: Portfolio) -> None:
        """Write the portfolio: its sums, its revision and the positions that differ from those loaded.

        Raises:
            Conflict: another program changed one of these rows since it was read; perhaps only when it is written.
        """
        assert self.saved is None, "what was read is compared with the rows once"
        self.saved = portfolio
        self.session.later(
            *position_writes(self._dialect, self.portfolio, portfolio, self._held, self._touched),
            portfolio_write(self._dialect, self._row, self.portfolio, portfolio),
        )
