"""How the portfolio did."""

from __future__ import annotations

from litestar import Response, get

from portfolio.entrypoints.http.ledger import examples
from portfolio.entrypoints.http.performance.answers import PerformanceAnswer
from portfolio.entrypoints.http.performance.requests import PerformanceQuery
from portfolio.entrypoints.http.performance.views import performance_view
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import read_query
from portfolio.entrypoints.http.shell.operation import declares
from portfolio.entrypoints.http.shell.responses import answer
from portfolio.entrypoints.http.shell.use_cases import HttpRequest, use_cases_of


@get(
    "/performance",
    opt=declares(
        scope=Scope.READ,
        summary="The performance over the last completed days",
        tag="portfolio",
        query=PerformanceQuery,
        answer=PerformanceAnswer,
        example=examples.PERFORMANCE,
    ),
)
async def read_performance(request: HttpRequest) -> Response[bytes]:
    """Return the figures of the last completed days; today so far is in `daily_return` alone."""
    cases = use_cases_of(request)
    query = read_query(request, PerformanceQuery)
    performance = await cases.performance(query.days)
    content = PerformanceAnswer(
        timestamp=cases.clock.now(), performance=performance_view(performance), period_days=query.days
    )
    return answer(content)
