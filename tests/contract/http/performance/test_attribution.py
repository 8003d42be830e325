"""What each engine, key, reason or asset brought, over HTTP."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from portfolio.application.prices.records import Close, PriceUpdate
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.mark import Mark
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol
from tests.contract.http.performance.test_timeframes import exact
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.services.http_service import KEYS, A, B, Service, fields, is_problem, running
from tests.support.signal_examples import signal


async def book(service: Service, side: str, quantity: str, amount: str, **said: Any) -> None:
    headers = said.pop("headers", None)
    body = {"symbol": "BTC", "side": side, "quantity": quantity, "price": amount, "net_amount": amount, **said}
    body["price"] = str(Decimal(amount) / Decimal(quantity))
    answer = await service.http.post("/holdings/update", json=body, headers=headers)
    assert answer.status_code == 200, answer.text


async def day_ends(service: Service, **prices: str) -> None:
    """The day's last prices are recorded, and the next day begins."""
    now = service.clock.now()
    marks = {Symbol(name): Mark(Price(Decimal(text)), "coinbase", now) for name, text in prices.items()}
    await service.prices.record(1, PriceUpdate(marks=marks, at=now), None)
    service.clock.advance(86_400)


async def ask(service: Service, by: str, days: int = 30, **options: Any) -> Any:
    answer = await service.http.get("/attribution", params={"by": by, "days": days}, **options)
    assert answer.status_code == 200, answer.text
    return exact(answer.text)


def rows(found: Any) -> list[tuple[Any, ...]]:
    return [(row["tag"], row["result"], row["cash"], row["value"], row["trades"]) for row in found["rows"]]


@pytest.fixture
async def three_days(service: Service) -> Service:
    """Two engines trade BTC, one of them ETH as well; the third trader says nothing of itself."""
    await book(service, "BUY", "1", "1000", engine="a", fees=1)
    await day_ends(service, BTC="1100")
    await book(service, "SELL", "0.5", "560", engine="b")
    await book(service, "BUY", "2", "200", engine="a", symbol="ETH")
    await service.http.post("/cash/transactions", json={"kind": "deposit", "amount": 5000})
    await day_ends(service, BTC="1200", ETH="90")
    await book(service, "BUY", "0.25", "300")
    await day_ends(service, BTC="1300", ETH="110")
    return service


async def test_the_rows_add_up_to_the_return_of_the_same_days(three_days: Service) -> None:
    for days in (1, 2, 30):
        performance = exact((await three_days.http.get(f"/performance?days={days}")).text)["performance"]
        for by in ("engine", "key", "reason", "symbol"):
            found = await ask(three_days, by, days)
            assert sum(row["result"] for row in found["rows"]) == found["total"] == performance["total_return"]
            assert (found["from"], found["to"]) == (performance["first_day"], performance["last_day"])
            assert (found["by"], found["period_days"], found["complete"], found["stale"]) == (by, days, True, False)


async def test_each_engine_has_what_it_made_of_its_trades(three_days: Service) -> None:
    # a: 1 BTC for 1001 and 2 ETH for 200, at 1300 and 110; b: half a BTC short from 560 on; the last bought at 1200
    assert rows(await ask(three_days, "engine")) == [
        ("a", 319, -1201, 1520, 2),
        ("b", -90, 560, -650, 1),
        (None, 25, -300, 325, 1),
    ]
    # of the last two days: a had 1 BTC at 1100, b had nothing
    assert rows(await ask(three_days, "engine", 2)) == [
        ("a", 220, -200, 420, 1),
        ("b", -90, 560, -650, 1),
        (None, 25, -300, 325, 1),
    ]
    assert rows(await ask(three_days, "symbol")) == [("BTC", 234, -741, 975, 3), ("ETH", 20, -200, 220, 1)]


async def test_what_two_engines_did_against_each_other_has_the_close_of_the_day(service: Service) -> None:
    await day_ends(service)
    await book(service, "BUY", "1", "1000", engine="a")
    await book(service, "SELL", "1", "1010", engine="b")
    await book(service, "BUY", "1", "70", engine="b", symbol="ETH")
    await day_ends(service)
    assert rows(await ask(service, "engine")) == [("a", 10, -1000, 1010, 1), ("b", 0, 940, -940, 2)]
    day = service.clock.now().date()
    for days_before, price in ((9, "1"), (3, "1050")):
        on = day.fromordinal(day.toordinal() - days_before)
        service.ledger.books.closes[Symbol("BTC"), on] = Close(
            symbol=Symbol("BTC"), day=on, price=Price(Decimal(price)), source="candles"
        )
    assert rows(await ask(service, "engine")) == [("a", 50, -1000, 1050, 1), ("b", -40, 940, -980, 2)]


async def test_a_price_that_cannot_be_leaves_the_difference_to_the_rest(service: Service) -> None:
    await day_ends(service)
    for side, engine in (("BUY", "a"), ("SELL", "b")):
        body = {"symbol": "BTC", "side": side, "quantity": "1e-17", "price": "1e3", "net_amount": "1e4"}
        body |= {"engine": engine, "client_trade_id": engine}
        await service.http.post("/holdings/update", json=body)
        assert (await service.http.post("/holdings/update", json={**body, "override": True})).status_code == 200
    await day_ends(service)
    assert rows(await ask(service, "engine")) == [("b", 10_000, 10_000, 0, 1), ("a", -10_000, -10_000, 0, 1)]


async def test_what_the_books_were_opened_on_has_no_tag_but_its_symbol() -> None:
    ledger = FakeLedger()
    held = Position(symbol=Symbol("BTC"), quantity=Quantity(Decimal(2)), cost_basis=Money(Decimal(1500)))
    ledger.books.portfolio = Portfolio(id=1, cash=Money(Decimal(500)), positions={held.symbol: held})
    async with running(ledger=ledger) as service:
        await day_ends(service, BTC="1000")
        await book(service, "SELL", "1", "1100", engine="a")
        await day_ends(service, BTC="1200")
        assert rows(await ask(service, "engine", 1)) == [("a", -100, 1100, -1200, 1), (None, 400, 0, 400, 0)]
        assert rows(await ask(service, "symbol", 1)) == [("BTC", 300, 1100, -800, 1)]


async def test_the_reason_is_that_of_the_signal_that_a_trade_names(service: Service) -> None:
    one = replace(signal(), number=1)
    service.ledger.books.signals[1] = one
    await book(service, "BUY", "1", "1000")
    await book(service, "SELL", "0.5", "500", signal_id="another")
    await book(service, "SELL", "0.1", "110", signal_id=one.id)
    await day_ends(service, BTC="1000")
    assert rows(await ask(service, "reason")) == [("concentration_risk", 10, 110, -100, 1), (None, 0, -500, 500, 2)]


async def test_the_key_is_the_one_that_booked() -> None:
    async with running(api_keys=KEYS) as service:
        await book(service, "BUY", "1", "1000", headers=A, engine="x")
        await book(service, "BUY", "1", "1010", headers=B, engine="x")
        await day_ends(service, BTC="1020")
        found = await ask(service, "key", headers=A)
    assert rows(found) == [("engine-a", 20, -1000, 1020, 1), ("engine-b", 10, -1010, 1020, 1)]


async def test_what_cannot_be_told_is_null_and_says_why(service: Service) -> None:
    found = await ask(service, "engine")
    assert (found["rows"], found["total"], found["from"], found["to"]) == (None, None, None, None)
    assert set(found["reasons"].values()) == {"no_history"}
    await day_ends(service)
    service.ledger.books.day_positions.clear()
    assert set((await ask(service, "engine"))["reasons"].values()) == {"positions_not_recorded"}
    service.ledger.away = True
    assert set((await ask(service, "engine"))["reasons"].values()) == {"database_away"}


async def test_what_cannot_be_asked_is_refused_by_its_name(service: Service) -> None:
    for query, field in (("by=colour", "by"), ("days=0", "days"), ("since=1", "since")):
        answer = await service.http.get(f"/attribution?{query}")
        assert is_problem(answer, 400, "malformed-request")
        assert fields(answer) == {field}


async def test_a_tag_that_bought_more_than_there_ever_was_leaves_the_rows_undefined(service: Service) -> None:
    await service.http.post("/cash/transactions", json={"kind": "deposit", "amount": "6e19"})
    await day_ends(service)
    for _ in range(2):
        await book(service, "BUY", "60000000000000000000", "60000000000000000000", engine="a")
        await book(service, "SELL", "60000000000000000000", "60000000000000000000", engine="b")
    await day_ends(service)
    found = await ask(service, "engine")
    assert (found["rows"], found["total"], found["reasons"]["rows"]) == (None, None, "out_of_range")
    assert rows(await ask(service, "symbol")) == [("BTC", 0, 0, 0, 4)]  # of one asset all of it was sold again
