"""The page of the scorecard and the shadow portfolios."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar

from litestar import get
from litestar.response import Template

from portfolio.application.backtest.shadows import Shadows
from portfolio.application.errors import EntriesUnread, LedgerUnavailable
from portfolio.application.history.reading import ReadByBasis
from portfolio.application.in_thread import in_thread
from portfolio.application.performance.records import Basis
from portfolio.entrypoints.http.pages.frame.page import PageController, Pages, is_private
from portfolio.entrypoints.http.pages.periods import Choice, PeriodQuery
from portfolio.entrypoints.http.pages.scorecard.content import card_content
from portfolio.entrypoints.http.pages.scorecard.shadows import shadows_content
from portfolio.entrypoints.http.performance.controller import BasisQuery
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases

T = TypeVar("T")

USUAL: Final = "90d"
LATE: Final = "They are still being computed: a long period takes a while, once a day. Ask again."
NO_SIGNALS: Final = "The signals cannot be read while the database is away: of them no last state is kept."
AWAY: Final = "They cannot be computed while the database is away: these days were not read before."


class ScorecardPageController(PageController):
    """The route of how good the advice was, as people look at it."""

    @get("/pages/scorecard")
    async def read_scorecard_page(
        self,
        request: HttpRequest,
        pages: Injected[Pages],
        cases: Injected[UseCases],
        period: PeriodQuery = None,
        basis: BasisQuery = None,
    ) -> Template:
        """Return how good the signals were, and the shadows: of final days, so the page follows nothing."""
        choice, private, reading = Choice.of(period, None, None, USUAL), is_private(request), await pages.reading()
        days = choice.days(reading.at.date())
        card, no_card = await in_time(
            partial(cases.rebalancing.read_scorecard, days), cases.read_deadline_seconds, NO_SIGNALS
        )
        shadows, why = await in_time(
            partial(_shadows, cases.performance.by_basis, basis, days), cases.read_deadline_seconds, AWAY
        )
        return pages.page(
            request,
            "scorecard.html",
            "Scorecard",
            reading,
            is_still=True,
            choice=choice,
            card=card and card_content(card, reading.snapshot.as_of, private=private),
            shadows=shadows and await in_thread(lambda: shadows_content(shadows, private=private)),
            no_card=no_card,
            why=why,
            basis=basis,
            bases=[(one.value, one.value) for one in Basis],
        )


async def _shadows(by_basis: ReadByBasis, asked: str | None, days: int) -> Shadows:
    _, reads = await by_basis(Basis(asked) if asked else None)
    return await reads.shadows(days)


async def in_time(read: Callable[[], Awaitable[T]], deadline_seconds: float, away: str) -> tuple[T | None, str]:
    """Return what is read; without it why: what a request began that was given up is there for the next one."""
    try:
        async with asyncio.timeout(deadline_seconds):
            return await read(), ""
    except (TimeoutError, EntriesUnread):
        return None, LATE
    except LedgerUnavailable:
        return None, away
