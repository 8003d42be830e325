"""Enters the events of all files in the order in which they happened; what the books refuse is reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec

from portfolio.application.imports.entering import NOTHING_ALLOWED, Allowed, Entering
from portfolio.application.imports.progress import Tell, Told, tell_nobody
from portfolio.application.imports.records import Identified, Preview
from portfolio.application.imports.rehearsing.rehearsal import Rehearsal
from portfolio.application.imports.steps import NoEntry
from portfolio.application.imports.worth import WorthUnknown
from portfolio.domain.errors import DomainError, InsufficientCash, InsufficientQuantity
from portfolio.domain.imports.records import MEND_IT, Kind, Reported

Refused = DomainError | NoEntry | WorthUnknown

_WAYS_OUT: Final = (
    "import the file that has what came before; or --funding implied books a deposit of the dollars that are missing,"
    " --opening a transfer of the quantity that is; or leave the row out with --partial"
)
MOST_RETRIES: Final = 200_000
"""So often are events of one moment tried again in all: a file of nothing else would keep the service busy for days."""

_FIRST: Final = {Kind.DEPOSIT, Kind.TRANSFER_IN, Kind.REWARD, Kind.AIRDROP}
_SECOND: Final = {Kind.TRADE, Kind.CONVERSION}


class _Unit(NamedTuple):
    """Events of the same rows, which are entered together: a trade and its further fees."""

    preview: Preview
    events: Sequence[Identified]
    order: tuple[datetime, int, str]


class Simulation(msgspec.Struct):
    """Files on their way into the books. ``revisions`` are those of the first entries, by the id of what was placed."""

    books: Entering | Rehearsal
    allowed: Allowed
    tell: Tell = tell_nobody
    revisions: dict[int, int | None] = msgspec.field(default_factory=dict)
    retries_left: int = msgspec.field(default_factory=lambda: MOST_RETRIES)

    def enter(self, previews: Mapping[int, Preview]) -> None:
        """Enter the events of these previews; those that are refused become reported rows of theirs.

        The order of the files and that of rows of one moment do not matter: what is refused is tried again after what
        else happened then.
        """
        units = [unit for preview in previews.values() for unit in _units_of(preview)]
        units.sort(key=attrgetter("order"))
        for _, of_moment in groupby(Told(units, "placing", self.tell), key=lambda unit: unit.order[0]):
            first, *others = of_moment
            if others:
                self._enter_moment([first, *others])
            elif self._enter_unit(first, NOTHING_ALLOWED) is not None:
                self._enter_first([first])
        for preview in previews.values():
            preview.events = [one for one in preview.events if id(one) in self.revisions]

    def _enter_moment(self, waiting: list[_Unit]) -> None:
        while waiting:
            left = [unit for unit in waiting if self._enter_unit(unit, NOTHING_ALLOWED) is not None]
            if len(left) == len(waiting) or self.retries_left <= 0:
                left = self._enter_first(left)
            self.retries_left -= len(left)
            waiting = left

    def _enter_first(self, units: Sequence[_Unit]) -> list[_Unit]:
        """Enter the first that may be, with what is missing; report those before it, and return those after it.

        The others are to be tried again then; all are entered or reported where that was done too often.
        """
        for place, unit in enumerate(units):
            refused = self._enter_unit(unit, self.allowed)
            if refused is not None:
                reason = _reason(refused)
                unit.preview.reported += [Reported(row, reason) for row in unit.events[0].event.rows]
            elif self.retries_left > 0:
                return list(units[place + 1 :])
        return []

    def _enter_unit(self, unit: _Unit, allowed: Allowed) -> Refused | None:
        try:
            revisions, implied = self.books.enter([one.event for one in unit.events], allowed)
        except (DomainError, NoEntry, WorthUnknown) as refused:
            return refused
        if implied:
            unit.preview.implied += implied
        for one, revision in zip(unit.events, revisions, strict=True):
            self.revisions[id(one)] = revision
        return None


def _units_of(preview: Preview) -> Iterator[_Unit]:
    for _, of_rows in groupby(preview.events, key=lambda one: one.event.rows):
        events = list(of_rows)
        first = events[0].event
        rank = 0 if first.kind in _FIRST else 1 if first.kind in _SECOND else 2
        yield _Unit(preview, events, (first.at, rank, events[0].content))


def _reason(refused: Refused) -> str:
    match refused:
        case InsufficientCash() | InsufficientQuantity():
            return f"{refused}: {_WAYS_OUT}"
        case WorthUnknown():
            return str(refused)  # it says what to do
        case _:
            return f"{refused}: {MEND_IT}"
