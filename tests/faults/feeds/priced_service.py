"""A service that takes its prices from a stand-in exchange, and what a test asks of the two."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from tests.support.database.databases import DatabaseUnderTest
from tests.support.exchanges.exchange import StandInExchange
from tests.support.services.service import ServiceProcess

PATIENCE_SECONDS = 120.0


def until(condition: Callable[[], object], *, what: str, seconds: float = PATIENCE_SECONDS) -> float:
    """Return once the condition holds, and how long that took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() < begun + seconds, f"waited {seconds:g} s in vain: {what}"
        time.sleep(0.02)
    return time.monotonic() - begun


class PricedService:
    """A running service and the exchange that it asks. Its own ticks are an hour apart unless a test says otherwise."""

    def __init__(self, process: ServiceProcess, exchange: StandInExchange) -> None:
        self.process = process
        self.exchange = exchange
        self.client = httpx.Client(base_url=process.url, timeout=60, headers={"Content-Type": "application/json"})

    def buy(self, symbol: str, price: str, quantity: str = "1") -> None:
        """Book so much of the asset, at that price."""
        body = {
            "symbol": symbol,
            "side": "BUY",
            "quantity": Decimal(quantity),
            "price": Decimal(price),
            "net_amount": Decimal(quantity) * Decimal(price),
        }
        content = json.dumps(body, default=str)
        for name in ("quantity", "price", "net_amount"):
            content = content.replace(f'"{name}": "{body[name]}"', f'"{name}": {body[name]}')
        answer = self.post("/holdings/update", content)
        assert answer.status_code == 200, answer.text

    def post(self, path: str, content: str | None = None) -> httpx.Response:
        """Return the answer to a POST."""
        return self.client.post(path, content=content)

    def refresh(self) -> Mapping[str, Any]:
        """Refresh the prices, which has to bring one at least, and return the answer."""
        answer = self.post("/portfolio/refresh")
        assert answer.status_code == 200, answer.text
        content: Mapping[str, Any] = answer.json(parse_float=Decimal)
        return content

    def get(self, path: str) -> Any:
        """Return the JSON of an answer, with exact numbers."""
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json(parse_float=Decimal)

    def position(self, symbol: str) -> Mapping[str, Any]:
        """Return a position as it is shown."""
        [found] = [position for position in self.get("/positions")["positions"] if position["symbol"] == symbol]
        assert isinstance(found, dict)
        return found

    def source(self, name: str) -> Mapping[str, Any]:
        """Return how a price source does."""
        found: Mapping[str, Any] = self.get("/health")["prices"]["sources"][name]
        return found

    def metric(self, name: str) -> float:
        """Return a figure of ``/metrics``, named with its labels."""
        text = self.client.get("/metrics").text
        [line] = [line for line in text.splitlines() if line.startswith(f"{name} ")]
        return float(line.rpartition(" ")[2])

    def events(self, name: str) -> list[Mapping[str, Any]]:
        """Return the logged events of this name."""
        entries = map(json.loads, self.process.log().splitlines())
        return [entry for entry in entries if entry["event"] == name]


@contextmanager
def priced_service(
    database: DatabaseUnderTest,
    folder: Path,
    prices: Mapping[str, str] | None = None,
    *,
    settings: Mapping[str, str] | None = None,
    prepare: Callable[[StandInExchange], None] = lambda _: None,
) -> Iterator[PricedService]:
    """Run a service on an exchange that knows these prices; ``prepare`` is done before the service first asks it."""
    with StandInExchange(None if prices is None else dict(prices)) as exchange:
        prepare(exchange)
        environment = {
            "PORTFOLIO_PRICE_FEED": "exchanges",
            "PORTFOLIO_COINBASE_URL": exchange.url,
            "PORTFOLIO_BINANCE_URL": exchange.url,
            "PORTFOLIO_CANDLES_URL": exchange.url,
            "PORTFOLIO_REFRESH_SECONDS": "3600",
            "PORTFOLIO_INITIAL_CASH": "1000000",
            **(settings or {}),
        }
        with ServiceProcess(database, folder, settings=environment) as process:
            service = PricedService(process, exchange)
            with service.client:
                yield service
