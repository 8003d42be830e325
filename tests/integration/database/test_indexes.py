"""What is asked for often is found by an index, however many other rows there are."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Select, insert, text

from portfolio.adapters.database.backtest.backtests import _results_on
from portfolio.adapters.database.ledger.imported.booked import _trades
from portfolio.adapters.database.prices.prices import executions_since
from portfolio.adapters.database.schema.tables import backtests
from portfolio.domain.symbol import Symbol
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.migrated import bring_up_to_date

ROWS = 1_000
"""As many as are kept."""

INDEX = "idx_portfolio_backtests_closes"

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
