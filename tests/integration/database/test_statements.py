"""Prepared statements say what SQLAlchemy says, value for value and type for type."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import aiomysql
import pytest
from sqlalchemy import Integer, Table, bindparam, func, insert, select
from sqlalchemy.event import listens_for
from sqlalchemy.ext.asyncio import AsyncEngine

from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.engine import create_engine
from portfolio.adapters.database.connection.session import ROWS_AT_ONCE, Session
from portfolio.adapters.database.connection.statements import VALUES_A_MESSAGE, Prepared, Result, Statement
from portfolio.adapters.database.connection.timeouts import Timeouts
from portfolio.adapters.database.schema.tables import (
    booking_outcomes,
    leases,
    metadata,
    mock_performance_history,
    mock_portfolio,
    schema_revision,
)
from portfolio.adapters.database.schema.types import Blob, Day, Exact, KeyText, UtcMoment
from portfolio.application.errors import LedgerUnavailable, SchemaUnknown
from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.migrated import bring_up_to_date
from tests.support.database.old_database import execute
from tests.support.services.tcp_proxy import TcpProxy

# Those of the prices database are read by the tests of their port.
TABLES = [table for table in metadata.sorted_tables if table is not schema_revision]
EXTREMES = {
    "widest": {
        Exact: Decimal("-99999999999999999999.999999999999999999"),
        UtcMoment: datetime(2026, 11, 25, 23, 59, 59, 999999, UTC),
        KeyText: "Key '%s' \\ A ",
        Integer: 2**31 - 1,
        Day: date(9999, 12, 31),
        Blob: bytes(range(256)) * 300,
    },
    "least": {
        Exact: Decimal("0.000000000000000001"),
        UtcMoment: datetime(1970, 1, 2, tzinfo=UTC),
        KeyText: "key",
        Integer: 0,
        Day: date(1970, 1, 1),
        Blob: b"",
    },
}
# What the old columns hold is narrower: per cent, and the days' results.
NARROW = {
    "win_rate": Decimal("99.99"),
    "total_pnl_percent": Decimal("-0.00000001"),
    "side": "SELL",
    "closes": 1,
    "is_basis_assumed": 1,
}


@dataclass
class OneConnection:
    """Connections to a MySQL-family server of which there is one at a time, by way of a proxy; an empty table ``t``."""

    connections: Connections
    proxy: TcpProxy

    async def answers(self, number: int) -> bool:
        """Return whether what is asked next is answered, and by nothing else."""
        [found] = await self.connections.read(_executed(Statement("SELECT %s", (number,))))
        return found == Result([(number,)], 1, 0)


@pytest.fixture
async def one(mysql_database: DatabaseUnderTest, mariadb: DatabaseServer) -> AsyncIterator[OneConnection]:
    execute(mysql_database, "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT)")
    with TcpProxy(mariadb.host, mariadb.port) as proxy:
        url = mysql_database.url.replace(f":{mariadb.port}/", f":{proxy.port}/")
        connections = Connections(create_engine(url, hosts=(), pool_size=1, limits=Timeouts()), Timeouts())
        yield OneConnection(connections, proxy)
        await connections.close()


@pytest.fixture
async def engine(database: DatabaseUnderTest) -> AsyncIterator[AsyncEngine]:
    bring_up_to_date(database)
    made = create_engine(database.url, hosts=(), pool_size=2, limits=Timeouts(statement_seconds=5.0))
    yield made
    await made.dispose()


@pytest.fixture
async def connections(engine: AsyncEngine) -> AsyncIterator[Connections]:
    made = Connections(engine, Timeouts())
    yield made
    await made.close()


def _values(table: Table, kind: str) -> dict[str, Any]:
    extremes: Mapping[Any, Any] = EXTREMES[kind]
    values: dict[str, Any] = {}
    for column in table.c:
        default = "O'Neil %s \\"[: getattr(column.type, "length", None) or 11]
        values[column.name] = extremes.get(type(column.type), default)
        if table is mock_performance_history and isinstance(column.type, Exact):
            values[column.name] = Decimal("1.25")
    values.update({name: value for name, value in NARROW.items() if name in values})
    if "id" in values:
        values["id"] = 7
    return values


def _typed(row: Any) -> list[tuple[type, Any]]:
    return [(type(value), str(value) if isinstance(value, Decimal) else value) for value in row]


async def test_what_a_prepared_statement_writes_and_reads_is_what_sqlalchemy_does(connections: Connections) -> None:
    for table in TABLES:
        for kind in EXTREMES:
            values = _values(table, kind)
            await connections.write(partial(_compare, table, values))


async def _compare(table: Table, values: Mapping[str, Any], session: Session) -> None:
    put, get = Prepared(insert(table).inline()), Prepared(select(table))
    await session.run(table.delete())
    [written] = await session.execute(put.on(session.dialect, **values))
    assert written.rowcount == 1
    theirs, [[ours]] = (await session.run(select(table))).one(), await session.execute(get.on(session.dialect))
    assert ours._asdict() == theirs._asdict()
    assert _typed(ours) == _typed(theirs)
    await session.run(table.delete())
    await session.run(insert(table), values)
    [[again]] = await session.execute(get.on(session.dialect))
    assert _typed(again) == _typed(ours)
    nullable = [c.name for c in table.c if not c.primary_key and await _takes_null(session, table, c.name)]
    if nullable:
        await session.run(table.update().values(dict.fromkeys(nullable)))
    theirs, [[ours]] = (await session.run(select(table))).one(), await session.execute(get.on(session.dialect))
    assert _typed(ours) == _typed(theirs)
    assert all(getattr(ours, name) is None for name in nullable)


async def _takes_null(session: Session, table: Table, column: str) -> bool:
    if session.is_sqlite:
        [found] = await session.execute(Statement(f"PRAGMA table_info({table.name})"))
        return any(row[1] == column and not row[3] for row in found)
    of_column = "SELECT is_nullable FROM information_schema.columns WHERE table_schema = DATABASE()"
    [found] = await session.execute(
        Statement(f"{of_column} AND table_name = %s AND column_name = %s", (table.name, column))
    )
    return bool(found.rows[0][0] == "YES")


async def test_any_text_comes_back_as_it_was_sent(one: OneConnection) -> None:
    texts = [
        "".join(map(chr, range(0x300))),
        "\\",
        "\\'",
        "'",
        "''; DROP TABLE t; --",
        '\\"',
        "%s %% %(n)s",
        "\x1a\0",
        "\U0001f600",
    ]
    texts += [text + end for text in texts for end in ("\\", "'", "\\'")]
    marks = ", ".join(["%s"] * len(texts))
    [[found]] = await one.connections.read(_executed(Statement(f"SELECT {marks}", texts)))
    assert list(found) == texts


async def test_a_list_takes_any_number_of_values_beside_others(connections: Connections) -> None:
    c = leases.c
    wanted = Prepared(
        select(c.name).where(c.name.in_(bindparam("names", expanding=True)), c.token >= bindparam("least"))
    )

    async def ask(session: Session) -> None:
        for number, name in enumerate(("a", "b", "c")):
            row = {"name": name, "holder": "h", "token": number, "expires_at": datetime(2026, 1, 1, tzinfo=UTC)}
            await session.run(insert(leases), row)
        for names, least, expected in ((["a"], 0, {"a"}), (["a", "b", "c"], 1, {"b", "c"}), (["x", "b"], 2, set())):
            [found] = await session.execute(wanted.on(session.dialect, names=names, least=least))
            assert {row.name for row in found} == expected

    await connections.write(ask)


async def test_answers_come_in_order_however_many_messages_they_take(
    engine: AsyncEngine, connections: Connections
) -> None:
    many = [Statement(_sum_of(engine, 300), [number] * 300) for number in range(VALUES_A_MESSAGE // 300 + 5)]

    async def ask(session: Session) -> list[int]:
        return [int(answer.rows[0][0]) for answer in await session.execute(*many)]

    assert await connections.read(ask) == [300 * number for number in range(len(many))]


async def test_after_a_question_that_fails_the_next_transaction_finds_nothing_of_it(connections: Connections) -> None:
    count = select(func.count()).select_from(booking_outcomes)
    broken = Statement("SELECT * FROM nowhere")

    async def fail(session: Session) -> None:
        before = Prepared(insert(mock_portfolio).inline())
        await session.execute(before.on(session.dialect, id=3, total_value=Decimal(1)), broken, Statement("SELECT 1"))

    with pytest.raises(SchemaUnknown):
        await connections.write(fail)

    async def look(session: Session) -> tuple[Any, Any]:
        [one] = await session.execute(Prepared(select(mock_portfolio.c.id)).on(session.dialect))
        return one.first(), (await session.run(count)).scalar()

    assert await connections.read(look) == (None, 0)


async def test_each_statement_of_a_message_has_a_result_of_its_own(one: OneConnection) -> None:
    select_all = Statement("SELECT id, n FROM t ORDER BY id")

    async def write(session: Session) -> list[Any]:
        made, *rest = await session.execute(
            Statement("INSERT INTO t (n) VALUES (%s), (%s)", (10, 20)),
            Statement("UPDATE t SET n = n + 1 WHERE n > 0"),
            select_all,
            Statement("INSERT INTO t (n) VALUES (30)"),
            Statement("DELETE FROM t WHERE n = 0"),
            select_all,
        )
        return [(made.rows, made.rowcount, made.new_id), *((list(r.rows), r.rowcount, r.new_id) for r in rest)]

    assert await one.connections.write(write) == [
        ((), 2, 1),
        ([], 2, 0),
        ([(1, 11), (2, 21)], 2, 0),
        ([], 1, 3),
        ([], 0, 0),
        ([(1, 11), (2, 21), (3, 30)], 3, 0),
    ]


async def test_a_statement_that_is_refused_leaves_its_connection_to_the_next_and_nothing_written(
    one: OneConnection,
) -> None:
    texts = ["SELECT CONNECTION_ID()", "INSERT INTO t (n) VALUES (1)", "SELECT nothing FROM t", "DELETE FROM t"]
    for place in range(1, len(texts)):
        refused = [*texts[:place], "SELECT nothing FROM t", *texts[place:]]
        with pytest.raises(LedgerUnavailable, match="refused"):
            await one.connections.write(_executed(*map(Statement, refused)))
        assert await one.answers(place)
    assert one.proxy.accepted == 1
    assert await one.connections.read(_executed(Statement("SELECT n FROM t"))) == [Result([], 0, 0)]


@pytest.mark.parametrize("write", [True, False])
async def test_a_connection_that_is_cut_within_an_answer_is_replaced(
    one: OneConnection, mariadb: DatabaseServer, write: bool
) -> None:
    task = await _sleeping(one.connections, mariadb, write=write)
    one.proxy.cut()
    assert await one.answers(1)  # once the statements have run again, on another connection
    assert one.proxy.accepted == 2
    assert [result.rows for result in await task] == [[(1,)], [(0,)], [(2,)]]


@pytest.mark.parametrize("write", [True, False])
async def test_who_stops_waiting_within_an_answer_leaves_no_rest_of_it_to_the_next(
    one: OneConnection, mariadb: DatabaseServer, write: bool
) -> None:
    task = await _sleeping(one.connections, mariadb, write=write)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await one.answers(7)


async def test_who_stops_waiting_at_any_moment_leaves_no_answer_to_the_next(
    engine: AsyncEngine, connections: Connections
) -> None:
    for number in range(40):
        many = [Statement(_sum_of(engine, 2), (number, place)) for place in range(10)]
        task = asyncio.create_task(connections.read(_executed(*many)))
        for _ in range(number):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        [found] = await connections.read(_executed(Statement(_sum_of(engine, 1), (-number,))))
        assert tuple(found.rows[0]) == (-number,)


async def test_results_are_never_taken_for_those_of_other_statements(one: OneConnection) -> None:
    for texts in (["SELECT 1; SELECT 2", "SELECT 3"], ["SELECT 1", "SELECT 2; SELECT 3"], ["SELECT 1", ""]):
        with pytest.raises(LedgerUnavailable, match="results"):
            await one.connections.read(_executed(*map(Statement, texts)))
        assert await one.answers(5)


async def test_what_the_server_warns_of_is_a_warning_here(one: OneConnection) -> None:
    with pytest.warns(aiomysql.Warning, match="42"):
        await one.connections.read(_executed(Statement("SELECT CAST('42x' AS SIGNED)")))


async def _sleeping(connections: Connections, server: DatabaseServer, *, write: bool) -> asyncio.Task[list[Result]]:
    """Return what waits for the second of three statements, the first of which is answered."""
    mark = secrets.token_hex(4)
    half = [Statement("SELECT 1"), Statement(f"SELECT SLEEP(1) /* {mark} */"), Statement("SELECT 2")]
    run = connections.write if write else connections.read
    task: asyncio.Task[list[Result]] = asyncio.create_task(run(_executed(*half)))
    asked = f"SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%{mark}%'"
    while not await asyncio.to_thread(server.execute, asked):
        assert not task.done()
    return task


def _executed(*statements: Statement) -> Callable[[Session], Awaitable[list[Result]]]:
    return lambda session: session.execute(*statements)


def _sum_of(engine: AsyncEngine, number: int) -> str:
    mark = "?" if engine.dialect.name == "sqlite" else "%s"
    return f"SELECT {' + '.join([mark] * number)}"


async def test_many_rows_are_asked_for_once_and_come_some_at_once(
    engine: AsyncEngine, connections: Connections
) -> None:
    names = [f"{number:04}" for number in range(2 * ROWS_AT_ONCE + 1)]
    await connections.write(partial(_fill_leases, names))
    asked: list[str] = []
    listens_for(engine.sync_engine, "before_cursor_execute")(lambda *told: asked.append(told[2]))
    pieces: list[Sequence[Any]] = []
    await connections.read(partial(_read_leases, pieces.append), snapshot=True)
    assert [len(rows) for rows in pieces] == [ROWS_AT_ONCE, ROWS_AT_ONCE, 1]
    assert [row.name for rows in pieces for row in rows] == names
    assert len(asked) == 1


async def test_others_have_their_turn_between_two_pieces_that_have_come_already(connections: Connections) -> None:
    await connections.write(partial(_fill_leases, [f"{number:04}" for number in range(2 * ROWS_AT_ONCE)]))
    turns: list[int] = []
    at_each: list[int] = []

    async def take_turns() -> None:
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    beside = asyncio.create_task(take_turns())
    await connections.read(partial(_read_leases, lambda _: at_each.append(len(turns))))
    beside.cancel()
    assert len(at_each) == 2
    assert at_each[0] < at_each[1]


def _refuse(_: Sequence[Any]) -> None:
    raise ArithmeticError("not these")


def _be_cancelled(_: Sequence[Any]) -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


@pytest.mark.parametrize(
    ("stop", "error"), [(_refuse, ArithmeticError), (_be_cancelled, asyncio.CancelledError)], ids=["fails", "cancelled"]
)
async def test_who_stops_in_the_middle_of_many_rows_leaves_none_on_the_connection(
    connections: Connections, stop: Callable[[Sequence[Any]], None], error: type[BaseException]
) -> None:
    await connections.write(partial(_fill_leases, [f"{number:04}" for number in range(2 * ROWS_AT_ONCE)]))
    for _ in range(3):  # more often than there are connections
        with pytest.raises(error):
            await asyncio.create_task(connections.read(partial(_read_leases, stop)))
        assert await connections.rows(select(leases.c.token).where(leases.c.name == "0001")) == [(7,)]


async def _fill_leases(names: Sequence[str], session: Session) -> None:
    row = {"holder": "h", "token": 7, "expires_at": datetime(2026, 3, 1, tzinfo=UTC)}
    await session.run(insert(leases), [{"name": name, **row} for name in reversed(names)])


async def _read_leases(take: Callable[[Sequence[Any]], None], session: Session) -> None:
    await session.read_through(select(leases).order_by(leases.c.name), take)
