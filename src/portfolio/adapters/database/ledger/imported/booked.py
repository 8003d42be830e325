"""What was booked otherwise than by imports, to be held beside the rows of files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, func, select

from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.ledger.event_reads import EFFECTIVE
from portfolio.adapters.database.schema.fields import NOT_READABLE, UnreadableRow
from portfolio.adapters.database.schema.tables import cash_transactions, mock_trades, position_adjustments
from portfolio.application.ledger.happenings.imported import IMPORT, BookedMove
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.trade import Side

_K = CashTransactionKind
_OF_MONEY: Final = [one.value for one in (_K.DEPOSIT, _K.WITHDRAWAL, _K.INTEREST, _K.CHARGE)]
_OF_ASSETS: Final = [one.value for one in (_K.TRANSFER_IN, _K.TRANSFER_OUT, _K.INCOME, _K.LOSS, _K.EXCHANGE)]
_DOLLARS: Final = "USD"


async def read_booked(session: Session, first: datetime, last: datetime) -> list[BookedMove]:
    """Return what was booked but by imports, and stands, of what took effect between two moments, both included."""
    legs = position_adjustments.c
    return [
        *await _all(session, _trades(first, last), mock_trades.c.id, _trade),
        *await _all(session, _others(first, last).where(_c.kind.in_(_OF_MONEY)), _c.id, _money),
        *await _all(session, _legs(first, last), legs.id, _leg),
    ]


async def _all(session: Session, wanted: Select[Any], key: Any, made: Callable[[Any], BookedMove]) -> list[BookedMove]:
    found: list[BookedMove] = []

    def take(rows: Sequence[Any]) -> None:
        for row in rows:
            try:
                found.append(made(row))
            except NOT_READABLE as error:
                raise UnreadableRow(f"the row {row.id} of the ledger cannot be read: {error}") from error

    await session.read_through(wanted.order_by(key), take)
    return found


def _trades(first: datetime, last: datetime) -> Select[Any]:
    t, taking = mock_trades.c, mock_trades.alias("taking")
    columns = (t.id, t.booked_by, t.engine, t.symbol, t.side, t.quantity, t.price, t.execution_time)
    found = select(*columns).select_from(mock_trades.outerjoin(taking, taking.c.reverses_trade_id == t.id))
    return found.where(
        t.ledger_revision.is_not(None),
        (t.booked_by != IMPORT) | t.engine.is_not(None),  # an engine may have that name
        t.execution_time.between(first, last),
        func.coalesce(t.reverses_trade_id, 0) == 0,  # of NULL SQLite would read all trades: it takes them for one
        taking.c.id.is_(None),
    )


_c = cash_transactions.c
_taking = cash_transactions.alias("taking")
_OTHERS = cash_transactions.outerjoin(_taking, _taking.c.reverses_revision == _c.ledger_revision)


def _others(first: datetime, last: datetime, *columns: Any, of: Any = _OTHERS) -> Select[Any]:
    """Return the statement for what is no trade, is not taken out, and takes nothing out."""
    wanted = select(_c.id, _c.owner, _c.cash_delta, EFFECTIVE.label("at"), *columns)
    return wanted.select_from(of).where(
        _c.owner != IMPORT,
        EFFECTIVE.between(first, last),
        _c.reverses_revision.is_(None),
        _taking.c.id.is_(None),
    )


def _legs(first: datetime, last: datetime) -> Select[Any]:
    legs = position_adjustments
    joined = _OTHERS.join(legs, legs.c.cash_transaction_id == _c.id)
    found = _others(first, last, legs.c.symbol, legs.c.quantity_delta, of=joined)
    return found.where(_c.kind.in_(_OF_ASSETS))


def _trade(row: Any) -> BookedMove:
    number, booked_by, engine, symbol, side, quantity, price, at = row  # by name it takes twice as long
    moved = quantity if Side(side) is Side.BUY else -quantity
    return BookedMove(f"trade {number}", engine or booked_by, True, symbol, moved, price, at)


def _money(row: Any) -> BookedMove:
    return BookedMove(f"entry {row.id}", row.owner, False, _DOLLARS, row.cash_delta, None, row.at)


def _leg(row: Any) -> BookedMove:
    return BookedMove(f"entry {row.id}", row.owner, False, row.symbol, row.quantity_delta, None, row.at)
