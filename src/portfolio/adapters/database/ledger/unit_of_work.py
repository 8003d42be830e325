"""One open transaction on the portfolio: the lock first, what is read under it, and guarded writes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.engine import Dialect

from portfolio.adapters.database.connection.bulk import RowWriter
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import ROWS_A_STATEMENT, Prepared, Statement, chunks
from portfolio.adapters.database.ledger.known_portfolio import ReadPortfolio, WantedRows
from portfolio.adapters.database.ledger.mapping import trade_to_row
from portfolio.adapters.database.ledger.mapping_records import (
    adjustments_to_rows,
    cash_entry_to_row,
    outcome_to_row,
)
from portfolio.adapters.database.ledger.portfolio_row import PortfolioRow, select_row
from portfolio.adapters.database.ledger.portfolio_writes import portfolio_write, position_writes
from portfolio.adapters.database.ledger.unit_reads import OUTCOME_IDS, UnitReads
from portfolio.adapters.database.schema.fields import Values
from portfolio.adapters.database.schema.tables import (
    booking_outcomes,
    cash_transactions,
    mock_holdings,
    mock_trades,
    position_adjustments,
)
from portfolio.application.errors import PortfolioMissing
from portfolio.application.ledger.ports import NO_OUTCOMES
from portfolio.application.ledger.records import (
    BookingKey,
    CashEntry,
    RecordedOutcome,
    TradeEntry,
)
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.symbol import Symbol

# What follows from the other columns is not read: each column of a result takes as long as a value in it.
_HOLDINGS = select(*(c for c in mock_holdings.c if c.name not in {"position_value", "unrealized_pnl", "total_pnl"}))
_IDS: Any = bindparam("ids", expanding=True)
_CODES: Any = bindparam("codes", expanding=True)
ALL_HOLDINGS = Prepared(_HOLDINGS)
_SOME_HOLDINGS = Prepared(_HOLDINGS.where(or_(mock_holdings.c.id.in_(_IDS), mock_holdings.c.symbol.in_(_CODES))))
_SOME_HOLDINGS_SQLITE = Prepared(
    _HOLDINGS.where(or_(mock_holdings.c.id.in_(_IDS), mock_holdings.c.symbol.collate("NOCASE").in_(_CODES)))
)
_NEW_TRADE_ID = select(mock_trades.c.id).where(mock_trades.c.ledger_revision == bindparam("trade_id")).scalar_subquery()
_OUTCOME = update(booking_outcomes).where(booking_outcomes.c.id == bindparam("row_id"))
_TRADES, _ADJUSTMENTS = RowWriter(mock_trades), RowWriter(position_adjustments)
_KEEP = RowWriter(booking_outcomes), Prepared(_OUTCOME)
# Acceptances name the new entry by its revision: its id is not known yet.
_KEEP_NEW = (
    RowWriter(booking_outcomes, looked_up={"trade_id": _NEW_TRADE_ID}),
    Prepared(_OUTCOME.values(trade_id=_NEW_TRADE_ID)),
)
_NEW_IDS = Prepared(
    select(mock_trades.c.ledger_revision, mock_trades.c.id).where(
        mock_trades.c.ledger_revision.in_(bindparam("revisions", expanding=True))
    )
)


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
    dialect, row_id = session.dialect, place.id_for(portfolio_id)
    names = sorted({key.client_trade_id for key in keys})
    wanted = None if symbols is None or len(symbols) > ROWS_A_STATEMENT else place.known.wanted(symbols)
    found, holdings, *outcomes = await session.execute(
        select_row(dialect, row_id, lock=True),
        ALL_HOLDINGS.on(dialect) if wanted is None else some_holdings(dialect, wanted),
        *(OUTCOME_IDS.on(dialect, names=chunk) for chunk in chunks(names)),
    )
    row = found.first()
    if row is None:
        raise PortfolioMissing(portfolio_id)
    read = None if wanted is None else place.known.updated(row, holdings, wanted)
    if read is None:
        if wanted is not None:
            [holdings] = await session.execute(ALL_HOLDINGS.on(dialect))
        read = place.known.whole(row, holdings)
    known = [row.id for result in outcomes for row in result]
    touched = None if wanted is None else frozenset(symbols or ())
    return DatabaseLedgerUnit(session, row, read, frozenset(keys), known, touched)


def some_holdings(dialect: Dialect, wanted: WantedRows) -> Statement:
    """Return the statement for some rows: those of the ids, and whichever have these symbols in any case."""
    return (_SOME_HOLDINGS_SQLITE if dialect.name == "sqlite" else _SOME_HOLDINGS).on(
        dialect, ids=wanted.ids or [0], codes=wanted.codes or [""]
    )


class DatabaseLedgerUnit(UnitReads):
    """The port ``LedgerUnit`` on a database. What is to be written waits for the next read, or for the end."""

    def __init__(  # shape: made by open_unit alone, of what it has read
        self,
        session: Session,
        row: Any,
        read: ReadPortfolio,
        asked: frozenset[BookingKey],
        known: Sequence[int],
        touched: frozenset[Symbol] | None,
    ) -> None:
        super().__init__(session, asked, known)
        self._row = row
        self._held = read.rows
        self._portfolio = read.portfolio
        self._touched = touched
        self.saved: Portfolio | None = None

    @property
    def row(self) -> Any:
        """Return the portfolio's row as it was when the lock was taken."""
        return self._row

    @property
    def changed(self) -> Collection[Symbol]:
        """Return the symbols whose rows may have been written."""
        if self._touched is not None:
            return self._touched
        after = self._portfolio if self.saved is None else self.saved
        return self._portfolio.positions.keys() | after.positions.keys()

    @property
    def portfolio(self) -> Portfolio:
        """Return the portfolio as it was when the lock was taken."""
        return self._portfolio

    @property
    def session(self) -> Session:
        """Return the transaction, for what other topics keep in it."""
        return self._session

    async def add_trades(
        self, trades: Sequence[TradeEntry], outcomes: Mapping[int, RecordedOutcome] = NO_OUTCOMES
    ) -> Sequence[int]:
        """Add entries to the ledger and return their ids, in order.

        ``outcomes`` are acceptances by the revision of the entry each is of; they are kept with that entry's id.
        """
        new_ids: list[int] = []
        added = _TRADES.on(self._dialect, [trade_to_row(trade) for trade in trades])
        self._waiting += [(statement, lambda result: new_ids.append(result.new_id)) for statement in added]
        self._keep(
            [(outcome, {**outcome_to_row(outcome), "trade_id": revision}) for revision, outcome in outcomes.items()],
            *_KEEP_NEW,
        )
        if len(trades) == 1:
            await self._execute()
            return new_ids
        written = await self._ask_in_parts(_NEW_IDS, "revisions", [trade.revision for trade in trades])
        ids = {row.ledger_revision: row.id for row in written}
        return [ids[trade.revision] for trade in trades]

    async def add_outcomes(self, outcomes: Sequence[RecordedOutcome]) -> None:
        """Keep what became of bookings; one that carries an id replaces what was kept under it."""
        self._keep([(outcome, outcome_to_row(outcome)) for outcome in outcomes], *_KEEP)

    def _keep(self, rows: Sequence[tuple[RecordedOutcome, Values]], insert: RowWriter, replace: Prepared) -> None:
        kept = insert.on(self._dialect, [row for outcome, row in rows if outcome.id is None])
        kept += [replace.on(self._dialect, row_id=outcome.id, **row) for outcome, row in rows if outcome.id is not None]
        self._waiting += [(statement, None) for statement in kept]

    async def add_cash_entry(self, transaction: CashEntry) -> int:
        """Add an entry that is no trade, with the positions' differences it carries; return its id."""
        result = await self._session.run(insert(cash_transactions), cash_entry_to_row(transaction))
        key: Any = result.inserted_primary_key
        cash_transaction_id = int(key[0])
        moved = adjustments_to_rows(transaction, cash_transaction_id)
        await self._session.execute(*_ADJUSTMENTS.on(self._dialect, moved))
        return cash_transaction_id

    async def save(self, portfolio: Portfolio) -> None:
        """Write the portfolio: its sums, its revision and the positions that differ from those loaded.

        Raises:
            Conflict: another program changed one of these rows since it was read; perhaps only when it is written.
        """
        assert self.saved is None, "what was read is compared with the rows once"
        self.saved = portfolio
        self._waiting += position_writes(self._dialect, self._portfolio, portfolio, self._held, self._touched)
        self._waiting.append(portfolio_write(self._dialect, self._row, self._portfolio, portfolio))
