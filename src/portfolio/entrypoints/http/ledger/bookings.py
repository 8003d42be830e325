"""Bookings: one, many, and what became of them."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote_to_bytes

from litestar import Response, get, post
from msgspec import UNSET

from portfolio.application.errors import NotFound, OwnerAmbiguous
from portfolio.application.ledger.records import BookingKey, BookingReply
from portfolio.entrypoints.http.errors import BOOKING_PROBLEMS, NOT_FOUND, PROBLEMS
from portfolio.entrypoints.http.ledger import examples
from portfolio.entrypoints.http.ledger.answers import BatchAnswer, BookingAnswer, OutcomeAnswer, OutcomesAnswer
from portfolio.entrypoints.http.ledger.requests import (
    BatchBody,
    BookingBody,
    OutcomeQuery,
    OutcomesQuery,
    book_trade,
    book_trades,
)
from portfolio.entrypoints.http.ledger.views import batch_item, booking_answer, outcome_view
from portfolio.entrypoints.http.shell.admission import caller_of
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import read_body, read_cursor, read_query, write_cursor
from portfolio.entrypoints.http.shell.idempotency import header_key, refuse_header_key
from portfolio.entrypoints.http.shell.operation import declares
from portfolio.entrypoints.http.shell.responses import answer, problem_answer
from portfolio.entrypoints.http.shell.use_cases import HttpRequest, use_cases_of

BATCH_BYTES: Final = 1024 * 1024
REPLAYED: Final = "Idempotency-Replayed"
TAG: Final = "bookings"


@post(
    "/holdings/update",
    status_code=200,
    opt=declares(
        scope=Scope.TRADE,
        summary="Book one execution",
        tag=TAG,
        body=BookingBody,
        body_examples=examples.BOOKINGS,
        headers={"Idempotency-Key": "The same as `client_trade_id`; both and different is refused."},
        answer=BookingAnswer,
        example=examples.BOOKED,
        problems=BOOKING_PROBLEMS,
        books=True,
    ),
)
async def update_holdings(request: HttpRequest) -> Response[bytes]:
    """Book one execution: exactly once where there is a key, whole or not at all.

    The answer comes after the commit. Sent again with its key, the same booking is answered the same, with
    `replayed: true`; another booking under that key is refused. Refusals with 409 and `amount-mismatch` are kept like
    acceptances.
    An admin sends a refused booking again with `override: true` and its key, and it is booked in its owner's name; an
    override of what was booked is a replay. Where several owners have a booking under that key, `owner` says whose.
    """
    cases = use_cases_of(request)
    body = await read_body(request, BookingBody)
    wish = book_trade(body, caller_of(request), cases.clock.now(), header_key=header_key(request))
    [result] = await cases.booking.book([wish])
    request.app.state["metrics"].booked([result])
    if not isinstance(result, BookingReply):
        raise result
    content = booking_answer(cases, result)
    headers = {REPLAYED: "true"} if result.replayed else None
    if isinstance(content, BookingAnswer):
        return answer(content, headers=headers)
    return problem_answer(content, headers=headers)


@post(
    "/holdings/update/batch",
    status_code=200,
    request_max_body_size=BATCH_BYTES,
    opt=declares(
        scope=Scope.TRADE,
        summary="Book up to 1,000 executions in one transaction",
        tag=TAG,
        body=BatchBody,
        body_examples=examples.BATCHES,
        answer=BatchAnswer,
        example=examples.BATCH_BOOKED,
        problems=BOOKING_PROBLEMS,
        books=True,
    ),
)
async def update_holdings_batch(request: HttpRequest) -> Response[bytes]:
    """Book many executions in one transaction, in order, each booked or refused alone.

    A booking that cannot even be read (400) spoils the whole batch, naming its place, and nothing is booked. A booking
    that the ledger refuses does not disturb the others. `Idempotency-Key` is refused here: each booking has its own
    `client_trade_id`.
    """
    cases = use_cases_of(request)
    refuse_header_key(request)
    body = await read_body(request, BatchBody)
    results = await cases.booking.book(book_trades(body, caller_of(request), cases.clock.now()))
    request.app.state["metrics"].booked(results)
    items = [batch_item(cases, index, result, request.url.path) for index, result in enumerate(results)]
    booked = sum(item.status == "booked" for item in items)
    content = BatchAnswer(timestamp=cases.clock.now(), results=items, booked=booked, refused=len(items) - booked)
    return answer(content)


@get(
    "/bookings/{client_trade_id:path}",
    opt=declares(
        scope=Scope.READ,
        summary="What became of a booking",
        tag=TAG,
        path={"client_trade_id": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[ -~]+$"}},
        query=OutcomeQuery,
        answer=OutcomeAnswer,
        example=examples.OUTCOME,
        problems=(NOT_FOUND, PROBLEMS[OwnerAmbiguous]),
    ),
)
async def read_booking(request: HttpRequest) -> Response[bytes]:
    """Return what became of the booking with that key, and the reply that its key gets.

    The owner is the caller's own name unless `owner` names another: keys are unique within their owner only. A service
    without API keys knows its callers by their engines: without `owner`, the booking is found when one engine alone has
    that key.
    """
    cases = use_cases_of(request)
    query = read_query(request, OutcomeQuery)
    caller, name = caller_of(request), _last_part(request)
    owner = caller.owner(None) if query.owner is UNSET else query.owner
    outcome = await cases.ledger.outcome(BookingKey(owner, name))
    if outcome is None and query.owner is UNSET and caller.name is None:
        owners = (await cases.ledger.owners_of({name})).get(name, ())
        if len(owners) > 1:
            raise OwnerAmbiguous(name, owners)
        outcome = await cases.ledger.outcome(BookingKey(owners[0], name)) if owners else None
    if outcome is None:
        raise NotFound("booking", repr(name))
    reply = booking_answer(cases, BookingReply(outcome, replayed=True))
    content = OutcomeAnswer(
        timestamp=cases.clock.now(),
        booking=outcome_view(outcome),
        reply=reply if isinstance(reply, BookingAnswer) else None,
    )
    return answer(content)


@get(
    "/bookings",
    opt=declares(
        scope=Scope.READ,
        summary="Refused bookings, newest first",
        tag=TAG,
        query=OutcomesQuery,
        answer=OutcomesAnswer,
        example=examples.REFUSALS,
    ),
)
async def list_bookings(request: HttpRequest) -> Response[bytes]:
    """Return the refused bookings: what was refused here may have been executed at the exchange all the same."""
    cases = use_cases_of(request)
    query = read_query(request, OutcomesQuery)
    page = await cases.ledger.refusals(before=read_cursor(query.cursor), limit=query.limit)
    views = [outcome_view(outcome) for outcome in page.items]
    content = OutcomesAnswer(
        timestamp=cases.clock.now(),
        bookings=views,
        count=len(views),
        next_cursor=write_cursor("r", page.next_before),
    )
    return answer(content)


def _last_part(request: HttpRequest) -> str:
    """Return the key in the path byte for byte: routing would fold its slashes."""
    raw: bytes = request.scope["raw_path"] or request.scope["path"].encode()
    _, _, quoted = raw.partition(b"?")[0].partition(b"/bookings/")
    return unquote_to_bytes(quoted).decode("utf-8", "replace")
