"""Nothing is computed twice for one state: the calls of our own functions are counted while the service answers."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from types import FrameType

import pytest

from portfolio.application.prices.records import Close
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.support.services.http_service import Service, running

SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
# What is computed once for each view that a plan or a question brings up, and the argument that has the view.
OF_A_VIEW = {"Limits.broken": "self", "assess": "limits", "average_correlation": "view"}
OF_A_STATE = ("value_portfolio", "asset_statistics", "Limits.of", "volatility", "losses_of")


class Calls:
    """How often each function was called, and with which views."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        self.views: defaultdict[str, list[object]] = defaultdict(list)

    def note(self, frame: FrameType, event: str, _: object) -> None:
        """Take a call down; Python's profiler calls this."""
        name = frame.f_code.co_qualname
        if event != "call" or "/portfolio/" not in frame.f_code.co_filename:
            return
        if name in OF_A_STATE:
            self.count[name] += 1
        elif name in OF_A_VIEW:
            given = frame.f_locals[OF_A_VIEW[name]]
            self.views[name].append(getattr(given, "view", given))

    def repeated(self) -> dict[str, int]:
        """How often something was computed of a view of which it had been computed already."""
        many = {name: len(views) - len({id(view) for view in views}) for name, views in self.views.items()}
        return {name: times for name, times in many.items() if times}


@contextmanager
def counted() -> Iterator[Calls]:
    """Count the calls within; so few assets are all computed in the event loop's thread."""
    calls = Calls()
    sys.setprofile(calls.note)
    try:
        yield calls
    finally:
        sys.setprofile(None)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with running() as opened:
        yesterday = opened.clock.now().date() - timedelta(days=1)
        closes = [
            Close(
                symbol=Symbol(symbol),
                day=yesterday - timedelta(days=day),
                price=Price(Decimal(100 + (day * (place + 2)) % 7)),
                source="candles",
            )
            for place, symbol in enumerate(SYMBOLS)
            for day in range(60)
        ]
        await opened.prices.add_closes(closes)
        for symbol, quantity in zip(SYMBOLS, ("300", "200", "100", "50"), strict=True):
            await book(opened, symbol, quantity)
        assert (await opened.http.get("/portfolio")).status_code == 200
        yield opened


async def book(service: Service, symbol: str, quantity: str) -> None:
    """Buy at 100 dollars."""
    money = str(100 * Decimal(quantity))
    body = {"symbol": symbol, "side": "BUY", "quantity": quantity, "price": "100", "net_amount": money}
    assert (await service.http.post("/holdings/update", json=body)).status_code == 200


async def test_a_read_after_a_booking_values_the_portfolio_once(service: Service) -> None:
    await book(service, "AAA", "1")
    with counted() as calls:
        for path in ("/portfolio", "/positions", "/portfolio"):
            assert (await service.http.get(path)).status_code == 200
    # The closes are those of before, and so are their statistics.
    assert calls.count == {"value_portfolio": 1, "Limits.of": 1, "volatility": 1, "losses_of": 1}
    assert {name: len(views) for name, views in calls.views.items()} == dict.fromkeys(OF_A_VIEW, 1)


async def test_an_analysis_computes_each_figure_once(service: Service) -> None:
    await book(service, "AAA", "1")
    with counted() as calls:
        for path in ("/rebalance/analysis", "/rebalance/recommendations", "/risk/portfolio-health", "/portfolio"):
            assert (await service.http.get(path)).status_code == 200
    assert calls.count == {"value_portfolio": 1, "Limits.of": 1, "volatility": 1, "losses_of": 1}
    assert calls.repeated() == {}


async def test_an_analysis_judges_the_portfolio_as_it_is_and_as_the_plan_leaves_it(service: Service) -> None:
    await book(service, "AAA", "1")
    with counted() as calls:
        analysis = (await service.http.get("/rebalance/analysis")).json()["analysis"]
    assert (analysis["total_recommendations"] > 0, analysis["withheld_rules"]) == (True, [])
    assert {name: len(views) for name, views in calls.views.items()} == dict.fromkeys(OF_A_VIEW, 2)


@pytest.mark.parametrize("policy", [{}, {"position_limit": "0.2"}])
async def test_a_what_if_makes_the_limits_once_and_judges_no_view_twice(
    service: Service, policy: dict[str, str]
) -> None:
    trades = [{"symbol": "AAA", "side": "BUY", "quantity": "10", "price": "100"}]
    await book(service, "AAA", "1")
    for body, is_first in (({"policy": policy}, True), ({"policy": policy, "trades": trades}, False)):
        with counted() as calls:
            assert (await service.http.post("/rebalance/what-if", json=body)).status_code == 200
        # Limits of another policy are made for each question, the portfolio's own are kept.
        assert calls.count == Counter({"value_portfolio": int(is_first), "Limits.of": int(is_first or bool(policy))})
        assert calls.repeated() == {}
