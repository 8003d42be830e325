"""The writes that make a portfolio's rows what it became, each guarded by what was read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import bindparam, literal_column, select, update
from sqlalchemy.engine import Dialect

from portfolio.adapters.database.connection.bulk import WhenThere, inserted, upserted
from portfolio.adapters.database.connection.errors import Conflict
from portfolio.adapters.database.connection.statements import Prepared, Result, Statement
from portfolio.adapters.database.ledger.mapping import counts_to_row, portfolio_to_row, totals_to_row
from portfolio.adapters.database.ledger.mapping_positions import position_to_row
from portfolio.adapters.database.schema.tables import mock_holdings, mock_portfolio
from portfolio.application.errors import LedgerUnavailable
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.symbol import Symbol

T = TypeVar("T")
Check = Callable[[Result], None]
Write = tuple[Statement, Check | None]

NOW: Any = literal_column("CURRENT_TIMESTAMP")
ROWS_A_STATEMENT = 500

_LOCK_HOLDINGS = Prepared(
    select(mock_holdings.c.id, mock_holdings.c.symbol, mock_holdings.c.quantity, mock_holdings.c.total_invested)
    .where(mock_holdings.c.id.in_(bindparam("ids", expanding=True)))
    .with_for_update()
)
_WRITTEN = (
    *("total_value", "cash_balance", "invested_amount", "total_pnl", "total_pnl_percent", "total_trades"),
    *("winning_trades", "losing_trades", "win_rate", "revision", "price_revision", "net_deposits", "realized_pnl"),
    *("fees_paid", "ledger_cash", "unit_count", "unit_value", "gross_profit", "gross_loss", "booked_trades"),
    *("booked_wins", "booked_losses"),
)
# On SQLite nobody else writes while we do, and a number is text there: others write 80000.0 where we write 80000.
_alone = (
    update(mock_portfolio)
    .where(mock_portfolio.c.id == bindparam("row_id"), mock_portfolio.c.revision == bindparam("revision_read"))
    .values(updated_at=NOW, **{name: bindparam(name) for name in _WRITTEN})
)
_UPDATE_ALONE = Prepared(_alone)
_UPDATE_GUARDED = Prepared(_alone.where(mock_portfolio.c.cash_balance == bindparam("cash_read")))


def portfolio_write(dialect: Dialect, row: Any, before: Portfolio, after: Portfolio) -> Write:
    """Return the write of the portfolio's own row, whose result tells whether another program was faster."""
    values = {
        **portfolio_to_row(after),
        **totals_to_row(after),
        **counts_to_row(row, before.trade_counts, after.trade_counts),
    }
    read = {"row_id": before.id, "revision_read": before.revision}
    if dialect.name == "sqlite":
        return _UPDATE_ALONE.on(dialect, **values, **read), _check_portfolio
    return _UPDATE_GUARDED.on(dialect, **values, **read, cash_read=before.cash.value), _check_portfolio


def position_writes(
    dialect: Dialect,
    before: Portfolio,
    after: Portfolio,
    rows: Mapping[Symbol, Any],
    touched: Collection[Symbol] | None,
) -> list[Write]:
    """Return the writes of the positions that have changed, the rows they were read from locked and compared.

    ``touched`` are those that may have; None for all.

    Raises:
        LedgerUnavailable: the row of a new position is there, and cannot be read.
    """
    known = before.positions
    symbols = after.positions if touched is None else (s for s in touched if s in after.positions)
    changed = [p for s in symbols if (p := after.positions[s]) is not known.get(s) and p != known.get(s)]
    held = {p.symbol: rows[p.symbol] for p in changed if p.symbol in rows}
    new = [p for p in changed if p.symbol not in held]
    for position in new:
        if position.symbol.code in {name.upper() for name in before.unreadable_rows}:
            raise LedgerUnavailable(f"the row of {position.symbol} in the holdings cannot be read")
    old = [
        {"id": held[p.symbol].id, **position_to_row(p), "symbol": held[p.symbol].symbol}
        for p in changed
        if p.symbol in held
    ]
    columns = [name for name in old[0] if name not in {"id", "symbol"}] if old else []
    statements = upserted(dialect, mock_holdings, old, WhenThere(key=["id"], update=columns, touch="updated_at"))
    statements += inserted(dialect, mock_holdings, [position_to_row(position) for position in new])
    return [*_locks(dialect, list(held.values())), *((statement, None) for statement in statements)]


def chunks(items: Sequence[T]) -> list[Sequence[T]]:
    """Return the items in parts that a statement takes."""
    return [items[start : start + ROWS_A_STATEMENT] for start in range(0, len(items), ROWS_A_STATEMENT)]


def _locks(dialect: Dialect, rows: Sequence[Any]) -> list[Write]:
    # By their ids: a symbol may be written in another case.
    read = {row.id: row for row in rows}
    return [
        (_LOCK_HOLDINGS.on(dialect, ids=chunk), partial(_check_positions, read, len(chunk)))
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
