"""What a file of exported events is, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from portfolio.application.exports.happened import HappenedRow


class ExportedRow(msgspec.Struct, frozen=True):
    """A row as it stands in the file: texts by the names of the columns, None where there is none.

    ``place`` is the line of a table, the position from 0 in a document.
    """

    place: int
    cells: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class ReportedRow:
    """A row that cannot be booked again, and what to do about it."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """A file that says of itself that it is an export; ``faults`` are the rows that could not be taken apart."""

    name: str
    about: Mapping[str, str]
    rows: Sequence[ExportedRow]
    faults: Sequence[ReportedRow] = ()


class AgainRow(msgspec.Struct, frozen=True):
    """An entry to be booked, at its place in the file."""

    place: int
    entry: HappenedRow

    @property
    def at(self) -> datetime:
        """Return when it was booked first."""
        assert self.entry.booked_at is not None  # a row without it is reported
        return self.entry.booked_at


class BookedAgain(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file: rows that were booked now, or would be, that were in the books already, and reported."""

    rows: int
    booked: Sequence[AgainRow] = ()
    known: Sequence[AgainRow] = ()
    reported: Sequence[ReportedRow] = ()
