"""One open transaction on the portfolio: the lock first, what is read under it, and guarded writes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, bindparam, func, insert, or_, select, update
from sqlalchemy.engine import Dialect

from portfolio.adapters.database.connection.bulk import insert_rows, inserted
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Prepared, Result, Statement
from portfolio.adapters.database.ledger.entries import last_revision, read_entries, select_trades
from portfolio.adapters.database.ledger.known_portfolio import ReadPortfolio, WantedRows
from portfolio.adapters.database.ledger.mapping import trade_from_row, trade_to_row
from portfolio.adapters.database.ledger.mapping_positions import Values
from portfolio.adapters.database.ledger.mapping_records import (
    REFUSED,
    cash_entry_from_row,
    cash_entry_to_row,
    outcome_from_row,
    outcome_to_row,
)
from portfolio.adapters.database.ledger.portfolio_row import PortfolioRow, select_row
from portfolio.adapters.database.ledger.portfolio_writes import (
    ROWS_A_STATEMENT,
    Write,
    chunks,
    portfolio_write,
    position_writes,
)
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
    BookedTrade,
    BookingKey,
    CashEntry,
    Entry,
    RecordedCashEntry,
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
# Mostly there is none: who finds one asks for the rest of it.
_OUTCOME_IDS = Prepared(
    select(booking_outcomes.c.id).where(booking_outcomes.c.client_trade_id.in_(bindparam("names", expanding=True)))
)
_OUTCOMES = Prepared(select(booking_outcomes).where(booking_outcomes.c.id.in_(bindparam("ids", expanding=True))))
_NEW_TRADE_ID = select(mock_trades.c.id).where(mock_trades.c.ledger_revision == bindparam("trade_id"))


def _replacing(**looked_up: Any) -> Prepared:
    place = update(booking_outcomes).where(booking_outcomes.c.id == bindparam("row_id"))
    names = [column.name for column in booking_outcomes.c if column.name != "id"]
    return Prepared(place.values({name: looked_up.get(name, bindparam(name)) for name in names}))


_REPLACE_OUTCOME = _replacing()
_REPLACE_BY_NEW_TRADE = _replacing(trade_id=_NEW_TRADE_ID.scalar_subquery())
_NEW_TRADE = "SELECT id FROM mock_trades WHERE ledger_revision = {}"
_TWINS = Prepared(
    select(mock_trades.c.fingerprint, func.max(mock_trades.c.id).label("newest"))
    .where(
        mock_trades.c.fingerprint.in_(bindparam("fingerprints", expanding=True)),
        mock_trades.c.booked_at >= bindparam("since"),
    )
    .group_by(mock_trades.c.fingerprint)
)
_NEW_IDS = Prepared(
    select(mock_trades.c.ledger_revision, mock_trades.c.id).where(
        mock_trades.c.ledger_revision.in_(bindparam("revisions", expanding=True))
    )
)
_TRADE = Prepared(select_trades().where(mock_trades.c.id == bindparam("trade_id")))
_TRADE_AT = Prepared(select_trades().where(mock_trades.c.ledger_revision == bindparam("revision")))


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
        *(_OUTCOME_IDS.on(dialect, names=chunk) for chunk in chunks(names)),
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


class DatabaseLedgerUnit:
    """The port ``LedgerUnit`` on a database. What is to be written waits for the next read, or for the end."""

    def __init__(  # made by open_unit alone
        self,
        session: Session,
        row: Any,
        read: ReadPortfolio,
        asked: frozenset[BookingKey],
        known: Sequence[int],
        touched: frozenset[Symbol] | None,
    ) -> None:
        self._session = session
        self._dialect = session.dialect
        self._row = row
        self._held = read.rows
        self._portfolio = read.portfolio
        self._touched = touched
        self.saved: Portfolio | None = None
        self._asked, self._known = asked, known
        self._waiting: list[Write] = []

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

    async def outcomes(self, keys: Collection[BookingKey]) -> Mapping[BookingKey, RecordedOutcome]:
        """Return what became of the bookings with these keys; absent where nothing did."""
        ids = self._known
        if not self._asked.issuperset(keys):
            names = sorted({key.client_trade_id for key in keys})
            ids = [row.id for row in await self._ask_in_parts(_OUTCOME_IDS, "names", names)]
        rows = await self._ask_in_parts(_OUTCOMES, "ids", ids) if ids else []
        by_key = {BookingKey(row.owner, row.client_trade_id): row for row in rows}
        return {key: outcome_from_row(row) for key, row in by_key.items() if key in keys}

    async def keeps(self, refusal: RecordedOutcome) -> bool:
        """Return whether this very refusal is kept, not only one of the same booking."""
        c = booking_outcomes.c
        same = select(c.id).where(
            c.status == REFUSED,
            c.owner == refusal.request.owner,
            c.client_trade_id == refusal.request.client_trade_id,  # IS NULL, where it has none
            c.fingerprint == refusal.fingerprint,
            c.decided_at == refusal.decided_at,
        )
        return (await self._session.run(same.limit(1))).first() is not None

    async def latest_twins(self, fingerprints: Collection[str], since: datetime) -> Mapping[str, int]:
        """Return by fingerprint the id of the newest trade booked since then with the same content."""
        rows = await self._ask_in_parts(_TWINS, "fingerprints", sorted(fingerprints), since=since)
        return {row.fingerprint: row.newest for row in rows}

    async def trade(self, trade_id: int) -> BookedTrade | None:
        """Return a trade of the table, whoever wrote it; None where there is none."""
        [found] = await self._execute(_TRADE.on(self._dialect, trade_id=trade_id))
        return trade_from_row(found.rows[0]) if found.rows else None

    async def trade_at(self, revision: int) -> BookedTrade | None:
        """Return the trade whose entry made this ledger revision; None where none did."""
        [found] = await self._execute(_TRADE_AT.on(self._dialect, revision=revision))
        return trade_from_row(found.rows[0]) if found.rows else None

    async def entries(self, *, after: int, limit: int) -> Sequence[Entry]:
        """Return the ledger's entries in the order they were booked, those after ledger revision ``after``."""
        await self.write()
        return await read_entries(self._session, after, limit)

    async def last_revision(self) -> int:
        """Return the highest revision of an entry, which the portfolio's own is unless its row was made anew."""
        await self.write()
        return await last_revision(self._session)

    async def transaction(self, owner: str, client_transaction_id: str) -> RecordedCashEntry | None:
        """Return the cash transaction recorded under this key; None where there is none."""
        await self.write()
        wanted = select(cash_transactions).where(
            cash_transactions.c.owner == owner, cash_transactions.c.client_transaction_id == client_transaction_id
        )
        row = (await self._session.run(wanted)).first()
        if row is None:
            return None
        moved = select(position_adjustments).where(position_adjustments.c.cash_transaction_id == row.id)
        return cash_entry_from_row(row, await self._session.run(moved.order_by(position_adjustments.c.id)))

    async def add_trades(
        self, trades: Sequence[TradeEntry], outcomes: Mapping[int, RecordedOutcome] = NO_OUTCOMES
    ) -> Sequence[int]:
        """Add entries to the ledger and return their ids, in order.

        ``outcomes`` are acceptances by the revision of the entry each is of; they are kept with that entry's id.
        """
        new_ids: list[int] = []
        added = inserted(self._dialect, mock_trades, [trade_to_row(trade) for trade in trades])
        self._waiting += [(statement, lambda result: new_ids.append(result.new_id)) for statement in added]
        self._keep(
            [(outcome, {**outcome_to_row(outcome), "trade_id": revision}) for revision, outcome in outcomes.items()],
            _REPLACE_BY_NEW_TRADE,
            {"trade_id": _NEW_TRADE},
        )
        if len(trades) == 1:
            await self._execute()
            return new_ids
        written = await self._ask_in_parts(_NEW_IDS, "revisions", [trade.revision for trade in trades])
        ids = {row.ledger_revision: row.id for row in written}
        return [ids[trade.revision] for trade in trades]

    async def add_outcomes(self, outcomes: Sequence[RecordedOutcome]) -> None:
        """Keep what became of bookings; one that carries an id replaces what was kept under it."""
        self._keep([(outcome, outcome_to_row(outcome)) for outcome in outcomes], _REPLACE_OUTCOME, {})

    def _keep(
        self, rows: Sequence[tuple[RecordedOutcome, Values]], replace: Prepared, looked_up: Mapping[str, str]
    ) -> None:
        new = [row for outcome, row in rows if outcome.id is None]
        kept = inserted(self._dialect, booking_outcomes, new, looked_up=looked_up)
        kept += [replace.on(self._dialect, row_id=outcome.id, **row) for outcome, row in rows if outcome.id is not None]
        self._waiting += [(statement, None) for statement in kept]

    async def add_cash_entry(self, transaction: CashEntry) -> int:
        """Add an entry that is no trade, with the positions' differences it carries; return its id."""
        result = await self._session.run(insert(cash_transactions), cash_entry_to_row(transaction))
        cash_transaction_id = _new_id(result)
        moved = [
            {
                "cash_transaction_id": cash_transaction_id,
                "symbol": p.symbol.code,
                "quantity_delta": p.quantity_delta.value,
            }
            for p in transaction.positions
        ]
        await insert_rows(self._session, position_adjustments, moved)
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

    async def write(self) -> None:
        """Write what waits to be written.

        Raises:
            Conflict: another program changed what this transaction has read and now changes.
        """
        if self._waiting:
            await self._execute()

    async def _execute(self, *statements: Statement) -> list[Result]:
        """Return the results, what waits to be written having been sent ahead in the same message."""
        waiting, self._waiting = self._waiting, []
        results = await self._session.execute(*(statement for statement, _ in waiting), *statements)
        for (_, check), result in zip(waiting, results, strict=False):
            if check is not None:
                check(result)
        return results[len(waiting) :]

    async def _ask_in_parts(self, statement: Prepared, name: str, items: Sequence[Any], **others: Any) -> list[Any]:
        """Return the rows for a list of any length."""
        parts = (statement.on(self._dialect, **{name: chunk}, **others) for chunk in chunks(items))
        return [row for result in await self._execute(*parts) for row in result]


def _new_id(result: CursorResult[Any]) -> int:
    key: Any = result.inserted_primary_key
    return int(key[0])
