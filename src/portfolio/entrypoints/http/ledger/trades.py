"""Trades: what was booked, and taking one back."""

from __future__ import annotations

from litestar import Response, get, post

from portfolio.application.errors import NotFound
from portfolio.application.ledger.records import BookedTrade, TradeEntry
from portfolio.domain.errors import InsufficientCash, InsufficientQuantity, NotReversible, OutOfRange
from portfolio.domain.ledger.trade import Side
from portfolio.entrypoints.http.errors import NOT_FOUND, PROBLEMS, WRITE_PROBLEMS
from portfolio.entrypoints.http.ledger import examples
from portfolio.entrypoints.http.ledger.answers import ReversalAnswer, TradesAnswer, TradeView
from portfolio.entrypoints.http.ledger.bookings import REPLAYED
from portfolio.entrypoints.http.ledger.position_views import position_view
from portfolio.entrypoints.http.ledger.requests import ReversalBody, TradesQuery, trade_filter
from portfolio.entrypoints.http.ledger.views import value_after
from portfolio.entrypoints.http.shell.admission import caller_of
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import decode, read_query, write_cursor
from portfolio.entrypoints.http.shell.numbers import number, number_or_null
from portfolio.entrypoints.http.shell.operation import declares
from portfolio.entrypoints.http.shell.responses import answer
from portfolio.entrypoints.http.shell.use_cases import HttpRequest, use_cases_of

TAG = "trades"
LARGEST_ID = 2**63 - 1


@get(
    "/trades",
    opt=declares(
        scope=Scope.READ,
        summary="Booked trades, newest first",
        tag=TAG,
        query=TradesQuery,
        answer=TradesAnswer,
        example=examples.TRADES,
    ),
)
async def list_trades(request: HttpRequest) -> Response[bytes]:
    """Return what was booked here, newest first; rows that other programs wrote are not listed."""
    cases = use_cases_of(request)
    page = await cases.ledger.trades(trade_filter(read_query(request, TradesQuery)))
    views = [_view(booked, booked.entry) for booked in page.items if booked.entry is not None]
    content = TradesAnswer(
        timestamp=cases.clock.now(),
        trades=views,
        count=len(views),
        next_cursor=write_cursor("t", page.next_before),
    )
    return answer(content)


@post(
    "/trades/{trade_id:str}/reverse",
    status_code=200,
    opt=declares(
        scope=Scope.ADMIN,
        summary="Book the opposite of a trade",
        tag=TAG,
        body=ReversalBody,
        body_required=False,
        body_examples=examples.REVERSALS,
        path={"trade_id": {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}},
        answer=ReversalAnswer,
        example=examples.REVERSED,
        problems=(
            NOT_FOUND,
            *(PROBLEMS[error] for error in (OutOfRange, NotReversible, InsufficientQuantity, InsufficientCash)),
            *WRITE_PROBLEMS,
        ),
    ),
)
async def reverse_trade(request: HttpRequest) -> Response[bytes]:
    """Take a trade back by booking its opposite, linked to it, once; nothing is ever deleted.

    Sent again by the same caller it is answered with the reversal there is, `replayed: true`, and position and cash as
    they are by now.
    """
    cases = use_cases_of(request)
    given = request.path_params["trade_id"]
    # Not int(): it would take a thousand digits, blanks and the digits of other scripts.
    if not (given.isascii() and given.isdigit() and len(given) <= 19 and 0 < int(given) <= LARGEST_ID):
        raise NotFound("trade", repr(given[:40]))
    raw = await request.body()
    body = decode(raw, ReversalBody) if raw else ReversalBody()
    reply = await cases.carry_through(cases.reverse(int(given), owner=caller_of(request).owner(None), notes=body.notes))
    at = reply.entry.booked_at
    content = ReversalAnswer(
        timestamp=at,
        message=f"Trade {reply.reverses} reversed",
        trade_id=reply.trade_id,
        reverses=reply.reverses,
        position=position_view(value_after(cases, reply.position, at, total=reply.total_value), updated_at=at),
        cash_balance=number(reply.cash),
        realized_pnl=number(reply.entry.trade.realized_pnl),
        replayed=reply.replayed,
    )
    return answer(content, headers={REPLAYED: "true"} if reply.replayed else None)


def _view(booked: BookedTrade, entry: TradeEntry) -> TradeView:
    trade = entry.trade
    return TradeView(
        id=booked.id,
        symbol=trade.symbol.code,
        side="BUY" if trade.side is Side.BUY else "SELL",
        quantity=number(trade.quantity),
        price=number(trade.price),
        notional=number(trade.notional),
        fees=number(trade.fees),
        cash_delta=number(trade.cash_delta),
        cost_basis_sold=number(trade.cost_basis_sold),
        realized_pnl=number(trade.realized_pnl),
        closes=trade.closes,
        executed_at=trade.executed_at,
        booked_at=entry.booked_at,
        owner=entry.owner,
        engine=entry.engine,
        client_trade_id=entry.client_trade_id,
        signal_id=entry.signal_id,
        recommendation_id=entry.recommendation_id,
        confidence=number_or_null(entry.confidence),
        notes=entry.notes,
        reverses=trade.reverses,
        reversed_by=booked.reversed_by,
        revision=entry.revision,
    )
