"""Imports and their previews where they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from portfolio.application.imports.booking import Span, Standing
from portfolio.application.imports.kept.records import GivenFile, GivenImport, KeptPreview
from portfolio.application.imports.ports import ImportFiles
from portfolio.application.ledger.happenings.imported import KeptImport
from portfolio.application.ledger.records import Page


class Given(Protocol):
    """Reads files that came over HTTP."""

    def __call__(self, files: Sequence[GivenFile]) -> ImportFiles:
        """Return files whose paths are their numbers."""


class Imports(Protocol):
    """What is kept of imports outside of the ledger's transactions."""

    async def standing(self, portfolio_id: int, account: str, span: Span | None = None) -> Standing:
        """Return the books and what is known of an account's files, in one consistent read, without a lock.

        With a span also what was booked, but by imports, and took effect between these two moments, and the splits that
        stand and took effect after the first of them.
        """

    async def keep(self, preview: KeptPreview, given: GivenImport, *, most_open: int, now: datetime) -> None:
        """Keep a preview with its files; its owner's oldest open ones, and all that have expired, are deleted."""

    async def preview(self, preview_id: str) -> KeptPreview | None:
        """Return a preview; None where there is none."""

    async def given(self, preview: KeptPreview) -> GivenImport | None:
        """Return the files of a preview; None where they are not kept any more."""

    async def answer(self, preview_id: str) -> bytes | None:
        """Return the answer to the booking of a preview; None where there is none, or no such preview."""

    async def page(self, portfolio_id: int, *, before: int | None, limit: int) -> Page[KeptImport]:
        """Return imports, newest first."""

    async def named(self, portfolio_id: int, import_id: int) -> KeptImport | None:
        """Return an import; None where there is none."""
