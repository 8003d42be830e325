"""A service beside which others write into its tables as they like."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.old_database import execute
from tests.support.services.service import ServiceProcess

SECONDS = 30.0
# A ledger with trades refuses made-up prices when it is served again; nobody answers for real ones here.
SETTINGS = {
    "PORTFOLIO_PRICE_FEED": "exchanges",
    "PORTFOLIO_COINBASE_URL": "http://127.0.0.1:9",
    "PORTFOLIO_BINANCE_URL": "http://127.0.0.1:9",
    "PORTFOLIO_CANDLES_URL": "http://127.0.0.1:9",
}


@dataclass(frozen=True, slots=True)
class Hostile:
    """A service on a database into which others write as they like."""

    service: ServiceProcess
    place: DatabaseUnderTest

    def does(self, *statements: str) -> list[tuple[object, ...]]:
        """What another program does with the tables."""
        return execute(self.place, *(_for(self.place, statement) for statement in statements))

    def book(self, key: str, symbol: str = "BTC", side: str = "BUY", quantity: float = 1) -> httpx.Response:
        """Book at 100 dollars a piece."""
        wish = {"symbol": symbol, "side": side, "quantity": quantity, "price": 100, "net_amount": quantity * 100}
        return httpx.post(self.service.url + "/holdings/update", json={**wish, "client_trade_id": key}, timeout=30)

    def health(self) -> Any:
        """What it says of itself."""
        return httpx.get(self.service.url + "/health", timeout=30).json()

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Return once it is so."""
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"{what}: {self.health()}"
            time.sleep(0.1)

    @property
    def cash(self) -> Decimal:
        """What is left of the initial cash, by the answers."""
        return Decimal(str(self.service.get("/portfolio")["portfolio"]["cash_balance"]))

    def entries(self) -> list[tuple[object, ...]]:
        """The kinds of the entries that are no trade."""
        return execute(self.place, "SELECT kind FROM portfolio_cash_transactions ORDER BY ledger_revision")


def _for(place: DatabaseUnderTest, statement: str) -> str:
    return statement.replace("TRUNCATE TABLE", "DELETE FROM") if place.kind == "sqlite" else statement
