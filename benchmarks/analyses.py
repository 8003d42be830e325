"""Analyses of many assets over a year, beside numpy's share of them and the encoding of the same answer.

The closes may be in memory, as they are in use; no result is. For that the correlation is asked for another lookback
each time, 365 days or a few less, and the floor multiplies the same days; before each rebalancing analysis a trade is
booked and a close is written, so that every statistic and the plan are made anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import cycle
from statistics import median

import httpx
import numpy as np

from benchmarks.bookings import BODY
from benchmarks.books.closes import DAYS, closes_of, keep_closes, keep_walks, with_prices
from benchmarks.harness.bare import Array
from benchmarks.harness.rows import Row, by_turns, ratio_row
from benchmarks.harness.stage import Bare, Service, Stage
from benchmarks.reads import hold
from portfolio.application.prices.records import PriceUpdate
from portfolio.domain.mark import Mark
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.support.database.databases import DatabaseUnderTest
from tests.support.services.service import PORTFOLIO

# More lookbacks than the service keeps results: none is there when it comes round again.
LOOKBACKS = range(DAYS, DAYS - 24, -1)
ROUNDS = 12
CASH = 1_000_000
PATIENCE_SECONDS = 60.0


def correlation(stage: Stage) -> Sequence[Row]:
    """Return the row of the correlation matrix of 500 assets."""
    assets = 50 if stage.is_quick else 500
    _, service, returns = prepared(stage, "correlation", assets)
    path = "/risk/correlation-matrix"
    _offer(stage, service, f"{path}?days={DAYS}", "correlation", returns)
    bare, lookbacks = stage.floor(Bare), cycle(LOOKBACKS)
    days = DAYS

    def floor() -> float:
        nonlocal days
        days = next(lookbacks)
        return stage.latency_ms(bare.burst(f"/bare/correlation?days={days}", requests=1))

    floors, figures = by_turns(
        stage.rounds(2 * ROUNDS), floor, lambda: stage.latency_ms(service.burst(f"{path}?days={days}", requests=1))
    )
    row = ratio_row(
        work=f"GET {path}, {assets} assets x {DAYS} days, not cached",
        floor="numpy's product of the same array, its encoding as the same answer, and sending that",
        unit="ms",
        floors=floors,
        figures=figures,
        limit=2.0,
        at_most=True,
        notes=[f"of those {_product_ms(returns):.1f} ms are the product"],
    )
    return [row]


def analysis(stage: Stage) -> Sequence[Row]:
    """Return the row of the rebalancing analysis of 200 positions."""
    assets = 30 if stage.is_quick else 200
    database, service, returns = prepared(stage, "analysis", assets)
    path = "/rebalance/analysis"
    _offer(stage, service, path, "analysis", returns)
    bare = stage.floor(Bare).burst("/bare/analysis", requests=1)
    change = Change(service, database)

    def fresh() -> float:
        change()
        return stage.latency_ms(service.burst(path, requests=1))

    def booked() -> float:
        change.book()
        return stage.latency_ms(service.burst(path, requests=1))

    def refreshed() -> float:
        # Prices are written as this version writes them: another one may have other tables for them.
        if stage.program == PORTFOLIO:
            change.refresh(assets)
        return stage.latency_ms(service.burst(path, requests=1))

    floors, figures, after_booking, after_refresh = by_turns(
        stage.rounds(ROUNDS), lambda: stage.latency_ms(bare), fresh, booked, refreshed
    )
    row = ratio_row(
        work=f"GET {path}, {assets} positions x {DAYS} days, not cached",
        floor="correlation, covariance and VaR in numpy, the encoding of the same answer, and sending it",
        unit="ms",
        floors=floors,
        figures=figures,
        limit=6.0,
        at_most=True,
        notes=[
            f"after a booking alone, the closes as they were: {median(after_booking):.1f} ms",
            f"after other prices of all positions (this version alone): {median(after_refresh):.1f} ms",
        ],
    )
    return [row]


class Change:
    """What makes every result stale: a booking, and a close that is another one than before."""

    def __init__(self, service: Service, database: DatabaseUnderTest) -> None:
        self._service = service
        self._database = database
        self._number = 0

    def __call__(self) -> None:
        """Bring about both."""
        self._number += 1
        closes = closes_of("R000", [100 + self._number / 100], datetime.now(UTC).date() - timedelta(days=1))
        asyncio.run(keep_closes(self._database, closes))
        self.book()

    def refresh(self, assets: int) -> None:
        """Have other prices of all positions alone."""
        self._number += 1
        now = datetime.now(UTC)
        prices = {f"R{place:03}": Decimal(10_000 + self._number + place) / 100 for place in range(assets)}
        marks = {Symbol(code): Mark(Price(price), "coinbase", now) for code, price in prices.items()}
        update = PriceUpdate(marks=marks, at=now)
        asyncio.run(with_prices(self._database, lambda store: store.record(1, update, None)))

    def book(self) -> None:
        """Book a trade alone."""
        self._number += 1
        with self._service.http() as client:
            headers = {"Content-Type": "application/json"}
            body = BODY.replace("{n}", str(self._number))
            answer = client.post("/holdings/update", content=body, headers=headers)
            if answer.status_code != 200:
                raise RuntimeError(f"the booking was answered {answer.status_code}: {answer.text}")


def prepared(stage: Stage, name: str, assets: int) -> tuple[DatabaseUnderTest, Service, Array]:
    """Return a service that holds so many assets with a year of closes each, and their returns."""
    database = stage.database(name)
    service = stage.running(name, database, PORTFOLIO_INITIAL_CASH=str(CASH))
    symbols = [f"R{number:03}" for number in range(assets)]
    returns = keep_walks(database, symbols)
    # A few large positions and many small ones, and a tenth of the money left.
    shares = [1 / (place + 5) for place in range(assets)]
    hold(service, symbols, [round(0.9 * CASH / 100.125 * share / sum(shares), 4) for share in shares])
    return database, service, returns


def _offer(stage: Stage, service: Service, path: str, name: str, returns: Array) -> None:
    """Give the floor its array, and the service's answer, once all closes are in it."""
    with service.http() as client:
        answer = _complete(lambda: client.get(path).raise_for_status())
    stage.offer(f"{name}.json", answer.content)
    np.save(stage.floor_folder / f"{name}.npy", returns)


def _complete(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """Return the answer once it is complete: while the closes are still read it says so."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while "history_unavailable" in (answer := ask()).text:
        if time.monotonic() > give_up_at:
            raise RuntimeError("the closes are not read in time")
    return answer


def _product_ms(returns: Array) -> float:
    taken = []
    for _ in range(20):
        started = time.perf_counter()
        _ = returns.T @ returns
        taken.append(time.perf_counter() - started)
    return median(taken) * 1e3
