"""The writes that make a portfolio's rows what it became, each guarded by what was read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.engine import Dialect

from portfolio.adapters.database.connection.bulk import NOW, RowWriter
from portfolio.adapters.database.connection.errors import Conflict
from portfolio.adapters.database.connection.statements import Prepared, Result, Statement, chunks
from portfolio.adapters.database.ledger.mapping import counts_to_row, portfolio_to_row, totals_to_row
from portfolio.adapters.database.ledger.mapping_positions import position_to_row
from portfolio.adapters.database.schema.tables import mock_holdings, mock_portfolio
from portfolio.application.errors import LedgerUnavailable
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.symbol import Symbol

_NEW_POSITIONS = RowWriter(mock_holdings)
_OLD_POSITIONS = RowWriter(mock_holdings, key=["id"], touch="updated_at")
_LOCK_HOLDINGS = Prepared(
    select(mock_holdings.c.id, mock_holdings.c.symbol, mock_holdings.c.quantity, mock_holdings.c.total_invested)
    .where(mock_holdings.c.id.in_(bindparam("ids", expanding=True)))
    .with_for_update()
)
# On SQLite nobody else writes while we do, and a number is text there: others write 80000.0 where we write 80000.
_alone = (
    update(mock_portfolio)
    .where(mock_portfolio.c.id == bindparam("row_id"), mock_portfolio.c.revision == bindparam("revision_read"))
    .values(updated_at=NOW)
)
_UPDATE_ALONE = Prepared(_alone)
_UPDATE_GUARDED = Prepared(_alone.where(mock_portfolio.c.cash_balance == bindparam("cash_read")))


def portfolio_write(dialect: Dialect, row: Any, before: Portfolio, after: Portfolio, head: str | None) -> Statement:
    """Return the write of the portfolio's own row, whose result tells whether another program was faster."""
    values = {
        "ledger_head": head,
        **portfolio_to_row(after),
        **totals_to_row(after),
        **counts_to_row(row, before.trade_counts, after.trade_counts),
    }
    read = {"row_id": before.id, "revision_read": before.revision}
    if dialect.name == "sqlite":
        return _UPDATE_ALONE.on(dialect, check=_check_portfolio, **values, **read)
    return _UPDATE_GUARDED.on(dialect, check=_check_portfolio, **values, **read, cash_read=before.cash.value)


def position_writes(
    dialect: Dialect,
    before: Portfolio,
    after: Portfolio,
    rows: Mapping[Symbol, Any],
    touched: Collection[Symbol] | None,
) -> list[Statement]:
    """Return the writes of the positions that have changed, the rows they were read from locked and compared.

    ``touched`` are those that may have; None for all.

    Raises:
        LedgerUnavailable: the row of a new position is there, and cannot be read.
    """
    known = before.positions
    symbols = after.positions if touched is None else (s for s in touched if s in after.positions)
    changed = [p for s in symbols if (p := after.positions[s]) != known.get(s) or _is_stale(rows.get(s), p)]
    held = {p.symbol: rows[p.symbol] for p in changed if p.symbol in rows}
    new = [p for p in changed if p.symbol not in held]
    for position in new:
        if position.symbol.code in {name.upper() for name in before.unreadable_rows}:
            raise LedgerUnavailable(f"the row of {position.symbol} in the holdings cannot be read")
    old = [(held[p.symbol], p) for p in changed if p.symbol in held]
    return [
        *_locks(dialect, list(held.values())),
        *_OLD_POSITIONS.on(dialect, [{**position_to_row(p), "id": row.id, "symbol": row.symbol} for row, p in old]),
        *_NEW_POSITIONS.on(dialect, [position_to_row(p) for p in new]),
    ]


def _is_stale(row: Any, position: Position) -> bool:
    """Return whether another program's average made the cost that the row has mean nothing."""
    return row is not None and row.asset_cost is not None and row.asset_cost != position.asset_cost.value


def _locks(dialect: Dialect, rows: Sequence[Any]) -> list[Statement]:
    # By their ids: a symbol may be written in another case.
    read = {row.id: row for row in rows}
    return [
        _LOCK_HOLDINGS.on(dialect, check=partial(_check_positions, read, len(chunk)), ids=chunk)
        for chunk in chunks([*read])
    ]


def _check_portfolio(result: Result) -> None:
    if result.rowcount != 1:
        raise Conflict("another program wrote the portfolio's row")


def _check_positions(read: Mapping[int, Any], wanted: int, result: Result) -> None:
    for row in result:
        before = read[row.id]
        if tuple(row) != (before.id, before.symbol, before.quantity, before.total_invested):
            raise Conflict(f"another program wrote the position in {row.symbol}")
    if len(result.rows) != wanted:
        raise Conflict("another program removed a position")
