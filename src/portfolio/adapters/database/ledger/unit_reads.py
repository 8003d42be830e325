"""What is read under the row lock of a unit of work."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import bindparam, func, select

from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Prepared, chunks
from portfolio.adapters.database.ledger.entries import last_revision, read_entries, select_trades
from portfolio.adapters.database.ledger.mapping import trade_from_row
from portfolio.adapters.database.ledger.mapping_records import (
    REFUSED,
    cash_entry_from_row,
    outcome_from_row,
    refused_cash_from_row,
)
from portfolio.adapters.database.schema.tables import (
    booking_outcomes,
    cash_refusals,
    cash_transactions,
    mock_trades,
    position_adjustments,
)
from portfolio.application.ledger.cash_records import Entry, RecordedCashEntry, RefusedCashEntry
from portfolio.application.ledger.records import BookedTrade, BookingKey, RecordedOutcome

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
_TRADE = Prepared(select_trades().where(mock_trades.c.id == bindparam("trade_id")))
_TRADE_AT = Prepared(select_trades().where(mock_trades.c.ledger_revision == bindparam("revision")))


class UnitReads:
    """Reads in an open transaction, with all that it has written."""

    def __init__(self, session: Session, asked: frozenset[BookingKey], known: Sequence[int]) -> None:
        """Take the keys whose outcomes were looked up along with the lock, and the ids of those that were found."""
        self.session = session
        self._dialect = session.dialect
        self._asked, self._known = asked, known

    async def outcomes(self, keys: Collection[BookingKey]) -> Mapping[BookingKey, RecordedOutcome]:
        """Return the outcomes of these keys and those of other owners under the same names, the newest last."""
        ids = self._known
        if not self._asked.issuperset(keys):
            names = sorted({key.client_trade_id for key in keys})
            ids = [row.id for row in await self._ask_in_parts(OUTCOME_IDS, "names", names)]
        rows = await self._ask_in_parts(_OUTCOMES, "ids", ids) if ids else []
        newest_last = sorted(rows, key=attrgetter("id"))
        return {BookingKey(row.owner, row.client_trade_id): outcome_from_row(row) for row in newest_last}

    async def keeps(self, refusal: RecordedOutcome) -> bool:
        """Return whether this very refusal is kept, not only one of the same booking."""
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
        """Return by fingerprint the id of the newest trade booked since then with the same content."""
        rows = await self._ask_in_parts(_TWINS, "fingerprints", sorted(fingerprints), since=since)
        return {row.fingerprint: row.newest for row in rows}

    async def trade(self, trade_id: int) -> BookedTrade | None:
        """Return a trade of the table, whoever wrote it; None where there is none."""
        [found] = await self.session.execute(_TRADE.on(self._dialect, trade_id=trade_id))
        return trade_from_row(found.rows[0]) if found.rows else None

    async def trade_at(self, revision: int) -> BookedTrade | None:
        """Return the trade whose entry made this ledger revision; None where none did."""
        [found] = await self.session.execute(_TRADE_AT.on(self._dialect, revision=revision))
        return trade_from_row(found.rows[0]) if found.rows else None

    async def entries(self, *, after: int, limit: int) -> Sequence[Entry]:
        """Return the ledger's entries in the order they were booked, those after ledger revision ``after``."""
        return await read_entries(self.session, after, limit)

    async def last_revision(self) -> int:
        """Return the highest revision of an entry, which the portfolio's own is unless its row was made anew."""
        return await last_revision(self.session)

    async def transaction(self, owner: str, client_transaction_id: str) -> RecordedCashEntry | RefusedCashEntry | None:
        """Return the cash transaction recorded or refused under this key; None where there is none."""
        row, refused = [
            (
                await self.session.run(
                    select(table).where(table.c.owner == owner, table.c.client_transaction_id == client_transaction_id)
                )
            ).first()
            for table in (cash_transactions, cash_refusals)
        ]
        if row is None:
            return None if refused is None else refused_cash_from_row(refused)
        moved = select(position_adjustments).where(position_adjustments.c.cash_transaction_id == row.id)
        return cash_entry_from_row(row, await self.session.run(moved.order_by(position_adjustments.c.id)))

    async def _ask_in_parts(self, statement: Prepared, name: str, items: Sequence[Any], **others: Any) -> list[Any]:
        """Return the rows for a list of any length."""
        parts = (statement.on(self._dialect, **{**others, name: chunk}) for chunk in chunks(items))
        return [row for result in await self.session.execute(*parts) for row in result]
