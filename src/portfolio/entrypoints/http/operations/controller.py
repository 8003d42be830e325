"""How the service is doing: for people, for load balancers, and for Prometheus."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from litestar import Controller, Response, get
from litestar.openapi.datastructures import ResponseSpec

from portfolio import __version__
from portfolio.application.clock import Clock
from portfolio.application.operations.health import Condition, DatabaseHealth, Health, PriceHealth, ReadHealth
from portfolio.entrypoints.http.errors import NOT_READY, retry_after
from portfolio.entrypoints.http.operations.answers import (
    DatabaseView,
    HealthAnswer,
    LivenessAnswer,
    PricesView,
    ReadinessAnswer,
    RefresherView,
    SourceView,
    UnreconciledView,
)
from portfolio.entrypoints.http.operations.figures import Figures
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.metrics import CONTENT_TYPE, Metrics
from portfolio.entrypoints.http.shell.numbers import number
from portfolio.entrypoints.http.shell.responses import JsonResponse, problem, problem_answer

READY_RETRY_SECONDS: Final = 1.0
UNHEALTHY: Final = {
    503: ResponseSpec(HealthAnswer, description="Unhealthy: no snapshot to serve, or a schema of another version.")
}


class HealthController(Controller):
    """Routes that tell how the service is doing."""

    tags = ["health"]

    @get("/health", summary="How the service is doing", responses=UNHEALTHY, opt=access(Scope.READ))
    async def read_health(self, health: Injected[ReadHealth], clock: Injected[Clock]) -> Response[HealthAnswer]:
        """Return how the service is doing, within a second whatever the database does.

        `degraded` is still 200: the database is away but there is a snapshot to serve, or prices are stale.
        """
        found = await health()
        status = 503 if found.condition is Condition.UNHEALTHY else 200
        return JsonResponse(_view(found, clock.now()), status_code=status)

    @get("/health/live", summary="Whether the process answers", opt=access(None))
    async def read_liveness(self, clock: Injected[Clock]) -> LivenessAnswer:
        """Return that the process answers; nothing else is asked."""
        return LivenessAnswer(timestamp=clock.now())

    @get("/health/ready", summary="Whether a booking could be committed", opt=access(None, problems=(NOT_READY,)))
    async def read_readiness(
        self, request: HttpRequest, health: Injected[ReadHealth], clock: Injected[Clock]
    ) -> Response[ReadinessAnswer]:
        """Return that a booking could be committed now; 503 where it could not."""
        found = await health()
        if found.can_book:
            return JsonResponse(ReadinessAnswer(timestamp=clock.now()))
        # The reason is for those with a key: it may name hosts.
        body = problem(NOT_READY, f"the database is {found.database.condition}", path=request.url.path)
        return problem_answer(body, headers=retry_after(READY_RETRY_SECONDS))

    @get(
        "/metrics", summary="Figures for Prometheus", media_type=CONTENT_TYPE.partition(";")[0], opt=access(Scope.READ)
    )
    async def read_metrics(self, metrics: Injected[Metrics], figures: Injected[Figures]) -> Response[bytes]:
        """Return the figures in the text format of Prometheus, of the books as they are now."""
        await figures.look()
        return Response(metrics.expose(), media_type=CONTENT_TYPE)


def _view(health: Health, now: datetime) -> HealthAnswer:
    unreconciled = health.unreconciled
    return HealthAnswer(
        status=health.condition.value,
        timestamp=now,
        service="portfolio",
        version=__version__,
        database=_database_view(health.database),
        prices=_prices_view(health.prices),
        refresher=RefresherView(
            leader=health.leader,
            interval_seconds=health.interval_seconds,
            last_tick_age_seconds=_rounded(health.last_cycle_age_seconds, 3),
        ),
        unreconciled=None
        if unreconciled is None
        else UnreconciledView(value=number(unreconciled), rows=list(health.unreconciled_lines)),
        refused_bookings=health.database.refused_bookings,
    )


def _database_view(database: DatabaseHealth) -> DatabaseView:
    return DatabaseView(
        status=database.condition.value,
        latency_ms=_rounded(database.latency_ms, 3),
        schema_revision=database.schema_revision,
        detail=database.detail,
    )


def _prices_view(prices: PriceHealth) -> PricesView:
    return PricesView(
        last_refresh=prices.last_refresh,
        oldest_age_seconds=prices.oldest_age_seconds,
        stale=len(prices.stale),
        missing=len(prices.missing),
        quarantined=len(prices.quarantined),
        stale_symbols=list(prices.stale),
        missing_symbols=list(prices.missing),
        quarantined_symbols=list(prices.quarantined),
        sources={
            name: SourceView(state=source.state.value, last_error=source.last_error, last_success=source.last_success)
            for name, source in sorted(prices.sources.items())
        },
    )


def _rounded(value: float | None, decimals: int) -> float | None:
    return None if value is None else round(value, decimals)
