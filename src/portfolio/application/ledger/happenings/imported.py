"""Records of imports, which use cases and ports exchange: what came from files, and which entries it became."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

BOOKED: Final = "booked"
"""The state of an import whose entries stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptImport:
    """One import: when it was booked, of which account, and as JSON what its files were and what became of them."""

    portfolio_id: int
    imported_at: datetime
    account: str
    files: str
    state: str = BOOKED


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRow:
    """What came once from a file of an account, and is known when it comes again.

    ``external_id`` is what its format calls it, None where no file has said that yet; ``content`` the digest of what it
    says, 32 characters. ``ledger_revision`` is that of its first entry, None where it moves nothing in the books.
    ``id`` is the row's, None until it is kept.
    """

    account: str
    family: str
    format: str
    external_id: str | None
    content: str
    effective_at: datetime
    ledger_revision: int | None
    id: int | None = None
