"""A server's answers are the same however they arrive, and what is no answer is never taken for one.

The bytes are put together here by the protocol's description, "Text Resultset" and "Generic Response Packets" in
https://dev.mysql.com/doc/dev/mysql-server/latest/.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, cast

import aiomysql
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymysql.constants import FIELD_TYPE, SERVER_STATUS
from pymysql.err import Error, InternalError, OperationalError, ProgrammingError

from portfolio.adapters.database.connection.wire import Result, exchange, literals

MORE = SERVER_STATUS.SERVER_MORE_RESULTS_EXISTS
IN_TRANSACTION = SERVER_STATUS.SERVER_STATUS_IN_TRANS
UTF8MB4, BINARY = 45, 63
LONG_TEXT = "ä" * 40_000

EOF_MORE = b"\xfe" + (0).to_bytes(2, "little") + (MORE | IN_TRANSACTION).to_bytes(2, "little")
EOF_LAST = b"\xfe" + (0).to_bytes(2, "little") + IN_TRANSACTION.to_bytes(2, "little")


@dataclass
class Connection:
    """As much of the driver's connection as an exchange of messages uses."""

    _reader: asyncio.StreamReader
    encoding: str = "utf8"
    server_status: int = 0
    is_closed: bool = False
    sent: list[bytes] = field(default_factory=list)

    async def _execute_command(self, _command: int, sql: bytes) -> None:
        self.sent.append(sql)

    def _close_on_cancel(self) -> None:
        self.is_closed = True

    def close(self) -> None:
        self.is_closed = True


def sized(text: bytes) -> bytes:
    """Return text with its length ahead, as the protocol has it."""
    size = len(text)
    if size < 251:
        return bytes([size]) + text
    for first, width in ((0xFC, 2), (0xFD, 3), (0xFE, 8)):
        if size < 256**width:
            return bytes([first]) + size.to_bytes(width, "little") + text
    raise AssertionError(size)


def column(kind: int, charset: int = UTF8MB4) -> bytes:
    names = b"".join(map(sized, (b"def", b"books", b"t", b"t", b"c", b"c")))
    return names + b"\x0c" + charset.to_bytes(2, "little") + (80).to_bytes(4, "little") + bytes([kind]) + bytes(5)


def row(*values: str | None) -> bytes:
    return b"".join(b"\xfb" if value is None else sized(value.encode()) for value in values)


def done(*, rows: int, new_id: int, status: int, warning_count: int = 0) -> bytes:
    numbers = bytes([rows]) + b"\xfc" + new_id.to_bytes(2, "little")
    return b"\0" + numbers + status.to_bytes(2, "little") + warning_count.to_bytes(2, "little")


def refused(code: int) -> bytes:
    return b"\xff" + code.to_bytes(2, "little") + b"#42S02no such table"


def stream(*packets: bytes) -> bytes:
    """Return packets with their heads, numbered as a server numbers them."""
    return b"".join(
        len(packet).to_bytes(3, "little") + bytes([number % 256]) + packet for number, packet in enumerate(packets, 1)
    )


KINDS = (FIELD_TYPE.LONGLONG, FIELD_TYPE.NEWDECIMAL, FIELD_TYPE.DATETIME, FIELD_TYPE.VAR_STRING)
ANSWERS = stream(
    done(rows=2, new_id=300, status=MORE),
    b"\x04",
    *map(column, KINDS),
    EOF_MORE,
    row("-7", "0.000000000000000001", "2026-11-25 10:00:00.5", "O'Neil %s"),
    row(None, None, None, LONG_TEXT),
    *[row("1", "1", "0000-00-00 00:00:00", "")] * 300,
    EOF_MORE,
    b"\x01",
    column(FIELD_TYPE.VAR_STRING, BINARY),
    EOF_MORE,
    EOF_LAST,
)
FIRST_ROWS = [
    [-7, Decimal("0.000000000000000001"), datetime(2026, 11, 25, 10, 0, 0, 500_000), "O'Neil %s"],  # noqa: DTZ001  as the column
    [None, None, None, LONG_TEXT],
]


def ask(pieces: Sequence[bytes], *, ends: bool = False) -> tuple[Connection, list[Result] | Error]:
    """Return what is made of an answer that arrives in these pieces; the other side may close afterwards."""

    async def run() -> tuple[Connection, list[Result] | Error]:
        reader = asyncio.StreamReader()
        connection = Connection(reader)
        asking = asyncio.create_task(exchange(cast("Any", connection), "SELECT 'ä'"))
        for piece in pieces:
            reader.feed_data(piece)
            await asyncio.sleep(0)
        if ends:
            reader.feed_eof()
        try:
            async with asyncio.timeout(60):
                return connection, await asking
        except Error as error:
            return connection, error

    return asyncio.run(run())


@given(cuts=st.lists(st.integers(0, len(ANSWERS)), max_size=8).map(sorted))
def test_an_answer_is_the_same_in_whatever_pieces_it_arrives(cuts: list[int]) -> None:
    places = [0, *cuts, len(ANSWERS)]
    pieces = [ANSWERS[start:end] for start, end in pairwise(places) if start < end]
    connection, results = ask(pieces)
    assert isinstance(results, list)
    written, read, empty = results
    assert (written.rows, written.rowcount, written.new_id) == (None, 2, 300)
    assert read.rows is not None
    assert list(read.rows[:2]) == FIRST_ROWS
    assert read.rows[2] == [1, Decimal(1), "0000-00-00 00:00:00", ""]
    assert (len(read.rows), read.rowcount) == (302, 302)
    assert (empty.rows, empty.rowcount) == ([], 0)
    assert connection.server_status == IN_TRANSACTION
    assert connection.sent == ["SELECT 'ä'".encode()]
    assert not connection.is_closed


@given(end=st.integers(0, len(ANSWERS) - 1))
def test_an_answer_that_breaks_off_is_a_lost_connection(end: int) -> None:
    connection, error = ask([ANSWERS[:end]] if end else [], ends=True)
    assert isinstance(error, OperationalError)
    assert error.args[0] == 2013
    assert connection.is_closed


def test_what_the_server_refuses_leaves_the_connection_open() -> None:
    connection, error = ask([stream(done(rows=1, new_id=256, status=MORE), refused(1146))])
    assert isinstance(error, ProgrammingError)
    assert error.args[0] == 1146
    assert not connection.is_closed


@pytest.mark.parametrize(
    ("bytes_of_no_answer", "kind"),
    [
        (stream(done(rows=1, new_id=256, status=0)) + b"\0", InternalError),
        (stream(b"\xfb/etc/passwd"), InternalError),
        (stream(b"\x01", column(FIELD_TYPE.LONG), row("1")), InternalError),
        (stream(b"\x01", column(FIELD_TYPE.LONG), EOF_MORE, row("1", "2")), InternalError),
        (stream(b"", done(rows=1, new_id=256, status=0))[4:], InternalError),
        (b"\x05\0\0\0" + EOF_LAST, OperationalError),
        (b"\xff\xff\xff\x01" + bytes(0xFFFFFF), InternalError),
    ],
    ids=["more than asked", "a file", "no end", "a longer row", "out of order", "a farewell", "16 MB"],
)
def test_what_is_no_answer_closes_the_connection(bytes_of_no_answer: bytes, kind: type[Error]) -> None:
    connection, error = ask([bytes_of_no_answer])
    assert type(error) is kind
    assert connection.is_closed


async def test_who_stops_waiting_leaves_a_closed_connection() -> None:
    connection = Connection(asyncio.StreamReader())
    asking = asyncio.create_task(exchange(cast("Any", connection), "SELECT 1"))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert connection.is_closed


@pytest.mark.parametrize(
    ("server_status", "text"),
    [(0, "'O\\'Neil \\\\ %s'"), (SERVER_STATUS.SERVER_STATUS_NO_BACKSLASH_ESCAPES, "'O''Neil \\ %s'")],
)
def test_values_are_written_as_the_driver_writes_them(server_status: int, text: str) -> None:
    driver: Any = object.__new__(aiomysql.Connection)
    driver._writer, driver._charset, driver.server_status = None, "utf8mb4", server_status
    moment = datetime(2026, 11, 25, 10, 0, 0, 5, UTC).replace(tzinfo=None)
    values = (None, -7, True, Decimal("1E-18"), Decimal("-1E+3"), moment, "O'Neil \\ %s")
    found = literals(driver, values)
    assert found == tuple(map(driver.escape, values))
    assert found[-1] == text
