"""How the service is doing: for people, for load balancers, and for Prometheus."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import Response, get
from msgspec import Meta

from portfolio import __version__
from portfolio.application.operations.health import Condition, DatabaseHealth, Health, PriceHealth
from portfolio.entrypoints.http.errors import NOT_READY
from portfolio.entrypoints.http.operations import examples
from portfolio.entrypoints.http.portfolio.reads import look_again
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.metrics import CONTENT_TYPE
from portfolio.entrypoints.http.shell.numbers import Number, number
from portfolio.entrypoints.http.shell.operation import declares
from portfolio.entrypoints.http.shell.responses import Labelled, answer, encode, encoded, problem, problem_answer
from portfolio.entrypoints.http.shell.use_cases import HttpRequest, use_cases_of

TAG = "health"
READY_RETRY_SECONDS = "1"


class DatabaseView(msgspec.Struct, kw_only=True):
    """The database, as a probe of this moment found it."""

    status: Literal["up", "away", "schema_unknown", "books_not_open"]
    latency_ms: float | None
    schema_revision: str | None
    detail: str | None


class SourceView(msgspec.Struct, kw_only=True):
    """A price source: `closed` is asked, `open` not now, `half_open` on trial, `off` for good."""

    state: Literal["closed", "open", "half_open", "off"]
    last_error: str | None
    last_success: datetime | None


class PricesView(msgspec.Struct, kw_only=True):
    """The prices of what is held: counts, and the symbols they count."""

    last_refresh: datetime | None
    oldest_age_seconds: int | None
    stale: int
    missing: int
    quarantined: int
    stale_symbols: list[str]
    missing_symbols: list[str]
    quarantined_symbols: list[str]
    sources: dict[str, SourceView]


class RefresherView(msgspec.Struct, kw_only=True):
    """The periodic price task of this instance; one instance of several is the leader."""

    leader: bool
    interval_seconds: float
    last_tick_age_seconds: float | None


class UnreconciledView(msgspec.Struct, kw_only=True):
    """What other programs wrote into the shared rows: its value, and a line for each row moved."""

    value: Number
    rows: list[str]


class HealthAnswer(Labelled, kw_only=True):
    """How the service is doing."""

    status: Literal["healthy", "degraded", "unhealthy"]
    timestamp: datetime
    service: str
    version: str
    database: DatabaseView
    prices: PricesView
    refresher: RefresherView
    unreconciled: UnreconciledView | None
    refused_bookings: Annotated[int | None, Meta(description="Kept and not booked since by an override.")]


class LivenessAnswer(Labelled, kw_only=True):
    """The process answers."""

    status: Literal["alive"] = "alive"
    timestamp: datetime


class ReadinessAnswer(Labelled, kw_only=True):
    """A booking could be committed now."""

    status: Literal["ready"] = "ready"
    timestamp: datetime


@get(
    "/health",
    opt=declares(
        scope=Scope.READ,
        summary="How the service is doing",
        tag=TAG,
        answer=HealthAnswer,
        example=examples.HEALTH,
        also_answers={503: "Unhealthy: no snapshot to serve, or a database schema of another version."},
    ),
)
async def read_health(request: HttpRequest) -> Response[bytes]:
    """Return how the service is doing, within a second whatever the database does.

    `degraded` is still 200: the database is away but there is a snapshot to serve, or prices are stale.
    """
    cases = use_cases_of(request)
    health = await cases.health()
    content = _view(health, cases.clock.now())
    return encoded(encode(content), status=503 if health.condition is Condition.UNHEALTHY else 200)


@get(
    "/health/live",
    opt=declares(
        scope=None, summary="Whether the process answers", tag=TAG, answer=LivenessAnswer, example=examples.ALIVE
    ),
)
async def read_liveness(request: HttpRequest) -> Response[bytes]:
    """Return that the process answers; nothing else is asked."""
    return answer(LivenessAnswer(timestamp=use_cases_of(request).clock.now()))


@get(
    "/health/ready",
    opt=declares(
        scope=None,
        summary="Whether a booking could be committed",
        tag=TAG,
        answer=ReadinessAnswer,
        example=examples.READY,
        problems=(NOT_READY,),
    ),
)
async def read_readiness(request: HttpRequest) -> Response[bytes]:
    """Return that a booking could be committed now; 503 where it could not."""
    cases = use_cases_of(request)
    health = await cases.health()
    if health.can_book:
        return answer(ReadinessAnswer(timestamp=cases.clock.now()))
    # The reason is for those with a key: it may name hosts.
    body = problem(NOT_READY, f"the database is {health.database.condition}", path=request.url.path)
    return problem_answer(body, headers={"Retry-After": READY_RETRY_SECONDS})


@get(
    "/metrics",
    opt=declares(
        scope=Scope.READ, summary="Figures for Prometheus", tag=TAG, media_type=CONTENT_TYPE.partition(";")[0]
    ),
)
async def read_metrics(request: HttpRequest) -> Response[bytes]:
    """Return the figures in the text format of Prometheus, of the books as they are now."""
    await look_again(use_cases_of(request))
    return encoded(request.app.state["metrics"].expose(), media_type=CONTENT_TYPE)


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
