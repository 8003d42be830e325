"""Imports within a unit of work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select, update

from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.ledger.entries import read_log
from portfolio.adapters.database.ledger.imported.booked import read_booked
from portfolio.adapters.database.ledger.imported.parts import ANSWER, drop_parts, write_part
from portfolio.adapters.database.ledger.imported.rows import import_of, import_values
from portfolio.adapters.database.schema.tables import cash_transactions, import_previews, import_rows, imports
from portfolio.adapters.database.schema.unreadable import UnreadableRows
from portfolio.application.ledger.cash_records import LoggedEntry
from portfolio.application.ledger.happenings.imported import BOOKED, BookedMove, KeptImport

_ENTRIES_AT_ONCE = 2_000


class DatabaseImportBook:
    """The port ``ImportBook`` on a database."""

    def __init__(self, session: Session, unreadable: UnreadableRows) -> None:
        self._session = session
        self._unreadable = unreadable

    async def named(self, import_id: int) -> KeptImport | None:
        row = (await self._session.run(select(imports).where(imports.c.id == import_id))).first()
        return None if row is None else import_of(row)

    async def logged(self, first: int, last: int) -> Sequence[LoggedEntry]:
        found: list[LoggedEntry] = []
        for after in range(first - 1, last, _ENTRIES_AT_ONCE):
            until = min(last, after + _ENTRIES_AT_ONCE)
            found += await read_log(self._session, after, until, self._unreadable)
        return found

    async def taken_out(self, first: int, last: int) -> Mapping[int, int]:
        c = cash_transactions.c
        of = select(c.reverses_revision, c.ledger_revision).where(c.reverses_revision.between(first, last))
        return {row.reverses_revision: row.ledger_revision for row in await self._session.run(of)}

    async def first_booked(self, import_id: int) -> int | None:
        first = select(func.min(import_rows.c.ledger_revision)).where(import_rows.c.import_id == import_id)
        found: int | None = (await self._session.run(first)).scalar_one()
        return found

    async def take_back(self, kept: KeptImport) -> None:
        c = import_rows.c
        await self._session.run(update(imports).where(imports.c.id == kept.id).values(import_values(kept)))
        named = update(import_rows).where(c.import_id == kept.id, c.external_id.is_not(None))
        # One after the other: MySQL sets columns from left to right, each from those set before.
        await self._session.run(named.values(former_id=c.external_id))
        await self._session.run(named.values(external_id=None))

    async def booked_between(self, first: datetime, last: datetime) -> Sequence[BookedMove]:
        return await read_booked(self._session, first, last)

    async def is_booked(self, preview_id: str) -> bool | None:
        c = import_previews.c
        row = (await self._session.run(select(c.state).where(c.preview_id == preview_id))).first()
        return None if row is None else row.state == BOOKED

    async def book_preview(self, preview_id: str, import_id: int | None, answer: bytes, until: datetime) -> None:
        await drop_parts(self._session, [preview_id])
        await write_part(self._session, preview_id, ANSWER, 0, answer)
        c = import_previews.c
        booked = {"state": BOOKED, "import_id": import_id, "expires_at": until}
        await self._session.run(update(import_previews).where(c.preview_id == preview_id).values(booked))
