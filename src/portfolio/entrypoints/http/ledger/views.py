"""What becomes of a booking, as an answer: replays repeat it to the letter."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from portfolio.application.ledger.records import Acceptance, BookingReply, RecordedOutcome, Refusal
from portfolio.application.prices.valuation import value_position
from portfolio.domain.categories import Categories
from portfolio.domain.errors import FeesTooHigh
from portfolio.domain.ledger.position import Position
from portfolio.entrypoints.http.errors import PROBLEMS, FieldError, kind_named
from portfolio.entrypoints.http.ledger.answers import BookingAnswer, OutcomeView, PositionView
from portfolio.entrypoints.http.ledger.position_views import position_view
from portfolio.entrypoints.http.shell.responses import BookingProblem
from portfolio.entrypoints.http.views import view

BOOKING_PATH = "/holdings/update"


class BookingViews:
    """Makes the answers to bookings: positions in them are valued as they were right after the entry."""

    def __init__(self, categories: Categories, max_price_age: timedelta) -> None:
        self._categories = categories
        self._max_price_age = max_price_age

    def answer(self, reply: BookingReply) -> BookingAnswer | BookingProblem:
        """Return the answer to one booking, as its outcome was kept."""
        outcome = reply.outcome
        if isinstance(outcome.result, Refusal):
            return refused_problem(outcome.result, outcome.decided_at, replayed=reply.replayed)
        return self._accepted(outcome, outcome.result, replayed=reply.replayed)

    def view_after(self, position: Position, at: datetime, allocation_percent: Decimal | None) -> PositionView:
        """Return a position as it was right after an entry, with its share of the portfolio then."""
        value = value_position(position, allocation_percent, at, self._max_price_age, self._categories)
        return position_view(value, updated_at=at)

    def _accepted(self, outcome: RecordedOutcome, accepted: Acceptance, *, replayed: bool) -> BookingAnswer:
        at = outcome.decided_at
        return view(
            BookingAnswer,
            accepted,
            outcome,
            timestamp=at,
            message=f"Holdings updated for {outcome.terms.symbol}",
            position=self.view_after(accepted.position, at, accepted.allocation_percent),
            cash_balance=accepted.cash,
            risk=accepted,
            replayed=replayed,
        )


def outcome_view(outcome: RecordedOutcome) -> OutcomeView:
    """Return what is kept about a booking."""
    result = outcome.result
    if isinstance(result, Refusal):
        problem = refused_problem(result, outcome.decided_at, replayed=True)
        found = {"status": "refused", "http_status": problem.status, "problem": problem}
        return view(
            OutcomeView, outcome, outcome.terms, outcome.request, **found, trade_id=None, possible_duplicate_of=None
        )
    found = {"status": "booked", "http_status": 200, "problem": None}
    return view(OutcomeView, outcome, outcome.terms, outcome.request, result, **found)


def refused_problem(refusal: Refusal, at: datetime, *, replayed: bool, path: str = BOOKING_PATH) -> BookingProblem:
    """Return the problem that a refusal was answered with at that time, and is again."""
    kind = kind_named(refusal.error)
    field = "fees" if kind is PROBLEMS[FeesTooHigh] else refusal.field
    return BookingProblem(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        detail=refusal.detail,
        instance=path,
        errors=[] if field is None else [FieldError(field, refusal.detail)],
        timestamp=at,
        replayed=replayed,
    )
