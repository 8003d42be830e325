"""Prepared statements say what SQLAlchemy says, value for value and type for type."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Boolean, Date, Integer, Table, bindparam, func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.driver import VALUES_A_MESSAGE
from portfolio.adapters.database.connection.engine import create_engine
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Prepared, Question
from portfolio.adapters.database.connection.timeouts import Timeouts
from portfolio.adapters.database.schema.migration import migrate
from portfolio.adapters.database.schema.tables import (
    booking_outcomes,
    leases,
    metadata,
    mock_performance_history,
    mock_portfolio,
    schema_revision,
)
from portfolio.adapters.database.schema.types import Exact, KeyText, UtcMoment
from portfolio.application.errors import SchemaUnknown
from tests.support.database.databases import DatabaseUnderTest

# Those of the prices database are read by the tests of their port.
TABLES = [table for table in metadata.sorted_tables if table is not schema_revision]
EXTREMES = {
    "widest": {
        Exact: Decimal("-99999999999999999999.999999999999999999"),
        UtcMoment: datetime(2026, 11, 25, 23, 59, 59, 999999, UTC),
        KeyText: "Key '%s' \\ A ",
        Integer: 2**31 - 1,
        Boolean: True,
        Date: date(9999, 12, 31),
    },
    "least": {
        Exact: Decimal("0.000000000000000001"),
        UtcMoment: datetime(1970, 1, 2, tzinfo=UTC),
        KeyText: "key",
        Integer: 0,
        Boolean: False,
        Date: date(1970, 1, 1),
    },
}
# What the old columns hold is narrower: per cent, and the days' results.
NARROW = {"win_rate": Decimal("99.99"), "total_pnl_percent": Decimal("-0.00000001"), "side": "SELL"}


@pytest.fixture
async def engine(database: DatabaseUnderTest) -> AsyncIterator[AsyncEngine]:
    migrate(database.migration_url, database.prices_schema)
    made = create_engine(database.url, hosts=(), pool_size=2, limits=Timeouts(statement_seconds=5.0))
    yield made
    await made.dispose()


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


async def test_what_a_prepared_statement_writes_and_reads_is_what_sqlalchemy_does(engine: AsyncEngine) -> None:
    for table in TABLES:
        for kind in EXTREMES:
            values = _values(table, kind)
            await Connections(engine, Timeouts()).write(partial(_compare, table, values))


async def _compare(table: Table, values: Mapping[str, Any], session: Session) -> None:
    put, get = Prepared(insert(table), columns=list(values)), Prepared(select(table))
    await session.run(table.delete())
    [written] = await session.ask(put.on(session.dialect, **values))
    assert written.rowcount == 1
    theirs, [[ours]] = (await session.run(select(table))).one(), await session.ask(get.on(session.dialect))
    assert ours._asdict() == theirs._asdict()
    assert _typed(ours) == _typed(theirs)
    await session.run(table.delete())
    await session.run(insert(table), values)
    [[again]] = await session.ask(get.on(session.dialect))
    assert _typed(again) == _typed(ours)
    nullable = [c.name for c in table.c if not c.primary_key and await _takes_null(session, table, c.name)]
    if nullable:
        await session.run(table.update().values(dict.fromkeys(nullable)))
    theirs, [[ours]] = (await session.run(select(table))).one(), await session.ask(get.on(session.dialect))
    assert _typed(ours) == _typed(theirs)
    assert all(getattr(ours, name) is None for name in nullable)


async def _takes_null(session: Session, table: Table, column: str) -> bool:
    if session.is_sqlite:
        [found] = await session.ask(Question(f"PRAGMA table_info({table.name})"))
        return any(row[1] == column and not row[3] for row in found)
    of_column = "SELECT is_nullable FROM information_schema.columns WHERE table_schema = DATABASE()"
    [found] = await session.ask(Question(f"{of_column} AND table_name = %s AND column_name = %s", (table.name, column)))
    return bool(found.rows[0][0] == "YES")


async def test_a_list_takes_any_number_of_values_beside_others(engine: AsyncEngine) -> None:
    c = leases.c
    wanted = Prepared(
        select(c.name).where(c.name.in_(bindparam("names", expanding=True)), c.token >= bindparam("least"))
    )

    async def ask(session: Session) -> None:
        for number, name in enumerate(("a", "b", "c")):
            row = {"name": name, "holder": "h", "token": number, "expires_at": datetime(2026, 1, 1, tzinfo=UTC)}
            await session.run(insert(leases), row)
        for names, least, expected in ((["a"], 0, {"a"}), (["a", "b", "c"], 1, {"b", "c"}), (["x", "b"], 2, set())):
            [found] = await session.ask(wanted.on(session.dialect, names=names, least=least))
            assert {row.name for row in found} == expected

    await Connections(engine, Timeouts()).write(ask)


async def test_answers_come_in_order_however_many_messages_they_take(engine: AsyncEngine) -> None:
    many = [Question(_sum_of(engine, 300), [number] * 300) for number in range(VALUES_A_MESSAGE // 300 + 5)]

    async def ask(session: Session) -> list[int]:
        return [int(answer.rows[0][0]) for answer in await session.ask(*many)]

    assert await Connections(engine, Timeouts()).read(ask) == [300 * number for number in range(len(many))]


async def test_after_a_question_that_fails_the_next_transaction_finds_nothing_of_it(engine: AsyncEngine) -> None:
    connections = Connections(engine, Timeouts())
    count = select(func.count()).select_from(booking_outcomes)
    broken = Question("SELECT * FROM nowhere")

    async def fail(session: Session) -> None:
        before = Prepared(insert(mock_portfolio), columns=["id", "total_value"])
        await session.ask(before.on(session.dialect, id=3, total_value=Decimal(1)), broken, Question("SELECT 1"))

    with pytest.raises(SchemaUnknown):
        await connections.write(fail)

    async def look(session: Session) -> tuple[Any, Any]:
        [one] = await session.ask(Prepared(select(mock_portfolio.c.id)).on(session.dialect))
        return one.first(), (await session.run(count)).scalar()

    assert await connections.read(look) == (None, 0)


def _sum_of(engine: AsyncEngine, number: int) -> str:
    mark = "?" if engine.dialect.name == "sqlite" else "%s"
    return f"SELECT {' + '.join([mark] * number)}"
