"""The page of activity."""

from __future__ import annotations

from litestar import get
from litestar.di import NamedDependency, Provide
from litestar.response import Template

from portfolio.application.ledger.records import Page
from portfolio.entrypoints.http.pages.activity.content import activity_content
from portfolio.entrypoints.http.pages.activity.form import ActivityForm
from portfolio.entrypoints.http.pages.frame.page import Look, PageController, Pages
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases


class ActivityPageController(PageController):
    """The route of everything that happened, as people look at it."""

    dependencies = {"form": Provide(ActivityForm, sync_to_thread=False)}

    @get("/pages/activity")
    async def read_activity(
        self,
        request: HttpRequest,
        pages: Injected[Pages],
        form: NamedDependency[ActivityForm],
        cases: Injected[UseCases],
    ) -> Template:
        """Return the entries that the form asks for, newest first."""
        wanted, errors = form.read()
        reading = await pages.reading()
        look = Look(reading, cases.read_deadline_seconds)
        found = Page((), None) if errors else await look(lambda: cases.lookups.activity(cases.portfolio_id, wanted))
        content = activity_content(form, errors, reading, found)
        return pages.page(request, "activity.html", "Activity", reading, content=content)
