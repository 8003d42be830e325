"""The HTTP application: routes, the layer around them, and the translation of every error."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import structlog
from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.types import LifespanHook, Message, Receive, Scope, Send

from portfolio.application.errors import ApplicationError
from portfolio.domain.errors import DomainError
from portfolio.entrypoints.http.errors import (
    INTERNAL,
    MALFORMED,
    RequestError,
    field_errors,
    headers_of,
    kind_of,
    kind_of_status,
)
from portfolio.entrypoints.http.ledger import bookings, cash, trades
from portfolio.entrypoints.http.operations import docs, health, openapi
from portfolio.entrypoints.http.performance import controller as performance
from portfolio.entrypoints.http.performance import timeframes
from portfolio.entrypoints.http.portfolio import controller as portfolio
from portfolio.entrypoints.http.portfolio.controller import PortfolioAnswers
from portfolio.entrypoints.http.rebalancing import controller as rebalance
from portfolio.entrypoints.http.rebalancing import pretrade, signals
from portfolio.entrypoints.http.risk import controller as risk
from portfolio.entrypoints.http.shell.admission import Admission
from portfolio.entrypoints.http.shell.auth import check_exposure
from portfolio.entrypoints.http.shell.client_address import ClientAddresses
from portfolio.entrypoints.http.shell.metrics import Metrics
from portfolio.entrypoints.http.shell.price_label import SimulatedLabel
from portfolio.entrypoints.http.shell.request_log import RequestLog
from portfolio.entrypoints.http.shell.responses import problem, problem_answer
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.loop_lag import LoopLag
from portfolio.settings import Settings

BODY_BYTES = 64 * 1024

ROUTES = (
    health.read_health,
    health.read_liveness,
    health.read_readiness,
    health.read_metrics,
    portfolio.read_whole,
    portfolio.read_positions,
    portfolio.refresh,
    performance.read_performance,
    timeframes.read_timeframes,
    risk.read_concentration,
    risk.read_correlation,
    risk.read_volatility,
    risk.read_value_at_risk,
    risk.read_sectors,
    risk.read_portfolio_health,
    rebalance.read_analysis,
    rebalance.read_recommendations,
    rebalance.ask_what_if,
    signals.generate_signals,
    signals.list_signals,
    signals.acknowledge_signal,
    pretrade.check_trade,
    bookings.update_holdings,
    bookings.update_holdings_batch,
    bookings.read_booking,
    bookings.list_bookings,
    cash.create_transaction,
    trades.list_trades,
    trades.reverse_trade,
    openapi.read_document,
    docs.read_page,
    docs.read_asset,
)

_log = structlog.get_logger(__name__)


class PortfolioApp(Litestar):
    """The application with its outermost layers, which see what the framework answers by itself too."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
        elif scope["type"] == "http" and scope["method"] == "HEAD":
            await self.state["outermost"]({**scope, "method": "GET"}, receive, _bodiless(send))
        else:
            await self.state["outermost"](scope, receive, send)

    async def serve_inner(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection without the layers around the framework."""
        await super().__call__(scope, receive, send)


def create_app(
    use_cases: UseCases,
    settings: Settings,
    *,
    on_startup: Sequence[LifespanHook] = (),
    on_shutdown: Sequence[LifespanHook] = (),
) -> PortfolioApp:
    """Return the application that serves ``use_cases`` under ``settings``.

    Raises:
        SettingsError: it would be open to others than this machine, or the API keys or the trusted proxies cannot be
            read.
    """
    check_exposure(settings)
    addresses = ClientAddresses.of(settings)
    admission = Admission(settings, use_cases.clock, addresses)
    metrics = Metrics(use_cases)
    lag = LoopLag(metrics.lagged)
    app = PortfolioApp(
        # Handlers keep what they resolved from the first application they served: each has its own.
        route_handlers=copy.deepcopy(ROUTES),
        guards=[admission],
        exception_handlers={Exception: _answer_error},
        request_max_body_size=BODY_BYTES,
        openapi_config=None,
        logging_config=None,
        on_startup=[lag.start, *on_startup],
        on_shutdown=[*on_shutdown, lag.stop],
        state=State({"use_cases": use_cases, "metrics": metrics, "portfolio_answers": PortfolioAnswers(use_cases)}),
    )
    # Made when first asked for: the service is to answer its first request soon after its start.
    app.state["openapi"] = cache(partial(openapi.encode_document, app, keyed=admission.is_keyed))
    app.state["docs_document"] = cache(partial(docs.encode_document, app, keyed=admission.is_keyed))
    logged = RequestLog(app.serve_inner, metrics, addresses, deadline_seconds=settings.request_deadline_seconds)
    app.state["outermost"] = SimulatedLabel(logged) if settings.is_simulated else logged
    return app


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
        return problem_answer(body, headers=headers_of(error, kind))
    if isinstance(error, HTTPException) and error.status_code < 500:
        kind = kind_of_status(error.status_code)
        body = problem(kind, _words(error, kind.title), path=path)
        return problem_answer(body, headers=error.headers)
    if isinstance(error, HTTPException) and error.detail == "client disconnected prematurely":
        return problem_answer(problem(MALFORMED, "the body broke off", path=path))
    _log.error("request.failed", exc_info=error)
    detail = "the service failed; its log has the details under this request's X-Request-ID"
    return problem_answer(problem(INTERNAL, detail, path=path))


def _words(error: HTTPException, title: str) -> str:
    return error.detail if error.status_code == 400 else title
