"""Damage to files that somebody imports: such as spreadsheets, networks and people do, and such as only malice does."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
from collections.abc import Callable, Sequence
from typing import Final

from tests.fuzz.mutation import NUMBERS, TEXTS, Mutation
from tests.support.import_files.forms import Rows, as_workbook, same_rows, table_of, written
from tests.support.import_files.sample import Sample
from tests.unit.adapters.files.workbook_examples import row, sheet, workbook

CELLS: Final = (
    "1,5", "1.234,56", "1 000", "\u22125", "--5", "+5", "5-", "1e-08", "\u0661", "=1+1", "#REF!", "01/02/2024",
    "2/1/24 10:00", "2024-02-30 00:00:00", "2024-03-31 02:30:00", "2024-01-01T00:00:00+02:00", "24:00:00",
    "2024-06-30 23:59:60",
    "buy ", " SELL", "Buy\u00a0", "\ufeffBUY", "XXBT", "USD", "LDBTC", "1INCH", "0.000000000000000000001", '"', "'",
)  # fmt: skip
MOST_NOISE: Final = 2_000_000


class Damage:
    """Damages files at random; the same dice do the same damage."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._mutation = Mutation(dice)

    def file(self, sample: Sample) -> bytes:
        """The file, a little damaged or altogether."""
        dice = self._dice
        if dice.random() < 0.25:
            return same_rows(sample, dice)
        if not sample.is_table:
            return self._mutation.body(sample.text.encode())
        if dice.random() < 0.1:
            return self._bytes(sample.text.encode())
        rows = table_of(sample.text)
        for _ in range(dice.choice((1, 1, 2, 5))):
            dice.choice(self._changes)(self, rows)
        if dice.random() < 0.1:
            return as_workbook(rows)
        text = written(rows, delimiter=dice.choice(",,,;\t"), end=dice.choice(["\n", "\r\n"]))
        encoding = dice.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"))
        return text.encode(encoding, errors="replace")

    def _cell(self, rows: Rows) -> None:
        cells = self._any_row(rows)
        if cells:
            place = self._dice.randrange(len(cells))
            cells[place] = self._dice.choice((*CELLS, *TEXTS, *NUMBERS))

    def _decimal_sign(self, rows: Rows) -> None:
        for cells in rows if self._dice.random() < 0.5 else [self._any_row(rows)]:
            cells[:] = [cell.replace(".", ",") if cell.replace(".", "").isdigit() else cell for cell in cells]

    def _cut(self, rows: Rows) -> None:
        cells = self._any_row(rows)
        del cells[self._dice.randrange(len(cells) + 1) :]

    def _drop(self, rows: Rows) -> None:
        del rows[self._dice.randrange(len(rows))]
        rows += [] if rows else [[]]

    def _again(self, rows: Rows) -> None:
        rows.insert(self._dice.randrange(len(rows)), list(self._any_row(rows)))

    def _shuffle(self, rows: Rows) -> None:
        self._dice.shuffle(rows)

    def _columns(self, rows: Rows) -> None:
        width = max(map(len, rows))
        order = self._dice.sample(range(width), width)
        rows[:] = [[cells[place] for place in order] if len(cells) == width else cells for cells in rows]

    def _from_below(self, rows: Rows) -> None:
        """A cell of one row in another one."""
        one, other = self._any_row(rows), self._any_row(rows)
        if one and other:
            place = self._dice.randrange(len(one))
            one[place] = other[min(place, len(other) - 1)]

    def _noise(self, rows: Rows) -> None:
        noise = self._dice.randbytes(self._dice.choice((10, 1_000, 50_000))).decode("latin-1")
        rows.insert(self._dice.randrange(len(rows)), [noise])

    def _any_row(self, rows: Rows) -> list[str]:
        return self._dice.choice(rows)

    def _bytes(self, raw: bytes) -> bytes:
        """Bytes that are something else."""
        dice = self._dice
        match dice.randrange(8):
            case 0:
                return dice.randbytes(dice.choice((0, 1, 3, 1_000, MOST_NOISE)))
            case 1:
                return gzip.compress(raw)
            case 2:
                return bomb(dice)
            case 3:
                book = as_workbook(table_of(raw.decode()))
                return self._mutation.raw(book) if len(book) < 20_000 else book[: dice.randrange(len(book))]
            case 4:
                return b"SQLite format 3\x00" + dice.randbytes(200)
            case 5:
                return raw + b"\n" + dice.choice((b'"', b",", b"\x00", b"\xff")) * dice.choice((1, 10_000, MOST_NOISE))
            case 6:
                return raw * dice.choice((2, 50))
            case _:
                return self._mutation.raw(raw)

    _changes: Sequence[Callable[[Damage, Rows], None]] = (
        _cell, _cell, _cell, _cell, _decimal_sign, _cut, _drop, _again, _shuffle, _columns, _from_below, _noise,
    )  # fmt: skip


def bomb(dice: random.Random) -> bytes:
    """A workbook that is small, and large once it is unpacked: one part, many parts, deep, or with entities."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    size = dice.choice((1, 40))
    match dice.randrange(4):
        case 0:
            inner = " " * (size << 20)
        case 1:
            inner = "<row/>" * (100_000 * size // 4)
        case 2:
            inner = "<a>" * 100_000
        case _:
            inner = "<row><c><v>&a;</v></c></row>"
    entities = "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("bcdefgh", "abcdefg", strict=True)
    )
    part = (
        f'<!DOCTYPE x [<!ENTITY h "x">{entities}]><worksheet xmlns="{main}"><sheetData>{inner}</sheetData></worksheet>'
    )
    whole = workbook(sheet(row("a")), parts={"xl/worksheets/s0.xml": part})
    found = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as made, zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in made.namelist():
            packed.writestr(name, made.read(name))
    return found.getvalue()
