"""Answers about imports."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import msgspec
from msgspec import Raw

from portfolio.application.imports.kept.looking import BookedPreview
from portfolio.application.imports.kept.records import KeptPreview
from portfolio.application.imports.kept.reversal import ImportReversal
from portfolio.application.ledger.happenings.imported import KeptImport
from portfolio.entrypoints.http.shell.responses import Answer, Cursor, Moment
from portfolio.entrypoints.http.views import view

Row = int | str


class ImportedEvent(msgspec.Struct, kw_only=True):
    """What a row of a file becomes, several of them together perhaps."""

    row: Row | list[Row]
    at: str
    kind: str
    symbol: str
    quantity: str
    price: str | None
    amount: str | None
    quote: str | None
    fee: str | None
    fee_symbol: str | None
    external_id: str
    legs: dict[str, str]


class ImportedReason(msgspec.Struct, kw_only=True):
    """A row of a file that becomes no event, and why."""

    row: Row
    reason: str


class ImportedImplied(msgspec.Struct, kw_only=True):
    """What is booked before a row although no file has it."""

    row: Row
    at: str
    symbol: str
    quantity: str


class ImportedLike(msgspec.Struct, kw_only=True):
    """A row that looks like what was booked already: `trade 7`, `entry 12`, and by which engine, else which owner.

    Several entries may add up to one row.
    """

    row: Row | list[Row]
    entries: list[str]
    by: str


class ImportedFile(msgspec.Struct, kw_only=True):
    """A file, and where each of its rows ends; numbers are exact text."""

    name: str
    is_given_up: bool
    format: str | None
    rows: int
    events: list[ImportedEvent]
    ignored: list[ImportedReason]
    reported: list[ImportedReason]
    known: list[ImportedReason]
    implied: list[ImportedImplied]
    like_booked: list[ImportedLike]
    remarks: list[str]
    quantities: dict[str, str]
    cash_change: dict[str, str]


class ImportPreviewAnswer(Answer, kw_only=True):
    """What files would become, and the id by which they are booked."""

    preview_id: str
    expires_at: Moment
    files: list[ImportedFile]


class ImportBookedAnswer(Answer, kw_only=True):
    """What files became."""

    preview_id: str
    import_id: int | None
    replayed: bool
    files: list[ImportedFile]


class ImportFileView(msgspec.Struct, kw_only=True):
    """A file of an import, and how many of its rows became what."""

    name: str
    format: str | None
    rows: int
    events: int
    ignored: int
    known: int
    reported: int


class ImportView(msgspec.Struct, kw_only=True):
    """An import, as kept."""

    id: int
    imported_at: Moment
    account: str
    state: str
    preview_id: str | None
    first_revision: int | None
    last_revision: int | None
    reversed_at: datetime | None
    reversed_first_revision: int | None
    reversed_last_revision: int | None
    files: list[ImportFileView]


class ImportsAnswer(Answer, kw_only=True):
    """Imports, newest first."""

    imports: list[ImportView]
    count: int
    next_cursor: Cursor


class OneImportAnswer(Answer, kw_only=True):
    """An import."""

    import_: ImportView = msgspec.field(name="import")


class ImportReversalAnswer(Answer, kw_only=True):
    """An import that was taken back, or would be; `note` says what of it was split since."""

    import_: ImportView = msgspec.field(name="import")
    entries: int
    entries_left: int
    dry_run: bool
    replayed: bool
    note: str | None


def preview_answer(kept: KeptPreview, files: bytes, now: datetime) -> ImportPreviewAnswer:
    """Return the answer of a preview, whose files are JSON already."""
    return ImportPreviewAnswer(
        timestamp=now, preview_id=kept.preview_id, expires_at=kept.expires_at, files=_written(files)
    )


def booked_answer(booked: BookedPreview, now: datetime) -> ImportBookedAnswer:
    """Return the answer of a booking."""
    return ImportBookedAnswer(
        timestamp=now,
        preview_id=booked.preview_id,
        import_id=booked.import_id,
        replayed=booked.replayed,
        files=_written(booked.answer),
    )


def import_view(kept: KeptImport) -> ImportView:
    """Return an import as it is answered."""
    return view(
        ImportView,
        kept,
        files=kept.counts,
        reversed_first_revision=kept.reversed_first,
        reversed_last_revision=kept.reversed_last,
    )


def reversal_answer(found: ImportReversal, now: datetime) -> ImportReversalAnswer:
    """Return the answer of a reversal."""
    return view(ImportReversalAnswer, found, timestamp=now, import_=import_view(found.kept), entries_left=found.left)


def _written(files: bytes) -> list[ImportedFile]:
    """Return files that are JSON already as a part of an answer: there may be 100,000 events in them."""
    return cast("list[ImportedFile]", Raw(files))
