"""The use case of a dry run: each row of each file ends in exactly one place, and nothing is booked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from portfolio.application.clock import Clock
from portfolio.application.imports.identities import Identities, IdTaken
from portfolio.application.imports.ports import ImportFiles
from portfolio.application.imports.recognition import FORMAT_NAMES, Recognised, recognise
from portfolio.application.imports.records import Identified, ImportFile, Options, Preview
from portfolio.application.imports.twins import History
from portfolio.domain.imports.events import Part, net
from portfolio.domain.imports.moments import zone_in_name
from portfolio.domain.imports.reading import Reading
from portfolio.domain.imports.records import Event, Ignored, Outcome, Place, Reported
from portfolio.domain.imports.symbols import MONEY

_TOLD: Final = "the transaction history tells this trade too"
_TOLD_OTHERWISE: Final = (
    "the transaction history tells other amounts of this pair and second: import one of the two files alone"
)


@dataclass(frozen=True, slots=True)
class _Read:
    """A file whose rows have become what they become."""

    name: str
    format: str | None
    family: str
    places: Sequence[Place]
    outcomes: Sequence[Outcome]


class PreviewImport:
    """Says what files would become."""

    def __init__(self, files: ImportFiles, clock: Clock) -> None:
        self._files = files
        self._clock = clock

    def __call__(self, paths: Sequence[str], options: Options) -> list[Preview]:
        """Return one preview a file, in the order of ``paths``; raises OSError where there is no such file.

        What a file says that another one has said before is known. Of files that tell the same trades the one that
        knows more is read first, whatever their order: Kraken's ledgers before its trades.
        """
        now = self._clock.now()
        read = {place: _read(self._files.read(path), options, now) for place, path in enumerate(paths)}
        identities: dict[str, Identities] = defaultdict(Identities)
        history = History()
        previews = {
            place: _Filling(one, identities[one.family], history).filled()
            for place, one in sorted(read.items(), key=_rank)
        }
        return [previews[place] for place in range(len(paths))]


class _Filling:
    """A preview that is being filled."""

    def __init__(self, read: _Read, identities: Identities, history: History) -> None:
        self._read = read
        self._identities = identities.of_file(read.format or "")
        self._history = history
        self._order = {place: position for position, place in enumerate(_in_order(read.places))}
        self._preview = Preview(name=read.name, format=read.format, rows=len(read.places))

    def filled(self) -> Preview:
        preview, outcomes = self._preview, self._read.outcomes
        preview.ignored += [one for one in outcomes if isinstance(one, Ignored)]
        preview.reported += [one for one in outcomes if isinstance(one, Reported)]
        events = [one for one in outcomes if isinstance(one, Event)]
        events.sort(key=lambda event: self._order[event.rows[0]])
        if self._read.format == "binance-trades":
            events = self._without_twins(events)
        left_out: set[tuple[Place, ...]] = set()
        for event in events:
            # The further fees of a trade have its rows, and go where it went.
            if event.rows not in left_out and not self._add(event):
                left_out.add(event.rows)
        self._identities.close()
        if self._read.format == "binance-history":
            self._history.take(events)
        for listed in (preview.ignored, preview.reported, preview.known):
            listed.sort(key=lambda one: self._order[one.row])
        legs = net(Part(*leg) for one in preview.events for leg in one.event.legs.items())
        preview.quantities = {symbol: change for symbol, change in sorted(legs.items()) if symbol not in MONEY}
        preview.cash_change = {symbol: change for symbol, change in sorted(legs.items()) if symbol in MONEY}
        return preview

    def _add(self, event: Event) -> bool:
        """Give an event its place, and return whether it is a new one."""
        try:
            external_id, is_known = self._identities.add(event)
        except IdTaken as taken:
            self._report([event], f"its id {str(taken)[:60]!r} stood for something else before: compare the two rows")
            return False
        if is_known:
            self._know([event], "came before")
        else:
            self._preview.events.append(Identified(event, external_id))
        return not is_known

    def _without_twins(self, events: Sequence[Event]) -> list[Event]:
        told: set[Place] = set()
        for fills, agrees in self._history.twins(events):
            told.update(fill.rows[0] for fill in fills)
            if agrees:
                self._know(fills, _TOLD)
            else:
                self._report(fills, _TOLD_OTHERWISE)
        return [event for event in events if event.rows[0] not in told]

    def _know(self, events: Iterable[Event], reason: str) -> None:
        self._preview.known += [Ignored(row, reason) for row in _rows_of(events)]

    def _report(self, events: Iterable[Event], reason: str) -> None:
        self._preview.reported += [Reported(row, reason) for row in _rows_of(events)]


def _rows_of(events: Iterable[Event]) -> Iterable[Place]:
    """Return the rows of events, each once: a fee of its own has the row of its trade."""
    return dict.fromkeys(row for event in events for row in event.rows)


def _rank(item: tuple[int, _Read]) -> int:
    return FORMAT_NAMES.index(item[1].format) if item[1].format is not None else len(FORMAT_NAMES)


def _in_order(places: Sequence[Place]) -> list[Place]:
    """Return places as they stand in the file: lines and positions by number, ids as they came."""
    return sorted(places, key=lambda place: place if isinstance(place, int) else 0)


def _read(file: ImportFile, options: Options, now: datetime) -> _Read:
    found = recognise(file, options.format)
    if not isinstance(found, Recognised):
        return _Read(file.name, None, "", [found.row], [found])
    how = Reading(
        now=now,
        zone=options.zone,
        decimal=options.decimal if found.format.headers else ".",
        date_order=options.date_order,
        header_zone=found.header_zone,
        name_zone=zone_in_name(file.name),
    )
    places = [*(row.place for row in found.rows), *(fault.row for fault in found.faults)]
    outcomes = [*found.format.read(found.rows, how), *found.faults]
    return _Read(file.name, found.format.name, found.format.family, places, outcomes)
