"""Imports and their previews in memory."""

from __future__ import annotations

from datetime import datetime

from portfolio.application.imports.booking import Span, Standing
from portfolio.application.imports.kept.records import OPEN, GivenImport, KeptPreview
from portfolio.application.ledger.happenings.imported import KeptImport
from portfolio.application.ledger.records import Page
from tests.support.fakes.fake_books import booked_changes, booked_moves, known_rows
from tests.support.fakes.fake_ledger import FakeLedger


class FakeImports:
    """The port ``Imports`` on the books in memory."""

    def __init__(self, ledger: FakeLedger) -> None:
        self._ledger = ledger

    async def standing(self, portfolio_id: int, account: str, span: Span | None = None) -> Standing:
        books = self._ledger.books
        booked = [] if span is None else booked_moves(books, *span)
        changes = [] if span is None else booked_changes(books, span[0])
        return Standing(await self._ledger.load(portfolio_id), known_rows(books, account), booked, changes)

    async def keep(self, preview: KeptPreview, given: GivenImport, *, most_open: int, now: datetime) -> None:
        self._ledger.answer()
        books = self._ledger.books
        own = [i for i, one in books.previews.items() if (one.owner, one.state) == (preview.owner, OPEN)]
        old = [i for i, one in books.previews.items() if one.expires_at <= now]
        for preview_id in {*old, *own[: max(0, len(own) - most_open + 1)]}:
            for kept in (books.previews, books.given, books.answers):
                kept.pop(preview_id, None)
        books.previews[preview.preview_id] = preview
        books.given[preview.preview_id] = given

    async def preview(self, preview_id: str) -> KeptPreview | None:
        self._ledger.answer()
        return self._ledger.books.previews.get(preview_id)

    async def given(self, preview: KeptPreview) -> GivenImport | None:
        return self._ledger.books.given.get(preview.preview_id)

    async def answer(self, preview_id: str) -> bytes | None:
        return self._ledger.books.answers.get(preview_id)

    async def page(self, portfolio_id: int, *, before: int | None, limit: int) -> Page[KeptImport]:
        self._ledger.answer(portfolio_id)
        found = [
            one for i, one in sorted(self._ledger.books.imports.items(), reverse=True) if before is None or i < before
        ]
        return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)

    async def named(self, portfolio_id: int, import_id: int) -> KeptImport | None:
        self._ledger.answer(portfolio_id)
        return self._ledger.books.imports.get(import_id)
