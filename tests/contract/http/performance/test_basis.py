"""Performance of restated days and of recorded ones, and as of a past moment, over HTTP."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolio.application.prices.records import Close
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.contract.http.ledger.test_lots import ask
from tests.contract.http.performance.test_attribution import day_ends
from tests.support.services.http_service import Service, fields, is_problem

BTC = Symbol("BTC")


async def buy(service: Service, day: str, quantity: str = "1", amount: str = "1000") -> None:
    body = {"symbol": "BTC", "side": "BUY", "quantity": quantity, "net_amount": amount}
    body |= {"price": str(Decimal(amount) / Decimal(quantity)), "executed_at": f"{day}T12:00:00Z"}
    answer = await service.http.post("/holdings/update", json=body)
    assert answer.status_code == 200, answer.text


@pytest.fixture
async def late(service: Service) -> Service:
    """A purchase of 10 June, booked on the 15th with the opening; BTC costs 1,000 until the 12th, 1,100 on the 13th."""
    first = date(2025, 6, 8)
    prices = [1000, 1000, 1000, 1000, 1000, 1100, 1200, 1300, 1400]
    await service.prices.add_closes(
        [
            Close(symbol=BTC, day=first + timedelta(days=n), price=Price(Decimal(price)), source="coinbase")
            for n, price in enumerate(prices)
        ]
    )
    await buy(service, "2025-06-10")
    await day_ends(service, BTC="1300")
    return service


async def test_days_before_the_opening_are_restated_and_say_so(late: Service) -> None:
    found = await ask(late, "/performance/history", days=10)
    days = {day["day"]: (day["value"], day["net_deposits"]) for day in found["history"]["days"]}
    assert found["basis"] == "restated"
    assert min(days) == "2025-06-13"  # until then what was held was worth what it had cost, and nothing was paid in
    assert days["2025-06-13"] == (100, 0)
    assert days["2025-06-15"] == (100_300, 100_000)
    recorded = await ask(late, "/performance/history", days=10, basis="recorded")
    assert recorded["basis"] == "recorded"
    assert [day["day"] for day in recorded["history"]["days"]] == ["2025-06-14", "2025-06-15"]


async def test_every_read_of_performance_has_its_basis(late: Service) -> None:
    for path in ("/performance", "/performance/timeframes", "/performance/period", "/performance/history"):
        for asked, told in (({}, "restated"), ({"basis": "restated"}, "restated"), ({"basis": "recorded"}, "recorded")):
            assert (await ask(late, path, **asked))["basis"] == told, path
        assert is_problem(await late.http.get(path, params={"basis": "best"}), 400, "malformed-request")


async def test_books_whose_entries_were_booked_in_time_are_recorded(service: Service) -> None:
    await buy(service, "2025-06-15")
    await day_ends(service, BTC="1300")
    await buy(service, "2025-06-15")  # on the day after
    for path in ("/performance", "/performance/history"):
        assert (await ask(service, path))["basis"] == "recorded"
    await day_ends(service, BTC="1300")
    await buy(service, "2025-06-15")
    assert (await ask(service, "/performance"))["basis"] == "restated"
    # recorded days and restated ones agree where nothing is lacking
    await service.prices.add_closes(
        [Close(symbol=BTC, day=date(2025, 6, 15), price=Price(Decimal(1300)), source="coinbase")]
    )
    found = [(await ask(service, "/performance", basis=basis))["performance"] for basis in ("restated", "recorded")]
    assert found[0]["first_day"] == found[1]["first_day"] == "2025-06-14"


async def test_an_event_of_before_the_opening_is_of_its_own_day(service: Service) -> None:
    closes = [
        Close(symbol=BTC, day=date(2025, 6, day), price=Price(Decimal(price)), source="coinbase")
        for day, price in ((10, 1000), (11, 1100), (12, 1100), (13, 1100), (14, 1100), (15, 1100))
    ]
    await service.prices.add_closes(closes)
    event = {"kind": "transfer_in", "symbol": "BTC", "quantity": 1, "value": 1000, "basis": 400}
    answer = await service.http.post("/events", json={**event, "effective_at": "2025-06-10T00:00:00Z"})
    assert answer.status_code == 200, answer.text
    await day_ends(service, BTC="1100")
    found = await ask(service, "/performance/history", days=10)
    days = found["history"]["days"]
    assert (found["basis"], days[0]["day"]) == ("restated", "2025-06-09")  # what came in, at the end of the day before
    assert [(day["value"], day["net_deposits"], day["unit_value"]) for day in days[:3]] == [
        (1000, 400, 1),
        (1000, 400, 1),
        (1100, 400, Decimal("1.1")),
    ]


async def test_the_result_is_from_the_first_return_on_and_today_goes_on_from_it(late: Service) -> None:
    found = (await ask(late, "/performance", days=30))["performance"]
    # 100 on the 13th, 200 on the 14th, then 100,000 came in: 100,300 / 100,200
    assert (found["first_day"], found["last_day"], found["total_return"]) == ("2025-06-13", "2025-06-15", 200)
    assert found["total_return_percent"] == Decimal("100.199601")  # 2 x 100,300 / 100,200 - 1
    assert (found["daily_return"], found["daily_return_percent"]) == (0, 0)
    frames = await ask(late, "/performance/timeframes")
    assert frames["timeframes"]["all"]["total_return"] == 200
    period = await ask(late, "/performance/period", **{"from": "2025-06-15", "to": "2025-06-15"})
    assert period["period"]["total_return"] == 100
    [one] = period["period"]["contributions"]
    assert (one["symbol"], one["money"], period["period"]["other_effects"]) == ("BTC", 100, 0)
    whole = frames["timeframes"]["all"]
    assert sum(each["money"] for each in whole["contributions"]) + whole["other_effects"] == whole["total_return"]


async def test_as_of_a_past_moment_and_as_far_as_was_known(late: Service) -> None:
    found = await ask(late, "/performance", as_of="2025-06-15T09:00:00Z")
    shown = found["performance"]
    assert (found["basis"], shown["last_day"], shown["as_of"]) == ("restated", "2025-06-14", "2025-06-15T09:00:00Z")
    assert (shown["daily_return"], shown["reasons"]["daily_return"]) == (None, "not_over")
    before = (await ask(late, "/performance", known_at="2"))["performance"]  # the opening and its cash alone
    assert (before["first_day"], before["last_day"], before["total_return"]) == ("2025-06-14", "2025-06-15", 0)
    refused = await late.http.get("/performance", params={"as_of": "2025-06-15T09:00:00Z", "basis": "recorded"})
    assert is_problem(refused, 400, "malformed-request")
    assert fields(refused) == {"basis"}


async def test_every_read_of_performance_is_told_as_of_a_past_moment(late: Service) -> None:
    moment = {"as_of": "2025-06-15T09:00:00Z"}
    history = await ask(late, "/performance/history", **moment)
    assert [day["day"] for day in history["history"]["days"]] == ["2025-06-13", "2025-06-14"]
    today = history["history"]["today"]
    assert (today["day"], today["value"], today["reasons"]["value"]) == ("2025-06-15", None, "not_over")
    frames = await ask(late, "/performance/timeframes", **moment)
    assert (frames["to_now"], frames["as_of"]) == ({}, "2025-06-15T09:00:00Z")
    assert frames["timeframes"]["all"]["total_return"] == 100
    period = await ask(late, "/performance/period", **moment)
    assert (period["period"]["start"], period["period"]["end"]) == ("2025-06-13", "2025-06-14")
    one = await ask(late, "/performance/period", known_at="4", to="2025-06-13", **{"from": "2025-06-13"})
    assert (one["period"]["end"], one["basis"]) == ("2025-06-13", "restated")
    for path in ("/performance/history", "/performance/timeframes", "/performance/period"):
        assert (await ask(late, path, known_at="2"))["basis"] == "restated"
        refused = await late.http.get(path, params={**moment, "basis": "recorded"})
        assert fields(refused) == {"basis"}
    later = await ask(late, "/performance", as_of="2035-01-01T00:00:00Z")  # of what is over by now
    assert later["performance"]["last_day"] == "2025-06-15"


async def test_books_without_any_day_have_no_history(service: Service) -> None:
    found: Any = (await ask(service, "/performance", basis="restated"))["performance"]
    assert (found["first_day"], found["reasons"]["total_return"]) == (None, "no_history")


@pytest.mark.parametrize("day", ["0001-01-01", "0001-06-01", "0005-01-01", "1969-12-31"])
async def test_as_of_a_moment_before_all_there_is_nothing_in_any_calendar(late: Service, day: str) -> None:
    moment = {"as_of": f"{day}T00:00:00Z"}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("/performance", {"days": 3650, "benchmark": "BTC"}),
        ("/performance/history", {"days": 1}),
        ("/performance/history", {"days": 3650}),
        ("/performance/timeframes", {"benchmark": "BTC"}),
        ("/performance/period", {"from": "0001-01-01", "to": "2025-06-15"}),
        ("/attribution", {"by": "engine", "days": 3650}),
        ("/exports/performance", {"format": "json"}),
        ("/portfolio", {}),
        ("/lots", {}),
    ]
    for path, query in asked:
        answer = await late.http.get(path, params={**query, **moment})
        assert answer.status_code == 200, (path, answer.text)
    found = (await ask(late, "/performance", **moment))["performance"]
    assert (found["as_of"], found["total_return"], found["reasons"]["total_return"]) == (
        moment["as_of"], None, "no_history",
    )  # fmt: skip
