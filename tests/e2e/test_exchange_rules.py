"""The rules of exchanges in a running service: asked for over HTTP, kept in the database, and in its plans."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx

from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.old_database import execute
from tests.support.exchanges.exchange import StandInExchange
from tests.support.services.service import ServiceProcess

BUY = {"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 81000, "net_amount": 81000}
PATIENCE_SECONDS = 60


def test_a_service_asks_both_exchanges_keeps_what_they_say_and_plans_by_it(
    sqlite_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    with StandInExchange() as exchange:
        urls = dict.fromkeys(("COINBASE_URL", "BINANCE_URL", "CANDLES_URL"), exchange.url)
        settings = {"PORTFOLIO_PRICE_FEED": "exchanges", **{f"PORTFOLIO_{name}": url for name, url in urls.items()}}
        with ServiceProcess(sqlite_database, tmp_path, settings=settings) as service:
            assert httpx.post(f"{service.url}/holdings/update", json=BUY).status_code == 200
            sale = recommended(service)
            until = time.monotonic() + PATIENCE_SECONDS
            while sale["executable_quantity"] is None and time.monotonic() < until:
                sale = recommended(service)
            assert sale["venue"] == "coinbase"
            # BTC-USD goes in steps of 1e-8, and a sale is rounded down.
            assert 0 <= sale["trade_quantity"] - sale["executable_quantity"] < 1e-8
            assert service.log().count("exchange_rules.fetched") == 2
        # The next one to lead finds that they are of today.
        asked = exchange.count("products"), exchange.count("exchange_info")
        with ServiceProcess(sqlite_database, tmp_path, settings=settings) as service:
            assert recommended(service)["venue"] == "coinbase"
    assert asked == (exchange.count("products"), exchange.count("exchange_info")) == (1, 1)
    rows = "SELECT venue, COUNT(*) FROM portfolio_exchange_rules WHERE reason IS NULL GROUP BY venue ORDER BY venue"
    assert execute(sqlite_database, rows) == [
        ("binance", len(exchange.market.tether)),
        ("coinbase", len(exchange.market.spot)),
    ]


def recommended(service: ServiceProcess) -> Any:
    """The one trade of the plan."""
    [trade] = service.get("/rebalance/recommendations")["recommendations"]
    return trade
