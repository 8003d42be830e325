"""The frame of every page: navigation, who is signed in, and whether the figures can be trusted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec
from litestar import Controller, MediaType
from litestar.response import Template
from msgspec import Raw

from portfolio.application.errors import LedgerUnavailable
from portfolio.entrypoints.http.pages.frame.headers import HEADERS
from portfolio.entrypoints.http.portfolio.reads import Reading, Readings
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Caller, Scope, presented_cookie
from portfolio.entrypoints.http.shell.injection import HttpRequest
from portfolio.entrypoints.http.shell.numbers import percent_or_null
from portfolio.entrypoints.http.shell.use_cases import UseCases

T = TypeVar("T")

PRIVATE_COOKIE: Final = "private"
STREAM: Final = "/stream?topics=state,prices,signals,health,entries"


PLACES: Final[Mapping[str, str]] = {
    "/": "Overview",
    "/pages/positions": "Positions",
    "/pages/performance": "Performance",
    "/pages/risk": "Risk",
    "/pages/rebalancing": "Rebalancing",
    "/pages/optimiser": "Optimiser",
    "/pages/scorecard": "Scorecard",
    "/pages/backtests": "Backtests",
    "/pages/activity": "Activity",
    "/pages/trades": "Trades",
    "/pages/lots": "Lots and gains",
    "/pages/import": "Import",
    "/pages/operations": "Operations",
}
"""The pages in the navigation."""


class Strip(msgspec.Struct, frozen=True, kw_only=True):
    """Whether what is shown can be believed, with ages in seconds. ``position`` is where the stream goes on from."""

    as_of: datetime
    age_seconds: int
    revision: int
    is_stale: bool
    database_away: bool
    fresh_share_percent: Raw | None
    oldest_price_seconds: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What every page has: ``address`` is its path with the query, to come back to.

    Without a ``strip`` nothing of the books is shown, as where the key is asked for. ``stream`` is what the page
    follows; without one it looks again by itself: a private page, as the stream's messages have amounts in them. One
    that ``is_still`` does neither: what it shows was computed as it was asked for.
    """

    title: str
    path: str
    private: bool
    address: str = "/"
    simulated: bool = False
    caller: str | None = None
    signed_in: bool = False
    strip: Strip | None = None
    stream: str | None = None
    is_still: bool = False


class Pages:
    """Makes pages: the newest state of the books, and the templates around it."""

    def __init__(self, cases: UseCases, *, simulated: bool) -> None:
        self.readings = Readings(cases)
        self._simulated = simulated

    async def reading(self) -> Reading:
        """Return the newest state, valued now; the last one seen when the database does not answer in time."""
        return await self.readings.newest()

    def page(
        self,
        request: HttpRequest,
        template: str,
        title: str,
        reading: Reading | None,
        *,
        is_still: bool = False,
        **content: Any,
    ) -> Template:
        """Return a page: a template, what it shows, and the frame around it; ``is_still`` one follows nothing."""
        strip = strip_of(reading) if reading else None
        frame = frame_of(request, title, strip, simulated=self._simulated)
        if is_still:
            frame = replace(frame, is_still=True, stream=None)
        return html(template, frame=frame, **content)


class PageController(Controller):
    """Routes of pages: whoever may read sees them, and the API's document does not have them."""

    include_in_schema = False
    opt = access(Scope.READ)
    response_headers = HEADERS


class Look:
    """Looks something up for a page that shows a reading: a page is there without it too, and says so."""

    def __init__(self, reading: Reading, deadline_seconds: float) -> None:
        self._is_away = reading.snapshot.database_away
        self._deadline_seconds = deadline_seconds

    async def __call__(self, lookup: Callable[[], Awaitable[T]]) -> T | None:
        """Return what is found; None where the database is away, or does not answer in time."""
        if self._is_away:
            return None
        try:
            async with asyncio.timeout(self._deadline_seconds):
                return await lookup()
        except (LedgerUnavailable, TimeoutError):
            self._is_away = True
            return None


def html(template: str, *, status_code: int = 200, headers: dict[str, str] | None = None, **content: Any) -> Template:
    """Return a template as an answer."""
    return Template(
        template, context=content, media_type=MediaType.HTML, status_code=status_code, headers=headers or {}
    )


def frame_of(request: HttpRequest, title: str, strip: Strip | None = None, *, simulated: bool = False) -> Frame:
    """Return what surrounds a page."""
    caller = request.scope.get("user")
    return Frame(
        title=title,
        path=request.scope["path"],
        address=_address(request),
        private=is_private(request),
        simulated=simulated,
        caller=caller.name if isinstance(caller, Caller) else None,
        signed_in=isinstance(caller, Caller) and caller.signed_in,
        strip=strip,
        stream=None if is_private(request) else STREAM,
    )


def strip_of(reading: Reading) -> Strip:
    """Return what is to be said of a state before anybody believes it."""
    ages = [age for value in reading.valuation.positions if (age := value.price_age_seconds) is not None]
    share = reading.valuation.freshness.percent
    return Strip(
        as_of=reading.snapshot.as_of,
        age_seconds=max(0, int((reading.at - reading.snapshot.as_of).total_seconds())),
        revision=reading.snapshot.revisions.ledger,
        is_stale=reading.valuation.is_stale,
        database_away=reading.snapshot.database_away,
        fresh_share_percent=percent_or_null(share),
        oldest_price_seconds=max(ages, default=None),
    )


def is_private(request: HttpRequest) -> bool:
    """Return whether the page that is asked for is to be without any amount of the own books."""
    return presented_cookie(request.scope["headers"], PRIVATE_COOKIE) not in {None, "0"}


def _address(request: HttpRequest) -> str:
    query = request.scope["query_string"].decode("latin-1")
    return f"{request.scope['path']}?{query}" if query else request.scope["path"]
