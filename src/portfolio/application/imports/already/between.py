"""What went between Coinbase and Coinbase Pro: a report of the one and a statement of the other tell it, by no id."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

from portfolio.application.imports.before_splits import what_is_said
from portfolio.application.imports.identities import Identities, Name, content_of, kept_id
from portfolio.application.imports.reading import ReadFile
from portfolio.application.imports.records import Identified, Preview
from portfolio.application.ledger.happenings.imported import ImportedRow
from portfolio.domain.imports.records import FileEvent, Ignored, Kind, Outcome, Place, Reported

INSIDE: Final = "coinbase-inside"
"""The family of rows that move nothing, and are kept since another file may tell them as a deposit.

One that a statement has told is kept under the id that it has there, and stands for nothing else any more.
"""

_PRO: Final = "coinbase-pro"
_STATEMENT: Final = "coinbase-pro-account"
_MOVES: Final = {Kind.DEPOSIT, Kind.WITHDRAWAL, Kind.TRANSFER_IN, Kind.TRANSFER_OUT}
_APART: Final = timedelta(minutes=10)
_MOST_AT_ONCE: Final = 50  # moments that are looked at, the nearest first: each takes a digest
_TOLD: Final = "the report of Coinbase tells it as between places of the same owner"
_STATED: Final = (
    "the statement of Coinbase Pro, which was imported before, has it as a deposit or withdrawal: it would count twice:"
    " take that import back, and import both files in one run"
)
_TWICE: Final = (
    "the statement of Coinbase Pro has it as a deposit or withdrawal, and both were imported before: it counts twice:"
    " take the import of the statement back, and import the statement again"
)
_TOO_MANY: Final = (
    "so much went between Coinbase and Coinbase Pro within minutes that it cannot be told apart:"
    " compare both files, and leave it out or book it by hand"
)


class Between:
    """What went between the two: by the reports, which book nothing of it, and by the statements, which do."""

    def __init__(self, of_family: Mapping[str, Sequence[ImportedRow]]) -> None:
        inside, self._stands = of_family.get(INSIDE, ()), set[str | None]()
        self.identities = Identities(inside)
        self._reported, self._stated = _Told(), _Told()
        for row in sorted(inside, key=attrgetter("effective_at")):
            if row.external_id is None:
                self._reported.add(row.effective_at, row.content, Name(None, row.id))
        self._equal = Counter[str]()  # of what statements tell without an id
        for row in sorted(of_family.get(_PRO, ()), key=attrgetter("effective_at")):
            own_id, stands = row.external_id, row.ledger_revision is not None
            if row.format != _STATEMENT or own_id in self.identities.ids or (own_id is None and not stands):
                continue
            if own_id is None or ":" not in own_id or own_id.startswith("sha256:"):  # a trade has its market in it
                self._stated.add(row.effective_at, row.content, Name(own_id))
                if stands:
                    self._stands.add(own_id)

    def settle(self, files: Mapping[int, ReadFile], previews: Mapping[int, Preview]) -> None:
        """Give what both kinds of files tell its place: in the order of time, whatever that of files and rows."""
        for number, preview in previews.items():
            for part in files[number].parts:
                self._take_in(part, preview)
        statements = [one for one in previews.values() if one.format == _STATEMENT]
        told = [(one, preview) for preview in statements for one in preview.events if one.event.kind in _MOVES]
        gone = set[int]()
        for one, preview in sorted(told, key=lambda pair: (pair[0].event.at, pair[0].external_id)):
            try:
                if self._is_told(one):
                    gone.add(id(one))
                    preview.known += [Ignored(row, _TOLD) for row in one.event.rows]
            except _TooMany:
                gone.add(id(one))
                preview.reported += [Reported(row, _TOO_MANY) for row in one.event.rows]
        for preview in statements if gone else ():
            preview.events[:] = [one for one in preview.events if id(one) not in gone]
            preview.known.sort(key=_line)
            preview.reported.sort(key=_line)

    def _is_told(self, one: Identified) -> bool:
        """Return whether what a statement tells is told by a report, which from now on has its id."""
        if one.event.own_id is None:
            own_id = f"{one.content}#{self._equal[one.content]}"
            self._equal[one.content] += 1
        else:
            own_id = kept_id(one.event.own_id)
        if own_id in self.identities.ids:
            return True
        name = self._reported.take(one.event)
        if name is None:
            return False
        name.own_id = own_id
        self.identities.newly_named.append(name)
        return True

    def _take_in(self, part: Sequence[Outcome], preview: Preview) -> None:
        """Take in what a report tells; what a statement of before had booked is reported.

        What lies before a row of the file that is known came before, too: that it counts twice is then said, once.
        """
        inside = [(one.row, one.inside) for one in part if isinstance(one, Ignored) and one.inside is not None]
        if not inside:
            return
        known = {one.row for one in preview.known}
        until = max((one.at for one in part if isinstance(one, FileEvent) and one.rows[0] in known), default=None)
        identities, twice, reported = self.identities.of_file(preview.format or ""), list[Place](), list[Reported]()
        for row, event in sorted(inside, key=lambda told: told[1].at):
            found = identities.add(event)
            if found.is_known:
                continue
            try:
                stated = self._stated.take(event)
            except _TooMany:
                reported.append(Reported(row, _TOO_MANY))
                continue
            if stated is None:
                self._reported.add(event.at, found.content, found.name)
            elif stated.own_id in self._stands and (until is None or event.at > until):
                reported.append(Reported(row, _STATED))
                continue
            else:
                found.name.own_id = stated.own_id
                twice += [row] if stated.own_id in self._stands else []
            preview.inside.append(Identified(event, found.external_id, found.content, found.name))
        identities.close()
        if twice:
            preview.remarks = [*preview.remarks, f"{what_is_said(sorted(twice, key=_place))}: {_TWICE}"]
        rows_of = {one.row for one in reported}
        preview.ignored[:] = [one for one in preview.ignored if one.row not in rows_of]
        preview.reported += reported
        preview.reported.sort(key=_line)


class _TooMany(Exception):
    """Too much was told within minutes."""


class _Told:
    """Movements that files told, in this run and before; each stands for one that another kind of file tells."""

    def __init__(self) -> None:
        self._moments: list[datetime] = []
        self._at: dict[datetime, defaultdict[str, list[Name]]] = {}

    def add(self, at: datetime, content: str, name: Name) -> None:
        """Take in what a file tells."""
        if at not in self._at:
            insort(self._moments, at)
            self._at[at] = defaultdict(list)
        self._at[at][content].append(name)

    def take(self, event: FileEvent) -> Name | None:
        """Take out the nearest that is the same movement, a few minutes away at most; None where there is none.

        Raises:
            _TooMany: none of the nearest is, and there are others.
        """
        first = bisect_left(self._moments, event.at - _APART)
        end = bisect_right(self._moments, event.at + _APART)
        here = bisect_left(self._moments, event.at)
        near = self._moments[max(first, here - _MOST_AT_ONCE) : min(end, here + _MOST_AT_ONCE)]
        for at in sorted(near, key=lambda at: abs(at - event.at))[:_MOST_AT_ONCE]:
            told, content = self._at[at], content_of(event._replace(at=at))
            if content in told:
                name = told[content].pop(0)
                if not told[content]:
                    del told[content]
                if not told:
                    del self._at[at], self._moments[bisect_left(self._moments, at)]
                return name
        if end - first > _MOST_AT_ONCE:
            raise _TooMany
        return None


def _line(one: Ignored | Reported) -> int:
    return _place(one.row)


def _place(row: Place) -> int:
    return row if isinstance(row, int) else 0
