"""Imports and their previews, outside of the ledger's transactions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import delete, insert, or_, select

from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.ledger.event_reads import read_changes
from portfolio.adapters.database.ledger.imported.booked import read_booked
from portfolio.adapters.database.ledger.imported.parts import ANSWER, FILE, RATES, drop_parts, read_parts, write_part
from portfolio.adapters.database.ledger.imported.rows import import_of, read_imported
from portfolio.adapters.database.ledger.lookups import newest_page, page_of
from portfolio.adapters.database.ledger.portfolio_row import PortfolioRow
from portfolio.adapters.database.ledger.unit_of_work import read_rows
from portfolio.adapters.database.schema.fields import Fields, reading
from portfolio.adapters.database.schema.tables import import_previews, imports
from portfolio.adapters.database.schema.unreadable import Rows
from portfolio.application.imports.booking import Span, Standing
from portfolio.application.imports.kept.records import OPEN, GivenImport, KeptPreview, given_again
from portfolio.application.ledger.happenings.imported import KeptImport
from portfolio.application.ledger.records import Page

_PREVIEW = Fields(KeptPreview)
_PREVIEWS = Rows.of(import_previews.c.id, _PREVIEW.record)
_IMPORTS = Rows.of(imports.c.id, import_of)
_c = import_previews.c


class DatabaseImports:
    """The port ``Imports`` on a database."""

    def __init__(self, connections: Connections, row: PortfolioRow) -> None:
        self._connections = connections
        self._row = row

    async def standing(self, portfolio_id: int, account: str, span: Span | None = None) -> Standing:
        async def read(session: Session) -> Standing:
            rows = await read_rows(session, portfolio_id, self._row, ())
            standing = Standing(rows.read.portfolio, await read_imported(session, account))
            if span is None:
                return standing
            changes = await read_changes(session, span[0])
            return replace(standing, booked=await read_booked(session, *span), changes=changes)

        return await self._connections.read(read, snapshot=True)

    async def keep(self, preview: KeptPreview, given: GivenImport, *, most_open: int, now: datetime) -> None:
        async def write(session: Session) -> None:
            own = select(_c.id).where(_c.owner == preview.owner, _c.state == OPEN).order_by(_c.id.desc())
            last_kept = (await session.run(own.offset(most_open - 1).limit(1))).first()
            is_old = _c.expires_at <= now
            if last_kept is not None:
                is_old = or_(is_old, (_c.owner == preview.owner) & (_c.state == OPEN) & (_c.id <= last_kept.id))
            old = [row.preview_id for row in await session.run(select(_c.preview_id).where(is_old))]
            if old:
                await drop_parts(session, old)
                await session.run(delete(import_previews).where(_c.preview_id.in_(old)))
            await session.run(insert(import_previews).values(_PREVIEW.values(preview)))
            for place, file in enumerate(given.files):
                await write_part(session, preview.preview_id, FILE, place, file.content)
            if given.rates is not None:
                await write_part(session, preview.preview_id, RATES, 0, given.rates.content)

        await self._connections.write(write)

    async def preview(self, preview_id: str) -> KeptPreview | None:
        rows = await self._connections.rows(select(import_previews).where(_c.preview_id == preview_id))
        return next(iter(self._row.unreadable.readable(_PREVIEWS, rows)), None)

    async def given(self, preview: KeptPreview) -> GivenImport | None:
        async def read(session: Session) -> GivenImport | None:
            parts = await read_parts(session, preview.preview_id, FILE, RATES)
            with reading(f"the preview {preview.preview_id} cannot be read"):
                files = [content for (kind, _), content in sorted(parts.items()) if kind == FILE]
                if not files:
                    return None
                return given_again(preview.request, files, parts.get((RATES, 0)))

        return await self._connections.read(read, snapshot=True)

    async def answer(self, preview_id: str) -> bytes | None:
        return await self._connections.read(partial(_answer, preview_id=preview_id), snapshot=True)

    async def page(self, portfolio_id: int, *, before: int | None, limit: int) -> Page[KeptImport]:
        own = select(imports).where(imports.c.portfolio_id == portfolio_id)
        rows = page_of(await self._connections.rows(newest_page(own, imports.c.id, before, limit)), limit)
        return Page(self._row.unreadable.readable(_IMPORTS, rows.items), rows.next_before)

    async def named(self, portfolio_id: int, import_id: int) -> KeptImport | None:
        wanted = select(imports).where(imports.c.portfolio_id == portfolio_id, imports.c.id == import_id)
        rows: Any = await self._connections.rows(wanted)
        return next(iter(self._row.unreadable.readable(_IMPORTS, rows)), None)


async def _answer(session: Session, preview_id: str) -> bytes | None:
    return (await read_parts(session, preview_id, ANSWER)).get((ANSWER, 0))
