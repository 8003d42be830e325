"""What the analysis of 200 positions with a year of history costs on a MySQL-family server, beside numpy's share of it.

Run: python -m benchmarks.analysis

The service runs as a process of its own. Before each request a trade is booked, so that no answer and no plan can come
from a cache; the closes may, as they do in use. The floor is the correlation, the covariance and the historical VaR of
the same array in numpy, plus the encoding of the same answer, measured in turn with the requests.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np

from portfolio.adapters.database.database import open_database
from portfolio.application.records import Close
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.support.database_run import launch_server
from tests.support.databases import DatabaseUnderTest
from tests.support.service import ServiceProcess

POSITIONS, DAYS, ROUNDS = 200, 365, 15
ROUTES = (
    "/rebalance/analysis",
    "/risk/correlation-matrix?days=365",
    "/risk/volatility-analysis?days=365",
    "/risk/value-at-risk?days=365",
    "/risk/portfolio-health",
    "/portfolio",
)
SYMBOLS = [f"T{number:03}" for number in range(POSITIONS)]
Array = np.ndarray[Any, np.dtype[np.float64]]


def main() -> None:
    """Print a row a route: the floor, the median, their ratio, and the spread of the requests."""
    server = launch_server(owner_pid=os.getpid())
    try:
        with tempfile.TemporaryDirectory() as folder:
            database = server.create_database_pair("bench")
            settings = {"PORTFOLIO_INITIAL_CASH": "1000000000"}
            with ServiceProcess(database, Path(folder), settings=settings) as service:
                returns = asyncio.run(_load(database))
                _report(service, returns)
    finally:
        server.destroy()


async def _load(database: DatabaseUnderTest) -> Array:
    """Keep a year of closes for all symbols and return the daily returns, ``(n_days, n_assets)``."""
    returns = np.random.default_rng(1).normal(0.0005, 0.03, (DAYS, POSITIONS))
    prices = 100 * np.vstack([np.ones(POSITIONS), np.cumprod(1 + returns, axis=0)])
    today = datetime.now(UTC).date()
    closes = [
        Close(
            symbol=Symbol(symbol),
            day=today - timedelta(days=DAYS + 1 - row),
            price=Price(Decimal(f"{prices[row, column]:.8f}")),
            # The service runs on made-up prices: closes of another kind are not mixed with them.
            source="simulated",
        )
        for column, symbol in enumerate(SYMBOLS)
        for row in range(DAYS + 1)
    ]
    opened = open_database(database.url, prices_schema=database.prices_schema)
    try:
        for start in range(0, len(closes), 10_000):
            await opened.prices.add_closes(closes[start : start + 10_000])
    finally:
        await opened.close()
    return returns


def _report(service: ServiceProcess, returns: Array) -> None:
    bookings = [_booking(symbol, quantity=10) for symbol in SYMBOLS]
    with httpx.Client(base_url=service.url, timeout=60) as client:
        client.post("/holdings/update/batch", json={"bookings": bookings}).raise_for_status()
        print(f"{POSITIONS} positions x {DAYS} days, medians of {ROUNDS} rounds in turn")
        print(f"{'route':36} {'floor ms':>9} {'ms':>9} {'ratio':>6}   fastest to slowest")
        for route in ROUTES:
            answer = _fresh(client, route)  # the first one loads the closes
            floor, took = [], []
            for _ in range(ROUNDS):
                floor.append(_seconds(partial(_floor, returns, answer)))
                _book(client)
                took.append(_seconds(partial(_get, client, route)))
            low, high = min(took) * 1e3, max(took) * 1e3
            bare, median = float(np.median(floor)) * 1e3, float(np.median(took)) * 1e3
            print(f"{route:36} {bare:9.1f} {median:9.1f} {median / bare:6.1f}   {low:.1f} to {high:.1f}")


def _floor(returns: Array, answer: object) -> bytes:
    np.corrcoef(returns, rowvar=False)
    np.cov(returns, rowvar=False)
    np.quantile(returns.mean(axis=1), 0.05)
    return msgspec.json.encode(answer)


def _fresh(client: httpx.Client, route: str) -> object:
    """Return the answer once it is complete: while the closes are still read it says so."""
    while "history_unavailable" in (answer := _get(client, route)).text:
        pass
    return answer.json()


def _book(client: httpx.Client) -> None:
    client.post("/holdings/update", json=_booking(SYMBOLS[0], quantity=1)).raise_for_status()


def _get(client: httpx.Client, route: str) -> httpx.Response:
    return client.get(route).raise_for_status()


def _booking(symbol: str, *, quantity: int) -> dict[str, object]:
    return {"symbol": symbol, "side": "BUY", "quantity": quantity, "price": 100, "net_amount": 100 * quantity}


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
