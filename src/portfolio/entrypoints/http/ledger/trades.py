"""Trades: what was booked, and taking one back."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Controller, Response, get, post
from litestar.params import JSONBody, PathParameter

from portfolio.application.clock import Clock
from portfolio.application.errors import NotFound
from portfolio.application.ledger.ports import Lookups
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.domain.errors import InsufficientCash, InsufficientQuantity, NotReversible, OutOfRange
from portfolio.entrypoints.http.errors import NOT_FOUND, PROBLEMS, WRITE_PROBLEMS
from portfolio.entrypoints.http.ledger.answers import ReversalAnswer, TradesAnswer, TradeView
from portfolio.entrypoints.http.ledger.position_views import position_view
from portfolio.entrypoints.http.ledger.requests import (
    EngineQuery,
    ReversalBody,
    SideQuery,
    SinceQuery,
    SymbolQuery,
    TradesCursor,
    UntilQuery,
    trade_filter,
)
from portfolio.entrypoints.http.ledger.views import BookingViews
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import PageSize, write_cursor
from portfolio.entrypoints.http.shell.idempotency import REPLAYED
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.responses import JsonResponse
from portfolio.entrypoints.http.shell.uncancelled import Uncancelled
from portfolio.entrypoints.http.views import view

LARGEST_ID: Final = 2**63 - 1

TradeId = Annotated[str, PathParameter(description="The trade's `id`: a whole number above zero.")]


class TradeController(Controller):
    """Routes of booked trades."""

    tags = ["trades"]

    @get("/trades", summary="Booked trades, newest first", opt=access(Scope.READ))
    async def list_trades(  # shape: each part of the query is an argument
        self,
        portfolio_id: Injected[int],
        lookups: Injected[Lookups],
        clock: Injected[Clock],
        symbol: SymbolQuery = None,
        side: SideQuery = None,
        engine: EngineQuery = None,
        since: SinceQuery = None,
        until: UntilQuery = None,
        limit: PageSize = 100,
        cursor: TradesCursor = None,
    ) -> TradesAnswer:
        """Return what was booked here, newest first; rows that other programs wrote are not listed."""
        wanted = trade_filter(symbol, side, engine, since=since, until=until, limit=limit, cursor=cursor)
        page = await lookups.trades(portfolio_id, wanted)
        views = [
            view(TradeView, booked, booked.entry.trade, booked.entry, booked.entry.request)
            for booked in page.items
            if booked.entry is not None
        ]
        following = write_cursor("t", page.next_before)
        return TradesAnswer(timestamp=clock.now(), trades=views, count=len(views), next_cursor=following)

    @post(
        "/trades/{trade_id:str}/reverse",
        status_code=200,
        summary="Book the opposite of a trade",
        opt=access(
            Scope.ADMIN,
            problems=(
                NOT_FOUND,
                *(PROBLEMS[error] for error in (OutOfRange, NotReversible, InsufficientQuantity, InsufficientCash)),
                *WRITE_PROBLEMS,
            ),
        ),
    )
    async def reverse_trade(  # shape: what the framework injects
        self,
        request: HttpRequest,
        trade_id: TradeId,
        portfolio_id: Injected[int],
        reverse: Injected[ReverseTrade],
        uncancelled: Injected[Uncancelled],
        booking_views: Injected[BookingViews],
        data: JSONBody[ReversalBody | None] = None,
    ) -> Response[ReversalAnswer]:
        """Take a trade back by booking its opposite, linked to it, once; nothing is ever deleted.

        Sent again by the same caller it is answered with the reversal there is, `replayed: true`, and position and cash
        as they are by now.
        """
        # Not int(): it would take a thousand digits, blanks and the digits of other scripts.
        if not (trade_id.isascii() and trade_id.isdigit() and len(trade_id) <= 19 and 0 < int(trade_id) <= LARGEST_ID):
            raise NotFound("trade", repr(trade_id[:40]))
        notes, owner = data.notes if data else None, request.user.owner(None)
        reply = await uncancelled(reverse(portfolio_id, int(trade_id), owner=owner, notes=notes))
        at = reply.entry.booked_at
        value = booking_views.value_after(reply.position, at, total=reply.total_value)
        content = view(
            ReversalAnswer,
            reply,
            reply.entry.trade,
            timestamp=at,
            message=f"Trade {reply.reverses} reversed",
            position=position_view(value, updated_at=at),
            cash_balance=reply.cash,
        )
        return JsonResponse(content, headers={REPLAYED: "true"} if reply.replayed else None)
