"""All timeframes in one answer."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from portfolio.application.prices.records import PriceUpdate
from portfolio.domain.mark import Mark
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.support.services.http_service import BUY, Service, running_on_sqlite

NAMES = ["1d", "7d", "30d", "90d", "ytd", "1y", "all"]


def exact(text: str) -> Any:
    """Return the answer with its numbers as they were written."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


async def timeframes(service: Service) -> Any:
    """The answer's timeframes, every null of theirs with its reason."""
    response = await service.http.get("/performance/timeframes")
    assert response.status_code == 200, response.text
    body = exact(response.text)
    assert list(body["timeframes"]) == NAMES
    for frame in body["timeframes"].values():
        assert {field for field, value in frame.items() if value is None} == set(frame["reasons"])
    return body["timeframes"]


async def test_a_young_portfolio_has_no_figures_and_says_why(service: Service) -> None:
    found = await timeframes(service)
    assert found["all"]["reasons"]["start"] == "no_history"
    assert found["7d"]["reasons"]["contributions"] == "history_too_short"


async def test_contributions_add_up_to_the_return(tmp_path: Path) -> None:
    async with running_on_sqlite(tmp_path) as service:
        await service.http.post("/holdings/update", json=BUY)
        now = service.clock.now()
        for days_ago, price in ((2, "45000"), (1, "46000.123456789012345678")):
            at = now - timedelta(days=days_ago)
            marks = {Symbol("BTC"): Mark(Price(Decimal(price)), "coinbase", at)}
            await service.prices.record(1, PriceUpdate(marks=marks, at=at), None)
        frame = (await timeframes(service))["1d"]
    assert frame["end"] == str(now.date() - timedelta(days=1))
    assert date.fromisoformat(frame["start"]) == now.date() - timedelta(days=2)
    # 0.1 x 1000.123456789012345678 at 18 decimals
    [part] = frame["contributions"]
    assert part["money"] == frame["total_return"] == Decimal("100.012345678901234568")
    assert part["percent"] == frame["total_return_percent"]
    assert frame["other_effects"] == 0
