"""Requests and price answers made at random from good ones: no failure, every answer as promised, the books proved.

``make fuzz`` runs it for half an hour; FUZZ_SECONDS says for how long, and FUZZ_SEED repeats a run. What brings an
answer of a new kind is kept, and changed further: so the run finds its way to what is rare.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import secrets
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from portfolio.adapters.feeds.exchanges import Exchanges
from portfolio.application.errors import FeedFailed
from portfolio.application.ledger.verification import VerifyBooks
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.logs import EVENTS
from tests.fuzz.answers import Answer, Contract, answers_in
from tests.fuzz.mutation import Mutation, Request, get, post, until
from tests.support.exchanges.exchange import StandInExchange
from tests.support.exchanges.exchange_faults import Fault
from tests.support.fakes.clock import FakeClock
from tests.support.services.http_service import BUY, Service, running_on_sqlite
from tests.support.services.http_sockets import connected, served

FAILED: Final = "request.failed"
MOST_KEPT: Final = 2_000
QUIET_SECONDS: Final = 0.5
"""After so long without a byte it is waited for no more; what came of a request then is not known."""
SELL: Final = {**BUY, "side": "SELL", "quantity": "0.05", "net_amount": 2250}
GOOD: Final = (
    post("/holdings/update", BUY),
    post("/holdings/update", {**BUY, "client_trade_id": "k1", "engine": "e", "notes": "n", "confidence": 0.5}),
    post("/holdings/update", SELL),
    post("/holdings/update", {**BUY, "executed_at": "2026-11-01T12:00:00Z", "fees_included": True, "override": True}),
    post("/holdings/update/batch", {"bookings": [BUY, SELL, {**BUY, "client_trade_id": "k2"}]}),
    post("/cash/transactions", {"kind": "deposit", "amount": 5000, "client_transaction_id": "c1", "note": "n"}),
    post("/cash/transactions", {"kind": "withdrawal", "amount": "0.01"}),
    post("/events", {"kind": "income", "symbol": "SOL", "quantity": 1, "value": 140, "label": "staking"}),
    post("/events", {"kind": "split", "symbol": "BTC", "ratio": 2, "client_event_id": "e1", "dry_run": True}),
    post("/events/batch", {"events": [{"kind": "interest", "amount": "0.5"}, {"kind": "charge", "amount": 1}]}),
    post("/events/3/reverse", {}),
    post("/trades/1/reverse", {}),
    post("/trades/2/reverse", {"notes": "n"}),
    post("/pretrade/check", {"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 45000}),
    post("/rebalance/what-if", {"trades": [{"symbol": "BTC", "side": "SELL", "quantity": 1}], "policy": {}}),
    post("/optimise", {"objective": "equal_weight", "symbols": ["BTC", "ETH"], "limits": {"position_limit": 0.5}}),
    post("/rebalance/generate-signals", {}),
    post("/rebalance/signals/x/acknowledge", {}),
    post("/portfolio/refresh", {}),
    *map(get, (
        "/portfolio", "/positions", "/health", "/health/ready", "/metrics", "/trades?limit=5&symbol=BTC&side=BUY",
        "/trades/1", "/bookings?status=refused&limit=2", "/bookings/k1?owner=open", "/cash/transactions?limit=1",
        "/performance?days=30", "/performance/timeframes", "/performance/period?from=2026-01-01&to=2026-11-01",
        "/performance/history?days=90", "/reports/tearsheet?days=90", "/exports/trades",
        "/risk/concentration", "/risk/correlation-matrix?days=90", "/risk/volatility-analysis", "/risk/value-at-risk",
        "/risk/portfolio-health", "/rebalance/analysis", "/rebalance/signals?status=open&limit=3",
        "/signals/scorecard?days=30", "/shadows?days=30", "/openapi.json",
    )),
)  # fmt: skip
HELD: Final = [Symbol(code) for code in ("BTC", "ETH", "SOL", "SHIB")]


@dataclass
class Run:
    """One run: what it is made of, and what it has seen."""

    service: Service
    contract: Contract
    dice: random.Random
    kept: list[Request] = field(default_factory=lambda: list(GOOD))
    seen: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    booked: set[int] = field(default_factory=set)
    unanswered: int = 0

    async def ask(self, address: tuple[str, int]) -> None:
        """Send one request that was made of another, and look at what comes back."""
        request = self.dice.choice(self.kept)
        if self.dice.random() < 0.9:
            request = Mutation(self.dice).request(request)
        failures = EVENTS[FAILED]
        answers = list(answers_in(await sent(address, request.sent)))
        self.unanswered += not answers
        method, target = request.method, request.target
        if request.raw:
            first = request.raw.partition(b"\r\n")[0].split(b" ")
            method, target = first[0].decode("latin-1"), first[1] if len(first) > 1 else b""
        path = target.partition(b"?")[0].decode("latin-1")
        for answer in answers:
            complaint = self.contract.complaint(method, path, answer) if len(answers) == 1 else None
            assert complaint is None, f"{request.sent[:2000]!r}\n{complaint}"
            assert answer.status != 500, f"{request.sent[:2000]!r}\n{answer}"
            self._take(path, request, answer)
        assert EVENTS[FAILED] == failures, f"a traceback is in the log: {request.sent[:2000]!r}"

    def _take(self, path: str, request: Request, answer: Answer) -> None:
        if answer.status == 200 and request.method == "POST":
            self.booked |= set(trade_ids(answer))
        kind = path if path in {good.target.partition(b"?")[0].decode() for good in GOOD} else "elsewhere"
        is_new = not self.seen[kind, answer.status, answer.slug]
        self.seen[kind, answer.status, answer.slug] += 1
        if (is_new or self.dice.random() < 0.01) and len(self.kept) < MOST_KEPT:
            self.kept.append(request)

    async def prove(self) -> None:
        """The books add up, and hold what was acknowledged and nothing else."""
        verdict = await VerifyBooks(self.service.ledger)(1)
        assert verdict.holds, verdict.differences
        assert verdict.unreconciled == []
        unknown = verdict.trades - len(self.booked)
        assert 0 <= unknown <= self.unanswered, f"{verdict.trades} trades, {len(self.booked)} acknowledged"


def trade_ids(answer: Answer) -> list[int]:
    """The numbers of the trades that an answer says are booked."""
    if answer.content_type != "application/json":
        return []
    body = json.loads(answer.body)
    if "results" in body:
        return [one["booking"]["trade_id"] for one in body["results"] if one.get("booking")]
    return [body["trade_id"]] if isinstance(body.get("trade_id"), int) and "position" in body else []


async def sent(address: tuple[str, int], raw: bytes) -> bytes:
    """What comes back for these bytes until the service closes the connection, or waits for more of them."""
    read = b""
    async with connected(address) as (reader, writer):
        with suppress(ConnectionError, TimeoutError):
            writer.write(raw)
            while True:
                async with asyncio.timeout(QUIET_SECONDS):
                    more = await reader.read(2**20)
                if not more:
                    break
                read += more
    return read


@pytest.fixture
def seed() -> int:
    """What FUZZ_SEED says; for the short run always the same."""
    given = os.environ.get("FUZZ_SEED")
    return int(given) if given else secrets.randbelow(10**9) if os.environ.get("FUZZ_SECONDS") else 12


async def test_whatever_is_asked_is_answered_as_promised_and_the_books_add_up(tmp_path: Path, seed: int) -> None:
    print(f"\nFUZZ_SEED={seed}")
    goes_on, step = until(400), 0
    async with running_on_sqlite(
        tmp_path, rate_limit_per_minute=10**9, rate_limit_bookings_per_minute=10**9
    ) as service:
        service.feed.prices = {"BTC": "45000", "ETH": "3000"}
        document = (await service.http.get("/openapi.json")).json()
        run = Run(service, Contract(document), random.Random(seed))  # it is to be repeatable
        async with served(service) as address:
            while goes_on(step):
                await run.ask(address)
                step += 1
                if step % 500 == 0:
                    await run.prove()
        await run.prove()
    print(
        f"{step} requests, {len(run.seen)} kinds of answer, {len(run.booked)} trades, {len(run.kept)} requests kept",
        f"{run.unanswered} unanswered",
    )


async def test_whatever_an_exchange_answers_no_price_is_absurd(seed: int) -> None:
    goes_on, step, quoted = until(60), 0, 0
    mutation = Mutation(dice := random.Random(seed))  # it is to be repeatable
    clock = FakeClock()
    with StandInExchange() as exchange:
        feeds = Exchanges(exchange.settings, clock, wait=clock.sleep)
        try:
            while goes_on(step):
                step += 1
                exchange.heal()
                for kind in dice.sample(["spot", "rates", "ticker", "klines", "candles"], 3):
                    exchange.fail(kind, fault(exchange, kind, mutation, dice))
                report = await feeds.prices.quotes(HELD)
                assert report.quotes.keys() | report.failures.keys() == set(HELD)
                for quote in report.quotes.values():
                    assert 0 < quote.price.value < Decimal(10) ** 20, quote
                quoted += len(report.quotes)
                day = clock.now().date()
                with suppress(FeedFailed):
                    closes = await feeds.closes.daily_closes(dice.choice(HELD), day.replace(day=1), day)
                    assert all(0 < close.price.value < Decimal(10) ** 20 for close in closes), closes
                clock.advance(dice.choice((1, 60, 3600)))
        finally:
            await feeds.close()
    print(f"\nFUZZ_SEED={seed}: {step} refreshes, {quoted} prices believed")


def fault(exchange: StandInExchange, kind: str, mutation: Mutation, dice: random.Random) -> Fault:
    """An answer of this kind that is nearly right."""
    paths: dict[str, tuple[str, str]] = {
        "spot": ("/v2/prices/BTC-USD/spot", ""),
        "rates": ("/v2/exchange-rates", "currency=USD"),
        "ticker": ("/api/v3/ticker/price", 'symbols=["BTCUSDT","ETHUSDT"]'),
        "klines": ("/api/v3/klines", "symbol=BTCUSDT&interval=1d&limit=30"),
        "candles": ("/products/BTC-USD/candles", "granularity=86400"),
    }
    truth: Any = exchange._answer(*paths[kind])[1][1]
    body = mutation.body(json.dumps(truth).encode())
    status = dice.choice((200, 200, 200, 200, 204, 301, 400, 404, 429, 500, 503))
    headers = dice.choice(({}, {}, {"Retry-After": dice.choice(("0", "-1", "abc", "1e9", "99999999999"))}))
    return Fault(status=status, body=body, headers=headers, truncate_to=dice.choice((None, None, None, 10)))
