"""The page of the scorecard: its numbers are those of the two routes; privacy leaves rates."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Money, Quantity
from portfolio.domain.rebalancing.reason import Reason
from portfolio.entrypoints.http.pages.scorecard.controller import in_time
from tests.contract.http.pages.test_risk_page import cells
from tests.contract.http.rebalancing.test_shadows import add_closes, make_final, post
from tests.support.histories import booking
from tests.support.html_pages import HTML, PRIVATE, Element, of_api, sound_page
from tests.support.services.http_service import Service, running
from tests.support.signal_examples import signal

DAY = 86_400.0
PATH = "/pages/scorecard"
RATES = {
    "Claims": "claims",
    "Hit rate": "hit_rate",
    "From": "hit_rate_low",
    "To": "hit_rate_high",
    "Base rate": "base_rate",
    "Mean confidence": "mean_confidence",
    "Brier score": "brier_score",
    "Brier score of the base rate": "base_brier_score",
}
BROUGHT = {
    "Days later": "horizon_days",
    "Scored": "scored",
    "Pending": "pending",
    "Close lacking": "missing_closes",
    "Filled": "filled",
    "Advice": "advice",
    "Fill": "fill",
    "Shortfall": "shortfall",
}
FIGURES = {
    "Return": "total_return_percent",
    "Volatility a year": "annualized_volatility",
    "Sharpe ratio": "sharpe_ratio",
    "Deepest fall": "max_drawdown",
    "Result": "total_return",
    "Value": "value",
}
TRADING = {"Trades": "trades", "Cash": "cash", "Traded": "traded", "Fees": "fees", "Slippage": "slippage"}
# Up by four days of five: over 7 days it may rise and fall.
PRICES = [1000 + 7 * (n % 5) + n for n in range(120)]


@pytest.fixture
async def scored() -> AsyncIterator[Service]:
    """Books of three days, a sale that a signal asked for, and forty signals of two reasons that have an outcome."""
    async with running() as service:
        today = service.clock.now().date()
        await add_closes(service, today - timedelta(days=100), PRICES)
        await post(service, "/holdings/update", booking("BTC", Decimal("30.25")))
        [made] = (await service.http.post("/rebalance/generate-signals")).json()["signals"]
        await post(service, f"/rebalance/signals/{made['id']}/acknowledge", None)
        sale = booking("BTC", Decimal("6.125"), side="SELL", fees="0.002") | {"signal_id": made["id"]}
        await post(service, "/holdings/update", sale)
        signals: Any = service.ledger.books.signals
        for n in range(2, 42):
            one = signal(
                n,
                created_at=service.clock.now() - timedelta(days=n),
                action=Side.BUY if n % 2 else Side.SELL,
                reason=Reason.HIGH_VOLATILITY if n % 3 else Reason.CONCENTRATION_RISK,
                quantity=Quantity(Decimal("1.5")),
                trade_value=Money(Decimal("1567.89")),
                confidence=Decimal("0.6"),
            )
            signals[n] = replace(one, number=n)
        service.clock.advance(9 * DAY)
        await make_final(service)
        yield service


async def page_of(service: Service, query: str = "", headers: dict[str, str] = HTML) -> Element:
    return await sound_page(service, PATH + query, headers)


async def test_rates_stand_beside_base_rates(scored: Service) -> None:
    card = (await of_api(scored, "/signals/scorecard?days=90"))["scorecard"]
    page = await page_of(scored)
    rows = page.table("Hit rate after 7 days")
    every = [card["overall"], *card["by_reason"]]
    assert [row["Signals"].text for row in rows] == ["all signals", "position limit", "limit of a volatile position"]
    assert [cells(row, *RATES) for row in rows] == [
        [one["calibration"][name] for name in RATES.values()] for one in every
    ]
    calibration = card["overall"]["calibration"]
    assert Decimal(0) < Decimal(calibration["hit_rate"]) < 1
    # Of one of the reasons there are too few.
    assert "fewer than 30 episodes have an outcome" in rows[1]["Hit rate"].text
    for name in ("hit_rate", "base_rate", "mean_confidence", "brier_score", "base_brier_score"):
        assert page.value(name) == calibration[name] is not None
    assert page.value("episodes") == card["overall"]["episodes"] == "41"
    assert page.value("executed") == "1"
    hits, claims, rate = (Decimal(row.exact[0]) for row in page.figure("hit_rate").one("tbody").all("tr"))
    assert float(hits / claims) == pytest.approx(float(rate))
    assert claims == Decimal(calibration["claims"])


async def test_what_signals_brought_is_that_of_the_api(scored: Service) -> None:
    card = (await of_api(scored, "/signals/scorecard?days=90"))["scorecard"]
    rows = (await page_of(scored)).table("What signals brought")
    horizons = [one for score in (card["overall"], *card["by_reason"]) for one in score["horizons"]]
    assert [cells(row, *BROUGHT) for row in rows] == [[one[name] for name in BROUGHT.values()] for one in horizons]
    assert sum(one["fill"] is not None for one in horizons) == 4
    [unfilled] = {row["Fill"].text for row in rows if not row["Fill"].exact}
    assert unfilled == "nothing has an outcome yet"
    # A shortfall above zero is no gain: it has neither the colour of one nor its sign.
    looks = {
        one.attributes["class"] for row in rows for one in row["Shortfall"].all() if "data-exact" in one.attributes
    }
    assert looks == {"n"}


async def test_shadows_are_those_of_the_api(scored: Service) -> None:
    found = (await of_api(scored, "/shadows?days=90"))["shadows"]
    page = await page_of(scored)
    names = ["actual", *(one["name"] for one in found["shadows"])]
    rows = page.table("Value of a unit")
    assert [cells(row, *list(row)[1:]) for row in rows] == [[day[name] for name in names] for day in found["days"]]
    assert [row["Day (UTC)"].text for row in rows] == [day["day"] for day in found["days"]]
    assert len(rows) > 5
    figures = page.table("Figures of the portfolio and of its shadows")
    assert [row["Portfolio"].text for row in figures][:4] == [
        "the portfolio",
        "without a trade",
        "the policy",
        "position limit alone",
    ]
    every = [found["actual"], *found["shadows"]]
    assert [cells(row, *FIGURES) for row in figures] == [[one[name] for name in FIGURES.values()] for one in every]
    assert [cells(row, *TRADING) for row in figures[1:]] == [
        [one[name] for name in TRADING.values()] for one in every[1:]
    ]
    assert "see the page of trades" in figures[0]["Trades"].text
    returns = page.table("Return of each")
    assert [cells(row, "Return") for row in returns] == [[one["total_return_percent"]] for one in every]


async def test_the_period_is_chosen(scored: Service) -> None:
    page = await page_of(scored, "?period=7d")
    assert len(page.table("Value of a unit")) == 8
    [chosen] = [one.text for one in page.one("select", id="period").all("option") if "selected" in one.attributes]
    assert chosen == "7d"
    assert (await scored.http.get(f"{PATH}?period=2d", headers=HTML)).status_code == 400


async def test_a_private_page_has_rates_and_no_money(scored: Service) -> None:
    card = (await of_api(scored, "/signals/scorecard?days=90"))["scorecard"]
    shadows = (await of_api(scored, "/shadows?days=90"))["shadows"]
    money = [one[name] for one in card["overall"]["horizons"] for name in ("advice", "fill", "shortfall")]
    money += [one[name] for one in shadows["shadows"] for name in ("value", "cash", "traded", "fees", "total_return")]
    amounts = {amount.lstrip("-") for amount in money if amount and len(amount) > 5}
    assert len(amounts) > 8
    for headers in (HTML, PRIVATE):
        body = (await scored.http.get(PATH, headers=headers)).text
        assert bool({amount for amount in amounts if amount in body}) is (headers is HTML)
    private = await page_of(scored, headers=PRIVATE)
    assert list(private.table("What signals brought")[0]) == ["Signals", *list(BROUGHT)[:5]]
    assert private.value("hit_rate") is not None


async def test_books_of_today_have_no_shadows_and_no_signals(service: Service) -> None:
    page = await page_of(service)
    assert "There are no shadows: there is no history yet" in page.text
    assert page.value("hit_rate") is None
    assert page.value("episodes") == "0"


async def test_with_the_database_away_the_shadows_are_the_last_ones_seen(scored: Service) -> None:
    await page_of(scored)
    scored.ledger.away = True
    page = await page_of(scored)
    assert "The signals cannot be read while the database is away" in page.text
    assert "A part of this may be out of date" in page.text
    assert page.table("Value of a unit")


async def test_with_the_database_away_days_that_were_never_read_are_missed(scored: Service) -> None:
    assert (await scored.http.get("/portfolio")).status_code == 200
    scored.ledger.away = True
    assert "these days were not read before" in (await page_of(scored)).text


async def test_what_takes_too_long_is_asked_for_again() -> None:
    async def endless() -> Any:
        await asyncio.Event().wait()

    found, why = await in_time(endless, 0.0, "away")
    assert found is None
    assert "still being computed" in why
