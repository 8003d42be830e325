"""Trades that are no reversals are found by asset or time: SQLite takes ``reverses_trade_id IS NULL`` for one row."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Select, text

from portfolio.adapters.database.ledger.imported.booked import _trades
from portfolio.adapters.database.prices.prices import executions_since
from portfolio.domain.symbol import Symbol
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.migrated import bring_up_to_date

THEN = datetime(2026, 3, 1, tzinfo=UTC)


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
    bring_up_to_date(sqlite_database)
    engine = sqlite_database.engine()
    try:
        plain = str(asked.compile(engine, compile_kwargs={"literal_binds": True}))
        with engine.connect() as connection:
            plan = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {plain}"))]
    finally:
        engine.dispose()
    assert any(index in step for step in plan), plan
