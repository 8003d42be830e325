"""How the service is doing: for people, for load balancers, and for Prometheus."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from litestar import Controller, Response, get
from litestar.openapi.datastructures import ResponseSpec

from portfolio import __version__
from portfolio.application.operations.health import Condition, Health
from portfolio.entrypoints.http.errors import NOT_READY, retry_after
from portfolio.entrypoints.http.operations.answers import (
    ComparisonView,
    DatabaseView,
    HealthAnswer,
    LivenessAnswer,
    PricesView,
    ReadinessAnswer,
    RefresherView,
    UnreadableRowsView,
    UnreconciledView,
)
from portfolio.entrypoints.http.operations.figures import ServiceCollector
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.metrics import CONTENT_TYPE, Metrics
from portfolio.entrypoints.http.shell.responses import JsonResponse, problem, problem_answer
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.http.views import view

READY_RETRY_SECONDS: Final = 1.0
UNHEALTHY: Final = {
    503: ResponseSpec(HealthAnswer, description="Unhealthy: no snapshot to serve, or a schema of another version.")
}


class HealthController(Controller):
    """Routes that tell how the service is doing."""

    tags = ["health"]

    @get("/health", summary="How the service is doing", responses=UNHEALTHY, opt=access(Scope.READ))
    async def read_health(self, cases: Injected[UseCases]) -> Response[HealthAnswer]:
        """Return how the service is doing, within a second whatever the database does.

        `degraded` is still 200: the database is away but there is a snapshot to serve, or prices are stale.
        """
        found = await cases.health()
        status = 503 if found.condition is Condition.UNHEALTHY else 200
        return JsonResponse(health_view(found, cases.clock.now()), status_code=status)

    @get("/health/live", summary="Whether the process answers", opt=access(None))
    async def read_liveness(self, cases: Injected[UseCases]) -> LivenessAnswer:
        """Return that the process answers; nothing else is asked."""
        return LivenessAnswer(timestamp=cases.clock.now())

    @get("/health/ready", summary="Whether a booking could be committed", opt=access(None, problems=(NOT_READY,)))
    async def read_readiness(self, request: HttpRequest, cases: Injected[UseCases]) -> Response[ReadinessAnswer]:
        """Return that a booking could be committed now; 503 where it could not."""
        found = await cases.health()
        if found.can_book:
            return JsonResponse(ReadinessAnswer(timestamp=cases.clock.now()))
        # The reason is for those with a key: it may name hosts.
        body = problem(NOT_READY, f"the database is {found.database.condition}", path=request.url.path)
        return problem_answer(body, headers=retry_after(READY_RETRY_SECONDS))

    @get(
        "/metrics", summary="Figures for Prometheus", media_type=CONTENT_TYPE.partition(";")[0], opt=access(Scope.READ)
    )
    async def read_metrics(self, metrics: Injected[Metrics], figures: Injected[ServiceCollector]) -> Response[bytes]:
        """Return the figures in the text format of Prometheus, of the books as they are now."""
        await figures.look()
        return Response(metrics.expose(), media_type=CONTENT_TYPE)


def health_view(health: Health, now: datetime) -> HealthAnswer:
    """Return how the service is doing, as it is answered."""
    prices, sums = health.prices, health.unreconciled
    return view(
        HealthAnswer,
        health,
        health.database,
        status=health.condition,
        timestamp=now,
        service="portfolio",
        version=__version__,
        database=view(DatabaseView, health.database, status=health.database.condition),
        comparison=view(ComparisonView, health.comparison),
        prices=view(
            PricesView,
            prices,
            **{name: len(getattr(prices, name)) for name in ("stale", "missing", "quarantined")},
            **{f"{name}_symbols": getattr(prices, name) for name in ("stale", "missing", "quarantined")},
            fresh_share_percent=prices.freshness.percent,
            sources=dict(sorted(prices.sources.items())),
        ),
        refresher=view(RefresherView, health, last_tick_age_seconds=health.last_cycle_age_seconds),
        unreadable_rows=UnreadableRowsView(
            count=len(health.database.unreadable_rows), rows=list(health.database.unreadable_rows)
        ),
        unreconciled=None if sums is None else view(UnreconciledView, value=sums, rows=health.unreconciled_lines),
    )
