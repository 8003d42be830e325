"""The page of lots and gains."""

from __future__ import annotations

from litestar import get
from litestar.di import NamedDependency, Provide
from litestar.response import Template

from portfolio.application.ledger.lots.reading import Gains, Lots, ReadLots
from portfolio.entrypoints.http.pages.frame.page import Look, PageController, Pages
from portfolio.entrypoints.http.pages.lots.content import LotsForm, Wanted, lots_content
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases


class LotsPageController(PageController):
    """The route of lots and gains as people look at them."""

    dependencies = {"form": Provide(LotsForm, sync_to_thread=False)}

    @get("/pages/lots")
    async def read_lots_page(
        self, request: HttpRequest, pages: Injected[Pages], form: NamedDependency[LotsForm], cases: Injected[UseCases]
    ) -> Template:
        """Return what is left of each purchase, and what the sales of a year brought, by the method that is chosen."""
        reading = await pages.reading()
        this_year = reading.at.year
        wanted, errors = form.read(this_year)
        look = Look(reading, cases.read_deadline_seconds)
        found = None if errors else await look(lambda: _read(cases.ledger.read_lots, wanted))
        content = lots_content(form, wanted, errors, found, this_year)
        return pages.page(request, "lots.html", "Lots and gains", reading, content=content)


async def _read(read_lots: ReadLots, wanted: Wanted) -> tuple[Lots, Gains]:
    lots = await read_lots(wanted.method)
    return lots, await read_lots.gains(wanted.method, wanted.year)
