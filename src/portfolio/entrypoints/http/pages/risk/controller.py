"""The page of risk."""

from __future__ import annotations

from litestar import get
from litestar.response import Template

from portfolio.application.risk.metrics import measured
from portfolio.entrypoints.http.pages.frame.page import PageController, Pages
from portfolio.entrypoints.http.pages.risk.content import risk_content
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases


class RiskPageController(PageController):
    """The route of the risk as people look at it."""

    @get("/pages/risk")
    async def read_risk(self, request: HttpRequest, pages: Injected[Pages], cases: Injected[UseCases]) -> Template:
        """Return the risk of what is held, at today's weights."""
        state = await cases.market()
        content = await measured(risk_content, state)
        reading = pages.readings.at(state.snapshot, state.at)
        return pages.page(request, "risk.html", "Risk", reading, content=content)
