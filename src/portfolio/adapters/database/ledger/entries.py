"""The ledger's entries, trades and transactions, in the order they were booked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, select

from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.ledger.mapping import trade_from_row
from portfolio.adapters.database.ledger.mapping_records import cash_entry_from_row
from portfolio.adapters.database.schema.tables import cash_transactions, mock_trades, position_adjustments
from portfolio.application.ledger.cash_records import Entry, RecordedCashEntry

_reversal = mock_trades.alias("reversal")


def select_trades() -> Select[Any]:
    """Return the statement for rows of the trades table, each with the id of the trade that reversed it."""
    return select(mock_trades, _reversal.c.id.label("reversed_by")).select_from(
        mock_trades.outerjoin(_reversal, _reversal.c.reverses_trade_id == mock_trades.c.id)
    )


async def read_entries(session: Session, after: int, limit: int) -> Sequence[Entry]:
    """Return the entries after ledger revision ``after``, also those of before another program made the row anew."""
    trades, transactions = mock_trades.c, cash_transactions.c
    booked = select_trades().where(trades.ledger_revision > after).order_by(trades.ledger_revision).limit(limit)
    moved = (
        select(cash_transactions)
        .where(transactions.ledger_revision > after)
        .order_by(transactions.ledger_revision)
        .limit(limit)
    )
    entries: list[Entry] = []
    for row in await session.run(booked):
        entry = trade_from_row(row).entry
        if entry is not None:
            entries.append(entry)
    recorded = await _with_adjustments(session, (await session.run(moved)).all())
    entries += [one.entry for one in recorded]
    return sorted(entries, key=lambda entry: entry.revision)[:limit]


async def read_cash_entries(session: Session, before: int | None, limit: int) -> Sequence[RecordedCashEntry]:
    """Return the newest entries that are no trade, or the newest before that id."""
    newest = select(cash_transactions).order_by(cash_transactions.c.id.desc()).limit(limit)
    rows = await session.run(newest if before is None else newest.where(cash_transactions.c.id < before))
    return await _with_adjustments(session, rows.all())


async def last_revision(session: Session) -> int:
    """Return the highest ledger revision of an entry; 0 where there is none."""
    highest = 0
    for column in (mock_trades.c.ledger_revision, cash_transactions.c.ledger_revision):
        highest = max(highest, (await session.run(select(func.max(column)))).scalar() or 0)
    return highest


async def _with_adjustments(session: Session, rows: Sequence[Any]) -> list[RecordedCashEntry]:
    c = position_adjustments.c
    adjustments: defaultdict[int, list[Any]] = defaultdict(list)
    if rows:
        of_these = c.cash_transaction_id.between(min(row.id for row in rows), max(row.id for row in rows))
        for row in await session.run(select(position_adjustments).where(of_these).order_by(c.id)):
            adjustments[row.cash_transaction_id].append(row)
    return [cash_entry_from_row(row, adjustments[row.id]) for row in rows]
