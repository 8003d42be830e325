"""All timeframes in one answer."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from portfolio.application.prices.records import PriceUpdate
from portfolio.domain.mark import Mark
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.support.services.http_service import BUY, Service, running_on_sqlite

NAMES = ["1d", "7d", "30d", "90d", "wtd", "mtd", "ytd", "1y", "5y", "all"]


def exact(text: str) -> Any:
    """Return the answer with its numbers as they were written."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


async def timeframes(service: Service) -> Any:
    """The answer's timeframes, every null of theirs with its reason."""
    response = await service.http.get("/performance/timeframes")
    assert response.status_code == 200, response.text
    body = exact(response.text)
    assert list(body["timeframes"]) == list(body["to_now"]) == NAMES
    for frame in (*body["timeframes"].values(), *body["to_now"].values()):
        assert {field for field, value in frame.items() if value is None} == set(frame["reasons"])
    return body["timeframes"]


async def test_a_young_portfolio_has_no_figures_and_says_why(service: Service) -> None:
    found = await timeframes(service)
    # Its first day began with the opening deposit, and is not over.
    assert found["all"]["reasons"]["total_return"] == "no_completed_day"
    assert found["7d"]["reasons"]["contributions"] == "history_too_short"


async def test_contributions_add_up_to_the_return(tmp_path: Path) -> None:
    async with running_on_sqlite(tmp_path) as service:
        await service.http.post("/holdings/update", json=BUY)
        now = service.clock.now()
        marks = {Symbol("BTC"): Mark(Price(Decimal("46000.123456789012345678")), "coinbase", now)}
        await service.prices.record(1, PriceUpdate(marks=marks, at=now), None)
        await timeframes(service)
        frame = exact((await service.http.get("/performance/timeframes")).text)["to_now"]["1d"]
    assert (frame["start"], frame["end"]) == (str(now.date() - timedelta(days=1)), str(now.date()))
    # 0.1 x 1000.123456789012345678 at 18 decimals, less the fee of 22.5
    [part] = frame["contributions"]
    assert part["money"] == frame["total_return"] == Decimal("77.512345678901234568")
    assert part["percent"] == frame["total_return_percent"]
    assert frame["other_effects"] == 0


async def test_a_period_is_given_by_its_first_and_its_last_day(service: Service) -> None:
    today = service.clock.now().date()
    await service.http.post("/holdings/update", json=BUY)
    answers = [
        exact((await service.http.get("/performance/period", params=params)).text)["period"]
        for params in ({"from": str(today)}, {"from": str(today), "to": str(today)}, {})
    ]
    assert answers[0] == answers[1] == answers[2]
    assert (answers[0]["start"], answers[0]["end"]) == (str(today - timedelta(days=1)), str(today))
    assert (answers[0]["num_trades"], answers[0]["total_return"]) == (1, -Decimal("22.5"))  # the fee


async def test_every_route_of_performance_takes_a_benchmark(service: Service) -> None:
    for path, part in (("", "performance"), ("/timeframes", "to_now"), ("/period", "period")):
        for asked, told in (({}, "BTC"), ({"benchmark": "eth-usd"}, "ETH"), ({"benchmark": ""}, "BTC")):
            found = (await service.http.get(f"/performance{path}", params=asked)).json()[part]
            found = found.get("all", found)
            assert (found["benchmark"], found["beta"]) == (told, None)
        refused = await service.http.get(f"/performance{path}?benchmark=BTCEUR")
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["field"] == "benchmark"


@pytest.mark.parametrize(
    ("query", "field"),
    [("from=2026-02-30", "from"), ("from=2026-02-02&to=2026-02-01", "to"), ("first=2026-02-02", "first")],
)
async def test_a_period_that_cannot_be_is_refused_by_the_name_of_its_parameter(
    service: Service, query: str, field: str
) -> None:
    answer = await service.http.get(f"/performance/period?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field
