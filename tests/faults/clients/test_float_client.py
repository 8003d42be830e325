"""A client whose numbers are doubles books at random and closes everything: nothing stays open, nothing is refused.

It computes money in doubles, sends what `json.dumps` makes of them, and sells what `json.loads` makes of the answers.
"""

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.faults.conftest import EnterWorld
from tests.faults.harness.books import units

COINS = 40
CHEAPEST, DEAREST = 1e-9, 1e5  # dollars for one coin
FEE = 0.001


@dataclass
class FloatClient:
    """Trades coins of all prices; what it holds is what the service said last, as doubles."""

    http: httpx.Client
    dice: random.Random
    prices: dict[str, float] = field(default_factory=dict)
    held: dict[str, float] = field(default_factory=dict)
    sent: int = 0

    def __post_init__(self) -> None:
        decades = math.log10(DEAREST / CHEAPEST)
        self.prices = {f"C{n:02}": CHEAPEST * 10 ** (decades * n / (COINS - 1)) for n in range(COINS)}
        self.held = dict.fromkeys(self.prices, 0.0)

    def fill_at_random(self, most: int) -> None:
        """Send a fill of every coin, at most so many: purchases, sales of a part, sales of all of it."""
        self._send([self._fill(symbol) for symbol in list(self.prices)[:most]])

    def close_everything(self) -> None:
        """Sell what `GET /positions` says, as doubles."""
        positions = json.loads(self.http.get("/positions").text)["positions"]
        self._send([self._booking(p["symbol"], "SELL", p["quantity"]) for p in positions])

    def _fill(self, symbol: str) -> dict[str, Any]:
        price = self.prices[symbol] = self.prices[symbol] * self.dice.uniform(0.97, 1.03)
        held, choice = self.held[symbol], self.dice.random()
        if not held or choice < 0.5:
            return self._booking(symbol, "BUY", self.dice.uniform(1, 1_000) / price)
        return self._booking(symbol, "SELL", held if choice < 0.65 else held * self.dice.uniform(0.01, 0.99))

    def _booking(self, symbol: str, side: str, quantity: float) -> dict[str, Any]:
        # The average of three fills, as a program computes it: mostly not the decimal that anybody wrote.
        price = sum([self.prices[symbol]] * 3) / 3
        money = quantity * price
        self.sent += 1
        return {
            "symbol": symbol, "side": side, "quantity": quantity, "price": price, "net_amount": money,
            "fees": money * FEE, "client_trade_id": f"f{self.sent}",
        }  # fmt: skip

    def _send(self, bookings: list[dict[str, Any]]) -> None:
        body = json.dumps({"bookings": bookings})
        answer = self.http.post("/holdings/update/batch", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 200, answer.text
        for sent, result in zip(bookings, json.loads(answer.text)["results"], strict=True):
            assert result["status"] == "booked", (sent, result)
            self.held[sent["symbol"]] = result["booking"]["position"]["quantity"]


def trade(new_world: EnterWorld, seed: int, fills: int) -> None:
    """Book so many fills, close every position, and look at the books: at what is said of them, and at the tables."""
    with new_world({"PORTFOLIO_INITIAL_CASH": "1000000000"}) as world:
        with httpx.Client(base_url=world.service.url, timeout=30) as http:
            client = FloatClient(http, random.Random(seed))
            while client.sent < fills:
                client.fill_at_random(fills - client.sent)
            client.close_everything()
            portfolio = json.loads(http.get("/portfolio").text, parse_float=Decimal)["portfolio"]
            assert (portfolio["num_positions"], portfolio["invested_amount"]) == (0, 0), f"seed {seed}"
            assert portfolio["cash_balance"] == portfolio["net_deposits"] + portfolio["realized_pnl"], f"seed {seed}"
            assert http.get("/bookings?status=refused").json()["count"] == 0
        books = world.tables.read()
        assert books.cash == books.replayed.cash == units(portfolio["cash_balance"])
        assert {row.quantity for row in books.holdings.values()} == {0}, f"seed {seed}"
        assert len(world.tables.rows("SELECT id FROM mock_trades")) == client.sent >= fills
        # What makes it hard: sales of all of it as a double, which is a little more or less than what is held.
        assert world.tables.rows("SELECT id FROM mock_trades WHERE reported_quantity IS NOT NULL")
        verified = world.service.command("verify")
        assert verified.returncode == 0, verified.stdout


def test_a_client_of_doubles_closes_every_position(new_world: EnterWorld, seed: int) -> None:
    trade(new_world, seed, 400)


@pytest.mark.faults_long
def test_a_client_of_doubles_closes_every_position_after_10_000_fills(
    new_world: EnterWorld, seed: int, operations: int
) -> None:
    trade(new_world, seed, operations)
