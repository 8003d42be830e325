"""The service's plan of a day is the backtest's: the same books, the same closes, the same moment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from portfolio.application.backtest.decision import ByPolicy, Decision, Known
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.run import advance, start
from portfolio.application.prices.records import Close
from portfolio.application.risk.state import DEFAULT_DAYS
from portfolio.domain.backtest.fills import Fill
from portfolio.domain.money import Price
from portfolio.domain.rebalancing.plan import Plan
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.http.rebalancing.answers import UnresolvedView
from portfolio.entrypoints.http.risk.limit_answers import RecommendationView
from portfolio.entrypoints.http.shell.responses import encode
from portfolio.entrypoints.http.views import view
from tests.support.backtests import held, panel_from, request_of, walk
from tests.support.histories import exact
from tests.support.services.http_service import CATEGORIES, Service, running

DAYS = 30
SYMBOLS = ["ADA", "BTC", "DOGE", "ETH", "SOL"]


@dataclass(slots=True)
class Planner:
    """The live rules on each day, and the plans they made."""

    plans: list[Plan] = field(default_factory=list)
    days: int = DEFAULT_DAYS
    symbols: tuple[str, ...] = ()

    def __call__(self, known: Known) -> Decision:
        decision = ByPolicy(RebalancePolicy(), screens=False)(known)
        assert decision.plan is not None
        self.plans.append(decision.plan)
        return decision


def exact_of(answers: Sequence[object]) -> Any:
    """What a client reads of them."""
    return json.loads(encode(answers), parse_float=Decimal, parse_int=Decimal)


def of_plan(trades: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The trades without why nothing is known of exchanges: a backtest asks none, and the service asked in vain."""
    return [{name: value for name, value in trade.items() if name != "executable_reason"} for trade in trades]


def midnight_after(panel: Panel, place: int) -> datetime:
    """24:00 UTC of a day."""
    day = panel.day(place + 1)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


async def quote(service: Service, panel: Panel, place: int) -> None:
    """Let it be the end of that day, with every price at its close."""
    service.clock.advance(86_400)
    service.clock.set_wall_clock(midnight_after(panel, place))
    service.feed.prices = {symbol: str(close) for symbol, close in panel.closes_on(place, SYMBOLS).items()}
    assert (await service.http.post("/portfolio/refresh")).status_code == 200


async def book(service: Service, fill: Fill) -> None:
    """Book what was filled."""
    trade = {
        "symbol": fill.symbol,
        "side": fill.side,
        "quantity": str(fill.quantity),
        "price": str(fill.price),
        "net_amount": str(fill.value),
        "fees": str(fill.fee),
    }
    answer = await service.http.post("/holdings/update", json=trade)
    assert answer.status_code == 200, answer.text


async def test_the_plan_of_each_of_thirty_days_is_the_backtests() -> None:
    panel = panel_from(walk(31 + DAYS, len(SYMBOLS), 8, volatility=0.06), SYMBOLS, CATEGORIES.by_symbol)
    begins = 30
    prices = panel.closes_on(begins, SYMBOLS)
    shares = dict(zip(SYMBOLS, map(Decimal, ("0.3", "0.27", "0.1", "0.08", "0.05")), strict=True))
    bought = {symbol: (100_000 * shares[symbol] / prices[symbol]).quantize(Decimal("1e-6")) for symbol in SYMBOLS}
    spent = {symbol: (bought[symbol] * prices[symbol]).quantize(Decimal("1e-6")) for symbol in SYMBOLS}
    planner, request = Planner(), request_of(panel, begins=begins)
    state = start(request, panel, held(str(100_000 - sum(spent.values())), **{s: str(q) for s, q in bought.items()}))
    state = advance(state, panel, request.last, decide=planner)
    assert len(planner.plans) == DAYS
    assert len({fill.rule for fill in state.fills}) > 1  # several rules had something to say

    async with running(categories=CATEGORIES) as service:
        await service.prices.add_closes(
            [
                Close(symbol=Symbol(symbol), day=panel.day(place), price=Price.rounded(close), source="candles")
                for place in range(len(panel.closes))
                for symbol, close in panel.closes_on(place, SYMBOLS).items()
            ]
        )
        service.clock.set_wall_clock(midnight_after(panel, begins))
        for symbol in SYMBOLS:
            trade = {"symbol": symbol, "side": "BUY", "quantity": str(bought[symbol]), "price": str(prices[symbol])}
            answer = await service.http.post("/holdings/update", json=trade | {"net_amount": str(spent[symbol])})
            assert answer.status_code == 200, answer.text
        for place, plan in enumerate(planner.plans, start=begins):
            await quote(service, panel, place)
            for fill in state.fills:
                if fill.filled == panel.day(place):
                    await book(service, fill)
            analysis = exact(await service.http.get("/rebalance/analysis"))["analysis"]
            recommended = [view(RecommendationView, one) for one in plan.recommendations]
            assert of_plan(analysis["recommendations"]) == of_plan(exact_of(recommended)), place
            assert analysis["unresolved"] == exact_of([view(UnresolvedView, one) for one in plan.unresolved]), place
            assert analysis["projected"]["total_value"] == plan.projected.total_value.quantize(Decimal("0.01")), place
