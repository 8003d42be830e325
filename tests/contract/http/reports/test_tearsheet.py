"""The tear sheet over HTTP: alone, the same for the same position, of the API's figures, without amounts if asked."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from portfolio.application import in_thread
from portfolio.application.performance.records import DailyValue, PositionOnDay
from portfolio.application.prices.records import Close, PriceUpdate
from portfolio.domain.mark import Mark
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.charts import DOLLARS
from portfolio.entrypoints.http.pages.frame.formats import Kind, shown
from tests.contract.http.performance.test_basis import late
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.html_file import HtmlFile, check_that_it_is_alone
from tests.support.services.http_service import BUY, Service, running
from tests.support.services.waiting import until

pytestmark = pytest.mark.unmeasured

__all__ = ["late"]

MOST_BYTES = 400_000
SECTIONS = [
    "identity", "figures", "value-and-deposits", "unit-value", "drawdowns", "months-and-years", "days", "rolling",
    "value-at-risk", "contributions", "weights", "correlation", "costs", "trades", "data-quality", "definitions",
]  # fmt: skip


async def year_of(service: Service, *, seed: int = 1, days: int = 400) -> None:
    """Let days go by with trades, closes and values made of a seed; some days are gaps."""
    dice = np.random.default_rng(seed)
    opened = service.clock.now()
    for code, quantity, paid in (("BTC", "0.73185291", "41234.57"), ("ETH", "3.31415926", "2345.678")):
        body = {**BUY, "symbol": code, "quantity": quantity, "price": paid, "fees": "17.3141",
                      "net_amount": str(Decimal(quantity) * Decimal(paid))}  # fmt: skip
        answer = await service.http.post("/holdings/update", json=body)
        assert answer.status_code == 200, answer.text
    books = service.ledger.books
    units, worth, prices = 1.0, Decimal(0), {Symbol("BTC"): 41_000.0, Symbol("ETH"): 2_300.0}
    for n in range(days):
        day = opened.date() + timedelta(days=n)
        units *= 1 + float(dice.normal(0.0005, 0.02))
        prices = {symbol: price * (1 + float(dice.normal(0.0005, 0.03))) for symbol, price in prices.items()}
        for symbol, price_now in prices.items():
            price = Price(Decimal(f"{price_now:.4f}"))
            if n % 50 != 7:
                books.closes[symbol, day] = Close(symbol=symbol, day=day, price=price, source="candles")
        if n % 97 == 13:
            continue
        worth = Decimal(f"{units * 100_000:.7f}")
        books.days[day] = DailyValue(
            day=day, total_value=Money(worth), cash=Money(Decimal("1234.56789")), unit_value=Decimal(f"{units:.12f}"),
            net_deposits=Money(Decimal(100_000)), realized_pnl=Money.zero(),
        )  # fmt: skip
        books.day_positions[day] = {
            symbol: PositionOnDay(quantity=Quantity(Decimal(1)), market_value=Money(Decimal(f"{price:.5f}")),
                                  cost_basis=Money(Decimal(2_000)), realized_pnl=Money.zero(), is_priced=True)
            for symbol, price in prices.items()
        }  # fmt: skip
    service.clock.advance(days * 86_400)
    now = service.clock.now()
    marks = {symbol: Mark(Price(Decimal(f"{price:.4f}")), "coinbase", now) for symbol, price in prices.items()}
    await service.prices.record(1, PriceUpdate(marks=marks, at=now), None)


async def sheet(service: Service, **params: Any) -> bytes:
    answer = await service.http.get("/reports/tearsheet", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.content


async def api(service: Service, path: str) -> Any:
    answer = await service.http.get(path)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text, parse_float=Decimal, parse_int=Decimal)


async def test_it_has_every_section_and_asks_nobody_for_anything(service: Service) -> None:
    await year_of(service)
    content = await sheet(service, days=365, benchmark="ETH")
    file = check_that_it_is_alone(content)
    assert [attrs["id"] for attrs, _ in file.of("section")] == SECTIONS
    assert len(content) < MOST_BYTES
    assert len([attrs for attrs, _ in file.of("svg") if "id" in attrs]) == 12
    assert "beside ETH" in content.decode()


async def test_the_same_position_gives_the_same_bytes_whenever_it_is_asked_for(service: Service) -> None:
    await year_of(service)
    first = await sheet(service, days=200)
    assert await sheet(service, days=200) == first
    for seconds in (1, 1_000, 3 * 86_400):
        service.clock.advance(seconds)
        assert await sheet(service, days=200) == first
    answer = await service.http.post("/cash/transactions", json={"kind": "deposit", "amount": "5"})
    assert answer.status_code == 200
    assert await sheet(service, days=200) != first


async def test_its_figures_are_those_of_the_api(service: Service) -> None:
    await year_of(service)
    figures = HtmlFile(await sheet(service, days=200, benchmark="ETH")).figures
    performance = (await api(service, "/performance?days=200&benchmark=ETH"))["performance"]
    portfolio = (await api(service, "/portfolio"))["portfolio"]
    volatility = (await api(service, "/risk/volatility-analysis?days=200"))["volatility"]
    correlation = (await api(service, "/risk/correlation-matrix?days=200"))["correlation"]
    expected = {**portfolio, **correlation, **volatility, **performance}
    compared = {name for name in figures if name in expected and isinstance(expected[name], Decimal | None)}
    assert len(compared) > 30
    counts = {"num_trades", "longest_winning_streak", "longest_losing_streak", "days_covered", "observations"}
    for name in compared - counts:
        exact = figures[name]
        assert (None if exact is None else Decimal(exact)) == expected[name], name


async def test_tables_are_those_of_the_api(service: Service) -> None:
    await year_of(service)
    content = (await sheet(service, days=200)).decode()
    found = set(re.findall(r'data-exact="([^"]+)"', content))
    history = (await api(service, "/performance/history?days=200"))["history"]
    tail = (await api(service, "/risk/value-at-risk?days=200"))["value_at_risk"]
    wanted = [one[name] for one in (*history["months"], *history["years"])
              for name in ("return_percent", "total_return", "benchmark_return_percent")]  # fmt: skip
    wanted += [value for at in ("95", "99") for way in ("historical", "normal", "cornish_fisher")
               for value in tail[f"confidence_{at}"][way].values() if isinstance(value, Decimal)]  # fmt: skip
    positions = (await api(service, "/positions"))["positions"]
    wanted += [one[name] for one in positions for name in ("quantity", "market_value", "cost_basis", "unrealized_pnl")]
    wanted += [
        fall["depth"] for fall in (await api(service, "/performance?days=200"))["performance"]["worst_drawdowns"]
    ]
    missing = [value for value in wanted if value is not None and f"{value.normalize():f}" not in found]
    assert missing == []
    assert len(wanted) > 40


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_private_sheet_has_no_amount_of_the_own_books_in_any_byte(service: Service, seed: int) -> None:
    await year_of(service, seed=seed)
    open_text, private_text = [
        (await sheet(service, days=365, private=private)).decode() for private in ("false", "true")
    ]
    amounts = [one for one in await own_amounts(service) if len(f"{one:f}".replace(".", "").strip("0-")) >= 4]
    assert len(amounts) > 400
    shown_in = {True: 0, False: 0}
    for amount in amounts:
        for text in texts_of(amount):
            shown_in[False] += text in open_text
            assert text not in private_text, (amount, text)
    assert shown_in[False] > 60  # the test knows how amounts are written
    file = check_that_it_is_alone(private_text.encode())
    assert [attrs["id"] for attrs, _ in file.of("section")] == [one for one in SECTIONS if one != "value-and-deposits"]
    assert "$" not in "".join(text for attrs, text in file.of("svg"))


async def own_amounts(service: Service) -> list[Decimal]:
    """Every value, quantity, cost and result of the books that the API tells."""
    found: list[Decimal] = []
    portfolio = (await api(service, "/portfolio"))["portfolio"]
    found += [value for name, value in portfolio.items() if isinstance(value, Decimal) and "percent" not in name]
    for one in portfolio["positions"]:
        own = ("quantity", "avg_entry_price", "break_even_price", "market_value", "cost_basis", "unrealized_pnl")
        found += [one[name] for name in (*own, "realized_pnl")]
    for trade in (await api(service, "/trades"))["trades"]:
        found += [trade[name] for name in ("quantity", "price", "notional", "fees", "cash_delta", "realized_pnl")]
    history = (await api(service, "/performance/history?days=365"))["history"]
    found += [day["value"] for day in history["days"] if day["value"] is not None]
    found += [one["total_return"] for one in (*history["months"], *history["years"]) if one["total_return"] is not None]
    tail = (await api(service, "/risk/value-at-risk"))["value_at_risk"]
    found += [tail["confidence_95"][way]["value_at_risk_amount"] for way in ("historical", "normal")]
    performance = (await api(service, "/performance?days=365"))["performance"]
    return [*found, performance["total_return"], portfolio["num_positions"] * 0]


def texts_of(amount: Decimal) -> Iterator[str]:
    """How an amount may be written: its digits, and as pages and charts show it."""
    exact = f"{amount.normalize():f}"
    yield exact
    for kind in (Kind.MONEY, Kind.RESULT, Kind.COST):
        yield shown(amount, kind)
    if len(DOLLARS.text(amount).strip("$−kMBT")) > 3:
        yield f">{DOLLARS.text(amount)}<"


@pytest.mark.parametrize("cookie", ["private=1", "private=1; private=0"], ids=["one", "two that differ"])
async def test_the_cookie_of_private_pages_makes_it_private_too(service: Service, cookie: str) -> None:
    await year_of(service, days=60)
    by_query = await sheet(service, private="true")
    answer = await service.http.get("/reports/tearsheet", headers={"Cookie": cookie})
    assert answer.content == by_query


async def test_a_browser_is_told_the_same_policy_by_header(service: Service) -> None:
    answer = await service.http.get("/reports/tearsheet")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert policy.endswith("; frame-ancestors 'none'")


async def test_books_without_anything_in_them_have_a_sheet_that_says_why(service: Service) -> None:
    content = await sheet(service)
    check_that_it_is_alone(content)
    text = content.decode()
    assert "No day is over yet" in text or "there is no history yet" in text
    assert "No trade in the period." in text
    check_that_it_is_alone(await sheet(service, private="true"))


async def test_what_the_figures_rest_on_is_said(service: Service) -> None:
    await year_of(service)
    books = service.ledger.books
    portfolio = books.portfolio
    late = replace(portfolio.position(Symbol("ETH")).mark, at=service.clock.now() - timedelta(hours=2))
    marked = portfolio.marked({Symbol("ETH"): late})
    books.portfolio = replace(marked, price_revision=portfolio.price_revision + 1)
    text = (await sheet(service, days=365)).decode()
    for said in (
        "Days without a value: ", "No return is made over them.", "valued without a close of something held",
        "BTC (", "Days without a close of BTC: ", "Stale prices, older than the newest by more than they may be: ETH.",
    ):  # fmt: skip
        assert said in text, said


@pytest.mark.parametrize(
    "query", ["days=0", "days=3651", "private=perhaps", "benchmark=BTCEUR", "days=1&days=2", "x=1"]
)
async def test_what_cannot_be_asked_is_refused(service: Service, query: str) -> None:
    assert (await service.http.get(f"/reports/tearsheet?{query}")).status_code == 400


async def test_without_the_database_there_is_no_sheet() -> None:
    async with running(ledger=FakeLedger()) as service:
        await sheet(service)
        service.ledger.away = True
        answer = await service.http.get("/reports/tearsheet")
        assert answer.status_code == 503


async def test_a_thousand_positions_stay_below_the_size(service: Service) -> None:
    bookings = [
        {**BUY, "symbol": f"C{n:03}", "quantity": 1 + n, "price": 0.1, "net_amount": (1 + n) / 10, "fees": 0.001}
        for n in range(900)
    ]
    answer = await service.http.post("/holdings/update/batch", json={"bookings": bookings})
    assert answer.json()["booked"] == 900, answer.text[:300]
    service.clock.advance(86_400)
    for private in ("false", "true"):
        content = await sheet(service, private=private)
        check_that_it_is_alone(content)
        assert len(content) < MOST_BYTES
        assert "850 smaller positions left out." in content.decode()


async def test_it_shows_restated_days_where_they_are_the_usual_ones(late: Service) -> None:
    late.feed.prices["BTC"] = "1400"
    assert (await late.http.post("/portfolio/refresh")).status_code == 200
    measured = await api(late, "/performance?days=10")
    content = await sheet(late, days=10)
    figures = HtmlFile(content).figures
    assert measured["basis"] == "restated"
    for name in ("total_return", "total_return_percent", "max_drawdown"):
        assert Decimal(figures[name] or "nan") == measured["performance"][name], name
    assert b"days are restated" in content
    late.clock.advance(3 * 86_400)
    assert await sheet(late, days=10) == content


async def test_a_sheet_is_of_the_entries_that_there_were_though_more_come_before_it_is_written() -> None:
    path, goes_on, waiting = "/reports/tearsheet?days=10", threading.Event(), in_thread._THREAD._work_queue
    async with running() as service:
        await year_of(service, days=20)
        before = await service.http.get(path)
        in_thread._THREAD.submit(goes_on.wait)
        try:
            await until(waiting.empty)
            writing = asyncio.create_task(service.http.get(path))
            await until(waiting.qsize)
            at = (service.clock.now() - timedelta(days=3)).isoformat()
            assert (await service.http.post("/holdings/update", json={**BUY, "executed_at": at})).status_code == 200
            assert (await service.http.get("/performance?days=10&basis=recorded")).status_code == 200
        finally:
            goes_on.set()
        assert (await writing).content == before.content
