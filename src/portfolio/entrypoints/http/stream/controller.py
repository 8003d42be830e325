"""The stream: over WebSocket, as server-sent events, and its entries page by page."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from litestar import Controller, Response, WebSocket, get, websocket

from portfolio.application.errors import LedgerUnavailable, PortfolioMissing, PositionUnknown, TooManyStreams
from portfolio.entrypoints.http.errors import PROBLEMS, UPGRADE_REQUIRED, RequestError, kinds_of
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.admission import Admission
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import PageSize
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.http.stream.answers import EntriesAnswer
from portfolio.entrypoints.http.stream.events import EventStream
from portfolio.entrypoints.http.stream.requests import (
    START,
    AfterQuery,
    EntriesAfterQuery,
    TopicsQuery,
    read_after,
    stream_request,
)
from portfolio.entrypoints.http.stream.sockets import Socket
from portfolio.entrypoints.http.stream.writer import entry_view

_PROBLEMS: Final = kinds_of(TooManyStreams, PortfolioMissing, LedgerUnavailable)


class StreamController(Controller):
    """Routes of the stream."""

    tags = ["stream"]

    @websocket("/stream", opt=access(Scope.READ, problems=_PROBLEMS))
    async def follow(
        self,
        socket: WebSocket[Any, Any, Any],
        cases: Injected[UseCases],
        admission: Injected[Admission],
        after: AfterQuery = None,
        topics: TopicsQuery = None,
    ) -> None:
        """Send messages until one side ends the stream; one that is refused gets a problem, and no upgrade."""
        await Socket(socket, cases.stream, admission).serve(after, topics)

    @get("/stream", include_in_schema=False, opt=access(Scope.READ, problems=(UPGRADE_REQUIRED,)))
    async def refuse_request(self, after: AfterQuery = None, topics: TopicsQuery = None) -> None:
        """Tell who asks without an upgrade what this is: a proxy in between may have dropped it."""
        detail = "this is a WebSocket: ask for the upgrade, or for server-sent events at /stream/events"
        raise RequestError(UPGRADE_REQUIRED, detail, headers={"Upgrade": "websocket", "Connection": "Upgrade"})

    # Described by the AsyncAPI document: OpenAPI has no words for an answer that goes on.
    @get("/stream/events", include_in_schema=False, opt=access(Scope.READ, problems=_PROBLEMS))
    async def read_events(
        self,
        request: HttpRequest,
        cases: Injected[UseCases],
        admission: Injected[Admission],
        after: AfterQuery = None,
        topics: TopicsQuery = None,
    ) -> Response[str]:
        """Send every entry once it is committed, and what is new of the portfolio, until one side ends the stream.

        The messages are those of the WebSocket at `/stream`, described in `/asyncapi.json`; the `id` of an event is its
        position. `Last-Event-ID`, which a browser sends when it connects again, wins over `after`.
        """
        wanted = stream_request(after, topics, request.scope["headers"])
        may_listen = partial(admission.still_admits, request.scope)
        return EventStream(cases.stream, wanted, admission.counted_as(request.scope), may_listen)

    @get(
        "/entries",
        summary="Entries, in the order they were booked",
        opt=access(Scope.READ, problems=(PROBLEMS[PositionUnknown], *_PROBLEMS[1:])),
    )
    async def list_entries(
        self, cases: Injected[UseCases], after: EntriesAfterQuery = None, limit: PageSize = 100
    ) -> EntriesAnswer:
        """Return the entries after a position, as the stream tells them, for who asks now and then.

        A trade has the fields of `GET /trades`, any other entry those of `GET /cash/transactions`, each with its
        `ledger` revision and its `kind`. To hear of what comes, ask again `after` the `position` of the last answer.
        """
        page = await cases.read_entries(read_after(after or START), limit)
        views = [found for each in page.entries if (found := entry_view(each)) is not None]
        return EntriesAnswer(
            timestamp=cases.clock.now(),
            entries=views,
            first=page.first,
            last=page.last,
            position=str(page.end),
            next=str(page.end) if page.goes_on else None,
        )
