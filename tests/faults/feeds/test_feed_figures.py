"""Two hundred symbols with the histories that real ones have: every figure is finite, or null with a reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.faults.feeds.priced_service import PricedService, priced_service
from tests.faults.harness.books import Tables
from tests.support.database.databases import DatabaseUnderTest
from tests.support.exchanges.exchange import StandInExchange

DAYS = 45
FLAT = [f"FLAT{number:02}" for number in range(50)]
ONCE = [f"ONCE{number:02}" for number in range(50)]
GAPS = [f"GAPS{number:02}" for number in range(50)]
NONE = [f"NONE{number:02}" for number in range(49)]
WAVE = ["WAVE"]
# No figure: null says that nothing was withheld.
NO_FIGURES = {"withheld_because"}
ROUTES = (
    "/portfolio",
    "/positions",
    "/performance",
    "/risk/concentration",
    "/risk/correlation-matrix?days=30",
    "/risk/volatility-analysis?days=30",
    "/risk/value-at-risk?days=30",
    "/risk/sector-allocation",
    "/risk/portfolio-health",
    "/rebalance/analysis",
    "/rebalance/recommendations",
)


def closes() -> Iterator[tuple[str, datetime, str]]:
    """Closes of the days before today: one price for ever, one day alone, two days in three, and one that moves."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for back in range(1, DAYS + 1):
        day = today - timedelta(days=back)
        yield from ((symbol, day, "10") for symbol in FLAT)
        yield from ((symbol, day, str(10 + back % 7 / 10)) for symbol in (GAPS if back % 3 else WAVE))
        if back == 5:
            yield from ((symbol, day, "10") for symbol in ONCE)
        if back % 3:
            yield WAVE[0], day, str(10 + back % 5 / 10)


def fill(database: DatabaseUnderTest) -> None:
    """Write the closes into the history, as days that have passed."""
    with Tables(database, None).transaction() as cursor:
        for symbol, day, price in closes():
            cursor.execute(
                "INSERT INTO portfolio_price_history (symbol, granularity, observed_at, price, source)"
                f" VALUES ('{symbol}', 'day', '{day:%Y-%m-%d %H:%M:%S.%f}', '{price}', 'candles')"
            )


def listed_from_tomorrow(exchange: StandInExchange) -> None:
    """Have the exchange know no closes: those of an asset that was booked are fetched behind the booking."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    exchange.market.first_day = dict.fromkeys(exchange.market.spot, int(tomorrow.timestamp()))


def buy_all(service: PricedService, symbols: list[str]) -> None:
    """Buy a unit of each, at 10."""
    items = [{"symbol": s, "side": "BUY", "quantity": 1, "price": 10, "net_amount": 10} for s in symbols]
    answer = service.post("/holdings/update/batch", json.dumps({"bookings": items}))
    assert answer.status_code == 200, answer.text


def read(service: PricedService, path: str) -> Any:
    """An answer read by a parser that takes no NaN and no infinity, as JSON has it."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{path}: {word} is no JSON")

    answer = service.client.get(path)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.content, parse_constant=refuse)


def unexplained(value: Any, path: str) -> Iterator[str]:
    """Where a figure is null and its object's ``reasons`` do not say why."""
    if isinstance(value, list):
        for item in value:
            yield from unexplained(item, path)
    if isinstance(value, dict):
        reasons = value.get("reasons")
        if reasons is not None:
            yield from (f"{path}.{n}" for n, v in value.items() if v is None and n not in {*NO_FIGURES, *reasons})
        for name, item in value.items():
            yield from unexplained(item, f"{path}.{name}")


def test_whatever_the_histories_every_figure_is_finite_or_null_with_a_reason(
    sqlite_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    symbols = [*FLAT, *ONCE, *GAPS, *NONE, *WAVE]
    assert len(symbols) == 200
    prices = {**dict.fromkeys(symbols, "10"), "USDT": "1"}
    with priced_service(sqlite_database, tmp_path, prices, prepare=listed_from_tomorrow) as service:
        buy_all(service, symbols)
        fill(sqlite_database)
        assert len(service.refresh()["refreshed"]) == 200
        answers = {path: read(service, path) for path in ROUTES}
        assert [line for path, answer in answers.items() for line in unexplained(answer, path)] == []
        excluded = answers["/risk/correlation-matrix?days=30"]["correlation"]["excluded"]
        assert {item["symbol"] for item in excluded} >= {*FLAT, *ONCE, *GAPS, *NONE}
        assert all(item["reason"] for item in excluded)
        volatility = answers["/risk/volatility-analysis?days=30"]["volatility"]
        told = {item["symbol"]: item["reason"] for item in volatility["excluded"]}
        assert told.keys() >= {*ONCE, *GAPS, *NONE}
        assert service.post("/rebalance/generate-signals").status_code == 200
