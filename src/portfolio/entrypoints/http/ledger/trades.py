"""Trades: what was booked, and taking one back."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Controller, Response, get, post
from litestar.params import JSONBody, PathParameter

from portfolio.application.errors import NotFound
from portfolio.application.ledger.happenings.late_splits import remark_of
from portfolio.application.ledger.records import BookedTrade, Page, TradeFilter
from portfolio.domain.errors import InsufficientCash, InsufficientQuantity, NotReversible, OutOfRange
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import percent_of
from portfolio.entrypoints.http.errors import NOT_FOUND, WRITE_PROBLEMS, kinds_of
from portfolio.entrypoints.http.ledger.answers import ReversalAnswer, TradeAnswer, TradesAnswer, TradeView
from portfolio.entrypoints.http.ledger.replies import replied
from portfolio.entrypoints.http.ledger.requests import (
    EngineQuery,
    KeyQuery,
    OwnerQuery,
    ReversalBody,
    SideQuery,
    SinceQuery,
    SymbolQuery,
    TradesCursor,
    UntilQuery,
)
from portfolio.entrypoints.http.ledger.views import BookingViews
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import (
    FieldReader,
    PageSize,
    parse_moment,
    read_cursor,
    read_note,
    read_symbol,
    write_cursor,
)
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.http.views import view

LARGEST_ID: Final = 2**63 - 1

TradeId = Annotated[str, PathParameter(description="The trade's `id`: a whole number above zero.")]


class TradeController(Controller):
    """Routes of booked trades."""

    tags = ["trades"]

    @get("/trades", summary="Booked trades, newest first", opt=access(Scope.READ))
    async def list_trades(
        self,
        cases: Injected[UseCases],
        symbol: SymbolQuery = None,
        side: SideQuery = None,
        engine: EngineQuery = None,
        owner: OwnerQuery = None,
        client_trade_id: KeyQuery = None,
        since: SinceQuery = None,
        until: UntilQuery = None,
        limit: PageSize = 100,
        cursor: TradesCursor = None,
    ) -> TradesAnswer:
        """Return what was booked here, newest first; rows that other programs wrote are not listed.

        The order is that of the bookings, while `since` and `until` are about `executed_at`. A reversal is a trade too:
        it has `reverses`, and the trade that it takes back has `reversed_by`.
        """
        reading = FieldReader()
        wanted = TradeFilter(
            symbol=reading.given("symbol", symbol, read_symbol),
            side=Side(side.upper()) if side else None,
            engine=engine,
            owner=owner,
            client_trade_id=client_trade_id,
            since=reading.given("since", since, parse_moment),
            until=reading.given("until", until, parse_moment),
            before=read_cursor(cursor),
            limit=limit,
        )
        reading.finish()
        page = await cases.lookups.trades(cases.portfolio_id, wanted)
        views = trade_views(page)
        following = write_cursor("t", page.next_before)
        return TradesAnswer(timestamp=cases.clock.now(), trades=views, count=len(views), next_cursor=following)

    @get("/trades/{trade_id:str}", summary="One booked trade", opt=access(Scope.READ, problems=(NOT_FOUND,)))
    async def read_trade(self, trade_id: TradeId, cases: Injected[UseCases]) -> TradeAnswer:
        """Return a trade that was booked here, reversals included."""
        page = await cases.lookups.trades(cases.portfolio_id, TradeFilter(id=read_id(trade_id, "trade"), limit=1))
        for found in trade_views(page):
            return TradeAnswer(timestamp=cases.clock.now(), trade=found)
        raise NotFound("trade", trade_id)

    @post(
        "/trades/{trade_id:str}/reverse",
        status_code=200,
        summary="Book the opposite of a trade",
        opt=access(
            Scope.ADMIN,
            problems=(
                NOT_FOUND,
                *kinds_of(OutOfRange, NotReversible, InsufficientQuantity, InsufficientCash),
                *WRITE_PROBLEMS,
            ),
        ),
    )
    async def reverse_trade(
        self,
        request: HttpRequest,
        trade_id: TradeId,
        cases: Injected[UseCases],
        booking_views: Injected[BookingViews],
        data: JSONBody[ReversalBody | None] = None,
    ) -> Response[ReversalAnswer]:
        """Take a trade back by booking its opposite, linked to it, once; nothing is ever deleted.

        Sent again by the same caller it is answered with the reversal there is, `replayed: true`, and position and cash
        as they are by now.
        """
        notes, owner = read_note(data.notes) if data else None, request.user.owner(None)
        reply = await cases.uncancelled(
            cases.ledger.reverse(cases.portfolio_id, read_id(trade_id, "trade"), owner=owner, notes=notes)
        )
        at, remark = reply.entry.booked_at, remark_of(reply.entry.request.notes)
        allocation_percent = percent_of(reply.position.market_value, reply.total_value)
        content = view(
            ReversalAnswer,
            reply,
            reply.entry.trade,
            timestamp=at,
            message="; ".join(filter(None, [f"Trade {reply.reverses} reversed", remark])),
            position=booking_views.view_after(reply.position, at, allocation_percent),
            cash_balance=reply.cash,
        )
        return replied(content, replayed=reply.replayed)


def read_id(text: str, what: str) -> int:
    """Return the id that a text is; raises NotFound, of ``what``, where it is none."""
    # Not int(): it would take a thousand digits, blanks and the digits of other scripts.
    if text.isascii() and text.isdigit() and len(text) <= 19 and 0 < int(text) <= LARGEST_ID:
        return int(text)
    raise NotFound(what, repr(text[:40]))


def trade_views(page: Page[BookedTrade]) -> list[TradeView]:
    """Return what was booked here of a page of the trades table."""
    return [shown for booked in page.items if (shown := trade_view(booked)) is not None]


def trade_view(booked: BookedTrade) -> TradeView | None:
    """Return a trade as it is shown; None of one that was not booked here."""
    entry = booked.entry
    return None if entry is None else view(TradeView, booked, entry.trade, entry, entry.request)
