"""Excel workbooks (.xlsx) as tables: read from their own parts, piece by piece, within bounds.

Numbers are read as the texts that stand there, and no part of a workbook is believed: neither its sizes, nor its
references. ECMA-376 says what the parts hold.
"""

from __future__ import annotations

import io
import lzma
import posixpath
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import msgspec

from portfolio.adapters.files.workbook_cells import Cell, CellTexts, Styles, column_of
from portfolio.adapters.files.workbook_parts import Attributes, PartReader, Unfit, parsed
from portfolio.application.imports.records import Content, Line, Table, Unreadable

LARGEST_MIB: Final = 128
"""Of all parts together, unpacked."""

_ENTRY: Final = b"PK\x01\x02"
_MEND_IT: Final = "mend the cell and save the workbook again, or book the row by hand"
_MOST_PARTS = 1_000
_MOST_SHEETS = 50
_LAST_ROW = 1_048_576  # that Excel has
_MOST_ROWS = 500_000  # those count that have nothing too
_MOST_COLUMNS = 200
_MOST_CELLS = 2_000_000
_MOST_STRINGS = 1_000_000
_MOST_ELEMENTS = 5_000_000  # a cell has two to four
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, ValueError, KeyError)


def workbook_in(raw: bytes, most_cells: int = _MOST_CELLS) -> Content:
    """Return the rows of the one sheet of a workbook that has any, or why they cannot be read.

    Each cell costs some microseconds and a hundred bytes, whatever few bytes it was packed into, and each other element
    a microsecond: all are counted, those that hold nothing too, over all sheets.
    """
    if raw.count(_ENTRY) > _MOST_PARTS:
        return Unreadable(f"an archive of more than {_MOST_PARTS} files is no workbook: unpack it")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            return _Workbook(archive, most_cells).table()
    except Unfit as unfit:
        return Unreadable(str(unfit))
    except _DAMAGED as error:
        return Unreadable(f"this workbook or archive is damaged or locked: {str(error)[:100]}: save it as CSV (UTF-8)")


class _Workbook:
    """An open workbook."""

    def __init__(self, archive: zipfile.ZipFile, most_cells: int) -> None:
        self._archive = archive
        self._names = frozenset(archive.namelist())
        self._left = LARGEST_MIB << 20
        self._elements = _MOST_ELEMENTS
        self._taken = _Taken(most_cells)

    def table(self) -> Table:
        if "xl/workbook.xml" not in self._names:
            raise Unfit(
                "this is an archive, or a workbook other than .xlsx: unpack it, or save its sheet as CSV (UTF-8)"
            )
        contents = _Contents()
        self._read("xl/workbook.xml", contents)
        paths = self._sheets(contents)
        texts = CellTexts(self._strings(), self._styles(), is_1904=contents.is_1904)
        tables = [table for path in paths if (table := self._sheet(path, texts)).lines]
        if len(tables) > 1:
            raise Unfit(f"{len(tables)} sheets of the workbook have rows: save the one to import as a file of its own")
        return tables[0] if tables else Table([])

    def _sheets(self, contents: _Contents) -> list[str]:
        targets = _Targets()
        self._read("xl/_rels/workbook.xml.rels", targets)
        if len(contents.sheets) > _MOST_SHEETS:
            raise Unfit(f"the workbook has more than {_MOST_SHEETS} sheets: save the one to import as CSV (UTF-8)")
        return [posixpath.normpath(posixpath.join("/xl", targets.of[one])).lstrip("/") for one in contents.sheets]

    def _strings(self) -> list[str]:
        strings = _Strings()
        if "xl/sharedStrings.xml" in self._names:
            self._read("xl/sharedStrings.xml", strings)
        return strings.found

    def _styles(self) -> Styles:
        styles = Styles()
        if "xl/styles.xml" in self._names:
            self._read("xl/styles.xml", styles)
        return styles

    def _sheet(self, path: str, texts: CellTexts) -> Table:
        rows = _Rows(texts, self._taken)
        self._read(path, rows)
        width = max((len(line.cells) for line in rows.lines), default=0)
        self._taken.check(width * len(rows.lines))
        # Empty cells at the end of a row are not written.
        return Table([_padded(line, width) for line in rows.lines])

    def _read(self, path: str, reader: PartReader) -> None:
        with self._pieces(path) as pieces:
            self._elements -= parsed(pieces, reader, self._elements)

    @contextmanager
    def _pieces(self, path: str) -> Iterator[Iterator[bytes]]:
        """Yield the bytes of a part as they are unpacked, as long as the workbook is no larger than it may be."""
        with self._archive.open(path) as part:

            def pieces() -> Iterator[bytes]:
                while piece := part.read(1 << 16):
                    self._left -= len(piece)
                    if self._left < 0:
                        raise Unfit(f"unpacked the workbook is larger than {LARGEST_MIB} MiB: save it as CSV (UTF-8)")
                    yield piece

            yield pieces()


def _padded(line: Line, width: int) -> Line:
    return line if line.fault else Line(line.number, [*line.cells, *[""] * (width - len(line.cells))])


class _Contents(msgspec.Struct):
    """The sheets of a workbook, by the ids of their parts, and whether its days begin in 1904."""

    sheets: list[str] = msgspec.field(default_factory=list)
    is_1904: bool = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "sheet":
            self.sheets.append(next((value for key, value in attributes.items() if key.endswith(" id")), ""))
        elif name == "workbookPr":
            self.is_1904 = attributes.get("date1904") in {"1", "true"}

    def end(self, name: str, text: str) -> None:
        """Nothing."""


class _Targets(msgspec.Struct):
    """The parts of a workbook, by their ids."""

    of: dict[str, str] = msgspec.field(default_factory=dict)

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "Relationship":
            self.of[attributes["Id"]] = attributes["Target"]

    def end(self, name: str, text: str) -> None:
        """Nothing."""


class _Strings(msgspec.Struct):
    """The texts that cells share; how they are to be read aloud (rPh) is no part of them."""

    found: list[str] = msgspec.field(default_factory=list)
    _pieces: list[str] = msgspec.field(default_factory=list)
    _aloud: bool = False

    def start(self, name: str, attributes: Attributes) -> None:
        del attributes
        if name == "si":
            self._pieces = []
            if len(self.found) >= _MOST_STRINGS:
                raise Unfit(f"the workbook has more than {_MOST_STRINGS:,} texts: save it as CSV (UTF-8)")
        self._aloud = self._aloud or name == "rPh"

    def end(self, name: str, text: str) -> None:
        if name == "t" and not self._aloud:
            self._pieces.append(text)
        elif name == "rPh":
            self._aloud = False
        elif name == "si":
            text = "".join(self._pieces)
            self.found.append("" if text.isspace() else text)


class _Taken(msgspec.Struct):
    """How much of a workbook was taken, of all its sheets."""

    most_cells: int
    rows: int = 0
    cells: int = 0

    def row(self) -> None:
        """Count a row; refuse one more than there may be."""
        self.rows += 1
        if self.rows > _MOST_ROWS:
            raise Unfit(f"the workbook has more than {_MOST_ROWS:,} rows: save its sheet as CSV (UTF-8)")

    def more(self, cells: int) -> None:
        """Count cells; refuse one more than there may be."""
        self.cells += cells
        self.check(self.cells)

    def check(self, cells: int) -> None:
        """Refuse so many cells."""
        if cells > self.most_cells:
            raise Unfit(f"the sheet has more than {self.most_cells:,} cells: save it as CSV (UTF-8)")


class _Rows(msgspec.Struct):
    """The rows of a sheet that have anything; the number of each is the one that Excel shows."""

    texts: CellTexts
    taken: _Taken
    lines: list[Line] = msgspec.field(default_factory=list)
    _number: int = 0
    _column: int = 0
    _cells: list[str] = msgspec.field(default_factory=list)
    _fault: str = ""
    _cell: Cell = msgspec.field(default_factory=Cell)
    _aloud: bool = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "c":
            self._cell = Cell(attributes.get("t", "n"), attributes.get("s", "0"))
            self._column = column_of(attributes.get("r", ""), self._column + 1)
            if not len(self._cells) < self._column <= _MOST_COLUMNS:
                raise Unfit(
                    f"row {self._number} has cells in no order, or more than {_MOST_COLUMNS}: save it as CSV (UTF-8)"
                )
        elif name == "row":
            self._begin(attributes)
        elif name == "f":
            self._cell.is_computed = True
        self._aloud = self._aloud or name == "rPh"

    def end(self, name: str, text: str) -> None:
        if name == "v" or (name == "t" and not self._aloud):
            self._cell.pieces.append(text)
        elif name == "rPh":
            self._aloud = False
        elif name == "c":
            self._take()
        elif name == "row":
            self.taken.more(len(self._cells))
            if self._fault:
                self.lines.append(Line(self._number, fault=self._fault))
            elif any(self._cells):
                self.lines.append(Line(self._number, self._cells))

    def _begin(self, attributes: Mapping[str, str]) -> None:
        number = int(attributes.get("r", self._number + 1))
        self.taken.row()
        if not self._number < number <= _LAST_ROW:
            raise Unfit(f"row {number} of the sheet stands after row {self._number}: save it as CSV (UTF-8)")
        self._number, self._column, self._cells, self._fault = number, 0, [], ""

    def _take(self) -> None:
        self._cells += [""] * (self._column - 1 - len(self._cells))
        try:
            text = self.texts.of(self._cell)
            self._cells.append("" if text.isspace() else text)
        except ValueError as error:
            self._cells.append("")
            self._fault = self._fault or f"column {self._column}: {error}: {_MEND_IT}"
