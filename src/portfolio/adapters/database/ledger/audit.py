"""The rows of the ledger as texts, which the server puts together: a million of them are read in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, bindparam, literal_column, or_, select
from sqlalchemy.sql.selectable import NamedFromClause

from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Prepared
from portfolio.adapters.database.ledger.entries import adjustments_of
from portfolio.adapters.database.ledger.mapping_records import REFUSED
from portfolio.adapters.database.schema.tables import (
    booking_outcomes,
    cash_refusals,
    cash_transactions,
    mock_trades,
    position_adjustments,
    rebalance_signals,
)
from portfolio.adapters.database.schema.types import Exact
from portfolio.application.ledger.audit import (
    ADJUSTMENT,
    CASH_ENTRY,
    CASH_REFUSAL,
    EVENT,
    NOTHING,
    OUTCOME,
    SEPARATOR,
    TRADE,
    TRADE_GROUP,
    EntryLine,
    KeptRow,
    Reversed,
    content,
    more_content,
)

MOST_STRAYS = 100

_outcome = booking_outcomes.alias("kept")
_taken = mock_trades.alias("taken")


def content_sql(table: NamedFromClause, columns: Sequence[str], *, is_sqlite: bool) -> str:
    """Return the SQL for the columns of a row as one text, the same that ``digests.content`` makes of its values."""
    separator, nothing = (f"CHAR({ord(each)}{'' if is_sqlite else ' USING utf8mb4'})" for each in (SEPARATOR, NOTHING))
    cells = []
    for name in columns:
        cell = f"{table.name}.{name}"
        cell = f"CAST({cell} AS TEXT)" if is_sqlite else f"CONVERT({cell} USING utf8mb4)"
        if isinstance(table.c[name].type, Exact) and not is_sqlite:
            cell = f"TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM {cell}))"
        cells.append(f"COALESCE({cell}, {nothing})")
    return f" || {separator} || ".join(cells) if is_sqlite else f"CONCAT_WS({separator}, {', '.join(cells)})"


class _AsTexts:
    """A statement whose texts each kind of database puts together in its own way."""

    def __init__(self, statement: Select[Any], **texts: tuple[NamedFromClause, Sequence[str]]) -> None:
        self._statements = [
            Prepared(
                statement.add_columns(
                    *(literal_column(content_sql(*text, is_sqlite=is_sqlite)).label(n) for n, text in texts.items())
                )
            )
            for is_sqlite in (False, True)
        ]

    async def rows(self, session: Session, **parameters: Any) -> Sequence[Any]:
        """Return the rows."""
        [found] = await session.execute(self._statements[session.is_sqlite].on(session.dialect, **parameters))
        return found.rows


_TRADES = _AsTexts(
    select(
        mock_trades.c.id,
        mock_trades.c.digest,
        mock_trades.c.group_id,
        _outcome.c.id.label("outcome_id"),
        _outcome.c.digest.label("outcome_digest"),
        *(_taken.c[name].label(f"taken_{name}") for name in ("symbol", "side", "closes", "realized_pnl")),
    )
    .select_from(
        mock_trades.outerjoin(
            _outcome,
            and_(
                _outcome.c.client_trade_id == mock_trades.c.client_trade_id, _outcome.c.owner == mock_trades.c.booked_by
            ),
        ).outerjoin(_taken, _taken.c.id == mock_trades.c.reverses_trade_id)
    )
    .where(mock_trades.c.ledger_revision > bindparam("after"))
    .order_by(mock_trades.c.ledger_revision)
    .limit(bindparam("limit")),
    content=(mock_trades, TRADE),
    outcome_content=(_outcome, OUTCOME),
)
_CASH_ENTRIES = Prepared(
    select(cash_transactions)
    .where(cash_transactions.c.ledger_revision > bindparam("after"))
    .order_by(cash_transactions.c.ledger_revision)
    .limit(bindparam("limit"))
)


def _refused(table: Table, columns: Sequence[str], *conditions: ColumnElement[bool]) -> _AsTexts:
    page = select(table.c.id, table.c.digest).where(table.c.id > bindparam("after"), *conditions)
    return _AsTexts(page.order_by(table.c.id).limit(bindparam("limit")), content=(table, columns))


_REFUSALS = _refused(booking_outcomes, OUTCOME, booking_outcomes.c.status == REFUSED)
_CASH_REFUSALS = _refused(cash_refusals, CASH_REFUSAL)


def _ids(table: Table, *joined: tuple[Table, ColumnElement[bool]]) -> Select[Any]:
    source: FromClause = table
    for other, condition in joined:
        source = source.outerjoin(other, condition)
    return select(table.c.id).select_from(source).limit(MOST_STRAYS)


_trade, _kept, _signal = mock_trades.c, booking_outcomes.c, rebalance_signals.c
_is_entry = and_(_trade.booked_by.is_not(None), _trade.ledger_revision.is_not(None))
_has_one_alone = or_(_trade.booked_by.is_not(None), _trade.ledger_revision.is_not(None)) & ~_is_entry
_of_key = and_(_kept.client_trade_id == _trade.client_trade_id, _kept.owner == _trade.booked_by)
_STRAYS = (
    (mock_trades, "it says that it was booked here, and is no entry", _ids(mock_trades).where(_has_one_alone)),
    (
        position_adjustments,
        "it is of no entry",
        _ids(
            position_adjustments,
            (cash_transactions, cash_transactions.c.id == position_adjustments.c.cash_transaction_id),
        ).where(cash_transactions.c.id.is_(None)),
    ),
    (
        booking_outcomes,
        "it is the outcome of no trade",
        _ids(booking_outcomes, (mock_trades, and_(_kept.trade_id == _trade.id, _of_key))).where(
            _kept.status != REFUSED, _trade.id.is_(None)
        ),
    ),
    (
        rebalance_signals,
        "no trade of the ledger carried it out",
        _ids(rebalance_signals, (mock_trades, and_(_signal.executed_trade_id == _trade.id, _is_entry))).where(
            _signal.executed_trade_id.is_not(None),
            or_(_trade.id.is_(None), _trade.signal_id.is_(None), _trade.signal_id != _signal.signal_id),
        ),
    ),
)


async def read_lines(session: Session, after: int, limit: int) -> Sequence[EntryLine]:
    """Return the rows of the entries after a ledger revision, in order; trades and others in one."""
    lines = [_trade_line(row) for row in await _TRADES.rows(session, after=after, limit=limit)]
    [cash] = await session.execute(_CASH_ENTRIES.on(session.dialect, after=after, limit=limit))
    if cash.rows:
        lines += await _cash_lines(session, cash.rows)
        lines.sort(key=lambda line: line.revision)
    return lines[:limit]


def _trade_line(row: Any) -> EntryLine:
    kept = None
    if row.outcome_id is not None:
        kept = KeptRow(booking_outcomes.name, row.outcome_id, row.outcome_digest, row.outcome_content)
    taken = None
    if row.taken_symbol is not None and row.taken_realized_pnl is not None:
        taken = Reversed(row.taken_symbol, row.taken_side, bool(row.taken_closes), str(row.taken_realized_pnl))
    more = more_content(TRADE_GROUP, row._asdict()) if row.group_id is not None else ()
    return EntryLine(KeptRow(mock_trades.name, row.id, row.digest, row.content), (), kept, taken, more)


async def read_refusals(session: Session, of_cash: bool, after: int, limit: int) -> Sequence[KeptRow]:
    """Return the rows of refused bookings, or cash transactions, after an id, in order."""
    table, statement = (cash_refusals, _CASH_REFUSALS) if of_cash else (booking_outcomes, _REFUSALS)
    rows = await statement.rows(session, after=after, limit=limit)
    return [KeptRow(table.name, row.id, row.digest, row.content) for row in rows]


async def read_strays(session: Session, revision: int) -> Sequence[str]:
    """Return a line for each row that says that it is of this ledger, and has no place in it.

    ``revision`` is that of the books.
    """
    beyond = f"its revision is none of the ledger, which is at {revision}"
    return [
        f"{table.name} row {row.id}: {what}"
        for table, what, found in (
            *_STRAYS,
            *(
                (each, beyond, _ids(each).where(or_(each.c.ledger_revision < 1, each.c.ledger_revision > revision)))
                for each in (mock_trades, cash_transactions)
            ),
        )
        for row in await session.run(found)
    ]


async def _cash_lines(session: Session, rows: Sequence[Any]) -> Sequence[EntryLine]:
    moved = await adjustments_of(session, rows)
    return [
        EntryLine(
            KeptRow(cash_transactions.name, row.id, row.digest, content(CASH_ENTRY, row._asdict())),
            [content(ADJUSTMENT, each._asdict()) for each in moved[row.id]],
            more=more_content(EVENT, row._asdict()),
        )
        for row in rows
    ]
