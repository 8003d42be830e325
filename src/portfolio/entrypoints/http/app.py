"""The HTTP application: its routes, what they are given, and the layers around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import msgspec
from litestar import Litestar, Response
from litestar.types import ASGIApp, LifespanHook, Message, Scope, Send

from portfolio.entrypoints.http.backtest.controller import BacktestController
from portfolio.entrypoints.http.error_answers import answer_error
from portfolio.entrypoints.http.event_streams import IS_HEAD
from portfolio.entrypoints.http.exports.controller import ExportController
from portfolio.entrypoints.http.imports.controller import ImportController
from portfolio.entrypoints.http.imports.slots import ImportSlots
from portfolio.entrypoints.http.ledger.booking_requests import BookingRequests
from portfolio.entrypoints.http.ledger.bookings import BookingController
from portfolio.entrypoints.http.ledger.cash import CashController
from portfolio.entrypoints.http.ledger.happenings.routes import EventController
from portfolio.entrypoints.http.ledger.lots import LotController
from portfolio.entrypoints.http.ledger.restatement import RestatementController
from portfolio.entrypoints.http.ledger.trades import TradeController
from portfolio.entrypoints.http.ledger.views import BookingViews
from portfolio.entrypoints.http.operations.controller import HealthController
from portfolio.entrypoints.http.operations.docs import DocsDocument, DocsPage, docs_router
from portfolio.entrypoints.http.operations.figures import ServiceCollector
from portfolio.entrypoints.http.operations.openapi import DocumentController, openapi_config
from portfolio.entrypoints.http.operations.struct_schemas import StructSchemas
from portfolio.entrypoints.http.optimisation.controller import OptimisationController
from portfolio.entrypoints.http.pages.activity.controller import ActivityPageController
from portfolio.entrypoints.http.pages.backtests.controller import BacktestsPageController
from portfolio.entrypoints.http.pages.frame.assets import AssetController
from portfolio.entrypoints.http.pages.frame.engine import Macros, template_config
from portfolio.entrypoints.http.pages.frame.page import Pages
from portfolio.entrypoints.http.pages.imports.controller import ImportPage, ImportPageController
from portfolio.entrypoints.http.pages.lots.controller import LotsPageController
from portfolio.entrypoints.http.pages.operations.controller import OperationsPageController
from portfolio.entrypoints.http.pages.optimiser.controller import OptimiserPageController
from portfolio.entrypoints.http.pages.overview.controller import Overview, OverviewController
from portfolio.entrypoints.http.pages.performance.controller import PerformancePageController
from portfolio.entrypoints.http.pages.positions.controller import PositionsPageController
from portfolio.entrypoints.http.pages.rebalancing.controller import RebalancingPageController
from portfolio.entrypoints.http.pages.risk.controller import RiskPageController
from portfolio.entrypoints.http.pages.scorecard.controller import ScorecardPageController
from portfolio.entrypoints.http.pages.switches import SwitchController
from portfolio.entrypoints.http.pages.trades.controller import TradesPageController
from portfolio.entrypoints.http.performance.attribution import AttributionController
from portfolio.entrypoints.http.performance.controller import PerformanceController
from portfolio.entrypoints.http.portfolio.controller import PortfolioAnswers, PortfolioController
from portfolio.entrypoints.http.price_label import SimulatedLabel
from portfolio.entrypoints.http.rebalancing.controller import RebalancingController
from portfolio.entrypoints.http.rebalancing.pretrade import PretradeController
from portfolio.entrypoints.http.rebalancing.scorecard import ScorecardController
from portfolio.entrypoints.http.rebalancing.shadows import ShadowController
from portfolio.entrypoints.http.rebalancing.signals import SignalController
from portfolio.entrypoints.http.reports.controller import ReportController
from portfolio.entrypoints.http.reports.tearsheet import MakeTearSheet
from portfolio.entrypoints.http.request_log import RequestLog
from portfolio.entrypoints.http.risk.controller import RiskController
from portfolio.entrypoints.http.shell.access import access_of, takes_no_body
from portfolio.entrypoints.http.shell.admission import Admission
from portfolio.entrypoints.http.shell.auth import check_exposure
from portfolio.entrypoints.http.shell.client_address import ClientAddresses
from portfolio.entrypoints.http.shell.injection import HttpRequest, provided
from portfolio.entrypoints.http.shell.metrics import Metrics
from portfolio.entrypoints.http.shell.responses import JsonResponse
from portfolio.entrypoints.http.shell.strict_body import StrictBody, refuse_body
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.http.stream.asyncapi import AsyncDocumentController
from portfolio.entrypoints.http.stream.controller import StreamController
from portfolio.entrypoints.loop_lag import LoopLag
from portfolio.settings import Settings

BODY_BYTES = 64 * 1024

CONTROLLERS = (
    HealthController,
    PortfolioController,
    PerformanceController,
    AttributionController,
    RiskController,
    RebalancingController,
    OptimisationController,
    BacktestController,
    SignalController,
    ScorecardController,
    ShadowController,
    PretradeController,
    BookingController,
    TradeController,
    LotController,
    CashController,
    EventController,
    ExportController,
    ImportController,
    RestatementController,
    DocumentController,
    ReportController,
    StreamController,
    AsyncDocumentController,
    AssetController,
    SwitchController,
    OverviewController,
    PositionsPageController,
    PerformancePageController,
    RiskPageController,
    RebalancingPageController,
    OptimiserPageController,
    ScorecardPageController,
    BacktestsPageController,
    ActivityPageController,
    LotsPageController,
    TradesPageController,
    ImportPageController,
    OperationsPageController,
)


class PortfolioApp(Litestar):
    """The application with its outermost layers, which see what the framework answers by itself too.

    Setting up the routes takes a tenth of a second, and does not depend on what they serve: ``serve`` says that.
    """

    given: dict[str, object]
    outermost: ASGIApp

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
        elif scope["type"] == "http" and scope["method"] == "HEAD":
            await self.outermost(cast("Scope", {**scope, "method": "GET", IS_HEAD: True}), receive, _bodiless(send))
        else:
            await self.outermost(scope, receive, send)

    def serve(self, served: Served) -> None:
        """Serve this from now on."""
        self.given.update(served.given)
        self.state.update(served.state)
        self.outermost = served.around(partial(Litestar.__call__, self))


class Served(msgspec.Struct, frozen=True):
    """What an application serves: what handlers are ``given`` by the names of their arguments, the ``state`` that
    hooks and the server ask for, and the layers ``around`` the framework.
    """

    given: Mapping[str, object]
    state: Mapping[str, object]
    around: Callable[[ASGIApp], ASGIApp]


def served(use_cases: UseCases, settings: Settings) -> Served:
    """Return ``use_cases`` under ``settings`` as what an application serves.

    Raises:
        SettingsError: it would be open to others than this machine, or keys or trusted proxies cannot be read.
    """
    check_exposure(settings)
    admission = Admission(settings, use_cases.clock, addresses := ClientAddresses.of(settings))
    metrics = Metrics(figures := ServiceCollector(use_cases))
    lag = LoopLag(metrics.lagged)
    given = _injected(use_cases, metrics) | _of_pages(use_cases, settings, admission)

    def around(framework: ASGIApp) -> ASGIApp:
        logged = RequestLog(framework, metrics, addresses, deadline_seconds=settings.request_deadline_seconds)
        return SimulatedLabel(logged) if settings.is_simulated else logged

    return Served(
        given={**given, "figures": figures, "admission": admission, "loop_lag": lag},
        state={"metrics": metrics, "admission": admission, "loop_lag": lag, "stream": use_cases.stream},
        around=around,
    )


def create_app(
    serves: Served, *, on_startup: Sequence[LifespanHook] = (), on_shutdown: Sequence[LifespanHook] = ()
) -> PortfolioApp:
    """Return an application that serves this."""
    given = dict(serves.given)
    app = PortfolioApp(
        route_handlers=CONTROLLERS,
        dependencies=provided(given),
        template_config=template_config(),
        before_request=_admit,
        dto=StrictBody,
        return_dto=None,
        response_class=JsonResponse,
        exception_handlers={Exception: answer_error},
        request_max_body_size=BODY_BYTES,
        openapi_config=openapi_config(docs_router(), [DocsPage(), DocsDocument()]),
        plugins=[StructSchemas()],
        logging_config=None,
        debug=False,  # else LITESTAR_DEBUG and LITESTAR_PDB say so
        pdb_on_exception=False,
        on_startup=[_begin_measuring, *on_startup],
        on_shutdown=[*on_shutdown, _end_measuring],
    )
    app.given = given
    app.serve(serves)
    return app


async def _admit(request: HttpRequest) -> Response[Any] | None:
    """Let a request in, and return the answer where the route has one at once."""
    scope, app = request.scope, cast("PortfolioApp", request.app)
    handler = scope["route_handler"]
    app.state.admission.admit(scope, handler)
    if scope["method"] != "GET":
        if takes_no_body(handler):
            refuse_body(await request.body())
        return None
    access = access_of(handler)
    at_once = access.at_once if access is not None and not scope["query_string"] else None
    return None if at_once is None else await at_once(app.given)


async def _begin_measuring(app: Litestar) -> None:
    await app.state.loop_lag.start()


async def _end_measuring(app: Litestar) -> None:
    await app.state.loop_lag.stop()


def _injected(use_cases: UseCases, metrics: Metrics) -> dict[str, object]:
    """Return what handlers may ask for, by the name of the argument."""
    use_cases.stream.told = metrics.told
    booking_views = BookingViews(use_cases.categories, use_cases.max_price_age)
    return {
        "cases": use_cases,
        "metrics": metrics,
        "booking_views": booking_views,
        "import_slots": ImportSlots(),
        "booking_requests": BookingRequests(use_cases.ledger.booking, booking_views, use_cases.clock, metrics),
    }


def _of_pages(use_cases: UseCases, settings: Settings, admission: Admission) -> dict[str, object]:
    """Return what pages show, and the answers that they have in common with programs."""
    answers, pages = PortfolioAnswers(use_cases), Pages(use_cases, simulated=settings.is_simulated)
    return {
        "import_page": ImportPage(pages, use_cases, admission),
        "portfolio_answers": answers,
        "pages": pages,
        "tear_sheet": MakeTearSheet(use_cases, simulated=settings.is_simulated),
        "overview": Overview(use_cases, answers, Macros(template_config())),
    }


def _bodiless(send: Send) -> Send:
    """Return where a GET's answer goes when HEAD was asked: its status and headers, and no body."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head
