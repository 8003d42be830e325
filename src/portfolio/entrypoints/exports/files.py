"""Writes a table as the bytes of a file: what can be is written page by page."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from importlib.util import find_spec
from typing import IO, Final

import msgspec
from msgspec import Raw

from portfolio.analytics.files.parquet import write_exact
from portfolio.application.errors import NotInstalled
from portfolio.application.exports.tables import Cell, Row, Table
from portfolio.application.in_thread import in_thread
from portfolio.domain.decimal_text import plain
from portfolio.domain.money import round_to_step
from portfolio.entrypoints.http.ledger.csv_rows import CSV, cell, lines_of

PARQUET: Final = "application/vnd.apache.parquet"
BYTES_AT_ONCE: Final = 256 * 1024


class FileFormat(StrEnum):
    """The format of a file."""

    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"

    @property
    def media_type(self) -> str:
        """Return the format's name on the web."""
        return _MEDIA_TYPES[self]


_MEDIA_TYPES: Final = {
    FileFormat.CSV: f"{CSV}; charset=utf-8",
    FileFormat.PARQUET: PARQUET,
    FileFormat.JSON: "application/json",
}


def require(kind: FileFormat) -> None:
    """Say at once what is missing for a format, and not when the rows are read.

    Raises:
        NotInstalled: polars is not there, which writes Parquet.
    """
    if kind is FileFormat.PARQUET and find_spec("polars") is None:
        raise NotInstalled("polars", "parquet")


async def written(table: Table, kind: FileFormat, *, strings: bool = False) -> AsyncIterator[bytes]:
    """Yield the file, piece by piece; the first piece once the first page was read. ``strings`` says that the decimals
    of JSON are to be strings of the same digits.

    Raises:
        LedgerUnavailable: the database is away; the file ends where it was.
    """
    of_json = _json_of_strings if strings else _json_of_numbers
    write = {FileFormat.CSV: _csv, FileFormat.JSON: of_json, FileFormat.PARQUET: _parquet}[kind]
    async for piece in write(table):
        yield piece


async def _csv(table: Table) -> AsyncIterator[bytes]:
    head = f"# portfolio export: {', '.join(f'{name}={value}' for name, value in table.about.items())}\r\n"
    head += lines_of([list(table.columns)])
    async for page in table.pages:
        yield (head + lines_of([[_text(value) for value in row] for row in page])).encode()
        head = ""
    yield head.encode()


def _text(value: Cell) -> str:
    return plain(value) if isinstance(value, Decimal) else cell(value)


def _json_of_numbers(table: Table) -> AsyncIterator[bytes]:
    return _json(table, lambda value: Raw(plain(value).encode()))


def _json_of_strings(table: Table) -> AsyncIterator[bytes]:
    return _json(table, plain)


async def _json(table: Table, decimal: Callable[[Decimal], object]) -> AsyncIterator[bytes]:
    encode = msgspec.json.Encoder().encode
    head = encode({**table.about, "rows": []}).removesuffix(b"]}")
    between = b""
    async for page in table.pages:
        rows = b",".join(
            encode(
                {
                    name: decimal(value) if isinstance(value, Decimal) else value
                    for name, value in zip(table.columns, row, strict=True)
                }
            )
            for row in page
        )
        yield head + (between + rows if rows else b"")
        head, between = b"", b"," if rows or between else b""
    yield head + b"]}\n"


async def _parquet(table: Table) -> AsyncIterator[bytes]:
    """Yield what stands in the file once it is whole: its end says where everything is.

    It is made in memory, where its rows are by then and take far more room: a disk may be full, or read-only.
    """
    columns: list[list[Cell]] = [[] for _ in table.columns]
    async for page in table.pages:
        _add(columns, page)
    file = io.BytesIO()
    await in_thread(_write_parquet, table, columns, file)
    columns.clear()
    file.seek(0)
    while piece := file.read(BYTES_AT_ONCE):
        yield piece


def _add(columns: Sequence[list[Cell]], page: Sequence[Row]) -> None:
    for column, cells in zip(columns, zip(*page, strict=True), strict=False):
        column += [value.astimezone(UTC) if isinstance(value, datetime) else value for value in cells]


def _write_parquet(table: Table, columns: Sequence[list[Cell]], file: IO[bytes]) -> None:
    kinds = [kind.value for kind in table.columns.values()]
    metadata = {f"portfolio.{name}": value for name, value in table.about.items()}
    try:
        write_exact(dict(zip(table.columns, zip(kinds, columns, strict=True), strict=True)), metadata, file)
    except Exception:
        # Sums of the past may be of any size, and such a column has 20 digits before the point.
        for value in (value for column in columns for value in column if isinstance(value, Decimal)):
            round_to_step(value)
        raise
