"""Reads files that this service exported: what they say of themselves, and their rows as they stand there."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from portfolio.application.exports.again.records import ExportedFile, ExportedRow, ReportedRow
from portfolio.entrypoints.http.ledger.csv_rows import text_in

HEAD: Final = "# portfolio export: "

_LOOKED_AT: Final = 4096
_MARK: Final = b"\xef\xbb\xbf"


def is_export(path: str) -> bool:
    """Return whether a file says of itself, at its beginning, that it is an export of the books.

    Raises:
        OSError: it cannot be opened.
    """
    with Path(path).open("rb") as file:
        beginning = file.read(_LOOKED_AT).removeprefix(_MARK)
    if beginning.startswith(HEAD.encode()):
        return True
    return beginning.lstrip()[:1] == b"{" and b'"what"' in beginning and b'"convention"' in beginning


def read_back(path: str) -> ExportedFile:
    """Return an export as it stands in a file; where it cannot be read, with the reason as its only row.

    Raises:
        OSError: it cannot be opened.
    """
    file = Path(path)
    raw = file.read_bytes().removeprefix(_MARK)
    try:
        text = raw.decode()
        return _table(file.name, text) if text.startswith(HEAD) else _document(file.name, text)
    except (ValueError, RecursionError) as error:
        about = {"what": "events", "revision": ""}
        why = f"the file cannot be read: {str(error)[:100]}; import it as it was exported"
        return ExportedFile(name=file.name, about=about, rows=[], faults=[ReportedRow(1, why)])


def _table(name: str, text: str) -> ExportedFile:
    first, _, rest = text.partition("\n")
    stated = (part.partition("=") for part in first.strip().removeprefix(HEAD).split(", "))
    about = {one: value for one, _, value in stated}
    rows, faults = list[ExportedRow](), list[ReportedRow]()
    for place, columns, cells in _lines(rest):
        if len(cells) != len(columns):
            faults.append(ReportedRow(place, f"the row is cut: {len(cells)} of {len(columns)} columns"))
        else:
            texts = (text_in(cell) or None for cell in cells)
            rows.append(ExportedRow(place, dict(zip(columns, texts, strict=True))))
    return ExportedFile(name=name, about=about, rows=rows, faults=faults)


def _lines(text: str) -> Iterator[tuple[int, list[str], list[str]]]:
    """Yield each row with the number of its first line in the file, and with the names of the columns."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        columns, place = next(reader, []), 1
        place += reader.line_num
        for cells in reader:
            yield place + 1, columns, cells
            place = 1 + reader.line_num
    except csv.Error as error:
        raise ValueError(f"line {1 + reader.line_num}: {error}") from error


def _document(name: str, text: str) -> ExportedFile:
    # Numbers stay the texts that they are.
    found = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    listed = found.pop("rows", None) if isinstance(found, dict) else None
    if not isinstance(listed, list):
        raise ValueError("it has no list of rows")  # noqa: TRY004  what the file says, not which type a caller gave
    rows, faults = list[ExportedRow](), list[ReportedRow]()
    for place, row in enumerate(listed):
        cells = _cells(row)
        if cells is None:
            faults.append(ReportedRow(place, "is no row: import the file as it was exported"))
        else:
            rows.append(ExportedRow(place, cells))
    about = {one: value for one, value in found.items() if isinstance(value, str)}
    return ExportedFile(name=name, about=about, rows=rows, faults=faults)


def _cells(row: object) -> Mapping[str, str | None] | None:
    if not isinstance(row, dict):
        return None
    cells = {name: str(value).lower() if isinstance(value, bool) else value for name, value in row.items()}
    return cells if all(value is None or isinstance(value, str) for value in cells.values()) else None
