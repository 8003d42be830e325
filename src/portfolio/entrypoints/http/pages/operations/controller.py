"""The page of operations."""

from __future__ import annotations

from litestar import get
from litestar.response import Template

from portfolio.application.errors import LedgerUnavailable, PortfolioMissing
from portfolio.domain.errors import OutOfRange
from portfolio.entrypoints.http.operations.controller import health_view
from portfolio.entrypoints.http.pages.frame.page import PageController, Pages
from portfolio.entrypoints.http.pages.operations.content import operations_content
from portfolio.entrypoints.http.portfolio.reads import Reading
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.loop_lag import LoopLag


class OperationsPageController(PageController):
    """The route of the service as people look at it."""

    @get("/pages/operations")
    async def read_operations(
        self, request: HttpRequest, pages: Injected[Pages], cases: Injected[UseCases], loop_lag: Injected[LoopLag]
    ) -> Template:
        """Return how the service is doing; also while there is no state of the books that can be shown."""
        found = health_view(await cases.health(), cases.clock.now())
        content = operations_content(found, cases, tuple(loop_lag.recent))
        return pages.page(request, "operations.html", "Operations", await _reading(pages), content=content)


async def _reading(pages: Pages) -> Reading | None:
    """Return the state around the page; None before any was ever seen, or of sums out of range: this page says why."""
    try:
        return await pages.reading()
    except (LedgerUnavailable, PortfolioMissing, OutOfRange):
        return None
