"""What is done to books at random: bookings, late ones too, events, batches, imports, signals, prices, reversals."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import httpx

from portfolio.application.prices.ports import PriceStore
from portfolio.application.prices.records import Close
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import FakeClock

HELD: Final = [Symbol(code) for code in ("ADA", "BTC", "ETH", "SOL")]
FILE: Final = "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n"
"""The head of a file of trades of Binance."""


@dataclass
class Deeds:
    """Does what the dice say, by one of the processes that serve the books."""

    dice: random.Random
    clock: FakeClock
    prices: PriceStore

    async def any(self, http: httpx.AsyncClient) -> httpx.Response:
        """Do one thing."""
        many: tuple[tuple[int, Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]], ...] = (
            (8, self._booking),
            (2, self._batch),
            (2, self._cash),
            (4, self._event),
            (1, self._events),
            (1, self._split),
            (3, self._reversal),
            (1, self._restatement),
            (2, self._signals),
            (1, self._picks),
            (2, self._import),
            (2, self._refresh),
        )
        deed = self.dice.choices([deed for _, deed in many], [weight for weight, _ in many])[0]
        return await deed(http)

    async def closes(self) -> None:
        """Write closes of past days, as another process does that fetched them."""
        days = [self.clock.now().date() - timedelta(days=self.dice.randrange(1, 26)) for _ in range(4)]
        await self.prices.add_closes(
            [self._close(symbol, day, self.dice.randrange(80, 130)) for symbol in self._some(2) for day in days]
        )

    async def first_closes(self) -> None:
        """Write the closes that there are at the beginning."""
        today = self.clock.now().date()
        await self.prices.add_closes(
            [
                self._close(symbol, today - timedelta(days=ago), 100 + (ago * 7 + place * 3) % 11)
                for place, symbol in enumerate(HELD)
                for ago in range(1, 60)
            ]
        )

    def _close(self, symbol: Symbol, day: Any, price: int) -> Close:
        return Close(symbol=symbol, day=day, price=Price(Decimal(price)), source="coinbase")

    def _some(self, count: int) -> list[Symbol]:
        return self.dice.sample(HELD, count)

    def _at(self) -> str:
        """Now, or some time ago."""
        ago = self.dice.choice((0, 0, 3600, 86400 * self.dice.randrange(20)))
        return (self.clock.now() - timedelta(seconds=ago)).isoformat()

    def _one_booking(self) -> dict[str, Any]:
        quantity, price = self.dice.randrange(1, 20), self.dice.randrange(50, 200)
        return {
            "symbol": self.dice.choice(HELD).code,
            "side": self.dice.choice(("BUY", "BUY", "SELL")),
            "quantity": quantity,
            "price": price,
            "net_amount": quantity * price,
            "fees": quantity * price // 200,
            "engine": self.dice.choice("ab"),
            "client_trade_id": f"k{self.dice.randrange(10**6)}",
            "executed_at": self._at(),
            **self.dice.choice(({}, {"override": True})),
        }

    def _one_event(self) -> dict[str, Any]:
        symbol, quantity, value = self.dice.choice(HELD).code, self.dice.randrange(1, 20), self.dice.randrange(50, 200)
        event: dict[str, Any] = self.dice.choice((
            {"kind": "transfer_in", "symbol": symbol, "quantity": quantity, "value": value, "basis": quantity * 50},
            {"kind": "transfer_out", "symbol": symbol, "quantity": 1, "value": value},
            {"kind": "income", "symbol": symbol, "quantity": 1, "value": value, "label": "staking"},
            {"kind": "loss", "symbol": symbol, "quantity": 1, "label": "stolen"},
            {"kind": "interest", "amount": value},
            {"kind": "charge", "amount": value, "client_event_id": f"e{self.dice.randrange(10**6)}"},
        ))  # fmt: skip
        return {**event, "effective_at": self._at()}

    async def _booking(self, http: httpx.AsyncClient) -> httpx.Response:
        return await http.post("/holdings/update", json=self._one_booking())

    async def _batch(self, http: httpx.AsyncClient) -> httpx.Response:
        bookings = [self._one_booking() for _ in range(self.dice.randrange(1, 5))]
        return await http.post("/holdings/update/batch", json={"bookings": bookings})

    async def _cash(self, http: httpx.AsyncClient) -> httpx.Response:
        body = {
            "kind": self.dice.choice(("deposit", "withdrawal")),
            "amount": self.dice.choice((10, 500, 10**7)),
            "client_transaction_id": f"c{self.dice.randrange(10**6)}",
        }
        refused = body["amount"] == 10**7
        return await http.post("/cash/transactions", json={**body, **({"kind": "withdrawal"} if refused else {})})

    async def _event(self, http: httpx.AsyncClient) -> httpx.Response:
        return await http.post("/events", json=self._one_event())

    async def _events(self, http: httpx.AsyncClient) -> httpx.Response:
        return await http.post("/events/batch", json={"events": [self._one_event() for _ in range(3)]})

    async def _split(self, http: httpx.AsyncClient) -> httpx.Response:
        split = {"kind": "split", "symbol": self.dice.choice(HELD).code, "ratio": 2, "effective_at": self._at()}
        return await http.post("/events", json=split)

    async def _reversal(self, http: httpx.AsyncClient) -> httpx.Response:
        what, of_id = self.dice.choice(("trades", "trades", "events", "imports")), self.dice.randrange(1, 30)
        return await http.post(f"/{what}/{of_id}/reverse")

    async def _restatement(self, http: httpx.AsyncClient) -> httpx.Response:
        return await http.post("/ledger/restate", json={"dry_run": False})

    async def _signals(self, http: httpx.AsyncClient) -> httpx.Response:
        made = await http.post("/rebalance/generate-signals")
        signals = (await http.get("/rebalance/signals?status=open")).json().get("signals")
        if not signals:
            return made
        return await http.post(f"/rebalance/signals/{self.dice.choice(signals)['id']}/acknowledge")

    async def _picks(self, http: httpx.AsyncClient) -> httpx.Response:
        lots = (await http.get("/lots?method=fifo")).json().get("lots") or [{"entry": 1}]
        body = {"lots": [{"entry": self.dice.choice(lots)["entry"], "quantity": 1}]}
        return await http.post(f"/trades/{self.dice.randrange(1, 30)}/lots", json=body)

    async def _import(self, http: httpx.AsyncClient) -> httpx.Response:
        at, count = self.clock.now() - timedelta(days=self.dice.randrange(1, 20)), self.dice.randrange(1, 4)
        rows = [
            f"{at + timedelta(minutes=n):%Y-%m-%d %H:%M:%S},{self.dice.choice(HELD).code}USDT,"
            f"{self.dice.choice(('BUY', 'SELL'))},100,{count}BTC,{100 * count}USDT,0USDT\n"
            for n in range(count)
        ]
        form = [("file", ("trades.csv", FILE + "".join(rows)))]
        looked = await http.post("/imports", files=form)
        if looked.status_code != 200:
            return looked
        return await http.post(f"/imports/{looked.json()['preview_id']}/commit")

    async def _refresh(self, http: httpx.AsyncClient) -> httpx.Response:
        return await http.post("/portfolio/refresh")
