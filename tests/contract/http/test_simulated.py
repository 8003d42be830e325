"""Made-up prices are labelled in every answer."""

from __future__ import annotations

from portfolio.settings import PriceFeedKind
from tests.support.http_service import BUY, running


async def test_every_answer_says_that_prices_are_made_up() -> None:
    async with running(price_feed=PriceFeedKind.SIMULATED) as service:
        answers = [await service.http.post("/holdings/update", json=BUY)]
        answers += [await service.http.get(path) for path in ("/portfolio", "/positions", "/performance", "/health")]
    assert [answer.json()["price_feed"] for answer in answers] == ["simulated"] * 5


async def test_real_prices_carry_no_such_label() -> None:
    async with running() as service:
        assert "price_feed" not in (await service.http.get("/portfolio")).json()
