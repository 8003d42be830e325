"""The page of risk."""

from __future__ import annotations

from litestar import Controller, get
from litestar.response import Template

from portfolio.application.risk.metrics import measured
from portfolio.application.risk.state import ReadMarket
from portfolio.entrypoints.http.pages.frame.headers import HEADERS
from portfolio.entrypoints.http.pages.frame.page import Pages
from portfolio.entrypoints.http.pages.risk.content import risk_content
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected


class RiskPageController(Controller):
    """The route of the risk as people look at it."""

    include_in_schema = False
    opt = access(Scope.READ)
    response_headers = HEADERS

    @get("/pages/risk")
    async def read_risk(self, request: HttpRequest, pages: Injected[Pages], market: Injected[ReadMarket]) -> Template:
        """Return the risk of what is held, at today's weights."""
        state = await market()
        content = await measured(risk_content, state)
        reading = pages.readings.at(state.snapshot, state.at)
        return pages.page(request, "risk.html", "Risk", reading, content=content)
