"""What becomes of a booking, as an answer: replays repeat it to the letter."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from portfolio.application.errors import KeyReused
from portfolio.application.ledger.booking_batch import BookingResult
from portfolio.application.ledger.records import Acceptance, BookingReply, RecordedOutcome, Refusal
from portfolio.application.prices.valuation import PositionValue, value_position
from portfolio.domain.errors import DomainError
from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Money
from portfolio.entrypoints.http.errors import field_errors, kind_named, kind_of
from portfolio.entrypoints.http.ledger.answers import BatchItem, BookingAnswer, BookingRisk, OutcomeView
from portfolio.entrypoints.http.ledger.position_views import position_view
from portfolio.entrypoints.http.shell.numbers import number, number_or_null
from portfolio.entrypoints.http.shell.responses import BookingProblem, Problem, problem
from portfolio.entrypoints.http.shell.use_cases import UseCases

BOOKING_PATH = "/holdings/update"


def booking_answer(cases: UseCases, reply: BookingReply) -> BookingAnswer | BookingProblem:
    """Return the answer to one booking, as its outcome was kept."""
    outcome = reply.outcome
    if isinstance(outcome.result, Refusal):
        return _refused(outcome, outcome.result, replayed=reply.replayed)
    return _accepted(cases, outcome, outcome.result, replayed=reply.replayed)


def batch_item(cases: UseCases, index: int, result: BookingResult, path: str) -> BatchItem:
    """Return what became of one booking of a batch."""
    if isinstance(result, BookingReply):
        content = booking_answer(cases, result)
        if isinstance(content, BookingAnswer):
            return BatchItem(
                index=index, status="booked", http_status=200, replayed=result.replayed, booking=content, problem=None
            )
        return _refused_item(index, content, replayed=result.replayed)
    return _refused_item(index, unkept_problem(result, path), replayed=False)


def unkept_problem(error: DomainError | KeyReused, path: str) -> Problem:
    """Return the problem of a booking that was refused and not kept."""
    return problem(kind_of(error), str(error), path=path, errors=field_errors(error))


def outcome_view(outcome: RecordedOutcome) -> OutcomeView:
    """Return what is kept about a booking."""
    result = outcome.result
    booked = isinstance(result, Acceptance)
    return OutcomeView(
        status="booked" if booked else "refused",
        http_status=200 if isinstance(result, Acceptance) else kind_named(result.error).status,
        owner=outcome.owner,
        client_trade_id=outcome.client_trade_id,
        symbol=outcome.symbol.code,
        side="BUY" if outcome.side is Side.BUY else "SELL",
        quantity=number(outcome.quantity),
        price=number(outcome.price),
        net_amount=number(outcome.net_amount),
        fees=number(outcome.fees),
        engine=outcome.engine,
        decided_at=outcome.decided_at,
        trade_id=result.trade_id if isinstance(result, Acceptance) else None,
        possible_duplicate_of=result.possible_duplicate_of if isinstance(result, Acceptance) else None,
        problem=_refused(outcome, result, replayed=True) if isinstance(result, Refusal) else None,
    )


def value_after(cases: UseCases, position: Position, at: datetime, *, total: Money) -> PositionValue:
    """Return a position as it was right after an entry, in a portfolio then worth ``total``."""
    return value_position(position, total, at, cases.max_price_age, cases.categories)


def _accepted(cases: UseCases, outcome: RecordedOutcome, accepted: Acceptance, *, replayed: bool) -> BookingAnswer:
    at = outcome.decided_at
    # The whole's worth is not kept with an outcome, but the share of it is.
    value = replace(
        value_after(cases, accepted.position, at, total=Money.zero()),
        allocation_percent=accepted.allocation_percent,
    )
    return BookingAnswer(
        timestamp=at,
        message=f"Holdings updated for {outcome.symbol}",
        trade_id=accepted.trade_id,
        position=position_view(value, updated_at=at),
        cash_balance=number(accepted.cash),
        realized_pnl=number(accepted.realized_pnl),
        risk=BookingRisk(
            allocation_percent=number_or_null(accepted.allocation_percent),
            over_concentrated=accepted.over_concentrated,
        ),
        replayed=replayed,
        possible_duplicate_of=accepted.possible_duplicate_of,
    )


def _refused(outcome: RecordedOutcome, refusal: Refusal, *, replayed: bool) -> BookingProblem:
    kind = kind_named(refusal.error)
    return BookingProblem(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        detail=refusal.detail,
        instance=BOOKING_PATH,
        errors=[],
        timestamp=outcome.decided_at,
        replayed=replayed,
    )


def _refused_item(index: int, body: Problem, *, replayed: bool) -> BatchItem:
    return BatchItem(
        index=index, status="refused", http_status=body.status, replayed=replayed, booking=None, problem=body
    )
