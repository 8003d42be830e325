"""What is asked often reads few rows, however many there are, and whatever a server has counted of them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from pymysql.cursors import Cursor
from sqlalchemy import Select, Table, insert, make_url, text
from sqlalchemy.dialects import mysql

from portfolio.adapters.database.backtest.backtests import _results_on
from portfolio.adapters.database.connection.statements import Prepared
from portfolio.adapters.database.ledger.entries import LAST_ENTRY
from portfolio.adapters.database.ledger.imported.booked import _trades
from portfolio.adapters.database.ledger.lost_positions import OTHER_PORTFOLIOS
from portfolio.adapters.database.prices.prices import executions_since
from portfolio.adapters.database.schema.tables import backtests, booking_outcomes, cash_refusals
from portfolio.application.ledger.records import MOST_COUNTED
from portfolio.domain.symbol import Symbol
from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.migrated import bring_up_to_date
from tests.support.ledger_examples import open_books

ROWS = 1_000
"""As many as are kept."""

INDEX = "idx_portfolio_backtests_closes"
FEW = 200  # a look at the counts is counted too

THEN = datetime(2026, 3, 1, tzinfo=UTC)


def test_the_trials_on_some_closes_are_found_by_an_index(database: DatabaseUnderTest) -> None:
    bring_up_to_date(database)
    rows = [
        {
            "backtest_id": f"bt-{number}",
            "portfolio_id": 1,
            "fingerprint": f"{number:064x}",
            "closes": f"{number // 4:064x}",
            "request": "{}",
            "state": "failed" if number % 4 == 3 else "done",
            "progress": 1,
            "created_at": datetime(2026, 3, 1, tzinfo=UTC),
            "result": zlib.compress(str(number).encode()),
            "token": 1,
            "attempts": 0,
        }
        for number in range(ROWS)
    ]
    engine = database.engine()
    try:
        with engine.begin() as connection:
            connection.execute(insert(backtests), rows)
        asked = _results_on(f"{7:064x}", "bt-29")
        with engine.connect() as connection:
            # Of the four on these closes one has failed, and one is the one that asks.
            assert [zlib.decompress(row.result) for row in connection.execute(asked)] == [b"28", b"30"]
            plain = str(asked.compile(engine, compile_kwargs={"literal_binds": True}))
            explain = "EXPLAIN QUERY PLAN" if database.kind == "sqlite" else "EXPLAIN"
            plan = [str(row) for row in connection.execute(text(f"{explain} {plain}"))]
    finally:
        engine.dispose()
    assert len(plan) == 1, plan
    assert INDEX in plan[0]


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (executions_since({Symbol("BTC"): THEN, Symbol("ETH"): THEN}), "idx_mock_trades_symbol"),
        (_trades(THEN, THEN), "idx_mock_trades_execution_time"),
    ],
)
def test_trades_that_are_no_reversals_are_found_without_reading_all_trades(
    asked: Select[Any], index: str, sqlite_database: DatabaseUnderTest
) -> None:
    bring_up_to_date(sqlite_database)  # which takes `reverses_trade_id IS NULL` for one row
    engine = sqlite_database.engine()
    try:
        plain = str(asked.compile(engine, compile_kwargs={"literal_binds": True}))
        with engine.connect() as connection:
            plan = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {plain}"))]
    finally:
        engine.dispose()
    assert any(index in step for step in plan), plan


@pytest.mark.parametrize("asked", [LAST_ENTRY, OTHER_PORTFOLIOS])
def test_where_a_server_takes_the_tables_for_empty_the_newest_entry_and_the_baseline_are_found_by_an_index(
    mariadb: DatabaseServer, mysql_database: DatabaseUnderTest, asked: Prepared
) -> None:
    bring_up_to_date(mysql_database)
    ledger = make_url(mysql_database.url).database
    statement = asked.on(mysql.dialect())
    rows = [
        f"({revision}, '{'baseline' if revision == 1 else 'deposit'}', '2026-01-01')" for revision in range(1, ROWS)
    ]
    of_ours = f"WHERE database_name = '{ledger}'"
    with mariadb.connect(database=ledger) as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = ''")  # what is not given is empty
        cursor.execute("INSERT INTO mock_portfolio (id) VALUES (1)")
        cursor.execute(
            f"INSERT INTO portfolio_cash_transactions (ledger_revision, kind, moved_at) VALUES {', '.join(rows)}"
        )
        cursor.execute(f"UPDATE mysql.innodb_table_stats SET n_rows = 0, clustered_index_size = 1 {of_ours}")
        cursor.execute(f"UPDATE mysql.innodb_index_stats SET stat_value = stat_name NOT LIKE 'n_diff%' {of_ours}")
        cursor.execute("FLUSH TABLES portfolio_cash_transactions, mock_trades, mock_portfolio")
        before = _rows_read(cursor)
        cursor.execute(statement.sql, statement.values)
        assert len(cursor.fetchall()) == 1
        assert _rows_read(cursor) - before < FEW


def _rows_read(cursor: Cursor) -> int:
    cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
    return sum(int(count) for _, count in cursor.fetchall())


BOTH: Mapping[str, Any] = {
    "owner": "engine",
    "fingerprint": "0" * 64,
    "decided_at": datetime(2026, 3, 1, tzinfo=UTC),
}
BOOKING = {
    **BOTH,
    "status": "refused",
    "symbol": "BTC",
    "side": "SELL",
    **dict.fromkeys(("quantity", "price", "net_amount", "fees"), 1),
}


def outcomes(error: str, number: int) -> list[dict[str, Any]]:
    text = f'{{"error":"{error}","detail":"why"}}'
    return [{**BOOKING, "client_trade_id": f"{error}-{one}", "outcome": text} for one in range(number)]


def others(error: str, number: int) -> list[dict[str, Any]]:
    rest = {**BOTH, "portfolio_id": 1, "error": error, "detail": "{}"}
    return [{**rest, "client_transaction_id": f"{error}-{one}"} for one in range(number)]


async def test_of_each_kind_of_refusals_no_more_are_looked_at_than_health_has_time_for(
    database: DatabaseUnderTest,
) -> None:
    bring_up_to_date(database)
    opened = database.opened()
    try:
        await open_books(opened.ledger)
        _add(database, booking_outcomes, [*outcomes("InvalidAmount", 5), *outcomes("InsufficientQuantity", 7)])
        assert await opened.probe.count_refusals(1) == 7  # amounts that are none can never be booked
        _add(database, booking_outcomes, outcomes("OutOfRange", MOST_COUNTED))
        assert (
            await opened.probe.count_refusals(1) == 0
        )  # no older ones are looked at, however many can never be booked
        _add(database, booking_outcomes, outcomes("InsufficientCash", MOST_COUNTED))
        assert await opened.probe.count_refusals(1) == MOST_COUNTED
        _add(database, cash_refusals, [*others("OutOfRange", 5), *others("InsufficientCash", 3)])
        assert await opened.probe.count_refusals(1) == MOST_COUNTED + 3
        _add(database, cash_refusals, others("InsufficientQuantity", MOST_COUNTED))
        assert await opened.probe.count_refusals(1) == 2 * MOST_COUNTED
    finally:
        await opened.close()


def _add(database: DatabaseUnderTest, table: Table, rows: list[dict[str, Any]]) -> None:
    engine = database.engine()
    with engine.begin() as connection:
        connection.execute(insert(table), rows)
    engine.dispose()
