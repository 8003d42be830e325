"""Made-up prices are labelled in every answer."""

from __future__ import annotations

import asyncio

from portfolio.application.errors import LedgerUnavailable
from portfolio.settings import PriceFeedKind
from tests.support.services.http_service import BUY, running


async def test_every_answer_says_that_prices_are_made_up() -> None:
    async with running(price_feed=PriceFeedKind.SIMULATED) as service:
        answers = [await service.http.post("/holdings/update", json=BUY)]
        answers += [await service.http.get(path) for path in ("/portfolio", "/positions", "/performance", "/health")]
    assert [answer.json()["price_feed"] for answer in answers] == ["simulated"] * 5


async def test_a_problem_says_so_too_and_every_answer_in_a_header() -> None:
    async with running(price_feed=PriceFeedKind.SIMULATED) as service:
        problems = [
            await service.http.get("/nowhere"),
            await service.http.post("/holdings/update", json={}),
            await service.http.post("/holdings/update", json={**BUY, "side": "SELL"}),
        ]
        others = [await service.http.get(path) for path in ("/portfolio", "/metrics", "/docs", "/openapi.json")]
        others.append(await service.http.get("/portfolio", headers={"If-None-Match": "*"}))
        others.append(await service.http.head("/portfolio"))
    assert [answer.json()["price_feed"] for answer in problems] == ["simulated"] * 3
    assert {answer.headers["X-Portfolio-Price-Feed"] for answer in problems + others} == {"simulated"}
    assert [int(answer.headers["Content-Length"]) for answer in problems] == [len(a.content) for a in problems]
    assert [answer.status_code for answer in others] == [200, 200, 200, 200, 304, 200]


async def test_what_the_framework_never_answered_is_labelled_as_well() -> None:
    async with running(price_feed=PriceFeedKind.SIMULATED, request_deadline_seconds=0.05) as service:

        async def transact(portfolio_id: int, work: object, **_hints: object) -> None:
            await asyncio.sleep(0.2)
            raise LedgerUnavailable("too late")

        service.ledger.transact = transact
        answer = await service.http.post("/holdings/update", json=BUY)
    assert answer.status_code == 503
    assert answer.json()["price_feed"] == answer.headers["X-Portfolio-Price-Feed"] == "simulated"


async def test_the_document_is_the_same_and_knows_the_label() -> None:
    documents = []
    for feed in PriceFeedKind:
        async with running(price_feed=feed) as service:
            documents.append((await service.http.get("/openapi.json")).json())
            assert "price_feed" not in (await service.http.get("/docs/openapi.json")).json()
    assert documents[0] == documents[1]
    schemas = documents[0]["components"]["schemas"]
    labelled = {name for name, schema in schemas.items() if "price_feed" in schema["properties"]}
    assert labelled >= {name for name in schemas if name.endswith("Answer")} | {"Problem"}
    assert not [name for name in labelled if "price_feed" in schemas[name].get("required", [])]
    assert schemas["Problem"]["properties"]["price_feed"]["type"] == "string"


async def test_real_prices_carry_no_such_label() -> None:
    async with running() as service:
        answer = await service.http.get("/portfolio")
    assert "price_feed" not in answer.json()
    assert "X-Portfolio-Price-Feed" not in answer.headers
