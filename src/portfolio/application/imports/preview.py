"""The use case of a dry run: each row of each file ends in exactly one place, and nothing is booked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from portfolio.application.clock import Clock
from portfolio.application.imports.already.between import INSIDE, Between
from portfolio.application.imports.identities import Identities, IdTaken
from portfolio.application.imports.ports import ImportFiles
from portfolio.application.imports.progress import Tell, tell_nobody
from portfolio.application.imports.reading import ReadFile, read_file, whole
from portfolio.application.imports.records import Identified, Options, Preview
from portfolio.application.imports.twins import History
from portfolio.application.ledger.happenings.imported import ImportedRow
from portfolio.domain.imports.records import FileEvent, Ignored, Kind, Outcome, Place, Reported

_TOLD: Final = "the transaction history tells this trade too"
_TOLD_OTHERWISE: Final = (
    "the transaction history tells other amounts of this pair and second: import one of the two files alone"
)
_TOLD_BEFORE: Final = (
    "the books have trades of this second from the other of Binance's two kinds of files: it may be one of them:"
    " look at the books, and leave it out or book it by hand"
)
_TWINS: Final = {"binance-trades": "binance-history", "binance-history": "binance-trades"}
_TRADES: Final = {Kind.TRADE, Kind.CONVERSION}


class PreviewImport(msgspec.Struct, frozen=True):
    """Says what files would become, whatever was booked before."""

    files: ImportFiles
    clock: Clock

    def __call__(self, paths: Sequence[str], options: Options, tell: Tell = tell_nobody) -> list[Preview]:
        """Return one preview a file, in the order of ``paths``; raises OSError where there is no such file."""
        placed = Placing().placed(dict(enumerate(self.read(paths, options, tell))))
        for preview in placed.values():
            preview.add_up()
        return [placed[number] for number in range(len(paths))]

    def read(self, paths: Sequence[str], options: Options, tell: Tell = tell_nobody) -> list[ReadFile]:
        """Return the rows of files, in the order of ``paths``; raises OSError where there is no such file."""
        now = self.clock.now()
        return whole([read_file(self.files.read(path), options, now, tell) for path in paths])


class Placing:
    """Finds the place of each event: new, or known from an earlier import of the account or another file."""

    def __init__(self, kept: Iterable[ImportedRow] = ()) -> None:
        of_family: defaultdict[str, list[ImportedRow]] = defaultdict(list)
        for row in kept:
            of_family[row.family].append(row)
        self._identities: dict[str, Identities] = {f: Identities(rows) for f, rows in of_family.items()}
        self._history = History()
        self._between = Between(of_family)
        self._identities[INSIDE] = self._between.identities
        self._of_family = of_family

    def placed(self, files: Mapping[int, ReadFile]) -> dict[int, Preview]:
        """Return one preview a file, by its number.

        What a file says that another one has said before is known. Of files that tell the same trades the one that
        knows more is read first, whatever their order: Kraken's ledgers before its trades.
        """
        order = sorted(files, key=lambda number: (files[number].rank, number))
        previews = {number: self._filled(files[number]) for number in order}
        self._between.settle(files, previews)
        return previews

    def learned(self) -> dict[int, str]:
        """Return the ids of rows that were kept without one, by row."""
        return {row: own_id for one in self._identities.values() for row, own_id in one.learned().items()}

    def _filled(self, read: ReadFile) -> Preview:
        identities = self._identities.setdefault(read.family, Identities())
        told = {row.effective_at for row in self._of_family.get(_TWINS.get(read.family, ""), ())}
        return _Filling(read, identities, self._history, told).filled()


class _Filling:
    """A preview that is being filled."""

    def __init__(self, read: ReadFile, identities: Identities, history: History, told: Collection[datetime]) -> None:
        self._read = read
        self._told = told
        self._known = identities
        self._history = history
        self._order = {place: position for position, place in enumerate(_in_order(read.places))}
        self._preview = Preview(name=read.name, format=read.format, rows=len(read.places))
        self._new: dict[str, Identified] = {}  # the events of this file by their ids, and those of its parts before
        self._earlier: dict[str, Identified] = {}

    def filled(self) -> Preview:
        preview = self._preview
        for part in self._read.parts:
            self._fill(part)
        preview.events.sort(key=lambda one: self._order[one.event.rows[0]])
        for listed in (preview.ignored, preview.reported, preview.known):
            listed.sort(key=lambda one: self._order[one.row])
        return preview

    def _fill(self, outcomes: Sequence[Outcome]) -> None:
        """Take in what was a file of its own: what it says that one before it said is known."""
        preview, self._identities = self._preview, self._known.of_file(self._read.format or "")
        preview.ignored += [one for one in outcomes if isinstance(one, Ignored)]
        preview.reported += [one for one in outcomes if isinstance(one, Reported)]
        events = [one for one in outcomes if isinstance(one, FileEvent)]
        # What has an id is told first, as those without are what is left.
        events.sort(key=lambda event: (event.own_id is None, self._order[event.rows[0]]))
        if self._read.format == "binance-trades":
            events = self._without_twins(events)
        left_out: set[tuple[Place, ...]] = set()
        for event in events:
            # The further fees of a trade have its rows, and go where it went.
            if event.rows not in left_out and not self._add(event):
                left_out.add(event.rows)
        self._identities.close()
        self._earlier |= self._new
        if self._read.format == "binance-history":
            self._history.take(events)

    def _add(self, event: FileEvent) -> bool:
        """Give an event its place, and return whether it is a new one."""
        try:
            found = self._identities.add(event)
        except IdTaken as taken:
            self._report([event], f"its id {str(taken)[:60]!r} stood for something else before: compare the two rows")
            self._take_back(str(taken))
            return False
        if found.is_known:
            before = self._earlier.get(found.external_id)
            self._know([event], f"came before, in row {before.event.rows[0]} of this file" if before else "came before")
        elif event.at in self._told and event.kind in _TRADES:
            self._report([event], _TOLD_BEFORE)
            return False
        else:
            self._new[found.external_id] = Identified(event, found.external_id, found.content, found.name)
            self._preview.events.append(self._new[found.external_id])
        return not found.is_known

    def _take_back(self, own_id: str) -> None:
        """Report what part of a file said of an id of which a later part says something else: which is the whole of it
        nobody knows.
        """
        before = self._earlier.get(own_id)
        if before is not None:
            rows = before.event.rows  # the further fees of a trade have them too
            self._preview.events[:] = [one for one in self._preview.events if one.event.rows != rows]
            reason = f"its id {own_id[:60]!r} stands for something else below another header: put its rows together"
            self._report([before.event], reason)

    def _without_twins(self, events: Sequence[FileEvent]) -> list[FileEvent]:
        told: set[Place] = set()
        for fills, agrees in self._history.twins(events):
            told.update(fill.rows[0] for fill in fills)
            if agrees:
                self._know(fills, _TOLD)
            else:
                self._report(fills, _TOLD_OTHERWISE)
        return [event for event in events if event.rows[0] not in told]

    def _know(self, events: Iterable[FileEvent], reason: str) -> None:
        self._preview.known += [Ignored(row, reason) for row in _rows_of(events)]

    def _report(self, events: Iterable[FileEvent], reason: str) -> None:
        self._preview.reported += [Reported(row, reason) for row in _rows_of(events)]


def _rows_of(events: Iterable[FileEvent]) -> Iterable[Place]:
    """Return the rows of events, each once: a fee of its own has the row of its trade."""
    return dict.fromkeys(row for event in events for row in event.rows)


def _in_order(places: Sequence[Place]) -> list[Place]:
    """Return places as they stand in the file: lines and positions by number, ids as they came."""
    return sorted(places, key=lambda place: place if isinstance(place, int) else 0)
