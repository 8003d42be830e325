"""However many bookings were refused, to count them for health reads no more than a bounded number of rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table, insert

from portfolio.adapters.database.schema.tables import booking_outcomes, cash_refusals
from portfolio.application.ledger.records import MOST_COUNTED
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.migrated import bring_up_to_date
from tests.support.ledger_examples import open_books

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


async def test_of_each_kind_of_refusals_no_more_are_counted_than_health_has_time_for(
    database: DatabaseUnderTest,
) -> None:
    bring_up_to_date(database)
    opened = database.opened()
    try:
        await open_books(opened.ledger)
        _add(database, booking_outcomes, [*outcomes("InvalidAmount", 5), *outcomes("InsufficientQuantity", 7)])
        assert await opened.probe.count_refusals(1) == 7  # amounts that are none can never be booked
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
