"""Events: what happens to the books beside trades, deposits and withdrawals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Final, NamedTuple

from litestar import Controller, Response, get, post
from litestar.params import JSONBody, PathParameter

from portfolio.application.errors import KeyReused, NotFound, OwnerAmbiguous
from portfolio.application.ledger.cash_records import RefusedCashEntry
from portfolio.application.ledger.happenings.records import BookEvent, EventReply, EventResult, RecordedEvent
from portfolio.application.ledger.ports import Lookups
from portfolio.domain.errors import (
    AmountMismatch,
    InsufficientCash,
    InsufficientQuantity,
    InvalidAmount,
    NotReversible,
    OutOfRange,
    ValueUnknown,
)
from portfolio.entrypoints.http.errors import MALFORMED, NOT_FOUND, WRITE_PROBLEMS, FieldError, RequestError, kinds_of
from portfolio.entrypoints.http.ledger.happenings.answers import (
    EventAnswer,
    EventBatchAnswer,
    EventItem,
    EventsAnswer,
    OneEventAnswer,
    event_reply,
    event_view,
    refused_view,
)
from portfolio.entrypoints.http.ledger.happenings.requests import (
    EventBody,
    EventKeyQuery,
    EventOwnerQuery,
    EventsBody,
    EventsCursor,
    EventStatus,
    read_event,
    read_events,
)
from portfolio.entrypoints.http.ledger.idempotency import header_key, refuse_header_key
from portfolio.entrypoints.http.ledger.replies import batch_items, counts_of, decided, replied
from portfolio.entrypoints.http.ledger.trades import read_id
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Caller, Scope
from portfolio.entrypoints.http.shell.bodies import PageSize, read_cursor, write_cursor
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.metrics import Metrics
from portfolio.entrypoints.http.shell.use_cases import UseCases

EVENT_BATCH_BYTES: Final = 1024 * 1024

_OF_REFUSED: Final = "u"
_PROBLEMS = (
    *kinds_of(
        InvalidAmount,
        OutOfRange,
        AmountMismatch,
        ValueUnknown,
        InsufficientQuantity,
        InsufficientCash,
        KeyReused,
        OwnerAmbiguous,
    ),
    *WRITE_PROBLEMS,
)
_REVERSAL_PROBLEMS = (
    NOT_FOUND,
    *kinds_of(OutOfRange, NotReversible, InsufficientQuantity, InsufficientCash),
    *WRITE_PROBLEMS,
)

EventId = Annotated[str, PathParameter(description="The event's `id`: a whole number above zero.")]


class Wanted(NamedTuple):
    """Which events are wanted: those of a key, or a page of those that were booked, or refused."""

    client_event_id: str | None
    owner: str | None
    status: str | None
    cursor: str | None
    limit: int


async def listed_events(
    lookups: Lookups, portfolio_id: int, caller: Caller, wanted: Wanted, now: datetime
) -> EventsAnswer:
    """Return the events that are wanted.

    Raises:
        RequestError: parts of the query do not go with one another.
        KeyReused: the key is that of a deposit or a withdrawal.
    """
    _check(wanted)
    before, limit = read_cursor(wanted.cursor), wanted.limit
    if wanted.client_event_id is not None:
        found = await _under(lookups, portfolio_id, caller, wanted.client_event_id, wanted.owner)
        refused = [refused_view(found)] if isinstance(found, RefusedCashEntry) else []
        events = [event_view(found)] if isinstance(found, RecordedEvent) else []
        return EventsAnswer(timestamp=now, events=events, count=len(events), next_cursor=None, refused=refused)
    if wanted.status is not None:
        kept = await lookups.cash_refusals(portfolio_id, before=before, limit=limit)
        refused = [refused_view(one) for one in kept.items]
        following = write_cursor(_OF_REFUSED, kept.next_before)
        return EventsAnswer(timestamp=now, events=[], count=len(refused), next_cursor=following, refused=refused)
    page = await lookups.events(portfolio_id, before=before, limit=limit)
    views = [event_view(event) for event in page.items]
    following = write_cursor("e", page.next_before)
    return EventsAnswer(timestamp=now, events=views, count=len(views), next_cursor=following, refused=[])


def _check(wanted: Wanted) -> None:
    """Refuse what means nothing together in a query, by raising RequestError."""
    if wanted.client_event_id is None and wanted.owner is not None:
        raise _refused("owner", "says whose client_event_id is asked for: name that too")
    for name in ("cursor", "status"):
        if wanted.client_event_id is not None and getattr(wanted, name) is not None:
            raise _refused(name, "goes with a list: client_event_id asks for one event")
    if wanted.cursor is not None and wanted.cursor.startswith(_OF_REFUSED) is (wanted.status is None):
        raise _refused("cursor", "has to be the next_cursor of a page of this list")


def _refused(name: str, reason: str) -> RequestError:
    return RequestError(MALFORMED, f"{name} {reason}", errors=[FieldError(name, reason)])


async def _under(
    lookups: Lookups, portfolio_id: int, caller: Caller, key: str, owner: str | None
) -> RecordedEvent | RefusedCashEntry | None:
    """Return what became of a key: the caller's own, or that of an owner who is named."""
    found = await lookups.event_under(portfolio_id, caller.owner(None) if owner is None else owner, key)
    if found is None and owner is None and caller.adopts_open:
        found = await lookups.event_under(portfolio_id, "", key)
    return found


async def _booked(
    cases: UseCases, metrics: Metrics, wishes: Sequence[BookEvent], *, dry_run: bool
) -> Sequence[EventResult]:
    """Return what became of events, having counted it; what was only tried is not counted."""
    with metrics.counting("event", 0 if dry_run else len(wishes)) as counted:
        results = await cases.uncancelled(cases.ledger.book_events(cases.portfolio_id, wishes, dry_run=dry_run))
        counted.extend(results)
    return results


class EventController(Controller):
    """Routes of events."""

    tags = ["events"]

    @post(
        "/events",
        status_code=200,
        summary="Book an event",
        opt=access(Scope.TRADE, problems=_PROBLEMS, books=True, takes_key=True),
    )
    async def create_event(
        self,
        request: HttpRequest,
        data: JSONBody[EventBody],
        cases: Injected[UseCases],
        metrics: Injected[Metrics],
    ) -> Response[EventAnswer]:
        """Book what happened beside trades and money: exactly once where there is a key, whole or not at all.

        What each kind needs, and takes in brackets: `transfer_in` symbol, quantity (value, basis); `transfer_out`
        symbol, quantity (value); `income` symbol, quantity, label (value); `swap` symbol, quantity, to_symbol,
        to_quantity (value); `exchange` symbol, quantity, to_symbol, and one of to_quantity and ratio (label); `split`
        symbol, ratio; `loss` symbol, quantity; `interest` and `charge` amount.
        A `value` that is left out is the quantity at the price that the books know of that time; where there is none
        it is `value-unknown`. A `basis` that is left out is the value, and `basis_assumed` says so.
        A `split` with an `effective_at` is of what was held then: what took effect later is of its units already, and
        `note` names it. It is refused, and kept, where another split of the asset took effect later, or where what is
        booked for later cannot be of the new units; the reason says what to do. Without `effective_at` it is of all
        that is held.
        In every event `cash_delta + sum of basis_delta = net_deposits_delta + realized_delta`, to the last digit.
        A `swap` is a sale and a purchase for the same money, two trades of one `group` that `trade_ids` names.
        Whatever could be read and is refused is kept like an acceptance: it may have happened all the same. Keys of
        events and of cash transactions are of one room: none is used for both. With `dry_run` nothing is booked and
        nothing kept.
        An admin sends a refused event again with `override: true` and its key, and it is booked in its owner's name; it
        may state a `value` and an `effective_at` that were not stated. What leaves and is not held is a short position
        afterwards, and cash may be below zero, as after an override of a trade; a `transfer_in` covers a short
        position. A `split` of what is not held, an `income` of or an `exchange` into what is short stay refused until
        the books can hold them. Where several owners have that key, `owner` says whose.
        """
        wish = read_event(data, request.user, cases.clock.now(), header_key=header_key(request))
        [result] = await _booked(cases, metrics, [wish], dry_run=data.dry_run)
        if not isinstance(result, EventReply):
            raise result
        return replied(event_reply(result, request.url.path), replayed=result.replayed)

    @post(
        "/events/batch",
        status_code=200,
        request_max_body_size=EVENT_BATCH_BYTES,
        summary="Book up to 1,000 events in one transaction",
        opt=access(Scope.TRADE, problems=WRITE_PROBLEMS, books=True),
    )
    async def create_events(
        self,
        request: HttpRequest,
        data: JSONBody[EventsBody],
        cases: Injected[UseCases],
        metrics: Injected[Metrics],
    ) -> EventBatchAnswer:
        """Book many events in one transaction, in order, each booked, refused or unreadable alone.

        Each result has the status and the problem that the event would have had alone. `Idempotency-Key` is refused
        here: each event has its own `client_event_id`. With `dry_run` beside them none is booked.
        """
        refuse_header_key(request, instead="event its own client_event_id")
        wishes = read_events(data, request.user, cases.clock.now())
        results = await decided(wishes, partial(_booked, cases, metrics, dry_run=data.dry_run))
        path = request.url.path
        booked = batch_items(results, lambda reply: event_reply(reply, path), path)
        items = [EventItem(event=event, **rest) for event, rest in booked]
        counts = counts_of(item.status for item in items)
        return EventBatchAnswer(timestamp=cases.clock.now(), dry_run=data.dry_run, results=items, **counts)

    @get("/events", summary="Events, newest first", opt=access(Scope.READ, problems=kinds_of(KeyReused)))
    async def list_events(
        self,
        request: HttpRequest,
        cases: Injected[UseCases],
        client_event_id: EventKeyQuery = None,
        owner: EventOwnerQuery = None,
        status: EventStatus = None,
        limit: PageSize = 100,
        cursor: EventsCursor = None,
    ) -> EventsAnswer:
        """Return events, with those that take others out, newest first.

        With `client_event_id` it is what became of that key: one event, or in `refused` the refusal that was kept, or
        nothing. Keys are unique within their owner only: the caller's own name, unless `owner` names another. A key
        with `adopt-open` is answered for what was booked while there were no API keys, too. The key of a deposit or a
        withdrawal is 422 `key-reused`, as it is for a new event.
        With `status=refused` it is what was refused and no override has booked, in `refused`: it may have happened all
        the same. Deposits and withdrawals are among them.
        """
        wanted = Wanted(client_event_id, owner, status, cursor, limit)
        return await listed_events(cases.lookups, cases.portfolio_id, request.user, wanted, cases.clock.now())

    @get("/events/{event_id:str}", summary="One event", opt=access(Scope.READ, problems=(NOT_FOUND,)))
    async def read_event(self, event_id: EventId, cases: Injected[UseCases]) -> OneEventAnswer:
        """Return one event, with what took it out."""
        wanted = read_id(event_id, "event")
        page = await cases.lookups.events(cases.portfolio_id, before=None, limit=1, event_id=wanted)
        for event in page.items:
            return OneEventAnswer(timestamp=cases.clock.now(), event=event_view(event))
        raise NotFound("event", event_id)

    @post(
        "/events/{event_id:str}/reverse",
        status_code=200,
        summary="Book the opposite of an event",
        opt=access(Scope.ADMIN, problems=_REVERSAL_PROBLEMS),
    )
    async def reverse_event(
        self, request: HttpRequest, event_id: EventId, cases: Injected[UseCases]
    ) -> Response[EventAnswer]:
        """Take an event out by booking its opposite, linked to it, once, with its trades; nothing is ever deleted.

        Sent again by the same caller it is answered with the reversal there is, `replayed: true`.
        """
        owner = request.user.owner(None)
        reply = await cases.uncancelled(
            cases.ledger.reverse_event(cases.portfolio_id, read_id(event_id, "event"), owner=owner)
        )
        return replied(event_reply(reply, request.url.path), replayed=reply.replayed)
