"""On a real server, what is read below the driver's cursor is what the cursor reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiomysql
import pytest
from pymysql.err import ProgrammingError
from sqlalchemy import make_url

from portfolio.adapters.database.connection.wire import exchange
from tests.support.database.databases import DatabaseUnderTest

TEXTS = [f"REPEAT('x', {size})" for size in (0, 1, 250, 251, 252, 65_535, 65_536, 70_000)]
VALUES = [
    *("1", "-9223372036854775808", "18446744073709551615", "1.5e0", "NULL", "TRUE", "b'101'"),
    *("CAST('-99999999999999999999.999999999999999999' AS DECIMAL(38,18))", "CAST(0 AS DECIMAL(38,18))"),
    *("TIMESTAMP'2026-11-25 10:00:00'", "TIMESTAMP'2026-11-25 10:00:00.120000'", "DATE'9999-12-31'"),
    *("TIME'-838:59:59'", "TIME'01:02:03.4'", "YEAR(DATE'2026-01-01')"),
    *("'Ä€🙂'", "_binary'\\0\\'\\\\'", "CAST('a' AS BINARY(4))", "JSON_OBJECT('a', 'ä')", *TEXTS),
]


@pytest.fixture
async def connection(mysql_database: DatabaseUnderTest) -> AsyncIterator[Any]:
    url = make_url(mysql_database.migration_url)
    opened = await aiomysql.connect(
        host=url.host, port=url.port, user=url.username, password=url.password, db=url.database, autocommit=True
    )
    yield opened
    opened.close()


async def test_every_type_of_value_is_read_as_the_cursor_reads_it(connection: Any) -> None:
    for value in VALUES:
        async with connection.cursor() as cursor:
            await cursor.execute(f"SELECT {value}")
            [[theirs]] = await cursor.fetchall()
        [found] = await exchange(connection, f"SELECT {value}")
        assert found.rows is not None
        [[ours]] = found.rows
        assert (type(ours), ours) == (type(theirs), theirs), value


async def test_statements_of_one_message_are_answered_in_order_up_to_one_that_is_refused(connection: Any) -> None:
    made, one, _ = await exchange(
        connection,
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT); INSERT INTO t (n) VALUES (10), (20);"
        " SELECT n FROM t ORDER BY n",
    )
    assert (made.rows, one.rowcount, one.new_id) == (None, 2, 1)
    with pytest.raises(ProgrammingError):
        await exchange(connection, "BEGIN; UPDATE t SET n = 11 WHERE n = 10; SELECT * FROM nowhere; DELETE FROM t")
    assert connection.get_transaction_status()
    [_, left] = await exchange(connection, "ROLLBACK; SELECT n FROM t ORDER BY n")
    assert left.rows == [[10], [20]]
    assert not connection.get_transaction_status()
    async with connection.cursor() as cursor:
        await cursor.execute("SELECT COUNT(*) FROM t")
        assert await cursor.fetchall() == ((2,),)


async def test_more_rows_than_a_packet_number_counts_are_all_read(connection: Any) -> None:
    numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)"
    [found] = await exchange(connection, f"{numbers} SELECT i, REPEAT('y', i) FROM n")
    assert found.rows == [[i, "y" * i] for i in range(1, 901)]


async def test_what_the_server_warns_of_is_a_warning_here(connection: Any) -> None:
    with pytest.warns(aiomysql.Warning, match="42"):
        await exchange(connection, "SELECT CAST('42x' AS SIGNED)")
