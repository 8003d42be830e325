"""With ``IEEE754Compatible=true`` decimals are strings: a client whose numbers are doubles loses no digit."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolio.application.prices.records import PriceUpdate
from portfolio.domain.mark import Mark
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from portfolio.settings import PriceFeedKind
from tests.support.histories import CALM, FALLING, hold, remember
from tests.support.services.http_service import BUY, Service, is_problem, running

STRINGS = "application/json;IEEE754Compatible=true"
KEY = "k-1"


@pytest.fixture
async def held() -> AsyncIterator[Service]:
    """A portfolio over its limits, with a history, a signal and a refused booking; its clock stands still."""
    async with running() as service:
        await hold(service, {"BTC": "40", "ETH": "30.5"}, fees="0.001")
        await remember(service, {"BTC": CALM, "ETH": FALLING})
        for days_ago, price in ((2, "1000"), (1, "1001.123456789012345678"), (0, "1000")):
            at = service.clock.now() - timedelta(days=days_ago)
            marks = {Symbol("BTC"): Mark(Price(Decimal(price)), "coinbase", at)}
            await service.prices.record(1, PriceUpdate(marks=marks, at=at), None)
        oversold = {**BUY, "side": "SELL", "quantity": 900, "net_amount": 40_500_000, "client_trade_id": KEY}
        assert (await service.http.post("/holdings/update", json=oversold)).status_code == 409
        deposit = {"kind": "deposit", "amount": "0.123456789012345678"}
        assert (await service.http.post("/cash/transactions", json=deposit)).status_code == 200
        assert (await service.http.post("/rebalance/generate-signals")).json()["signals_created"] > 0
        yield service


async def backtested(service: Service) -> str:
    """The id of a backtest that is done, with a trade."""
    yesterday = service.clock.now().date() - timedelta(days=1)
    span = {"from": str(yesterday - timedelta(days=1)), "to": str(yesterday)}
    asked = {**span, "fill": "same_close", "sweep": {"grid": {"position_limit": ["0.05", "0.1"]}}}
    answer = await service.http.post("/backtests", json=asked)
    await service.cases.backtests.compute()
    found: str = answer.json()["backtest"]["id"]
    return found


def texts(text: str) -> Any:
    """JSON whose numbers are kept as they are written."""
    return json.loads(text, parse_float=Written, parse_int=Written)


class Written(str):
    """The digits of a number."""

    __slots__ = ()


def compare(document: dict[str, Any], schema: dict[str, Any], plain: Any, strict: Any, where: str) -> int:
    """Hold the two forms of an answer against its schema; return how many decimals were compared."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "oneOf" in schema:  # the first is what is answered without any parameter
        return compare(document, schema["oneOf"][0], plain, strict, where)
    if "anyOf" in schema:
        if plain is None:
            assert strict is None, where
            return 0
        schema = next(one for one in schema["anyOf"] if one != {"type": "null"})
        return compare(document, schema, plain, strict, where)
    if isinstance(plain, dict):
        assert plain.keys() == strict.keys(), where
        parts = schema.get("properties", {})
        other = schema.get("additionalProperties", {})
        return sum(
            compare(document, parts.get(name, other), value, strict[name], f"{where}.{name}")
            for name, value in plain.items()
        )
    if isinstance(plain, list):
        assert len(plain) == len(strict), where
        return sum(compare(document, schema["items"], one, strict[at], where) for at, one in enumerate(plain))
    if schema.get("format") == "decimal" and isinstance(plain, Written):
        assert type(strict) is str, where
        assert strict == plain, where
        return 1
    assert type(strict) is type(plain), where
    assert strict == plain, where
    return 0


# None is over in these books.
OF_DAYS_THAT_ARE_OVER = {"/attribution", "/shadows", "/signals/scorecard"}


async def test_every_decimal_of_every_route_is_a_string_of_the_same_digits(held: Service) -> None:
    document = (await held.http.get("/openapi.json")).json()
    compared: dict[str, int] = {}
    backtest_id = await backtested(held)
    income = {"kind": "income", "symbol": "BTC", "quantity": "0.000000000000000001", "value": 0, "label": "airdrop"}
    event_id = (await held.http.post("/events", json=income)).json()["event_id"]
    for path, methods in document["paths"].items():
        if "get" not in methods or path in {
            "/metrics", "/reports/tearsheet", "/exports/{what}", "/imports/{import_id}"
        }:  # fmt: skip
            continue
        asked = path.replace("{client_trade_id}", KEY).replace("{trade_id}", "1").replace("{backtest_id}", backtest_id)
        asked = asked.replace("{event_id}", str(event_id))
        query = {"status": "refused"} if path == "/bookings" else {}
        plain = await held.http.get(asked, params=query)
        strict = await held.http.get(asked, params=query, headers={"Accept": STRINGS})
        assert (plain.status_code, strict.status_code) == (200, 200), path
        assert plain.headers["Content-Type"] == "application/json"
        schema = methods["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        compared[path] = compare(document, schema, texts(plain.text), texts(strict.text), path)
        assert int(strict.headers["Content-Length"]) == len(strict.content)
        if path in {"/health/live", "/health/ready", "/imports"}:
            assert strict.headers["Content-Type"] == "application/json"
            assert "Vary" not in strict.headers
        else:
            assert (strict.headers["Content-Type"], strict.headers["Vary"]) == (STRINGS, "Accept"), path
            assert plain.headers["Vary"] == "Accept", path
    without = {"/health/live", "/health/ready", "/imports", *OF_DAYS_THAT_ARE_OVER}
    assert {path for path, decimals in compared.items() if not decimals} == without
    assert sum(compared.values()) > 300


async def test_bookings_and_replays_are_answered_with_strings_too(service: Service) -> None:
    booking = {**BUY, "client_trade_id": KEY}
    for replayed in (False, True):
        answer = await service.http.post("/holdings/update", json=booking, headers={"Accept": STRINGS})
        body = answer.json()
        assert (answer.headers["Content-Type"], body["replayed"]) == (STRINGS, replayed)
        assert (body["cash_balance"], body["position"]["quantity"], body["trade_id"]) == ("95477.5", "0.1", 1)
        assert answer.headers.get("Idempotency-Replayed") == ("true" if replayed else None)


@pytest.mark.parametrize(
    "accept",
    [
        STRINGS,
        "Application/JSON; ieee754compatible=TRUE",
        'application/json ; odata.metadata=minimal ; IEEE754Compatible="true"',
        "text/html, application/json;IEEE754Compatible=true;q=0.9, */*;q=0.1",
        "*/*;IEEE754Compatible=true",
        "application/json, application/json;IEEE754Compatible=true",
        "application/json;IEEE754Compatible=true;q=1.000, application/json;q=0.999",
    ],
)
async def test_a_client_asks_for_strings(service: Service, accept: str) -> None:
    for path in ("/portfolio", "/health"):
        answer = await service.http.get(path, headers={"Accept": accept})
        assert answer.headers["Content-Type"] == STRINGS
    assert (await service.http.get("/portfolio", headers={"Accept": accept})).json()["portfolio"]["num_positions"] == 0


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "",
        "application/json;IEEE754Compatible=false",
        "application/json;IEEE754Compatible",
        "application/json;IEEE754Compatible=true;q=0",
        "application/json;IEEE754Compatible=true;q=nonsense",
        "application/json, */*;IEEE754Compatible=true;q=0.5",
        "text/html;IEEE754Compatible=true",
        "application/problem+json;IEEE754Compatible=true",
    ],
)
async def test_whoever_does_not_prefer_strings_gets_numbers(service: Service, accept: str) -> None:
    for path in ("/portfolio", "/health"):
        answer = await service.http.get(path, headers={"Accept": accept})
        assert answer.headers["Content-Type"] == "application/json"
    assert (await service.http.get("/portfolio", headers={"Accept": accept})).json()["portfolio"]["cash_balance"] == 1e5


async def test_several_accept_headers_are_one_list(service: Service) -> None:
    headers = [("Accept", "text/html"), ("Accept", STRINGS)]
    assert (await service.http.get("/portfolio", headers=headers)).headers["Content-Type"] == STRINGS


async def test_problems_stay_problems(service: Service) -> None:
    answer = await service.http.get("/performance", params={"days": 0}, headers={"Accept": STRINGS})
    assert is_problem(answer, 400, "malformed-request")


async def test_an_answer_that_did_not_change_has_no_body_in_either_form(service: Service) -> None:
    first = await service.http.get("/portfolio", headers={"Accept": STRINGS})
    assert first.headers["Vary"] == (await service.http.get("/portfolio")).headers["Vary"] == "Accept"
    headers = {"Accept": STRINGS, "If-None-Match": first.headers["ETag"]}
    again = await service.http.get("/portfolio", headers=headers)
    assert (again.status_code, again.content) == (304, b"")


async def test_a_cache_that_kept_one_form_does_not_take_it_for_the_other(service: Service) -> None:
    numbers, strings = [await service.http.get("/portfolio", headers={"Accept": one}) for one in ("*/*", STRINGS)]
    assert numbers.headers["ETag"] != strings.headers["ETag"]
    for accept, other in ((STRINGS, numbers), ("*/*", strings)):
        headers = {"Accept": accept, "If-None-Match": other.headers["ETag"]}
        assert (await service.http.get("/portfolio", headers=headers)).status_code == 200


async def test_an_export_in_json_has_strings_of_the_same_digits(held: Service) -> None:
    plain, strict = [
        await held.http.get("/exports/trades", params={"format": "json"}, headers={"Accept": accept})
        for accept in ("*/*", STRINGS)
    ]
    assert (plain.headers["Content-Type"], strict.headers["Content-Type"]) == ("application/json", STRINGS)
    assert plain.headers["Vary"] == strict.headers["Vary"] == "Accept"
    assert texts(plain.text)["rows"] == texts(strict.text)["rows"]  # a number's text equals the string
    for numbers, strings in zip(texts(plain.text)["rows"], texts(strict.text)["rows"], strict=True):
        assert [type(numbers[name]) for name in ("id", "price", "fees", "symbol")] == [Written, Written, Written, str]
        assert [type(strings[name]) for name in ("id", "price", "fees", "symbol")] == [Written, str, str, str]
    table = await held.http.get("/exports/trades", headers={"Accept": STRINGS})
    assert table.headers["Content-Type"] == "text/csv; charset=utf-8"


async def test_head_tells_the_headers_of_the_form_asked_for(service: Service) -> None:
    for accept, content_type in ((STRINGS, STRINGS), ("*/*", "application/json")):
        got = await service.http.get("/portfolio", headers={"Accept": accept})
        told = await service.http.head("/portfolio", headers={"Accept": accept})
        assert (told.headers["Content-Type"], told.content) == (content_type, b"")
        assert told.headers["Content-Length"] == got.headers["Content-Length"]


async def test_made_up_prices_are_labelled_in_either_form() -> None:
    async with running(price_feed=PriceFeedKind.SIMULATED) as service:
        answer = await service.http.get("/portfolio", headers={"Accept": STRINGS})
    assert answer.json()["price_feed"] == "simulated"
