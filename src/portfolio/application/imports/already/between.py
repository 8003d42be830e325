"""What went between Coinbase and Coinbase Pro: a report of the one and a statement of the other tell it, by no id."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from portfolio.application.imports.identities import Identities, content_of
from portfolio.application.ledger.happenings.imported import ImportedRow
from portfolio.domain.imports.records import FileEvent, Kind

INSIDE: Final = "coinbase-inside"
"""The family of rows that move nothing, and are kept since another file may tell them as a deposit."""

_PRO: Final = "coinbase-pro"
_STATEMENT: Final = "coinbase-pro-account"
_MOVES: Final = {Kind.DEPOSIT, Kind.WITHDRAWAL, Kind.TRANSFER_IN, Kind.TRANSFER_OUT}
_APART: Final = timedelta(minutes=10)


class Between:
    """What went between the two: by the reports, which book nothing of it, and by the statements, which do."""

    def __init__(self, of_family: Mapping[str, Sequence[ImportedRow]]) -> None:
        self.identities = Identities(of_family.get(INSIDE, ()))
        self._reported = _Told(of_family.get(INSIDE, ()))
        self._stated = _Told(row for row in of_family.get(_PRO, ()) if row.format == _STATEMENT)

    def is_told(self, event: FileEvent, format_name: str | None) -> bool:
        """Return whether an event of a statement is what a report tells as inside; each stands for one."""
        return format_name == _STATEMENT and event.kind in _MOVES and self._reported.take(event)

    def take_in(self, event: FileEvent) -> bool:
        """Take in what a report tells as inside; False where a statement of before had it booked."""
        if self._stated.take(event):
            return False
        self._reported.add(event)
        return True


class _Told:
    """Movements that files told, in this run and before; each stands for one that another kind of file tells."""

    def __init__(self, rows: Iterable[ImportedRow]) -> None:
        self._told = sorted((row.effective_at, row.content) for row in rows)

    def add(self, event: FileEvent) -> None:
        """Take in what a file tells."""
        insort(self._told, (event.at, content_of(event)))

    def take(self, event: FileEvent) -> bool:
        """Take out the same movement, a few minutes away at most, and return whether there was one."""
        place = bisect_left(self._told, (event.at - _APART, ""))
        while place < len(self._told) and self._told[place][0] <= event.at + _APART:
            if self._told[place][1] == _at(event, self._told[place][0]):
                del self._told[place]
                return True
            place += 1
        return False


def _at(event: FileEvent, at: datetime) -> str:
    return content_of(event._replace(at=at))
