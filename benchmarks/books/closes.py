"""A year of closes, written before their assets are held.

Else the service fetches them while it is measured, eight assets a second, and makes its figures anew each time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

import numpy as np
from sqlalchemy import MetaData, insert

from benchmarks.harness.bare import Array
from portfolio.adapters.database.database import Database, open_database
from portfolio.adapters.database.prices.price_rows import DAY
from portfolio.adapters.database.schema.tables import close_marks, price_history
from portfolio.application.prices.ports import PriceStore
from portfolio.application.prices.records import Close
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.support.database.databases import DatabaseUnderTest

DAYS: Final = 365
ROWS_AT_ONCE: Final = 20_000


def keep_walks(database: DatabaseUnderTest, symbols: Sequence[str]) -> Array:
    """Write closes that move at random, up to yesterday, and return their daily returns, ``(DAYS, n_symbols)``.

    By statements of their own: the service may be of another version, whose tables are the same here, and not all else.
    """
    randomness = np.random.default_rng(1)
    # Half of what an asset does is the market's doing: pairs correlate by 0.5, and some of them are over the limit.
    returns = randomness.normal(0.0005, 0.02, (DAYS, 1)) + randomness.normal(0, 0.02, (DAYS, len(symbols)))
    prices = 100 * np.vstack([np.ones(len(symbols)), np.cumprod(1 + returns, axis=0)])
    last = datetime.now(UTC).date() - timedelta(days=1)
    closes = [
        close for column, symbol in enumerate(symbols) for close in closes_of(symbol, prices[:, column].tolist(), last)
    ]
    rows = [
        {
            "symbol": close.symbol.code,
            "granularity": DAY,
            "observed_at": datetime.combine(close.day, time(), tzinfo=UTC),
            "price": close.price.value,
            "source": close.source,
        }
        for close in closes
    ]
    schema = database.prices_schema
    assert schema is not None
    history, marks = (table.to_metadata(MetaData(), schema=schema) for table in (price_history, close_marks))
    engine = database.engine()
    with engine.begin() as connection:
        for start in range(0, len(rows), ROWS_AT_ONCE):
            connection.execute(insert(history), rows[start : start + ROWS_AT_ONCE])
        connection.execute(insert(marks), [{"symbol": symbol, "price_revision": 1} for symbol in symbols])
    engine.dispose()
    return np.ascontiguousarray(returns)


def closes_of(symbol: str, prices: Sequence[float], last_day: date) -> list[Close]:
    """Return closes of the days up to the last one."""
    return [
        Close(
            symbol=Symbol(symbol),
            day=last_day - timedelta(days=len(prices) - 1 - place),
            price=Price(Decimal(f"{price:.8f}")),
            source="coinbase",
        )
        for place, price in enumerate(prices)
    ]


async def keep_closes(database: DatabaseUnderTest, closes: Sequence[Close]) -> None:
    """Write the closes into the database."""

    async def write(store: PriceStore) -> None:
        for start in range(0, len(closes), ROWS_AT_ONCE):
            await store.add_closes(closes[start : start + ROWS_AT_ONCE])

    await with_prices(database, write)


async def with_prices(database: DatabaseUnderTest, work: Callable[[PriceStore], Awaitable[object]]) -> None:
    """Do something with the prices of a database."""
    opened: Database = open_database(database.url, prices_schema=database.prices_schema)
    try:
        await work(opened.prices)
    finally:
        await opened.close()
