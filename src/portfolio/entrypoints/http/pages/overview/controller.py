"""The first page: what there is, whether it can be believed, and how it went."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get
from litestar.response import Template
from markupsafe import Markup

from portfolio.application.derived import Derived
from portfolio.application.ledger.happenings.activity import EntryFilter
from portfolio.application.prices.identity import identity_of
from portfolio.application.risk.state import summary_of
from portfolio.entrypoints.charts import Scale
from portfolio.entrypoints.http.pages.bases import on_basis
from portfolio.entrypoints.http.pages.frame.engine import Macros
from portfolio.entrypoints.http.pages.frame.page import Look, PageController, Pages, is_private
from portfolio.entrypoints.http.pages.overview.content import (
    alerts_of,
    entry_line,
    health_figure,
    holdings_chart,
    identity_chart,
    key_figures,
)
from portfolio.entrypoints.http.pages.periods import Choice, PeriodQuery, ScaleQuery
from portfolio.entrypoints.http.pages.series_charts import index_chart, value_chart
from portfolio.entrypoints.http.pages.words import broken_limits
from portfolio.entrypoints.http.performance.controller import BasisQuery
from portfolio.entrypoints.http.portfolio.controller import PortfolioAnswers
from portfolio.entrypoints.http.portfolio.reads import Reading
from portfolio.entrypoints.http.shell.bodies import Typed
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases

NEWEST = 8


class Overview(msgspec.Struct, frozen=True):
    """Reads what the first page shows."""

    cases: UseCases
    answers: PortfolioAnswers
    macros: Macros

    async def __call__(
        self, reading: Reading, choice: Choice, *, private: bool, basis: str | None = None
    ) -> dict[str, Any]:
        """Return the content of the page, with the days of a basis; of the usual one where none is asked for."""
        snapshot, valuation, by_basis = reading.snapshot, reading.valuation, self.cases.performance.by_basis
        days, of = choice.days(reading.at.date()), choice.benchmark
        shown, series = await on_basis(by_basis, basis, lambda reads: reads.series.of(snapshot, days, of))
        view = await self.answers.view(reading)
        state = await self.cases.rebalancing.market.of(snapshot, valuation=valuation)
        summary = summary_of(state)

        def charts() -> list[Markup]:
            drawn = [
                identity_chart(identity_of(valuation), private=private),
                holdings_chart(valuation, private=private),
                *([] if private else [value_chart(series, choice.scale)]),
                index_chart(series, choice.scale),
            ]
            return [self.macros.chart(chart, private=private) for chart in drawn]

        # Another program may have written the days: then they are other ones.
        kept_of = (choice, shown, private, series.today.day, series.stale, tuple(series.history.finals))
        kept = snapshot.derived.once(Overview, lambda: Derived(most=4))
        identity, holdings, *over_time = kept.once(kept_of, charts)
        look = Look(reading, self.cases.read_deadline_seconds)
        newest = EntryFilter(limit=NEWEST)
        entries = await look(lambda: self.cases.lookups.activity(self.cases.portfolio_id, newest))
        return {
            "figures": key_figures(view, series, restated=shown.is_restated),
            "health": health_figure(summary, state.as_of, state.convention),
            "broken": broken_limits(summary),
            "identity": identity,
            "holdings": holdings,
            "over_time": over_time,
            "alerts": list(alerts_of(await self.cases.health(), summary)),
            "entries": None if entries is None else list(map(entry_line, entries.items)),
            "choice": choice,
            "basis": shown,
            "scales": list(Scale),
        }


class OverviewController(PageController):
    """The route of the first page."""

    @get("/")
    async def read_overview(
        self,
        request: HttpRequest,
        pages: Injected[Pages],
        overview: Injected[Overview],
        period: PeriodQuery = None,
        scale: ScaleQuery = None,
        benchmark: Typed = None,
        basis: BasisQuery = None,
    ) -> Template:
        """Return the first page."""
        choice = Choice.of(period, scale, benchmark)
        reading = await pages.reading()
        content = await overview(reading, choice, private=is_private(request), basis=basis)
        return pages.page(request, "overview.html", "Overview", reading, **content)
