"""A booking on trial: each kind of write that a booking needs, on rows of no number, rolled back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import Boolean, Column, Date, Integer, String, Table, Text, bindparam, or_, select, update

from portfolio.adapters.database.connection.bulk import NOW, RowWriter
from portfolio.adapters.database.connection.errors import Unfit
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Prepared, Result, Statement
from portfolio.adapters.database.schema.server_check import check_tables
from portfolio.adapters.database.schema.tables import (
    booking_outcomes,
    cash_refusals,
    cash_transactions,
    mock_holdings,
    mock_portfolio,
    mock_trades,
    position_adjustments,
    rebalance_signals,
)
from portfolio.adapters.database.schema.types import Exact, KeyText, UtcMoment

# Given, so that no number of the table's own is used up; nobody has it.
_NO_ID = 0
_TEXT = "trial ✓ 😀"
# Short names: of a side, a status, a symbol. They are in tables whose charset engines have chosen.
_NAME_LENGTH = 64


def _sample(column: Column[Any]) -> Any:
    """Return a value that needs all of the column: every digit of an amount, every byte of a text."""
    samples: Mapping[type[Any], Any] = {
        Exact: Decimal("1.000000000000000001"),
        UtcMoment: datetime(2000, 1, 1, tzinfo=UTC),
        Date: date(2000, 1, 1),
        Boolean: False,
        Integer: _NO_ID,
        KeyText: _TEXT,
        Text: _TEXT,
    }
    for kind, value in samples.items():
        if isinstance(column.type, kind):
            return value
    if column.name in {"side", "action"}:
        return "BUY"
    return _TEXT if isinstance(column.type, String) and (column.type.length or 0) > _NAME_LENGTH else "trial"


_WRITTEN = (mock_trades, booking_outcomes, cash_transactions, cash_refusals, position_adjustments, mock_holdings)
_ROWS = {table: {c.name: _sample(c) for c in table.c if c.name not in {"updated_at"}} for table in _WRITTEN}
_INSERTS = {table: RowWriter(table) for table in _WRITTEN}
_READS = {
    table: Prepared(select(*(table.c[name] for name in row)).where(table.c.id == _NO_ID))
    for table, row in _ROWS.items()
}
# What names something once has to be told from all that looks alike.
_ALIKE = (_TEXT.upper(), f"{_TEXT} ")
_FOLDS = {
    table: Prepared(
        select(*(or_(*(c == text for text in _ALIKE)).label(c.name) for c in table.c if isinstance(c.type, KeyText)))
        .select_from(table)
        .where(table.c.id == _NO_ID)
    )
    for table in (mock_trades, booking_outcomes, cash_transactions, cash_refusals)
}
_UPSERT = RowWriter(mock_holdings, key=["id"], touch="updated_at")
_UPDATES = {
    table: Prepared(update(table).where(table.c.id == bindparam("row_id")))
    for table in (booking_outcomes, rebalance_signals)
}
# To what they are: on a table without transactions nothing must be left behind.
_same = {column.name: column for column in mock_portfolio.c if column.name not in {"id", "updated_at"}}
_UPDATE_PORTFOLIO = Prepared(
    update(mock_portfolio).where(mock_portfolio.c.id == bindparam("row_id")).values(_same | {"updated_at": NOW})
)


async def book_on_trial(session: Session, row_id: int | None, prices_schema: str | None) -> None:
    """Do to each table what a booking does to it, in a transaction that is then rolled back.

    Raises:
        Unfit: a table keeps no transactions, has no more numbers, or gives back something else than was written.
    """
    dialect = session.dialect
    # What was read cannot be altered until the transaction ends: what is found of it now holds when it is written.
    await session.execute(*(read.on(dialect) for read in _READS.values()))
    await check_tables(session, prices_schema)
    writes: list[Statement] = []
    for table, row in _ROWS.items():
        writes += _INSERTS[table].on(dialect, [row])
    writes += _UPSERT.on(dialect, [_ROWS[mock_holdings]])
    writes.append(_UPDATES[booking_outcomes].on(dialect, row_id=_NO_ID, **_ROWS[booking_outcomes]))
    writes.append(_UPDATES[rebalance_signals].on(dialect, row_id=_NO_ID, status="executed"))
    writes.append(_UPDATE_PORTFOLIO.on(dialect, row_id=_NO_ID if row_id is None else row_id))
    for table, row in _ROWS.items():
        writes.append(_READS[table].on(dialect, check=partial(_check_kept, table, row)))
    for table, folds in _FOLDS.items():
        writes.append(folds.on(dialect, check=partial(_check_whole, table)))
    await session.execute(*writes)


def _check_kept(table: Table, row: Mapping[str, Any], result: Result) -> None:
    kept = result.first()
    if kept is None:
        raise Unfit(f"{table.name} does not keep what is written")
    for name, value in row.items():
        if getattr(kept, name) != value:
            raise Unfit(f"{table.name}.{name} does not keep what is written: {value} became {getattr(kept, name)}")


def _check_whole(table: Table, result: Result) -> None:
    for name in (name for row in result for name, folds in row._asdict().items() if folds):
        raise Unfit(f"{table.name}.{name} takes different keys for one: it has to be VARBINARY")
