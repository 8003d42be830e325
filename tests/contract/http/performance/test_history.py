"""The days of a period, one by one, beside the performance over the same days."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolio.application.performance.records import DailyValue
from portfolio.application.prices.records import Close
from portfolio.domain.money import Money, Price
from portfolio.domain.symbol import Symbol
from tests.contract.http.performance.test_timeframes import exact
from tests.support.services.http_service import Service

UNITS = ["1", "1.1", None, "0.99", "1.2"]


@pytest.fixture
def days_gone_by(service: Service) -> Service:
    """The same service after five days, the third of them a gap."""
    opened = service.clock.now().date()
    for n, unit in enumerate(UNITS):
        day = opened + timedelta(days=n)
        if unit is not None:
            worth = Money.rounded(Decimal(unit) * 100_000)
            service.ledger.books.days[day] = DailyValue(
                day=day, total_value=worth, cash=worth, unit_value=Decimal(unit), net_deposits=Money(Decimal(100_000)),
                realized_pnl=Money.zero(),
            )  # fmt: skip
        close = Close(symbol=Symbol("ETH"), day=day, price=Price(Decimal(2000 + 100 * n)), source="candles")
        service.ledger.books.closes[Symbol("ETH"), day] = close
    service.clock.advance(len(UNITS) * 86_400)
    return service


async def history(service: Service, **params: Any) -> Any:
    """The answer, every null of a day or a month with its reason."""
    response = await service.http.get("/performance/history", params=params)
    assert response.status_code == 200, response.text
    found = exact(response.text)["history"]
    for one in (*found["days"], found["today"], *found["months"], *found["years"]):
        assert {name for name, value in one.items() if value is None} - {"estimated"} == set(one["reasons"])
    return found


async def test_each_day_is_there_and_a_gap_is_null(days_gone_by: Service) -> None:
    found = await history(days_gone_by, days=4, benchmark="ETH")
    opened = days_gone_by.clock.now().date() - timedelta(days=5)
    assert [day["day"] for day in found["days"]] == [str(opened + timedelta(days=n)) for n in range(5)]
    assert [day["value"] for day in found["days"]] == [100_000, 110_000, None, 99_000, 120_000]
    assert [day["unit_index"] for day in found["days"]] == [100, 110, None, 99, 120]
    assert [day["drawdown"] for day in found["days"]] == [0, 0, None, Decimal("-0.1"), 0]
    assert [day["benchmark_index"] for day in found["days"]] == [100, 105, 110, 115, 120]
    assert (found["gaps"], found["benchmark"]) == ([str(opened + timedelta(days=2))], "ETH")
    assert found["today"]["estimated"] == "not_over"
    assert (found["estimates_known"], found["stale"], found["period_days"]) == (True, False, 4)


async def test_its_figures_are_those_of_the_performance_over_the_same_days(days_gone_by: Service) -> None:
    found = await history(days_gone_by, days=30)
    performance = exact((await days_gone_by.http.get("/performance?days=30")).text)["performance"]
    assert (found["days"][0]["day"], found["days"][-1]["day"]) == (performance["first_day"], performance["last_day"])
    assert min(day["drawdown"] for day in found["days"] if day["drawdown"] is not None) == performance["max_drawdown"]
    assert found["days"][-1]["unit_index"] - 100 == performance["total_return_percent"]


async def test_a_month_is_the_period_between_its_days(days_gone_by: Service) -> None:
    found = await history(days_gone_by, days=30)
    assert found["months"]
    for one in (*found["months"], *found["years"]):
        first, last = one["start"], one["end"]
        asked = {"from": str(days_gone_by.clock.now().date().fromisoformat(first) + timedelta(days=1)), "to": last}
        period = exact((await days_gone_by.http.get("/performance/period", params=asked)).text)["period"]
        assert (period["start"], period["end"]) == (first, last)
        assert period["total_return_percent"] == one["return_percent"]
        assert period["total_return"] == one["total_return"]


@pytest.mark.parametrize("query", ["days=0", "days=3651", "days=x", "benchmark=BTCEUR", "days=1&days=2", "nothing=1"])
async def test_what_cannot_be_asked_is_refused(service: Service, query: str) -> None:
    assert (await service.http.get(f"/performance/history?{query}")).status_code == 400
