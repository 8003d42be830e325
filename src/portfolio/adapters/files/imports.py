"""Files to import: tables in any usual encoding, workbooks, JSON, freqtrade's SQLite database; what else they are."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from portfolio.application.imports.kept.records import GivenFile
from portfolio.application.imports.records import Content, Document, ImportFile, Line, Table, Unreadable

LARGEST_MIB = 256
MOST_LINES = 1_000_000

_SQLITE = b"SQLite format 3\x00"
_MADE = "SELECT sql FROM sqlite_master WHERE name IN ('trades', 'orders')"
# Enough for a million orders: a view or a formula that never ends is given up.
_MOST_STEPS, _OPERATIONS_A_STEP = 20_000, 10_000
# Bytes of memory that its rows take for each of the file, and what a text takes beside its characters: real ones take a
# half. Values by default, of columns that were added, take no room in a file, in however many rows.
_MOST_FOR_A_BYTE, _A_TEXT = 20, 50
_LINE_ENDS = re.compile(r"\r\n|\n|\r")
_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),  # before the mark of UTF-16, with which it begins
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
# What gzip, bzip2, 7z, xz, zstd and rar begin their files with.
_PACKED = (b"\x1f\x8b", b"BZh", b"7z\xbc\xaf", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"Rar!")
_NO_TABLES = (
    (b"\xd0\xcf\x11\xe0", "this is a workbook of before 2007, or a locked one: save its sheet as CSV (UTF-8)"),
    *[(begins, "this is packed: unpack it") for begins in _PACKED],
    (b"PAR1", "this is Parquet: import the same as CSV or JSON"),
    (b"%PDF", "this is a PDF: download the same as CSV"),
)
_MINUS = "\N{MINUS SIGN}"
_MOST_LINES_OF_A_RECORD = 20
# No sheet of a spreadsheet is wider, and the rows of no file that is known have a hundredth of them.
_MOST_COLUMNS = 16_384
_SNIFFED_LINES = 40
_TOO_WIDE = f"the row has over {_MOST_COLUMNS:,} columns: import the file as it was downloaded"
_NOT_CLOSED = "a quotation mark is opened and not closed: the row is cut: import the file as it was downloaded"


class LocalImportFiles:
    """Files on this machine."""

    def read(self, path: str) -> ImportFile:
        file = Path(path)
        if file.stat().st_size > LARGEST_MIB << 20:
            return ImportFile(file.name, Unreadable(f"the file is larger than {LARGEST_MIB} MiB: split it"))
        raw = file.read_bytes()
        if raw.startswith(_SQLITE):
            return ImportFile(file.name, _database(file))
        return ImportFile(file.name, content_of(raw))


class GivenFiles:
    """Files that came over HTTP, by their numbers."""

    def __init__(self, files: Sequence[GivenFile]) -> None:
        self._files = files

    def read(self, path: str) -> ImportFile:
        given = self._files[int(path)]
        if given.content.startswith(_SQLITE):
            return ImportFile(given.name, _given_database(given.content))
        return ImportFile(given.name, content_of(given.content))


def content_of(raw: bytes) -> Content:
    """Return the table or the document that bytes are."""
    if raw.startswith(b"PK\x03\x04"):
        from portfolio.adapters.files.workbooks import workbook_in  # noqa: PLC0415  few files are workbooks

        return workbook_in(raw)
    no_table = next((what for begins, what in _NO_TABLES if raw.startswith(begins)), None)
    if no_table is not None:
        return Unreadable(no_table)
    text = _text(raw)
    begins = text[:100].lstrip().lower()
    if begins.startswith("# portfolio export: "):
        return Unreadable(
            "this is an export of the books: the command portfolio import books one of events, into empty books"
        )
    if begins.startswith(("<!doctype html", "<html")):
        return Unreadable("this is a web page: download the file itself")
    if not text or text.isspace():
        return Unreadable("the file is empty: download it again")
    if text.lstrip()[:1] not in {"{", "["}:
        lines = list(islice(_lines(text), MOST_LINES + 1))
        return Table(lines) if len(lines) <= MOST_LINES else Unreadable(f"over {MOST_LINES:,} lines: split the file")
    try:
        # Numbers stay the texts that they are.
        return Document(json.loads(text, parse_float=str, parse_int=str, parse_constant=str))
    except (ValueError, RecursionError) as error:
        return Unreadable(f"it begins like JSON and is not: {str(error)[:100]}: import the file as it was downloaded")


def _text(raw: bytes) -> str:
    """Return the text of bytes: no mark of byte order is left, as in the middle of files put together, and a minus is
    that of ASCII.
    """
    return _decoded(raw).replace("\ufeff", "").replace(_MINUS, "-")


def _decoded(raw: bytes) -> str:
    """Return the text of bytes; where nothing says what they are, and UTF-8 they are not, that of Windows-1252."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if raw.startswith(mark):
            return raw.decode(encoding, errors="replace")
    if raw[1:4:2] == b"\x00\x00":
        return raw.decode("utf-16-le", errors="replace")
    if raw[0:3:2] == b"\x00\x00":
        return raw.decode("utf-16-be", errors="replace")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _lines(text: str) -> Iterator[Line]:
    """Yield the records of a table, but for empty lines. One that is cut within quotation marks takes none along."""
    lines = _LINE_ENDS.split(text)
    delimiter = max(",;\t", key=lambda sign: max(line.count(sign) for line in lines[:_SNIFFED_LINES]))
    index = 0
    while index < len(lines):
        end = index + 1
        line = lines[index]
        if line.count(delimiter) >= _MOST_COLUMNS:
            yield Line(end, fault=_TOO_WIDE)
        elif '"' not in line:
            if line and not line.isspace():
                yield Line(end, line.split(delimiter))
        else:
            record, end = _record(lines, index)
            line_read = _parsed(index + 1, record, delimiter)
            if line_read.fault:
                end = index + 1
            yield line_read
        index = end


def _record(lines: list[str], index: int) -> tuple[str, int]:
    """Return the record that begins in this line, and where the next one begins."""
    record, quotes = lines[index], lines[index].count('"')
    for end in range(index + 1, min(len(lines), index + _MOST_LINES_OF_A_RECORD) + 1):
        if quotes % 2 == 0:
            return record, end
        if end < len(lines):
            record = f"{record}\n{lines[end]}"
            quotes += lines[end].count('"')
    return lines[index], index + 1


def _parsed(number: int, record: str, delimiter: str) -> Line:
    if record.count('"') % 2:
        return Line(number, fault=_NOT_CLOSED)
    if record.count(delimiter) >= _MOST_COLUMNS:  # in a line after its first
        return Line(number, fault=_TOO_WIDE)
    try:
        return Line(number, next(csv.reader([record], delimiter=delimiter, strict=True)))
    except csv.Error as error:
        return Line(number, fault=f"the row cannot be taken apart: {error}: import the file as it was downloaded")


def _database(file: Path) -> Content:
    """Return the trades of a freqtrade database with their orders, as its HTTP interface answers them."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file.resolve()))}?mode=ro", uri=True)) as connection:
            return _trades(connection)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return _no_database(error)


def _given_database(raw: bytes) -> Content:
    """Return the same of a database that somebody sent: read in memory, and for so long only."""
    steps = iter(range(_MOST_STEPS))
    try:
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.deserialize(raw)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.set_progress_handler(lambda: next(steps, None) is None, _OPERATIONS_A_STEP)
            made = [row[0] for row in connection.execute(_MADE)]
            if not all(str(one).upper().startswith("CREATE TABLE") for one in made):
                return Unreadable(
                    "the trades or orders of this SQLite database are no tables: fetch GET /trades of freqtrade"
                )
            return _trades(connection)
    except (sqlite3.Error, UnicodeDecodeError, MemoryError) as error:
        return _no_database(error)


def _trades(connection: sqlite3.Connection) -> Content:
    # Not the size of the file: a bot that runs has its newest pages, or all of them, in the file beside it (-wal).
    [[pages]], [[page_size]] = connection.execute("PRAGMA page_count"), connection.execute("PRAGMA page_size")
    size = pages * page_size
    trades = _rows(connection.execute("SELECT * FROM trades ORDER BY id"), size)
    orders = _rows(connection.execute("SELECT * FROM orders ORDER BY id"), size)
    by_trade: dict[str | None, list[dict[str, str]]] = defaultdict(list)
    for order in orders:
        by_trade[order.get("ft_trade_id")].append(order)
    return Document({"trades": [{**trade, "orders": by_trade[trade.get("id")]} for trade in trades]})


def _no_database(error: Exception) -> Unreadable:
    return Unreadable(
        f"this SQLite database is not one of freqtrade, or is damaged: {str(error)[:100]}:"
        " fetch GET /trades of freqtrade"
    )


def _rows(found: sqlite3.Cursor, size: int) -> list[dict[str, str]]:
    """Return rows as texts; a float is the shortest one that stands for it."""
    rows, room = list[dict[str, str]](), _MOST_FOR_A_BYTE * size
    names = [column[0] for column in found.description]
    for row in found:
        read = zip(names, row, strict=True)
        rows.append({name: str(value) for name, value in read if isinstance(value, str | int | float)})
        room -= _A_TEXT + sum(_A_TEXT + len(text) for text in rows[-1].values())
        if room < 0:
            raise sqlite3.DataError("its rows are much larger than the file")
    return rows
