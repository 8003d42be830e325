"""The reports over HTTP."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, MediaType, Response, get
from litestar.params import QueryParameter

from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.entrypoints.http.pages.frame.headers import HEADERS
from portfolio.entrypoints.http.pages.frame.page import is_private
from portfolio.entrypoints.http.performance.controller import Benchmark, asked_benchmark
from portfolio.entrypoints.http.reports.tearsheet import MakeTearSheet, SheetRequest, policy
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import Days
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected

Private = Annotated[bool, QueryParameter(description="Shares and an index of 100 alone: no amount of the own books.")]


class ReportController(Controller):
    """Routes of reports."""

    path = "/reports"
    tags = ["portfolio"]

    @get(
        "/tearsheet",
        summary="One HTML file about the last completed days",
        media_type=MediaType.HTML,
        opt=access(Scope.READ),
    )
    async def read_tear_sheet(
        self,
        request: HttpRequest,
        tear_sheet: Injected[MakeTearSheet],
        days: Days = DAYS_PER_YEAR,
        benchmark: Benchmark = None,
        private: Private = False,
    ) -> Response[bytes]:
        """Return the tear sheet: what there is, how it did, what is risky, and what the figures rest on.

        The file holds everything that it shows, and asks nobody for anything. The same position gives the same bytes.
        """
        wanted = SheetRequest(
            days=days,
            benchmark=asked_benchmark(benchmark),
            private=private or is_private(request),
        )
        headers = {**HEADERS, "Content-Security-Policy": f"{policy()}; frame-ancestors 'none'"}
        return Response(await tear_sheet(wanted), media_type=MediaType.HTML, headers=headers)
