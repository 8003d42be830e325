"""Whatever is booked at the largest amounts that there are can be read again, wherever it is read."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from portfolio.adapters.database.database import open_database
from portfolio.application.ledger.verification import VerifyBooks
from portfolio.application.prices.records import Close
from portfolio.domain.decimal_text import plain
from portfolio.domain.money import EXACT, LIMIT, STEP, Price
from portfolio.domain.symbol import Symbol
from tests.support.database.databases import PATIENT
from tests.support.fakes.clock import FakeClock
from tests.support.services.http_service import Service, create_database, running_on

Wish = tuple[str, dict[str, Any]]

SYMBOLS: Final = ("BTC", "ETH", "SOL")
SIZES: Final = ("1e-18", "0.3", "7", "1e9", "1.5e18", "3e18", "9e18", "1e19", "2.5e19", "5e19", "9e19", str(LIMIT - 1))
PRICES: Final = ("1e-9", "1", "2", "1e10", "3e19")
PAST: Final = "2026-05-05T00:00:00Z"
READS: Final = (
    "/portfolio", f"/portfolio?as_of={PAST}", "/portfolio?known_at=5", "/positions", "/metrics", "/trades",
    "/cash/transactions", "/events", "/entries?after=start", "/performance?days=30",
    "/performance?days=300&basis=restated", "/performance?days=30&basis=recorded", "/performance/timeframes",
    "/performance/timeframes?basis=restated", "/performance/history?days=300&basis=restated",
    "/performance/period?from=2026-01-01&to=2026-11-01", "/reports/tearsheet?days=90",
    "/attribution?by=engine&days=300&basis=restated", "/attribution?by=symbol&days=30",
    *(f"/lots?method={method}" for method in ("average", "fifo", "lifo", "hifo", "picked")),
    f"/lots?method=fifo&as_of={PAST}", "/gains?method=fifo", "/gains?year=2026&method=average&format=csv",
    *(f"/exports/{what}?format=csv" for what in ("trades", "events", "positions", "gains", "performance", "closes")),
    *(f"/exports/{what}?format=parquet" for what in ("trades", "events", "positions", "gains", "performance")),
    "/risk/concentration", "/risk/correlation-matrix?days=90", "/risk/volatility-analysis", "/risk/value-at-risk",
    "/risk/sector-allocation", "/risk/portfolio-health", "/rebalance/analysis", "/rebalance/recommendations",
    "/signals/scorecard?days=30", "/shadows?days=30",
    *(f"/pages/{page}" for page in ("trades", "activity", "risk", "rebalancing", "lots", "performance", "positions")),
)  # fmt: skip


class Wishes:
    """Bookings at random, most of them near the bounds."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # it is to be repeatable

    def size(self) -> str:
        size = Decimal(self.dice.choice(SIZES))
        return plain(EXACT.multiply(size, Decimal(self.dice.choice(("1", "1", "0.5", "1e-9")))))

    def trade(self) -> Wish:
        price, quantity = Decimal(self.dice.choice(PRICES)), Decimal(self.size())
        if EXACT.multiply(quantity, price) >= LIMIT:
            quantity = EXACT.divide(Decimal("9e19"), price).quantize(STEP, context=EXACT)
        money = EXACT.multiply(quantity, price).quantize(STEP, context=EXACT)
        return "/holdings/update", {
            "symbol": self.dice.choice(SYMBOLS),
            "side": self.dice.choice(("BUY", "SELL")),
            "quantity": plain(quantity),
            "price": plain(price),
            "net_amount": plain(max(money, STEP)),
            "fees": self.dice.choice(("0", "0", self.size())),
            "override": self.dice.random() < 0.7,
            "client_trade_id": str(self.dice.random()),
            "executed_at": self.moment(),
        }

    def cash(self) -> Wish:
        kind = self.dice.choice(("deposit", "deposit", "withdrawal"))
        return "/cash/transactions", {"kind": kind, "amount": self.size()}

    def event(self) -> Wish:
        one, other = self.dice.sample(SYMBOLS, 2)
        moves = {"symbol": one, "quantity": self.size()}
        told = self.dice.choice((
            {"kind": "transfer_in", **moves, "value": self.size(), "basis": self.size()},
            {"kind": "transfer_in", **moves, "value": self.size()},
            {"kind": "income", **moves, "value": self.size()},
            {"kind": "transfer_out", **moves},
            {"kind": "loss", **moves},
            {"kind": "interest", "amount": self.size()},
            {"kind": "charge", "amount": self.size()},
            {"kind": "split", "symbol": one, "ratio": self.dice.choice(("2", "1000000000", "0.001"))},
            {"kind": "swap", **moves, "to_symbol": other, "to_quantity": self.size()},
            {"kind": "exchange", **moves, "to_symbol": other, "to_quantity": self.size()},
        ))  # fmt: skip
        return "/events", {**told, "effective_at": self.moment()}

    def moment(self) -> str:
        return f"2026-{self.dice.randint(1, 11):02}-1{self.dice.randint(0, 9)}T12:00:00Z"

    def one(self) -> Wish:
        return self.dice.choice((self.trade, self.trade, self.cash, self.event))()

    def prices(self) -> dict[str, str]:
        return {symbol: plain(Decimal(self.dice.choice(PRICES))) for symbol in SYMBOLS}


@asynccontextmanager
async def service_with_closes(folder: Path) -> AsyncIterator[Service]:
    """A service whose closes are those of small holdings: what is booked here was never worth so much."""
    clock, closes = FakeClock(), {"BTC": "40000", "ETH": "1"}
    opened = open_database(f"sqlite+aiosqlite:///{create_database(folder)}", limits=PATIENT)
    async with running_on(opened, clock, rate_limit_per_minute=10**9, rate_limit_bookings_per_minute=10**9) as service:
        today = clock.now().date()
        await service.prices.add_closes(
            [
                Close(
                    symbol=Symbol(code),
                    day=today - timedelta(days=days),
                    price=Price(Decimal(price)),
                    source="coinbase",
                )
                for code, price in closes.items()
                for days in range(1, 330)
            ]
        )
        yield service


async def is_readable(service: Service, *, but: str | None = None) -> None:
    """Everything is answered, no row is left out, and the books are proved."""
    for path in READS:
        answer = await service.http.get(path)
        assert answer.status_code == 200 or path == but, (path, answer.text)
    assert (await service.http.get("/health")).json()["unreadable_rows"] == {"count": 0, "rows": []}
    verdict = await VerifyBooks(service.ledger)(1)
    assert verdict.holds, verdict.differences


@pytest.mark.unmeasured
@pytest.mark.parametrize("seed", range(6))
async def test_what_is_booked_at_the_bounds_is_read_everywhere(tmp_path: Path, seed: int) -> None:
    wishes, booked = Wishes(seed), 0
    async with service_with_closes(tmp_path) as service:
        for _ in range(25):
            path, body = wishes.one()
            answer = await service.http.post(path, json=body)
            assert answer.status_code in (200, 400, 409), (body, answer.text)
            booked += answer.status_code == 200
            assert not (await service.ledger.load(1)).unreadable_rows, body
            service.clock.advance(3600)
            if wishes.dice.random() < 0.3:
                service.feed.prices = wishes.prices()
                assert (await service.http.post("/portfolio/refresh")).status_code in (200, 503)
        assert booked > 2
        service.clock.advance(2 * 86_400)
        await is_readable(service)
        answer = await service.http.post("/ledger/restate", json={"dry_run": True})
        assert answer.status_code == 200, answer.text


async def test_a_result_that_would_leave_a_position_unreadable_is_refused(tmp_path: Path) -> None:
    """9e19 of cash and 9e18 of realized profit are 9.9e19; with another 9e18 of profit no row would be read."""
    async with service_with_closes(tmp_path) as service:
        for kind, amount in (("withdrawal", 100_000), ("deposit", "9e18"), ("deposit", "7.2e19")):
            answer = await service.http.post("/cash/transactions", json={"kind": kind, "amount": amount})
            assert answer.status_code == 200, answer.text
        order = {"symbol": "BTC", "side": "BUY", "quantity": 1, "price": "9e18", "net_amount": "9e18"}
        assert (await service.http.post("/holdings/update", json=order)).status_code == 200
        sale = {**order, "side": "SELL", "price": "1.8e19", "net_amount": "1.8e19"}  # 9e19 of cash, 9e18 of profit
        assert (await service.http.post("/holdings/update", json=sale)).status_code == 200
        assert (await service.http.post("/holdings/update", json=order)).status_code == 200  # 8.1e19, 9e18 and 9e18
        refused = await service.http.post("/holdings/update", json=sale)  # 9.9e19 of cash, and 1.8e19 of profit
        assert (refused.status_code, refused.json()["type"]) == (400, "/problems/out-of-range")
        await is_readable(service)


@pytest.mark.parametrize("again", ["BTC", "ETH"])
async def test_what_comes_to_1e20_in_the_order_of_its_effect_alone_is_read_everywhere(
    tmp_path: Path, again: str
) -> None:
    """Each is booked once the one before has left: 9e19 at a time, and 1.8e20 between the 18th and the 5th day ago."""
    bitcoin = {"symbol": "BTC", "quantity": "2.2e15", "value": "8.8e19"}
    other = bitcoin if again == "BTC" else {"symbol": "ETH", "quantity": "9e19", "value": "9e19"}
    order = {"symbol": "SHIB", "quantity": "9e19", "price": "1e-16", "net_amount": 9000}
    async with service_with_closes(tmp_path) as service:
        for path, body, days in (
            ("/events", {"kind": "transfer_in", **bitcoin}, 20),
            ("/events", {"kind": "transfer_out", **bitcoin}, 5),
            ("/events", {"kind": "transfer_in", **other}, 18),
            ("/events", {"kind": "transfer_out", **other}, 4),
            ("/holdings/update", {"side": "BUY", **order}, 20),
            ("/holdings/update", {"side": "SELL", **order}, 5),
            ("/holdings/update", {"side": "BUY", **order}, 18),
            ("/holdings/update", {"side": "SELL", **order}, 4),
        ):
            at = (service.clock.now() - timedelta(days=days)).isoformat()
            named = "effective_at" if path == "/events" else "executed_at"
            answer = await service.http.post(path, json={**body, named: at})
            assert answer.status_code == 200, answer.text
        then = (service.clock.now() - timedelta(days=10)).date()
        past = (await service.http.get("/portfolio", params={"as_of": f"{then}T12:00:00Z"})).text
        assert f'"net_deposits":{176 if again == "BTC" else 178}000000000000000000,' in past
        # A column of Parquet has 20 digits before the point, and what one asset is worth is told below 1e20 alone.
        parquet = "/exports/performance?format=parquet"
        answer = await service.http.get(parquet)
        if again == "ETH":
            assert (answer.status_code, answer.json()["type"]) == (400, "/problems/out-of-range")
        await is_readable(service, but=parquet if again == "ETH" else None)
