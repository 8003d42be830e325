"""What is answered about events."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

from portfolio.application.ledger.cash_records import RefusedCashEntry
from portfolio.application.ledger.happenings.records import EventReply, RecordedEvent
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.entrypoints.http.ledger.answers import LegView
from portfolio.entrypoints.http.ledger.happenings.requests import EventKind
from portfolio.entrypoints.http.ledger.views import refused_problem
from portfolio.entrypoints.http.shell.numbers import Number
from portfolio.entrypoints.http.shell.responses import (
    Answer,
    BookingProblem,
    Cursor,
    Moment,
    Problem,
)
from portfolio.entrypoints.http.views import view

EVENTS_PATH: Final = "/events"
CASH_PATH: Final = "/cash/transactions"

_OF_CASH: Final = (CashTransactionKind.DEPOSIT, CashTransactionKind.WITHDRAWAL)
_FIGURES: Final = ("quantity", "value", "basis", "to_quantity", "ratio", "amount")
_STATED: Final = ("kind", "symbol", "to_symbol", "label", "group", "note", "effective_at", *_FIGURES)


class EventView(msgspec.Struct, kw_only=True):
    """An event of the ledger, with the trades that it consists of: those of a swap.

    Over its legs ``cash_delta + sum of basis_delta = net_deposits_delta + realized_delta``. Its note says what was
    reported where all that was held was taken instead: the two differ by at most 1e-12. It also names what took effect
    after a late split, and a split that something late lies before.
    """

    id: int | None
    kind: EventKind
    label: str | None
    effective_at: Moment
    legs: list[LegView]
    cash_delta: Number
    net_deposits_delta: Number
    realized_delta: Number
    fees_delta: Number
    flow_value: Number
    basis_assumed: bool
    ratio: Number | None
    group: str | None
    trade_ids: list[int]
    owner: str
    client_event_id: str | None
    reverses: int | None
    reversed_by: int | None
    booked_at: Moment
    revision: int
    note: str | None


class EventAnswer(Answer, kw_only=True):
    """What became of an event; ``timestamp`` is when it was decided, in a replay too. In a dry run it has no id."""

    message: str
    event_id: int | None
    dry_run: bool
    kind: EventKind
    legs: list[LegView]
    cash_delta: Number
    net_deposits_delta: Number
    realized_delta: Number
    fees_delta: Number
    basis_assumed: bool
    event: EventView
    cash_balance: Number
    net_deposits: Number
    replayed: bool


class OneEventAnswer(Answer, kw_only=True):
    """One event."""

    event: EventView


class RefusedEventView(msgspec.Struct, kw_only=True):
    """What was refused, as kept. A deposit or a withdrawal may be it: keys of both are of one room.

    What was sent without a key has one that the service made, `refused-...`: an override under it books it.
    """

    owner: str
    client_event_id: str
    kind: str | None
    symbol: str | None
    quantity: Number | None
    value: Number | None
    basis: Number | None
    to_symbol: str | None
    to_quantity: Number | None
    ratio: Number | None
    amount: Number | None
    label: str | None
    group: str | None
    note: str | None
    effective_at: Moment | None
    http_status: int
    decided_at: Moment
    problem: Problem


class EventsAnswer(Answer, kw_only=True):
    """Events, newest first. ``refused`` has the refusal kept under the key that was asked for, or all that were."""

    events: list[EventView]
    count: int
    next_cursor: Cursor
    refused: list[RefusedEventView]


class EventItem(msgspec.Struct, kw_only=True):
    """What became of one event of a batch: an answer or a problem, with the status it would have had alone."""

    index: int
    status: Literal["booked", "refused", "unreadable"]
    http_status: int
    replayed: bool
    event: EventAnswer | None
    problem: Problem | None


class EventBatchAnswer(Answer, kw_only=True):
    """What became of a batch of events, in its order; in a dry run what would become of it."""

    dry_run: bool
    results: list[EventItem]
    booked: int
    refused: int
    unreadable: int


def event_view(event: RecordedEvent) -> EventView:
    """Return an event as it is shown."""
    entry, terms = event.entry, event.terms
    return view(
        EventView,
        event,
        terms,
        entry,
        kind=entry.transaction.kind.value,
        basis_assumed=terms.is_basis_assumed,
        trade_ids=[trade.id for trade in event.trades if trade.id],
        client_event_id=entry.client_transaction_id,
        booked_at=entry.transaction.at,
    )


def event_answer(event: RecordedEvent, *, replayed: bool) -> EventAnswer:
    """Return the answer to whoever asked for an event to be booked or taken out."""
    entry, shown = event.entry, event_view(event)
    done = "Would be booked" if event.id is None else "Taken out" if event.reverses is not None else "Booked"
    return view(
        EventAnswer,
        shown,
        timestamp=entry.transaction.at,
        message=f"{done}: {shown.kind}",
        event_id=event.id,
        dry_run=event.id is None,
        event=shown,
        cash_balance=entry.cash_after,
        net_deposits=entry.net_deposits_after,
        replayed=replayed,
    )


def refused_event(refused: RefusedCashEntry, *, replayed: bool, path: str) -> BookingProblem:
    """Return the problem that a refused event was answered with, and is again."""
    return refused_problem(refused.refusal, refused.decided_at, replayed=replayed, path=path)


def event_reply(reply: EventReply, path: str) -> EventAnswer | BookingProblem:
    """Return what became of an event, as it was decided."""
    if isinstance(reply.event, RefusedCashEntry):
        return refused_event(reply.event, replayed=reply.replayed, path=path)
    return event_answer(reply.event, replayed=reply.replayed)


def refused_view(refused: RefusedCashEntry) -> RefusedEventView:
    """Return what is kept of a refusal."""
    stated: dict[str, Any] = dict.fromkeys(_STATED) | {**refused.stated}
    for name in _FIGURES:
        stated[name] = stated[name] and Decimal(stated[name])
    stated["effective_at"] = stated["effective_at"] and datetime.fromisoformat(stated["effective_at"])
    of_cash = stated["kind"] in _OF_CASH
    body = refused_event(refused, replayed=True, path=CASH_PATH if of_cash else EVENTS_PATH)
    return view(
        RefusedEventView,
        refused,
        **{name: stated[name] for name in _STATED},
        client_event_id=refused.client_transaction_id,
        http_status=body.status,
        problem=body,
    )
