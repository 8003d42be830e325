"""What a report is made of: sections of figures, drawings and tables; and the same without amounts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, TypeAlias

import msgspec

from portfolio.entrypoints.charts import HeatCell, Svg
from portfolio.entrypoints.http.pages.frame.figures import Cell
from portfolio.entrypoints.http.pages.frame.filters import Value
from portfolio.entrypoints.http.pages.frame.formats import Kind

Entry: TypeAlias = str | Cell | HeatCell

HIDDEN: Final = "hidden"


class Line(msgspec.Struct, frozen=True):
    """A figure with its name in the API; ``reason`` is the code that says why there is no ``value``."""

    name: str
    label: str
    value: Value
    kind: Kind
    reason: str | None = None


class Count(msgspec.Struct, frozen=True):
    """How many of something there are, with its name in the API."""

    name: str
    label: str
    count: int

    @property
    def text(self) -> str:
        """What is shown of it."""
        return f"{self.count:,}"


class Drawing(msgspec.Struct, frozen=True):
    """A chart with what stands above it; ``has_amounts`` where it shows amounts of the own books."""

    caption: str
    svg: Svg
    has_amounts: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that begin with what names them; ``more`` says what was left out."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Entry]]
    more: str = ""

    @property
    def numeric(self) -> set[int]:
        """Return the places of the columns that hold numbers."""
        return {n for row in self.rows for n, entry in enumerate(row) if not isinstance(entry, str)}


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report under its heading."""

    id: str
    title: str
    notes: Sequence[str] = ()
    lines: Sequence[Line | Count] = ()
    drawings: Sequence[Drawing] = ()
    tables: Sequence[Table] = ()

    @property
    def is_empty(self) -> bool:
        """Return whether nothing is in it."""
        return not (self.notes or self.lines or self.drawings or self.tables)


def without_amounts(sections: Iterable[Section]) -> list[Section]:
    """Return the sections without figures, drawings and columns of amounts of the own books; empty ones are left out.

    This is why none of them reaches a private report; the filters of the templates, which hide them too, are the second
    reason.
    """
    kept = [
        replace(
            section,
            lines=[line for line in section.lines if isinstance(line, Count) or not line.kind.is_own],
            drawings=[drawing for drawing in section.drawings if not drawing.has_amounts],
            tables=[table for given in section.tables if len((table := _without_amounts(given)).columns) > 1],
        )
        for section in sections
    ]
    return [section for section in kept if not section.is_empty]


def _without_amounts(table: Table) -> Table:
    """Return a table without the columns that hold amounts alone; a single amount among other numbers is hidden."""
    kept = [n for n in range(len(table.columns)) if not _is_of_amounts([row[n] for row in table.rows])]
    return replace(
        table,
        columns=[table.columns[n] for n in kept],
        rows=[[HIDDEN if _is_amount(row[n]) else row[n] for n in kept] for row in table.rows],
    )


def _is_of_amounts(column: Sequence[Entry]) -> bool:
    numbers = [entry for entry in column if not isinstance(entry, str)]
    return bool(numbers) and all(map(_is_amount, numbers))


def _is_amount(entry: Entry) -> bool:
    return isinstance(entry, Cell) and entry.kind.is_own


def moment_text(at: datetime) -> str:
    """Return a moment in UTC, to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def left_out(count: int, shown: int, thing: str) -> str:
    """Return that a table has the first ``shown`` of so many things; nothing where it has all of them."""
    return f"{count - shown:,} smaller {thing}{'s' if count - shown > 1 else ''} left out." if count > shown else ""
