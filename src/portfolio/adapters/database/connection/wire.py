"""What a MySQL-family server answers to one message, read from the driver's connection without the driver's cursor.

The cursor awaits the head and the body of every packet by themselves, and parses what each column is for every answer
anew: half of what a booking spends in the driver. Here packets are cut out of whatever has arrived, and a column's
description, which is the same bytes every time, is looked up. The types and the errors are the driver's own.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from types import NoneType
from typing import Any, Final

import aiomysql
from pymysql.connections import TEXT_TYPES
from pymysql.constants import COMMAND, CR, SERVER_STATUS
from pymysql.converters import convert_datetime, decoders, escape_string, through
from pymysql.err import InternalError, OperationalError, Warning, raise_mysql_exception  # noqa: A004  the driver's name
from pymysql.protocol import FieldDescriptorPacket

Decode = Callable[[bytes], Any]

_OK, _NULL, _INFILE, _EOF, _ERROR = 0x00, 0xFB, 0xFB, 0xFE, 0xFF
_LONGEST_EOF: Final = 8
_HEAD_BYTES: Final = 4
_LONGEST_PACKET: Final = 0xFFFFFF
_CHUNK_BYTES: Final = 256 * 1024
# A length in one byte, or the number of bytes that have it.
_LENGTH_BYTES: Final = {0xFC: 2, 0xFD: 3, 0xFE: 8}
_BINARY: Final = 63
_NO_BACKSLASHES: Final = SERVER_STATUS.SERVER_STATUS_NO_BACKSLASH_ESCAPES

_PLAIN: Final[Mapping[type, Callable[[Any], str]]] = {
    NoneType: lambda _: "NULL",
    int: str,
    Decimal: lambda value: format(value, "f"),
    datetime: lambda value: f"'{value.isoformat(' ')}'",  # naive: the columns' type has seen to that
}


@dataclass(frozen=True, slots=True)
class Result:
    """What one statement brought: its rows, None where it has none; how many rows it matched; its new row's number."""

    rows: Sequence[Sequence[Any]] | None
    rowcount: int
    new_id: int


async def exchange(driver: aiomysql.Connection, sql: str) -> list[Result]:
    """Send statements in one message and return what each brought, in order; none after one that fails.

    Raises:
        pymysql.err.Error: as the driver's cursor would; the connection is closed unless the server refused.
    """
    await driver._execute_command(COMMAND.COM_QUERY, sql.encode(driver.encoding, "surrogateescape"))  # noqa: SLF001
    answers = _Answers(driver)
    try:
        results = await answers.read()
    except asyncio.CancelledError:
        driver._close_on_cancel()  # noqa: SLF001  an answer may be under way that nobody waits for
        raise
    except BaseException:
        if not answers.refused:
            driver.close()
        raise
    if answers.warned:
        for warning in await driver.show_warnings():
            warnings.warn(str(warning[-1]), Warning, stacklevel=2)
    return results


def literals(driver: aiomysql.Connection, values: Iterable[Any]) -> tuple[str, ...]:
    """Return values as they stand in a statement, as the driver writes them."""
    text = driver.escape if driver.server_status & _NO_BACKSLASHES else _text
    written = []
    for value in values:
        kind = type(value)
        write = text if kind is str else _PLAIN.get(kind, driver.escape)
        written.append(write(value))
    return tuple(written)


def _text(value: str) -> str:
    return f"'{escape_string(value)}'"


class _Answers:
    """The answers to one message, as far as they have arrived."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._reader: asyncio.StreamReader = driver._reader  # noqa: SLF001  there is no public name
        self._encoding: str = driver.encoding
        self._data = b""
        self._at = 0
        self._number = 1
        self.refused = False
        self.warned = False

    async def read(self) -> list[Result]:
        """Return what each statement brought."""
        results: list[Result] = []
        more = True
        while more:
            first = self._packet() or await self._wait()
            if first[0] == _OK:
                rowcount, at = _number_at(first, 1)
                new_id, at = _number_at(first, at)
                more = self._ends(first[at : at + 2], first[at + 2 : at + 4])
                results.append(Result(None, rowcount, new_id))
            elif first[0] == _INFILE:
                raise InternalError("the server asks for a file")
            else:
                rows, more = await self._rows(_number_at(first, 0)[0])
                results.append(Result(rows, len(rows), 0))
        if self._at != len(self._data):
            raise InternalError("the server says more than was asked")
        return results

    async def _rows(self, columns: int) -> tuple[list[list[Any]], bool]:
        """Return the rows of an answer, and whether another answer follows."""
        decode = [_decoder(self._packet() or await self._wait(), self._encoding) for _ in range(columns)]
        packet = self._packet() or await self._wait()
        if not _is_eof(packet):
            raise InternalError("the server's description of an answer has no end")
        rows: list[list[Any]] = []
        while True:
            packet = self._packet() or await self._wait()
            if _is_eof(packet):
                return rows, self._ends(packet[3:5], packet[1:3])
            rows.append(_row(packet, decode))

    def _ends(self, status: bytes, warning_count: bytes) -> bool:
        """Take notice of how an answer ends, and return whether another one follows."""
        flags = int.from_bytes(status, "little")
        self._driver.server_status = flags
        self.warned |= any(warning_count)
        return bool(flags & SERVER_STATUS.SERVER_MORE_RESULTS_EXISTS)

    def _packet(self) -> bytes | None:
        """Return the next packet; None while it has not arrived whole."""
        data, start = self._data, self._at + _HEAD_BYTES
        head = int.from_bytes(data[self._at : start], "little")
        size, number = head & _LONGEST_PACKET, head >> 24
        end = start + size
        if len(data) < start or len(data) < end:
            return None
        if number != self._number:
            if number == 0:  # as a server that shuts down says so
                raise OperationalError(CR.CR_SERVER_LOST, "Lost connection to MySQL server during query")
            raise InternalError(f"Packet sequence number wrong - got {number} expected {self._number}")
        if size == _LONGEST_PACKET:
            raise InternalError("a row of 16 MB")
        self._at, self._number = end, (number + 1) % 256
        packet = data[start:end]
        if packet[0] == _ERROR:
            self.refused = True
            raise_mysql_exception(packet)
        return packet

    async def _wait(self) -> bytes:
        """Return the next packet once it has arrived."""
        while True:
            arrived = await self._reader.read(_CHUNK_BYTES)
            if not arrived:
                raise OperationalError(CR.CR_SERVER_LOST, "Lost connection to MySQL server during query")
            self._data, self._at = self._data[self._at :] + arrived, 0
            packet = self._packet()
            if packet is not None:
                return packet


def _is_eof(packet: bytes) -> bool:
    return packet[0] == _EOF and len(packet) <= _LONGEST_EOF


def _number_at(packet: bytes, at: int) -> tuple[int, int]:
    """Return the number of variable length that begins at this place, and the place behind it."""
    first = packet[at]
    if first < _NULL:
        return first, at + 1
    end = at + 1 + _LENGTH_BYTES[first]
    return int.from_bytes(packet[at + 1 : end], "little"), end


def _row(packet: bytes, decode: Sequence[Decode]) -> list[Any]:
    row: list[Any] = []
    at = 0
    for decoded in decode:
        size = packet[at]
        at += 1
        if size == _NULL:
            row.append(None)
            continue
        if size > _NULL:
            size, at = _number_at(packet, at - 1)
        end = at + size
        row.append(decoded(packet[at:end]))
        at = end
    if at != len(packet):
        raise InternalError("a row is not as long as its columns")
    return row


@lru_cache(maxsize=1024)
def _decoder(description: bytes, encoding: str) -> Decode:
    """Return how the values of a column are read, which has this description, by the driver's own table of types."""
    column: Any = FieldDescriptorPacket(description, encoding)
    kind = column.type_code
    if kind in TEXT_TYPES and column.charsetnr == _BINARY:
        return bytes
    convert = decoders.get(kind, through)
    if convert is through:
        return lambda raw: raw.decode(encoding)
    if convert is convert_datetime:
        return _moment
    if convert is int:
        return int
    return lambda raw: convert(raw.decode("ascii"))


def _moment(raw: bytes) -> Any:
    text = raw.decode("ascii")
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # a date that is none, which the driver leaves a text
        return convert_datetime(text)
