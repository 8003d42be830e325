"""The HTTP application: routes, the layer around them, and the translation of every error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from functools import partial
from typing import Any, cast

import structlog
from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ASGIApp, LifespanHook, Message, Scope, Send

from portfolio.application.errors import ApplicationError
from portfolio.domain.errors import DomainError
from portfolio.entrypoints.http.errors import (
    INTERNAL,
    MALFORMED,
    METHOD_NOT_ALLOWED,
    ProblemKind,
    RequestError,
    field_errors,
    headers_of,
    kind_of,
    kind_of_status,
)
from portfolio.entrypoints.http.ledger.booking_requests import BookingRequests
from portfolio.entrypoints.http.ledger.bookings import BookingController
from portfolio.entrypoints.http.ledger.cash import CashController
from portfolio.entrypoints.http.ledger.trades import TradeController
from portfolio.entrypoints.http.ledger.views import BookingViews
from portfolio.entrypoints.http.operations.controller import HealthController
from portfolio.entrypoints.http.operations.docs import DocsDocument, DocsPage, docs_router
from portfolio.entrypoints.http.operations.figures import Figures
from portfolio.entrypoints.http.operations.openapi import DocumentController, openapi_config
from portfolio.entrypoints.http.operations.struct_schemas import StructSchemas
from portfolio.entrypoints.http.performance.controller import PerformanceController
from portfolio.entrypoints.http.portfolio.controller import PortfolioAnswers, PortfolioController
from portfolio.entrypoints.http.price_label import SimulatedLabel
from portfolio.entrypoints.http.rebalancing.controller import RebalancingController
from portfolio.entrypoints.http.rebalancing.pretrade import PretradeController
from portfolio.entrypoints.http.rebalancing.signals import SignalController
from portfolio.entrypoints.http.request_log import RequestLog
from portfolio.entrypoints.http.risk.controller import RiskController
from portfolio.entrypoints.http.shell.admission import Admission
from portfolio.entrypoints.http.shell.auth import check_exposure
from portfolio.entrypoints.http.shell.client_address import ClientAddresses
from portfolio.entrypoints.http.shell.injection import provided
from portfolio.entrypoints.http.shell.metrics import Metrics
from portfolio.entrypoints.http.shell.queries import allowed_methods, refused_parameters
from portfolio.entrypoints.http.shell.responses import JsonResponse, problem, problem_answer
from portfolio.entrypoints.http.shell.strict_body import StrictBody
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.loop_lag import LoopLag
from portfolio.settings import Settings

BODY_BYTES = 64 * 1024

CONTROLLERS = (
    HealthController,
    PortfolioController,
    PerformanceController,
    RiskController,
    RebalancingController,
    SignalController,
    PretradeController,
    BookingController,
    TradeController,
    CashController,
    DocumentController,
)

_log = structlog.get_logger(__name__)


class PortfolioApp(Litestar):
    """The application with its outermost layers, which see what the framework answers by itself too."""

    outermost: ASGIApp

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
        elif scope["type"] == "http" and scope["method"] == "HEAD":
            await self.outermost(cast("Scope", {**scope, "method": "GET"}), receive, _bodiless(send))
        else:
            await self.outermost(scope, receive, send)


def create_app(
    use_cases: UseCases,
    settings: Settings,
    *,
    on_startup: Sequence[LifespanHook] = (),
    on_shutdown: Sequence[LifespanHook] = (),
) -> PortfolioApp:
    """Return the application that serves ``use_cases`` under ``settings``.

    Raises:
        SettingsError: it would be open to others than this machine, or keys or trusted proxies cannot be read.
    """
    check_exposure(settings)
    addresses = ClientAddresses.of(settings)
    admission = Admission(settings, use_cases.clock, addresses)
    metrics = Metrics(figures := Figures(use_cases))
    lag = LoopLag(metrics.lagged)
    app = PortfolioApp(
        route_handlers=CONTROLLERS,
        dependencies=provided(_injected(use_cases, metrics) | {"figures": figures}),
        before_request=admission,
        dto=StrictBody,
        return_dto=None,
        response_class=JsonResponse,
        exception_handlers={Exception: _answer_error},
        request_max_body_size=BODY_BYTES,
        openapi_config=openapi_config(docs_router(), [DocsPage(), DocsDocument()]),
        plugins=[StructSchemas()],
        logging_config=None,
        debug=False,  # else LITESTAR_DEBUG and LITESTAR_PDB say so
        pdb_on_exception=False,
        on_startup=[lag.start, *on_startup],
        on_shutdown=[*on_shutdown, lag.stop],
    )
    app.state.metrics = metrics
    app.state.admission = admission
    framework = partial(Litestar.__call__, app)
    logged = RequestLog(framework, metrics, addresses, deadline_seconds=settings.request_deadline_seconds)
    app.outermost = SimulatedLabel(logged) if settings.is_simulated else logged
    return app


def _injected(use_cases: UseCases, metrics: Metrics) -> dict[str, object]:
    """Return what handlers may ask for, by the name of the argument."""
    booking_views = BookingViews(use_cases.categories, use_cases.max_price_age)
    return {
        **{field.name: getattr(use_cases, field.name) for field in fields(use_cases)},
        "metrics": metrics,
        "booking_views": booking_views,
        "booking_requests": BookingRequests(use_cases.booking, booking_views, use_cases.clock, metrics),
        "portfolio_answers": PortfolioAnswers(use_cases),
    }


def _bodiless(send: Send) -> Send:
    """Return where a GET's answer goes when HEAD was asked: its status and headers, and no body."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head


def _answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Return the problem that ``error`` is."""
    path = request.scope["path"]
    if isinstance(error, RequestError | DomainError | ApplicationError):
        kind = kind_of(error)
        body = problem(kind, str(error), path=path, errors=field_errors(error))
        return problem_answer(body, headers={**headers_of(error, kind), **_allowed(request, kind)})
    if isinstance(error, ValidationException):
        return _answer_error(request, refused_parameters(error, request.route_handler))
    if isinstance(error, HTTPException) and error.status_code < 500:
        kind = kind_of_status(error.status_code)
        return problem_answer(problem(kind, _words(error, kind.title), path=path), headers=_allowed(request, kind))
    if isinstance(error, HTTPException) and error.detail == "client disconnected prematurely":
        return problem_answer(problem(MALFORMED, "the body broke off", path=path))
    _log.error("request.failed", exc_info=error)
    detail = "the service failed; its log has the details under this request's X-Request-ID"
    return problem_answer(problem(INTERNAL, detail, path=path))


def _allowed(request: Request[Any, Any, Any], kind: ProblemKind) -> dict[str, str]:
    """Return the header that says which methods a path knows, where it does not know this one: the same for all."""
    if kind is not METHOD_NOT_ALLOWED:
        return {}
    return {"Allow": ", ".join(allowed_methods(request.app, request.scope["path"]))}


def _words(error: HTTPException, title: str) -> str:
    return error.detail if error.status_code == 400 else title
