"""The risk of what is held."""

from __future__ import annotations

from functools import partial
from typing import Final

from litestar import Response, get

from portfolio.application.rebalancing.planning import PlannedState
from portfolio.application.risk.concentration import concentration_of, sectors_of
from portfolio.application.risk.health import health_of
from portfolio.application.risk.metrics import measured
from portfolio.application.risk.state import MarketState
from portfolio.application.risk.statistics import correlation_of, value_at_risk_of, volatility_of
from portfolio.entrypoints.http.portfolio.reads import read_market
from portfolio.entrypoints.http.risk import examples
from portfolio.entrypoints.http.risk.answers import (
    ConcentrationAnswer,
    CorrelationAnswer,
    PortfolioHealthAnswer,
    SectorsAnswer,
    TailAnswer,
    VolatilityAnswer,
)
from portfolio.entrypoints.http.risk.requests import LookbackQuery, TailQuery
from portfolio.entrypoints.http.risk.views import (
    concentration_risk_view,
    correlation_view,
    health_score_view,
    provenance,
    sector_view,
    tail_view,
    volatility_view,
)
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import read_query
from portfolio.entrypoints.http.shell.operation import declares
from portfolio.entrypoints.http.shell.responses import answer, encode, encoded
from portfolio.entrypoints.http.shell.use_cases import HttpRequest, use_cases_of

TAG: Final = "risk"


@get(
    "/risk/concentration",
    opt=declares(
        scope=Scope.READ,
        summary="How much lies in how few positions",
        tag=TAG,
        answer=ConcentrationAnswer,
        example=examples.CONCENTRATION,
    ),
)
async def read_concentration(request: HttpRequest) -> Response[bytes]:
    """Return the Herfindahl index, of the invested value and with cash, and what is over its limit.

    `recommended_action` is `reduce_concentration` where a position or a category is over its limit.
    """
    state = await read_market(use_cases_of(request))
    return encoded(await measured(_encode_concentration, state))


@get(
    "/risk/correlation-matrix",
    opt=declares(
        scope=Scope.READ,
        summary="How the assets move together",
        tag=TAG,
        query=LookbackQuery,
        answer=CorrelationAnswer,
        example=examples.CORRELATION,
    ),
)
async def read_correlation(request: HttpRequest) -> Response[bytes]:
    """Return the correlation of every pair held, over the last completed days.

    A pair with fewer than 20 common days is null. The average is of the pairs of positions of 1 % of the total value or
    more, stablecoins apart.
    """
    state = await read_market(use_cases_of(request), read_query(request, LookbackQuery).days)
    # Two hundred assets are twenty thousand numbers to write: that is the thread's work too.
    return encoded(await measured(_encode_correlation, state))


@get(
    "/risk/volatility-analysis",
    opt=declares(
        scope=Scope.READ,
        summary="How much the portfolio moves, and what moves it",
        tag=TAG,
        query=LookbackQuery,
        answer=VolatilityAnswer,
        example=examples.VOLATILITY,
    ),
)
async def read_volatility(request: HttpRequest) -> Response[bytes]:
    """Return the volatility of the portfolio and of each asset over the last completed days, with each one's part."""
    state = await read_market(use_cases_of(request), read_query(request, LookbackQuery).days)
    return encoded(await measured(_encode_volatility, state))


@get(
    "/risk/value-at-risk",
    opt=declares(
        scope=Scope.READ,
        summary="What a bad day costs",
        tag=TAG,
        query=TailQuery,
        answer=TailAnswer,
        example=examples.TAIL,
    ),
)
async def read_value_at_risk(request: HttpRequest) -> Response[bytes]:
    """Return value at risk and conditional value at risk of one day, of today's weights over the last completed days.

    At least 30 days common to the assets are needed.
    """
    days = read_query(request, TailQuery).days
    state = await read_market(use_cases_of(request), days)
    report = await measured(partial(value_at_risk_of, days=days), state)
    return answer(TailAnswer(timestamp=state.at, value_at_risk=tail_view(report, state, days)))


@get(
    "/risk/sector-allocation",
    opt=declares(
        scope=Scope.READ,
        summary="What is in which category",
        tag=TAG,
        answer=SectorsAnswer,
        example=examples.SECTORS,
    ),
)
async def read_sectors(request: HttpRequest) -> Response[bytes]:
    """Return the categories with their limits, and cash; allocations sum to 100."""
    state = await read_market(use_cases_of(request))
    return encoded(await measured(_encode_sectors, state))


@get(
    "/risk/portfolio-health",
    opt=declares(
        scope=Scope.READ,
        summary="The health score, and the way back to 70",
        tag=TAG,
        answer=PortfolioHealthAnswer,
        example=examples.HEALTH,
    ),
)
async def read_portfolio_health(request: HttpRequest) -> Response[bytes]:
    """Return the score with its deductions, which sum to 100 - score, and the trades of least value that lift it to 70.

    `recommendations` are those of the rebalancing plan.
    """
    cases = use_cases_of(request)
    state = await read_market(cases)
    planned = await cases.plan.of(state)
    return encoded(await measured(partial(_encode_health, planned=planned), state))


def _encode_concentration(state: MarketState) -> bytes:
    view = concentration_risk_view(concentration_of(state), state)
    return encode(ConcentrationAnswer(timestamp=state.at, concentration_analysis=view))


def _encode_volatility(state: MarketState) -> bytes:
    view = volatility_view(volatility_of(state), state)
    return encode(VolatilityAnswer(timestamp=state.at, volatility=view))


def _encode_health(state: MarketState, *, planned: PlannedState) -> bytes:
    view = health_score_view(health_of(state), planned.plan.recommendations, state)
    return encode(PortfolioHealthAnswer(timestamp=state.at, health=view))


def _encode_sectors(state: MarketState) -> bytes:
    sectors = [sector_view(sector) for sector in sectors_of(state)]
    return encode(SectorsAnswer(timestamp=state.at, sectors=sectors, **provenance(state)))


def _encode_correlation(state: MarketState) -> bytes:
    view = correlation_view(correlation_of(state), state)
    return encode(CorrelationAnswer(timestamp=state.at, correlation=view))
