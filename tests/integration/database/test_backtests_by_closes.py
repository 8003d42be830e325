"""The trials on some closes are found by an index, however many backtests on others there are."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime

from sqlalchemy import insert, text

from portfolio.adapters.database.backtest.backtests import _results_on
from portfolio.adapters.database.schema.tables import backtests
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.migrated import bring_up_to_date

ROWS = 1_000
"""As many as are kept."""

INDEX = "idx_portfolio_backtests_closes"


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
