"""What stands beside the rows of the books, or lacks: rows of other programs, positions whose row they deleted."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, select

from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Prepared, chunks
from portfolio.adapters.database.ledger.entries import of_baseline
from portfolio.adapters.database.ledger.mapping import ReadPortfolio
from portfolio.adapters.database.schema.tables import (
    cash_transactions,
    mock_portfolio,
    mock_trades,
    position_adjustments,
)
from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Quantity
from portfolio.domain.symbol import Symbol, is_symbol

_trades, _moved = mock_trades.c, position_adjustments.c
OTHER_PORTFOLIOS = Prepared(
    select(
        mock_portfolio.c.id,
        mock_portfolio.c.cash_balance,
        mock_portfolio.c.updated_at,
        of_baseline(cash_transactions.c.moved_at).label("opened_at"),
    ).order_by(mock_portfolio.c.id)
)

# Each is answered by an index alone, of whatever size the table is.
_TRADED = Prepared(select(_trades.symbol).distinct())
_ADJUSTED = Prepared(select(_moved.symbol).distinct())

_since = of_baseline(cash_transactions.c.ledger_revision)
_codes: Any = bindparam("codes", expanding=True)
_TRADES = Prepared(
    select(_trades.symbol, _trades.side, _trades.quantity).where(
        _trades.symbol.in_(_codes), _trades.ledger_revision > _since
    )
)
_ADJUSTMENTS = Prepared(
    select(_moved.symbol, _moved.quantity_delta)
    .join(cash_transactions, cash_transactions.c.id == _moved.cash_transaction_id)
    .where(_moved.symbol.in_(_codes), cash_transactions.c.ledger_revision >= _since)
)


async def lost_positions(session: Session, read: ReadPortfolio) -> list[Position]:
    """Return the positions that the entries add up to, and whose row was deleted, or made anew by another program.

    A row that this service wrote has a cost without fees.
    """
    dialect = session.dialect
    traded, adjusted = await session.execute(_TRADED.on(dialect), _ADJUSTED.on(dialect))
    rows = {symbol.code for symbol, row in read.rows.items() if row.asset_cost is not None}
    rows |= {name.upper() for name in read.portfolio.unreadable_rows}
    quantities: defaultdict[str, Quantity] = defaultdict(Quantity.zero)
    for codes in chunks(sorted({row.symbol for result in (traded, adjusted) for row in result} - rows)):
        trades, adjustments = await session.execute(
            _TRADES.on(dialect, codes=codes), _ADJUSTMENTS.on(dialect, codes=codes)
        )
        for row in trades:
            quantity = Quantity(row.quantity)
            quantities[row.symbol] += quantity if row.side == Side.BUY else -quantity
        for row in adjustments:
            quantities[row.symbol] += Quantity(row.quantity_delta)
    return [
        replace(read.portfolio.position(Symbol(code)), ledger_quantity=held)
        for code, held in sorted(quantities.items())
        if held and is_symbol(code)  # a cell that names no asset is for `verify` to name
    ]
