"""One open transaction on the portfolio: the lock first, what is read under it, and guarded writes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import CursorResult, bindparam, func, insert, literal_column, select, tuple_, update

from portfolio.adapters.database.bulk import insert_rows, upsert_rows
from portfolio.adapters.database.engine import Session
from portfolio.adapters.database.entries import last_revision, read_entries, select_trades
from portfolio.adapters.database.errors import Conflict
from portfolio.adapters.database.mapping import (
    counts_to_row,
    portfolio_to_row,
    read_portfolio,
    totals_to_row,
    trade_from_row,
    trade_to_row,
)
from portfolio.adapters.database.mapping_positions import Values, position_to_row
from portfolio.adapters.database.mapping_records import (
    REFUSED,
    movement_from_row,
    movement_to_row,
    outcome_from_row,
    outcome_to_row,
)
from portfolio.adapters.database.portfolio_row import find_row
from portfolio.adapters.database.signals import DatabaseSignalBook
from portfolio.adapters.database.tables import (
    booking_outcomes,
    cash_movements,
    mock_holdings,
    mock_portfolio,
    mock_trades,
    position_adjustments,
)
from portfolio.application.errors import LedgerUnavailable, PortfolioMissing
from portfolio.application.records import (
    BookedTrade,
    BookingKey,
    NewMovement,
    NewTrade,
    RecordedMovement,
    RecordedOutcome,
)
from portfolio.domain.portfolio import Portfolio
from portfolio.domain.position import Position
from portfolio.domain.symbol import Symbol

T = TypeVar("T")

NOW: Any = literal_column("CURRENT_TIMESTAMP")
_KEYS_A_STATEMENT = 500


# Built once: SQLAlchemy takes longer to put a statement together than a database to carry it out.
ALL_HOLDINGS = select(mock_holdings)
_LOCK_HOLDINGS = (
    select(mock_holdings.c.id, mock_holdings.c.symbol, mock_holdings.c.quantity, mock_holdings.c.total_invested)
    .where(mock_holdings.c.id.in_(bindparam("ids", expanding=True)))
    .with_for_update()
)
_INSERT_TRADE = insert(mock_trades)
_OUTCOME = select(booking_outcomes).where(
    booking_outcomes.c.owner == bindparam("key_owner"), booking_outcomes.c.client_trade_id == bindparam("key_id")
)
_WRITTEN = (
    *("total_value", "cash_balance", "invested_amount", "total_pnl", "total_pnl_percent", "total_trades"),
    *("winning_trades", "losing_trades", "win_rate", "revision", "price_revision", "net_deposits", "realized_pnl"),
    *("fees_paid", "ledger_cash", "unit_count", "unit_value", "gross_profit", "gross_loss", "booked_trades"),
    *("booked_wins", "booked_losses"),
)
# On SQLite nobody else writes while we do, and a number is text there: others write 80000.0 where we write 80000.
_UPDATE_ALONE = (
    update(mock_portfolio)
    .where(mock_portfolio.c.id == bindparam("row_id"), mock_portfolio.c.revision == bindparam("revision_read"))
    .values(updated_at=NOW, **{name: bindparam(name) for name in _WRITTEN})
)
_UPDATE_GUARDED = _UPDATE_ALONE.where(
    mock_portfolio.c.cash_balance == bindparam("cash_read", type_=mock_portfolio.c.cash_balance.type)
)


async def open_unit(
    session: Session, portfolio_id: int, row_id: int | None, read: Callable[[Any], Position]
) -> DatabaseLedgerUnit:
    """Return the unit of work on the portfolio, whose row is locked by the transaction's first statement.

    Raises:
        PortfolioMissing: there is no row.
    """
    row = await find_row(session, row_id, lock=True)
    if row is None:
        raise PortfolioMissing(portfolio_id)
    portfolio, held = read_portfolio(row, await session.run(ALL_HOLDINGS), read)
    return DatabaseLedgerUnit(session, row, portfolio, held.rows)


class DatabaseLedgerUnit:
    """The port ``LedgerUnit`` on a database."""

    def __init__(self, session: Session, row: Any, portfolio: Portfolio, held: Mapping[Symbol, Any]) -> None:
        self._session = session
        self._row = row
        self._held = dict(held)
        self._portfolio = portfolio
        self._saved = portfolio

    @property
    def row(self) -> Any:
        """Return the portfolio's row as it was when the lock was taken."""
        return self._row

    @property
    def portfolio(self) -> Portfolio:
        """Return the portfolio as it was when the lock was taken."""
        return self._portfolio

    @property
    def signals(self) -> DatabaseSignalBook:
        """Return the portfolio's signals."""
        return DatabaseSignalBook(self._session, self._portfolio.id)

    async def outcomes(self, keys: Collection[BookingKey]) -> Mapping[BookingKey, RecordedOutcome]:
        """Return what became of the bookings with these keys; absent where nothing did."""
        found: dict[BookingKey, RecordedOutcome] = {}
        if len(keys) == 1:
            [key] = keys
            wanted = {"key_owner": key.owner, "key_id": key.client_trade_id}
            row = (await self._session.run(_OUTCOME, wanted)).first()
            return {key: outcome_from_row(row)} if row is not None else {}
        columns = tuple_(booking_outcomes.c.owner, booking_outcomes.c.client_trade_id)
        for chunk in _chunks(sorted(keys)):
            pairs = [(key.owner, key.client_trade_id) for key in chunk]
            for row in await self._session.run(select(booking_outcomes).where(columns.in_(pairs))):
                found[BookingKey(row.owner, row.client_trade_id)] = outcome_from_row(row)
        return found

    async def keeps(self, refusal: RecordedOutcome) -> bool:
        """Return whether this very refusal is kept, not only one of the same booking."""
        c = booking_outcomes.c
        same = select(c.id).where(
            c.status == REFUSED,
            c.owner == refusal.owner,
            c.client_trade_id == refusal.client_trade_id,  # IS NULL, where it has none
            c.fingerprint == refusal.fingerprint,
            c.decided_at == refusal.decided_at,
        )
        return (await self._session.run(same.limit(1))).first() is not None

    async def latest_twins(self, fingerprints: Collection[str], since: datetime) -> Mapping[str, int]:
        """Return by fingerprint the id of the newest trade booked since then with the same content."""
        found: dict[str, int] = {}
        for chunk in _chunks(sorted(fingerprints)):
            newest = (
                select(mock_trades.c.fingerprint, func.max(mock_trades.c.id).label("newest"))
                .where(mock_trades.c.fingerprint.in_(chunk), mock_trades.c.booked_at >= since)
                .group_by(mock_trades.c.fingerprint)
            )
            found.update((row.fingerprint, row.newest) for row in await self._session.run(newest))
        return found

    async def trade(self, trade_id: int) -> BookedTrade | None:
        """Return a trade of the table, whoever wrote it; None where there is none."""
        row = (await self._session.run(select_trades().where(mock_trades.c.id == trade_id))).first()
        return trade_from_row(row) if row is not None else None

    async def trade_at(self, revision: int) -> BookedTrade | None:
        """Return the trade whose entry made this ledger revision; None where none did."""
        row = (await self._session.run(select_trades().where(mock_trades.c.ledger_revision == revision))).first()
        return trade_from_row(row) if row is not None else None

    async def entries(self, *, after: int, limit: int) -> Sequence[NewTrade | NewMovement]:
        """Return the ledger's entries in the order they were booked, those after ledger revision ``after``."""
        return await read_entries(self._session, after, limit)

    async def last_revision(self) -> int:
        """Return the highest revision of an entry, which the portfolio's own is unless its row was made anew."""
        return await last_revision(self._session)

    async def movement(self, owner: str, client_movement_id: str) -> RecordedMovement | None:
        """Return the cash movement recorded under this key; None where there is none."""
        wanted = select(cash_movements).where(
            cash_movements.c.owner == owner, cash_movements.c.client_movement_id == client_movement_id
        )
        row = (await self._session.run(wanted)).first()
        if row is None:
            return None
        moved = select(position_adjustments).where(position_adjustments.c.movement_id == row.id)
        return movement_from_row(row, await self._session.run(moved.order_by(position_adjustments.c.id)))

    async def add_trades(self, trades: Sequence[NewTrade]) -> Sequence[int]:
        """Add entries to the ledger and return their ids, in order."""
        if len(trades) == 1:
            result = await self._session.run(_INSERT_TRADE, trade_to_row(trades[0]))
            return [_new_id(result)]
        await insert_rows(self._session, mock_trades, [trade_to_row(trade) for trade in trades])
        ids: dict[int, int] = {}
        for chunk in _chunks([trade.revision for trade in trades]):
            column = mock_trades.c.ledger_revision
            written = await self._session.run(select(column, mock_trades.c.id).where(column.in_(chunk)))
            ids.update((row.ledger_revision, row.id) for row in written)
        return [ids[trade.revision] for trade in trades]

    async def add_outcomes(self, outcomes: Sequence[RecordedOutcome]) -> None:
        """Keep what became of bookings; one that carries an id replaces what was kept under it."""
        new = [outcome_to_row(outcome) for outcome in outcomes if outcome.id is None]
        await insert_rows(self._session, booking_outcomes, new)
        for outcome in outcomes:
            if outcome.id is not None:
                place = update(booking_outcomes).where(booking_outcomes.c.id == outcome.id)
                await self._session.run(place, outcome_to_row(outcome))

    async def add_movement(self, movement: NewMovement) -> int:
        """Add an entry that is no trade, with the positions' differences it carries; return its id."""
        result = await self._session.run(insert(cash_movements), movement_to_row(movement))
        movement_id = _new_id(result)
        moved = [
            {"movement_id": movement_id, "symbol": p.symbol.code, "quantity_delta": p.quantity_delta.value}
            for p in movement.positions
        ]
        await insert_rows(self._session, position_adjustments, moved)
        return movement_id

    async def save(self, portfolio: Portfolio) -> None:
        """Write the portfolio: its sums, its revision and the positions that differ from those loaded.

        Raises:
            Conflict: another program changed one of these rows since it was read.
        """
        assert self._saved is self._portfolio, "what was read is compared with the rows once"
        known = self._saved.positions
        changed = [p for s, p in portfolio.positions.items() if p is not known.get(s) and p != known.get(s)]
        await self._write_positions(changed)
        await self._write_portfolio(
            {
                **portfolio_to_row(portfolio),
                **totals_to_row(portfolio),
                **counts_to_row(self._row, self._portfolio.tally, portfolio.tally),
            }
        )
        self._saved = portfolio

    async def _write_portfolio(self, values: Values) -> None:
        before = self._saved
        read: Values = {"row_id": before.id, "revision_read": before.revision}
        if self._session.is_sqlite:
            result = await self._session.run(_UPDATE_ALONE, {**values, **read})
        else:
            result = await self._session.run(_UPDATE_GUARDED, {**values, **read, "cash_read": before.cash.value})
        if result.rowcount != 1:
            raise Conflict("another program wrote the portfolio's row")

    async def _write_positions(self, positions: Sequence[Position]) -> None:
        """Compare the rows with what was read, under their locks, and only then write them."""
        held = {p.symbol: self._held[p.symbol] for p in positions if p.symbol in self._held}
        new = [p for p in positions if p.symbol not in held]
        for position in new:
            if position.symbol.code in {name.upper() for name in self._saved.unreadable_rows}:
                raise LedgerUnavailable(f"the row of {position.symbol} in the holdings cannot be read")
        await self._lock([*held.values()])
        old = [
            {"id": held[p.symbol].id, **position_to_row(p), "symbol": held[p.symbol].symbol}
            for p in positions
            if p.symbol in held
        ]
        if old:
            update_columns = [name for name in old[0] if name not in {"id", "symbol"}]
            await upsert_rows(self._session, mock_holdings, old, key=["id"], update=update_columns, touch="updated_at")
        await insert_rows(self._session, mock_holdings, [position_to_row(position) for position in new])

    async def _lock(self, rows: Sequence[Any]) -> None:
        """Lock the rows that positions were read from, by their ids: a symbol may be written in another case."""
        read = {row.id: row for row in rows}
        for chunk in _chunks([*read]):
            for row in await self._session.run(_LOCK_HOLDINGS, {"ids": chunk}):
                before = read.pop(row.id)
                if tuple(row) != (before.id, before.symbol, before.quantity, before.total_invested):
                    raise Conflict(f"another program wrote the position in {row.symbol}")
        if read:
            raise Conflict("another program removed a position")


def _new_id(result: CursorResult[Any]) -> int:
    key: Any = result.inserted_primary_key
    return int(key[0])


def _chunks(items: Sequence[T]) -> list[Sequence[T]]:
    return [items[start : start + _KEYS_A_STATEMENT] for start in range(0, len(items), _KEYS_A_STATEMENT)]
