"""Bookings: one, many, and what became of them."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import unquote_to_bytes

from litestar import Controller, Response, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from portfolio.application.errors import NotFound, Overloaded, OwnerAmbiguous
from portfolio.application.ledger.records import BookingKey, BookingReply
from portfolio.entrypoints.http.errors import BOOKING_PROBLEMS, NOT_FOUND, PROBLEMS, WRITE_PROBLEMS
from portfolio.entrypoints.http.ledger.answers import BatchAnswer, BookingAnswer, OutcomeAnswer, OutcomesAnswer
from portfolio.entrypoints.http.ledger.booking_requests import BookingRequests
from portfolio.entrypoints.http.ledger.idempotency import header_key, refuse_header_key
from portfolio.entrypoints.http.ledger.replies import replied
from portfolio.entrypoints.http.ledger.requests import BatchBody, BookingBody, OutcomesCursor, OutcomeStatus
from portfolio.entrypoints.http.ledger.views import BookingViews, outcome_view
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import PageSize, read_cursor, write_cursor
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases

BATCH_BYTES: Final = 1024 * 1024

BookingPath = Annotated[str, PathParameter(description="The `client_trade_id`, byte for byte.", max_length=400)]
OwnerQuery = Annotated[
    str | None, QueryParameter(description="Whose key it is; by default the caller's own.", max_length=100)
]


class BookingController(Controller):
    """Routes that book, and that tell what was booked under a key."""

    tags = ["bookings"]

    @post(
        "/holdings/update",
        status_code=200,
        summary="Book one execution",
        opt=access(Scope.TRADE, problems=BOOKING_PROBLEMS, books=True, takes_key=True),
    )
    async def update_holdings(
        self, request: HttpRequest, data: JSONBody[BookingBody], booking_requests: Injected[BookingRequests]
    ) -> Response[BookingAnswer]:
        """Book one execution: exactly once where there is a key, whole or not at all.

        The answer comes after the commit. Sent again with its key, the same booking is answered the same, with
        `replayed: true`; another booking under that key is refused. A key is unique within the name of the API key, or,
        in a service without API keys, within `engine`. The same key and execution of another owner is booked, and
        marked `possible_duplicate_of`.
        Whatever could be read and is refused is kept like an acceptance: fees over 10 %, `amount-mismatch`,
        `out-of-range`, and what is answered with 409. It may have been executed all the same.
        A sale of all that is held but for 1e-12 of it is of all of it, as is a purchase that covers a short position:
        `quantity` is then what is booked, `reported_quantity` what was sent. The money is what was sent, since what was
        paid is a fact.
        What moves no money decides over nothing: `executed_at`, `signal_id`, `recommendation_id`, `confidence` and
        `notes`, and where there are API keys `engine`, are taken as well as they can be; `remarks_changed` says what
        became of those that could not be kept as sent.
        An admin sends a refused booking again with `override: true` and its key, and it is booked in its owner's name;
        an override of what was booked is a replay. Where several owners have a booking under that key, `owner` says
        whose.
        """
        reply = await booking_requests.book(data, request.user, header_key=header_key(request))
        return replied(booking_requests.views.answer(reply), replayed=reply.replayed)

    @post(
        "/holdings/update/batch",
        status_code=200,
        request_max_body_size=BATCH_BYTES,
        summary="Book up to 1,000 executions in one transaction",
        opt=access(Scope.TRADE, problems=(PROBLEMS[Overloaded], *WRITE_PROBLEMS), books=True),
    )
    async def update_holdings_batch(
        self, request: HttpRequest, data: JSONBody[BatchBody], booking_requests: Injected[BookingRequests]
    ) -> BatchAnswer:
        """Book many executions in one transaction, in order, each booked, refused or unreadable alone.

        Neither a booking that the ledger refuses nor one that cannot be read disturbs the others: each result has the
        status and the problem that the booking would have had alone. One that is no JSON is told from the others by
        brackets, quotes and commas; where these do not tell, nothing of the batch is booked. `Idempotency-Key` is
        refused here: each booking has its own `client_trade_id`.
        """
        refuse_header_key(request)
        return await booking_requests.book_all(data, request.user, request.url.path)

    @get(
        "/bookings/{client_trade_id:path}",
        summary="What became of a booking",
        opt=access(Scope.READ, problems=(NOT_FOUND, PROBLEMS[OwnerAmbiguous])),
    )
    async def read_booking(
        self,
        request: HttpRequest,
        client_trade_id: BookingPath,
        cases: Injected[UseCases],
        booking_views: Injected[BookingViews],
        owner: OwnerQuery = None,
    ) -> OutcomeAnswer:
        """Return what became of the booking with that key, and the reply that its key gets.

        The owner is the caller's own name unless `owner` names another: keys are unique within their owner only. A
        service without API keys knows its callers by their engines: without `owner`, the booking is found when one
        engine alone has that key. So it is for a key with `adopt-open`, which answers for what was booked then.
        """
        name, caller, limit = _last_part(request), request.user, cases.ledger.rules.position_limit
        outcome = await cases.lookups.outcome(
            cases.portfolio_id, BookingKey(caller.owner(None) if owner is None else owner, name), limit
        )
        if outcome is None and owner is None and (caller.name is None or caller.adopts_open):
            owners = (await cases.ledger.stored.owners_of(cases.portfolio_id, {name})).get(name, ())
            if len(owners) > 1:
                raise OwnerAmbiguous(name, owners)
            if owners:
                outcome = await cases.lookups.outcome(cases.portfolio_id, BookingKey(owners[0], name), limit)
        if outcome is None:
            raise NotFound("booking", repr(name))
        reply = booking_views.answer(BookingReply(outcome, replayed=True))
        return OutcomeAnswer(
            timestamp=cases.clock.now(),
            booking=outcome_view(outcome),
            reply=reply if isinstance(reply, BookingAnswer) else None,
        )

    @get("/bookings", summary="Refused bookings, newest first", opt=access(Scope.READ))
    async def list_bookings(
        self, status: OutcomeStatus, cases: Injected[UseCases], limit: PageSize = 100, cursor: OutcomesCursor = None
    ) -> OutcomesAnswer:
        """Return the refused bookings: what was refused here may have been executed at the exchange all the same."""
        page = await cases.lookups.refusals(cases.portfolio_id, before=read_cursor(cursor), limit=limit)
        views = [outcome_view(outcome) for outcome in page.items]
        cursor = write_cursor("r", page.next_before)
        return OutcomesAnswer(timestamp=cases.clock.now(), bookings=views, count=len(views), next_cursor=cursor)


def _last_part(request: HttpRequest) -> str:
    """Return the key in the path byte for byte: routing would fold its slashes."""
    raw: bytes = request.scope["raw_path"] or request.scope["path"].encode()
    _, _, quoted = raw.partition(b"?")[0].partition(b"/bookings/")
    return unquote_to_bytes(quoted).decode("utf-8", "replace")
