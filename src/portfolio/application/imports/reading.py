"""Files as rows and what each of them becomes, before it is asked what came before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

from portfolio.application.imports.progress import Tell, Told, tell_nobody
from portfolio.application.imports.recognition import FORMAT_NAMES, Page, Recognised, recognise
from portfolio.application.imports.records import ImportFile, Options
from portfolio.domain.imports.moments import zone_in_name
from portfolio.domain.imports.numbers import SAY_THE_SIGN
from portfolio.domain.imports.reading import Reading
from portfolio.domain.imports.records import FileEvent, Ignored, Outcome, Place, Reported


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file whose rows have become what they become; ``parts`` are those of the files that it was put together of."""

    name: str
    format: str | None
    family: str
    places: Sequence[Place]
    parts: Sequence[Sequence[Outcome]]
    page: Page | None = None

    @property
    def outcomes(self) -> Iterator[Outcome]:
        """Return what all its rows become."""
        return chain.from_iterable(self.parts)

    @property
    def rank(self) -> int:
        """Return its place among files that tell the same: the one that knows more is first."""
        return FORMAT_NAMES.index(self.format) if self.format is not None else len(FORMAT_NAMES)


def read_file(file: ImportFile, options: Options, now: datetime, tell: Tell = tell_nobody) -> ReadFile:
    """Return the rows of a file; of one that is not recognised its one row, which is reported."""
    found = recognise(file, options.format)
    if not isinstance(found, Recognised):
        return ReadFile(file.name, None, "", [found.row], [[found]])
    how = Reading(
        now=now,
        zone=options.zone,
        decimal=options.decimal if found.format.headers else ".",
        date_order=options.date_order,
        name_zone=zone_in_name(file.name),
    )
    places = [*(row.place for part in found.parts for row in part.rows), *(fault.row for fault in found.faults)]
    parts = [
        [*found.format.read(Told(part.rows, f"reading {file.name}", tell), replace(how, header_zone=part.zone))]
        for part in found.parts
    ]
    if how.decimal is None:
        parts = _of_one_sign(parts)
    return ReadFile(file.name, found.format.name, found.format.family, places, [*parts, found.faults], found.page)


def _of_one_sign(parts: list[list[Outcome]]) -> list[list[Outcome]]:
    """Return what rows become; where one may have a decimal comma, a point may stand for thousands in all others."""
    reports = (one for part in parts for one in part if isinstance(one, Reported))
    row = next((one.row for one in reports if SAY_THE_SIGN in one.reason), None)
    if row is None:
        return parts
    doubt = f"row {row} may have a decimal comma, and the point of this one stand for thousands"
    why = f"{doubt}: {SAY_THE_SIGN}, or --decimal=."
    return [[*_doubted(part, why)] for part in parts]


def _doubted(part: Sequence[Outcome], why: str) -> Iterator[Outcome]:
    rows = dict.fromkeys(row for one in part if isinstance(one, FileEvent) for row in one.rows)
    for one in part:
        if not isinstance(one, FileEvent):
            yield replace(one, inside=None) if isinstance(one, Ignored) else one
    yield from (Reported(row, why) for row in rows)


def whole(files: Sequence[ReadFile]) -> list[ReadFile]:
    """Return files; one that is a page of a list of which other pages are in none of them has that reported."""
    pages = sorted((file.page.first, file.page.end) for file in files if file.page is not None)
    covered = 0
    for first, end in pages:
        covered = max(covered, end) if first <= covered else covered
    return [file if file.page is None or file.page.total <= covered else _part(file, file.page) for file in files]


def _part(file: ReadFile, page: Page) -> ReadFile:
    reason = (
        f"a part: {page.end - page.first} trades from {page.first} of {page.total}. Import all pages in one run, "
        "or this one with --partial"
    )
    return replace(file, places=[*file.places, "page"], parts=[*file.parts, [Reported("page", reason)]])
