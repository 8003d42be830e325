"""The page of activity."""

from __future__ import annotations

from litestar import get
from litestar.di import NamedDependency, Provide
from litestar.response import Template

from portfolio.application.ledger.ports import Lookups
from portfolio.application.ledger.records import Page
from portfolio.entrypoints.http.pages.activity.content import activity_content
from portfolio.entrypoints.http.pages.activity.form import ActivityForm
from portfolio.entrypoints.http.pages.frame.page import Look, PageController, Pages
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected


class ActivityPageController(PageController):
    """The route of everything that happened, as people look at it."""

    dependencies = {"form": Provide(ActivityForm, sync_to_thread=False)}

    @get("/pages/activity")
    async def read_activity(
        self,
        request: HttpRequest,
        pages: Injected[Pages],
        form: NamedDependency[ActivityForm],
        lookups: Injected[Lookups],
        portfolio_id: Injected[int],
        read_deadline_seconds: Injected[float],
    ) -> Template:
        """Return the entries that the form asks for, newest first."""
        wanted, errors = form.read()
        reading = await pages.reading()
        look = Look(reading, read_deadline_seconds)
        found = Page((), None) if errors else await look(lambda: lookups.activity(portfolio_id, wanted))
        content = activity_content(form, errors, reading, found)
        return pages.page(request, "activity.html", "Activity", reading, content=content)
