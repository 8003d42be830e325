"""Files that say the same in other bytes."""

from __future__ import annotations

import csv
import io
import random
from typing import Final, TypeAlias

from tests.support.import_files.sample import Sample
from tests.unit.adapters.files.workbook_examples import row, sheet, workbook

Rows: TypeAlias = list[list[str]]

ENCODINGS: Final = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")


def table_of(text: str) -> Rows:
    """The lines of a table as cells; an empty line has none."""
    return list(csv.reader(io.StringIO(text)))


def written(rows: Rows, *, delimiter: str = ",", end: str = "\n", quoted: bool = False) -> str:
    """A table as text."""
    found = io.StringIO()
    writer = csv.writer(
        found, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    )
    writer.writerows(rows)
    return found.getvalue()


def as_workbook(rows: Rows) -> bytes:
    """A table as a workbook of texts."""
    return workbook(sheet(*(row(*(_storable(cell) for cell in cells)) for cells in rows)))


def _storable(cell: str) -> str:
    """A cell as UTF-8 can have it."""
    return cell.encode(errors="replace").decode()


def header_index(rows: Rows) -> int:
    """Where the header of a sample stands: the first line of more than three cells."""
    return next(index for index, cells in enumerate(rows) if len(cells) > 3)


def same_rows(sample: Sample, dice: random.Random) -> bytes:
    """A file that says the same: other ends of lines, encoding, signs between cells, order of rows, or a workbook."""
    if not sample.is_table:
        return sample.text.encode(dice.choice(ENCODINGS))
    rows = table_of(sample.text)
    start = header_index(rows) + 1
    if dice.random() < 0.5:
        rows[start:] = reversed(rows[start:])
    if dice.random() < 0.15:
        return as_workbook([cells for cells in rows if cells])
    text = written(
        rows, delimiter=dice.choice(",;\t"), end=dice.choice(["\n", "\r\n", "\r"]), quoted=dice.random() < 0.5
    )
    encoding = dice.choice((*ENCODINGS, "cp1252")) if text.isascii() else dice.choice(ENCODINGS)
    return text.encode(encoding)
