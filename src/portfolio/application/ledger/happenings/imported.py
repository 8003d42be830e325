"""Records of imports, shared by use cases and ports: what was imported, and which entries it became."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple, Protocol

from portfolio.application.ledger.cash_records import LoggedEntry

IMPORT: Final = "import"
"""The owner of entries that files told."""
BOOKED: Final = "booked"
"""The state of an import whose entries stand."""
REVERSED: Final = "reversed"
"""The state of an import that was taken back as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCounts:
    """A file of an import: what it was called, its format, and how many of its rows became what."""

    name: str
    format: str | None
    rows: int
    events: int
    ignored: int
    known: int
    reported: int


_COUNTED: Final = tuple(field.name for field in fields(FileCounts))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptImport:
    """One import: when it was booked, of which account, and as JSON what its files were and what became of them.

    ``preview_id`` is that of the preview that it was booked by. ``first_revision`` and ``last_revision`` are those of
    its entries, which nothing stands between; None where it made none. The ``reversed_`` fields are None as long as it
    stands, the two revisions also where there was nothing left to take back. ``id`` is None until it is kept.
    """

    portfolio_id: int
    imported_at: datetime
    account: str
    files: str
    state: str = BOOKED
    preview_id: str | None = None
    first_revision: int | None = None
    last_revision: int | None = None
    reversed_at: datetime | None = None
    reversed_first: int | None = None
    reversed_last: int | None = None
    id: int | None = None

    @property
    def counts(self) -> list[FileCounts]:
        """Return what its files were; raises ValueError where nothing can be made of what is kept."""
        listed = json.loads(self.files)
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise ValueError("the files of an import are no list of objects")
        kinds = {"name": str, "format": str | None}
        found = []
        for one in listed:
            wrong = [name for name in _COUNTED if not isinstance(one.get(name), kinds.get(name, int))]
            if wrong:
                raise ValueError(f"a file of an import has no {wrong[0]}")
            found.append(FileCounts(**{name: one.get(name) for name in _COUNTED}))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRow:
    """What came once from a file of an account, and is known when it comes again.

    ``external_id`` is what its format calls it, None where no file has said that yet; ``content`` the digest of what it
    says, 32 characters. ``ledger_revision`` is that of its first entry, None where it moves nothing in the books, or
    was an event that was taken out since. ``id`` is the row's, None until it is kept.
    """

    account: str
    family: str
    format: str
    external_id: str | None
    content: str
    effective_at: datetime
    ledger_revision: int | None
    id: int | None = None


class BookedMove(NamedTuple):
    """What an entry that no import made moved of an asset, or of dollars (USD): ``quantity`` is below zero if it left.

    ``name`` is ``trade 7`` or ``entry 12``, ``by`` the engine that reported it, else its owner. Of what was taken out
    there is nothing.
    """

    name: str
    by: str
    is_trade: bool
    symbol: str
    quantity: Decimal
    price: Decimal | None
    at: datetime


class ImportBook(Protocol):
    """Imports in a unit of work: read under the portfolio's lock, and written with its entries."""

    async def named(self, import_id: int) -> KeptImport | None:
        """Return an import; None where there is none."""

    async def logged(self, first: int, last: int) -> Sequence[LoggedEntry]:
        """Return the ledger's entries of these revisions, in order."""

    async def taken_out(self, first: int, last: int) -> Mapping[int, int]:
        """Return which of these entries, trades apart, another one takes out: its revision, by theirs."""

    async def first_booked(self, import_id: int) -> int | None:
        """Return the first revision that rows of an import name; None where none moved anything in the books."""

    async def take_back(self, kept: KeptImport) -> None:
        """Keep that an import was taken back; what came by it is not known any more."""

    async def booked_between(self, first: datetime, last: datetime) -> Sequence[BookedMove]:
        """Return what was booked, but by imports, and stands, of what took effect between two moments, both included.

        Trades first, then what else brought or took an asset or dollars, each in the order they were booked.
        """

    async def is_booked(self, preview_id: str) -> bool | None:
        """Return whether a preview was booked; None where there is no such preview."""

    async def book_preview(self, preview_id: str, import_id: int | None, answer: bytes, until: datetime) -> None:
        """Keep that a preview was booked, and the answer to it until then. Its files are not needed any more."""
