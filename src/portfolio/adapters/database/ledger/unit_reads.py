"""What is read under the row lock of a unit of work."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, bindparam, func, select

from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Prepared, chunks
from portfolio.adapters.database.ledger.audit import read_lines
from portfolio.adapters.database.ledger.entries import (
    TRADES,
    read_cash_rows,
    read_entries,
    select_trades,
)
from portfolio.adapters.database.ledger.event_reads import (
    read_changes,
    read_later_moves,
    read_needed_event,
    select_events,
    select_unit_changes,
)
from portfolio.adapters.database.ledger.imported.book import DatabaseImportBook
from portfolio.adapters.database.ledger.imported.rows import read_imported
from portfolio.adapters.database.ledger.mapping_records import REFUSED, outcome_from_row, refused_cash_from_row
from portfolio.adapters.database.schema.fields import UnreadableRow
from portfolio.adapters.database.schema.tables import (
    booking_outcomes,
    cash_refusals,
    cash_transactions,
    mock_trades,
)
from portfolio.adapters.database.schema.unreadable import Rows, UnreadableRows
from portfolio.application.ledger.audit import EntryLine
from portfolio.application.ledger.cash_records import Entry, RecordedCashEntry, RefusedCashEntry
from portfolio.application.ledger.happenings.imported import ImportedRow
from portfolio.application.ledger.happenings.records import RecordedEvent
from portfolio.application.ledger.records import BookedTrade, BookingKey, RecordedOutcome
from portfolio.domain.ledger.happening import BookedChange, LaterMove
from portfolio.domain.symbol import Symbol

# Mostly there is none: who finds one asks for the rest of it.
OUTCOME_IDS = Prepared(
    select(booking_outcomes.c.id).where(booking_outcomes.c.client_trade_id.in_(bindparam("names", expanding=True)))
)
_OUTCOMES = Prepared(select(booking_outcomes).where(booking_outcomes.c.id.in_(bindparam("ids", expanding=True))))
_TWINS = Prepared(
    select(mock_trades.c.fingerprint, func.max(mock_trades.c.id).label("newest"))
    .where(
        mock_trades.c.fingerprint.in_(bindparam("fingerprints", expanding=True)),
        mock_trades.c.booked_at >= bindparam("since"),
    )
    .group_by(mock_trades.c.fingerprint)
)
OUTCOMES = Rows.of(booking_outcomes.c.id, outcome_from_row)
REFUSED_CASH = Rows.of(cash_refusals.c.id, refused_cash_from_row)

_TRADE = Prepared(select_trades().where(mock_trades.c.id == bindparam("trade_id")))
_TRADES_OF = Prepared(
    select_trades().where(
        mock_trades.c.booked_by.in_(bindparam("owners", expanding=True)),
        mock_trades.c.client_trade_id.in_(bindparam("names", expanding=True)),
    )
)
_TRADE_AT = Prepared(select_trades().where(mock_trades.c.ledger_revision == bindparam("revision")))


def select_unbooked(*wanted: Any) -> Select[Any]:
    """Select of the refused cash transactions and events those that no override has booked under their keys."""
    of_key = and_(
        cash_transactions.c.owner == cash_refusals.c.owner,
        cash_transactions.c.client_transaction_id == cash_refusals.c.client_transaction_id,
    )
    joined = select(*wanted).select_from(cash_refusals.outerjoin(cash_transactions, of_key))
    return joined.where(cash_transactions.c.id.is_(None))


class Asked(NamedTuple):
    """The keys whose outcomes were looked up along with the lock, and the ids of those that were found."""

    keys: frozenset[BookingKey]
    found: Sequence[int]


class UnitReads:
    """Reads in an open transaction, with all that it has written."""

    def __init__(self, session: Session, asked: Asked, unreadable: UnreadableRows) -> None:
        self.session = session
        self._unreadable = unreadable
        self._dialect = session.dialect
        self._asked, self._known = asked.keys, asked.found

    async def outcomes(self, keys: Collection[BookingKey]) -> Mapping[BookingKey, RecordedOutcome]:
        ids = self._known
        if not self._asked.issuperset(keys):
            names = sorted({key.client_trade_id for key in keys})
            ids = [row.id for row in await self._ask_in_parts(OUTCOME_IDS, "names", names)]
        rows = await self._ask_in_parts(_OUTCOMES, "ids", ids) if ids else []
        newest_last = sorted(rows, key=attrgetter("id"))
        needed = self._unreadable.needed
        return {BookingKey(row.owner, row.client_trade_id): needed(OUTCOMES, row) for row in newest_last}

    async def keeps(self, refusal: RecordedOutcome) -> bool:
        c = booking_outcomes.c
        same = select(c.id).where(
            c.status == REFUSED,
            c.owner == refusal.request.owner,
            c.client_trade_id == refusal.request.client_trade_id,  # IS NULL, where it has none
            c.fingerprint == refusal.fingerprint,
            c.decided_at == refusal.decided_at,
        )
        return (await self.session.run(same.limit(1))).first() is not None

    async def latest_twins(self, fingerprints: Collection[str], since: datetime) -> Mapping[str, int]:
        rows = await self._ask_in_parts(_TWINS, "fingerprints", sorted(fingerprints), since=since)
        return {row.fingerprint: row.newest for row in rows}

    async def trade(self, trade_id: int) -> BookedTrade | None:
        [found] = await self.session.execute(_TRADE.on(self._dialect, trade_id=trade_id))
        return self._unreadable.needed(TRADES, found.rows[0]) if found.rows else None

    async def trade_at(self, revision: int) -> BookedTrade | None:
        [found] = await self.session.execute(_TRADE_AT.on(self._dialect, revision=revision))
        return self._unreadable.needed(TRADES, found.rows[0]) if found.rows else None

    async def entries(self, *, after: int, limit: int) -> Sequence[Entry]:
        return await read_entries(self.session, after, limit, self._unreadable)

    async def entry_lines(self, *, after: int, limit: int) -> Sequence[EntryLine]:
        return await read_lines(self.session, after, limit)

    async def booked_under(self, keys: Collection[BookingKey]) -> Mapping[BookingKey, BookedTrade]:
        names = sorted({key.client_trade_id for key in keys})
        rows = await self._ask_in_parts(_TRADES_OF, "names", names, owners=sorted({key.owner for key in keys}))
        found = [self._unreadable.needed(TRADES, row) for row in rows]
        return {key: trade for trade in found if trade.entry and (key := trade.entry.request.key) in keys and key}

    async def transaction(self, owner: str, client_transaction_id: str) -> RecordedCashEntry | RefusedCashEntry | None:
        row, refused = [
            (
                await self.session.run(
                    select(table).where(table.c.owner == owner, table.c.client_transaction_id == client_transaction_id)
                )
            ).first()
            for table in (cash_transactions, cash_refusals)
        ]
        if row is None:
            return None if refused is None else self._unreadable.needed(REFUSED_CASH, refused)
        for entry in await read_cash_rows(self.session, [row], self._unreadable):
            return entry
        raise UnreadableRow(f"the row {row.id} of {cash_transactions.name} cannot be read")

    async def event(self, event_id: int) -> RecordedEvent | None:
        rows = (await self.session.run(select_events(event_id))).all()
        return await read_needed_event(self.session, rows[0], self._unreadable) if rows else None

    async def moved_after(self, symbol: Symbol, at: datetime) -> Sequence[LaterMove]:
        return await read_later_moves(self.session, symbol, at)

    async def changes_after(self, at: datetime) -> Sequence[BookedChange]:
        return await read_changes(self.session, at)

    async def splits_and_exchanges(self, *, after: int, needs_all: bool) -> Sequence[RecordedCashEntry]:
        rows = (await self.session.run(select_unit_changes(after))).all()
        found = await read_cash_rows(self.session, rows, self._unreadable)
        left_out = {row.id for row in rows} - {one.id for one in found}
        if left_out and needs_all:
            raise UnreadableRow(f"the row {min(left_out)} of {cash_transactions.name} cannot be read")
        return found

    async def imported_rows(self, account: str) -> Sequence[ImportedRow]:
        return await read_imported(self.session, account)

    @property
    def imports(self) -> DatabaseImportBook:
        return DatabaseImportBook(self.session, self._unreadable)

    async def _ask_in_parts(self, statement: Prepared, name: str, items: Sequence[Any], **others: Any) -> list[Any]:
        """Return the rows for a list of any length."""
        parts = (statement.on(self._dialect, **{**others, name: chunk}) for chunk in chunks(items))
        return [row for result in await self.session.execute(*parts) for row in result]
