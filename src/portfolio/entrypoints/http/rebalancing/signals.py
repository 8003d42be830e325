"""Signals: trades of the plan, stored, claimed and carried out."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from litestar import Response, get, post

from portfolio.application.errors import LedgerUnavailable, PortfolioMissing, SignalClaimed, SignalOutdated
from portfolio.application.rebalancing.records import Signal, SignalStatus
from portfolio.application.rebalancing.signals import Generation
from portfolio.domain.rebalancing.recommendation import Recommendation
from portfolio.entrypoints.http.errors import NOT_FOUND, PROBLEMS, WRITE_PROBLEMS
from portfolio.entrypoints.http.rebalancing import signal_examples as examples
from portfolio.entrypoints.http.rebalancing.signal_answers import (
    GenerationAnswer,
    SignalAnswer,
    SignalsAnswer,
    SignalsQuery,
    SignalView,
    WithheldView,
)
from portfolio.entrypoints.http.risk.limit_views import recommendation_view
from portfolio.entrypoints.http.shell.admission import caller_of
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import read_cursor, read_query, write_cursor
from portfolio.entrypoints.http.shell.operation import declares
from portfolio.entrypoints.http.shell.responses import answer
from portfolio.entrypoints.http.shell.use_cases import HttpRequest, use_cases_of

TAG: Final = "rebalancing"


@post(
    "/rebalance/generate-signals",
    status_code=200,
    opt=declares(
        scope=Scope.TRADE,
        summary="Store the plan's trades as signals",
        tag=TAG,
        answer=GenerationAnswer,
        example=examples.GENERATED,
        problems=WRITE_PROBLEMS,
    ),
)
async def generate_signals(request: HttpRequest) -> Response[bytes]:
    """Store the trades that the plan of this moment asks for; for the same state again, answer the same signals.

    At most one signal a symbol is open: a new one takes its place. Withheld, with the reason, while prices are stale,
    too little has a price, or a rate is assumed.
    """
    cases = use_cases_of(request)
    made = await cases.carry_through(cases.generate_signals())
    now = cases.clock.now()
    withheld = WithheldView(reason=made.withheld.code, detail=made.withheld.detail) if made.withheld else None
    content = GenerationAnswer(
        timestamp=now,
        message=_said(made),
        signals=[signal_view(signal, now) for signal in made.signals],
        signals_created=made.created,
        claimed=[signal_view(signal, now) for signal in made.claimed],
        withheld=withheld,
    )
    return answer(content)


@get(
    "/rebalance/signals",
    opt=declares(
        scope=Scope.READ,
        summary="Signals, newest first",
        tag=TAG,
        query=SignalsQuery,
        answer=SignalsAnswer,
        example=examples.SIGNALS,
        problems=tuple(PROBLEMS[error] for error in (PortfolioMissing, LedgerUnavailable)),
    ),
)
async def list_signals(request: HttpRequest) -> Response[bytes]:
    """Return signals by what they are now: one whose time is over is `expired`, whether or not anybody has noticed."""
    cases = use_cases_of(request)
    query = read_query(request, SignalsQuery)
    status = SignalStatus(query.status) if query.status else None
    page, now = await cases.list_signals(status, before=read_cursor(query.cursor), limit=query.limit)
    views = [signal_view(signal, now) for signal in page.items]
    cursor = write_cursor("s", page.next_before)
    return answer(SignalsAnswer(timestamp=now, signals=views, count=len(views), next_cursor=cursor))


@post(
    "/rebalance/signals/{signal_id:str}/acknowledge",
    status_code=200,
    opt=declares(
        scope=Scope.TRADE,
        summary="Claim a signal, once",
        tag=TAG,
        path={"signal_id": {"type": "string", "maxLength": 128}},
        answer=SignalAnswer,
        example=examples.ACKNOWLEDGED,
        problems=(NOT_FOUND, PROBLEMS[SignalClaimed], PROBLEMS[SignalOutdated], *WRITE_PROBLEMS),
    ),
)
async def acknowledge_signal(request: HttpRequest) -> Response[bytes]:
    """Claim a signal before carrying it out. It is given once, and only while its trade follows from the present plan.

    The claim lasts as long as a signal does; book the trade with this `signal_id` meanwhile.
    """
    cases = use_cases_of(request)
    owner = caller_of(request).owner(None)
    claimed = await cases.carry_through(cases.acknowledge_signal(request.path_params["signal_id"], owner=owner))
    now = cases.clock.now()
    message = f"{claimed.action} {claimed.symbol} is yours"
    return answer(SignalAnswer(timestamp=now, message=message, signal=signal_view(claimed, now)))


def signal_view(signal: Signal, now: datetime) -> SignalView:
    """Return a signal with what it is at ``now``."""
    advice = msgspec.structs.asdict(recommendation_view(_advice(signal)))
    return SignalView(
        **advice,
        id=signal.id,
        signal_status=signal.status_at(now).value,
        ledger_revision=signal.origin.ledger_revision,
        price_revision=signal.origin.price_revision,
        policy_id=signal.origin.policy_id,
        statistics_day=signal.origin.statistics_day,
        created_at=signal.created_at,
        expires_at=signal.expires_at,
        acknowledged_by=signal.acknowledged_by,
        acknowledged_at=signal.acknowledged_at,
        executed_trade_id=signal.executed_trade_id,
        superseded_by=signal.superseded_by,
    )


def _advice(signal: Signal) -> Recommendation:
    return Recommendation(
        symbol=signal.symbol.code,
        action=signal.action,
        reason=signal.reason,
        also=signal.also,
        current_allocation=signal.current_allocation,
        target_allocation=signal.target_allocation,
        trade_value=signal.trade_value.value,
        trade_quantity=signal.quantity.value,
        estimated_fee=signal.estimated_fee.value,
        priority=signal.priority,
        confidence=signal.confidence,
        proposals=signal.evidence,
    )


def _said(made: Generation) -> str:
    if made.withheld is not None:
        return f"Signals withheld: {made.withheld.detail}"
    return f"{made.created} signals created, {len(made.signals)} open"
