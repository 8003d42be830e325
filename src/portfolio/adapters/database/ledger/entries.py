"""The ledger's entries, trades and transactions, in the order they were booked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import ScalarSelect, Select, Table, bindparam, func, literal, select, union_all

from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Prepared
from portfolio.adapters.database.ledger.mapping import trade_from_row
from portfolio.adapters.database.ledger.mapping_records import cash_entry_from_row
from portfolio.adapters.database.schema.fields import Fields, UnreadableRow
from portfolio.adapters.database.schema.tables import cash_transactions, mock_trades, position_adjustments
from portfolio.adapters.database.schema.unreadable import Rows, UnreadableRows
from portfolio.application.ledger.audit import entry_digest
from portfolio.application.ledger.cash_records import (
    CashEntry,
    Entry,
    LoggedEntry,
    PositionAdjustment,
    RecordedCashEntry,
)
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.ledger.records import BookedTrade, TradeEntry
from portfolio.domain.ledger.cash_transaction import CashTransactionKind

_DENSE = 4

E = TypeVar("E", bound=TradeEntry | Movement)

_reversal = mock_trades.alias("reversal")
_ADJUSTED = Fields(PositionAdjustment)
_MOVED = Fields(
    Movement,
    revision="ledger_revision",
    owner="booked_by",
    fees="fee",
    executed_at="execution_time",
    reverses="reverses_trade_id",
)


def _newest_of(table: Table, kind: Any) -> Select[Any]:
    # The greatest number, and the row that has it, go by the index also where a server takes the table for empty.
    revision = table.c.ledger_revision
    greatest = select(func.max(revision)).correlate(None).scalar_subquery()
    return select(revision, table.c.portfolio_id, kind.label("kind")).where(revision == greatest)


_newest = union_all(
    _newest_of(mock_trades, literal("trade")), _newest_of(cash_transactions, cash_transactions.c.kind)
).subquery()
last_entry = select(_newest).order_by(_newest.c.ledger_revision.desc()).limit(1)
"""The newest entry of the ledger: its revision, the portfolio's row that it moved, its kind."""
LAST_ENTRY = Prepared(last_entry)


def of_baseline(column: Any) -> ScalarSelect[Any]:
    """Return what a column of cash transactions says of the baseline, which is the first entry; null without one."""
    c = cash_transactions.c
    baseline = select(column).where(c.ledger_revision == 1, c.kind == CashTransactionKind.BASELINE.value)
    return baseline.correlate(None).scalar_subquery()


def select_trades() -> Select[Any]:
    """Return the statement for rows of the trades table, each with the id of the trade that reversed it."""
    return select(mock_trades, _reversal.c.id.label("reversed_by")).select_from(
        mock_trades.outerjoin(_reversal, _reversal.c.reverses_trade_id == mock_trades.c.id)
    )


def _entry_of(row: Any) -> TradeEntry:
    entry = trade_from_row(row).entry
    if entry is None:
        raise UnreadableRow("booked_by: is empty")
    return entry


TRADES = Rows(mock_trades.c.id, select_trades(), trade_from_row)
_ENTRIES = Rows(mock_trades.c.id, select_trades(), _entry_of)
_MOVEMENTS = Rows(mock_trades.c.id, select(*(mock_trades.c[name] for name in _MOVED.columns)), _MOVED.in_order)
_CASH_ROWS = Rows.of(cash_transactions.c.id, partial(cash_entry_from_row, positions=()))
_ADJUSTMENTS = Rows.of(position_adjustments.c.id, lambda row: (row.cash_transaction_id, _ADJUSTED.record(row)))


async def read_entries(session: Session, after: int, limit: int, unreadable: UnreadableRows) -> Sequence[Entry]:
    """Return the entries after ledger revision ``after``.

    One that cannot be read is left out: its revision is missing.
    """
    return await _read(_ENTRIES, session, after, limit, unreadable)


async def read_movements(
    session: Session, after: int, limit: int, unreadable: UnreadableRows
) -> Sequence[Movement | CashEntry]:
    """Return what the entries after ledger revision ``after`` moved; one that cannot be read is left out."""
    return await _read(_MOVEMENTS, session, after, limit, unreadable)


async def _read(
    kind: Rows[E], session: Session, after: int, limit: int, unreadable: UnreadableRows
) -> Sequence[E | CashEntry]:
    def page(of: Select[Any], table: Table) -> Select[Any]:
        return of.where(table.c.ledger_revision > after).order_by(table.c.ledger_revision).limit(limit)

    trades = unreadable.readable(kind, await session.run(page(kind.selected, mock_trades)))
    moved = await session.run(page(select(cash_transactions), cash_transactions))
    recorded = await read_cash_rows(session, moved.all(), unreadable)
    return sorted([*trades, *(one.entry for one in recorded)], key=lambda entry: entry.revision)[:limit]


_trades, _transactions = mock_trades.c, cash_transactions.c
_BOOKED = Prepared(
    select_trades().where(_trades.ledger_revision > bindparam("after"), _trades.ledger_revision <= bindparam("until"))
)
_CASH = Prepared(
    select(cash_transactions).where(
        _transactions.ledger_revision > bindparam("after"), _transactions.ledger_revision <= bindparam("until")
    )
)


async def read_log(session: Session, after: int, until: int, unreadable: UnreadableRows) -> Sequence[LoggedEntry]:
    """Return the entries after one ledger revision and up to another, in their order.

    One that cannot be read is there without what it says.
    """
    booked, moved = await session.execute(
        *(kind.on(session.dialect, after=after, until=until) for kind in (_BOOKED, _CASH))
    )
    transactions = list(moved)
    read = {one.id: one for one in await read_cash_rows(session, transactions, unreadable)}
    logged = [
        _logged("trade", row, row.booked_at, next(iter(unreadable.readable(TRADES, [row])), None)) for row in booked
    ]
    logged += [_logged(row.kind, row, row.moved_at, read.get(row.id)) for row in transactions]
    return sorted(logged, key=lambda one: one.revision)


def _logged(name: str, row: Any, at: Any, entry: BookedTrade | RecordedCashEntry | None) -> LoggedEntry:
    digest = entry_digest(name, row.id, row.fingerprint, at, row.digest)
    return LoggedEntry(revision=row.ledger_revision, digest=digest, entry=entry)


async def read_cash_rows(session: Session, rows: Sequence[Any], unreadable: UnreadableRows) -> list[RecordedCashEntry]:
    """Return the entries of rows that are no trades, with the positions that each moved; all of one or nothing."""
    if not rows:
        return []
    found = await _adjustment_rows(session, rows)
    positions: defaultdict[int, list[PositionAdjustment]] = defaultdict(list)
    for entry_id, adjustment in unreadable.readable(_ADJUSTMENTS, found):
        positions[entry_id].append(adjustment)
    wanted = Counter(row.cash_transaction_id for row in found)
    whole = [row for row in rows if len(positions[row.id]) == wanted[row.id]]
    return [
        RecordedCashEntry(id=one.id, entry=replace(one.entry, positions=tuple(positions[one.id])))
        for one in unreadable.readable(_CASH_ROWS, whole)
    ]


async def _adjustment_rows(session: Session, rows: Sequence[Any]) -> Sequence[Any]:
    c = position_adjustments.c
    ids = [row.id for row in rows]
    first, last = min(ids), max(ids)
    # Of rows that follow one another a range; of those that were picked out far apart each alone.
    is_dense = last - first < _DENSE * len(ids)
    of_these = c.cash_transaction_id.between(first, last) if is_dense else c.cash_transaction_id.in_(ids)
    return (await session.run(select(position_adjustments).where(of_these).order_by(c.id))).all()


async def adjustments_of(session: Session, rows: Sequence[Any]) -> Mapping[int, Sequence[Any]]:
    """Return by the id of each entry of ``rows``, of which there is one, the rows of the positions that it moved."""
    adjustments: defaultdict[int, list[Any]] = defaultdict(list)
    for row in await _adjustment_rows(session, rows):
        adjustments[row.cash_transaction_id].append(row)
    return adjustments
