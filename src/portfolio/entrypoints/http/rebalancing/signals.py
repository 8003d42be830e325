"""Signals: trades of the plan, stored, claimed and carried out."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from litestar import Controller, get, post
from litestar.params import PathParameter, QueryParameter
from msgspec import Meta

from portfolio.application.errors import LedgerUnavailable, PortfolioMissing, SignalClaimed, SignalOutdated
from portfolio.application.rebalancing.records import Signal, SignalStatus
from portfolio.application.rebalancing.signals import Generation
from portfolio.domain.decimal_text import counted
from portfolio.entrypoints.http.errors import NOT_FOUND, PROBLEMS, WRITE_PROBLEMS, kinds_of
from portfolio.entrypoints.http.risk.limit_answers import RecommendationView
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import PageSize, cursor_query, read_cursor, write_cursor
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.responses import Answer, Cursor, Moment
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.http.views import view

Status = Literal["open", "acknowledged", "executed", "expired", "superseded"]
StatusQuery = Annotated[Status | None, QueryParameter(description="What the signals are now; by default all.")]
SignalsCursor = Annotated[str | None, cursor_query("s")]
SignalId = Annotated[str, PathParameter(description="The signal's `id`.", max_length=128)]


class SignalView(RecommendationView, kw_only=True):
    """A trade that a plan asked for, and what has become of it; name `id` as `signal_id` when it is booked."""

    id: str
    signal_status: Status
    ledger_revision: int
    price_revision: int
    policy_id: str
    statistics_day: date
    created_at: Moment
    expires_at: Annotated[Moment, Meta(description="When it can no longer be claimed; once claimed, booked in time.")]
    acknowledged_by: str | None
    acknowledged_at: Moment | None
    executed_trade_id: int | None
    superseded_by: str | None


class WithheldView(msgspec.Struct, kw_only=True):
    """Why no signal is given."""

    reason: Literal["prices_stale", "too_little_priced", "assumed_rate"]
    detail: str


class LeftOutView(msgspec.Struct, kw_only=True):
    """A position that is not traded, as its price is not fresh."""

    symbol: str
    reason: Literal["stale", "missing", "assumed_rate"]


class GenerationAnswer(Answer, kw_only=True):
    """The open signals of the present state; `claimed` are being carried out, and nothing else is asked of theirs."""

    message: str
    signals: list[SignalView]
    signals_created: int
    claimed: list[SignalView]
    left_out: list[LeftOutView]
    withheld: WithheldView | None


class SignalsAnswer(Answer, kw_only=True):
    """Signals, newest first."""

    signals: list[SignalView]
    count: int
    next_cursor: Cursor


class SignalAnswer(Answer, kw_only=True):
    """One signal."""

    message: str
    signal: SignalView


class SignalController(Controller):
    """Routes of signals."""

    path = "/rebalance"
    tags = ["rebalancing"]

    @post(
        "/generate-signals",
        status_code=200,
        summary="Store the plan's trades as signals",
        opt=access(Scope.TRADE, problems=WRITE_PROBLEMS),
    )
    async def store_signals(self, cases: Injected[UseCases]) -> GenerationAnswer:
        """Store the trades that the plan of this moment asks for; for the same state again, answer the same signals.

        At most one signal a symbol is open: a new one takes its place. A position whose price is stale, missing or
        converted at an assumed rate is not traded, and named in `left_out`. Where that is more than 5 % of the value of
        what is held, all signals are `withheld`, with the reason.
        """
        made = await cases.uncancelled(cases.rebalancing.generate_signals())
        now = cases.clock.now()
        return GenerationAnswer(
            timestamp=now,
            message=_said(made),
            signals=[signal_view(signal, now) for signal in made.signals],
            signals_created=made.created,
            claimed=[signal_view(signal, now) for signal in made.claimed],
            left_out=[LeftOutView(symbol=symbol, reason=doubt.value) for symbol, doubt in made.left_out.items()],
            withheld=view(WithheldView, made.withheld) if made.withheld else None,
        )

    @get(
        "/signals",
        summary="Signals, newest first",
        opt=access(Scope.READ, problems=kinds_of(PortfolioMissing, LedgerUnavailable)),
    )
    async def read_signals(
        self, cases: Injected[UseCases], status: StatusQuery = None, limit: PageSize = 100, cursor: SignalsCursor = None
    ) -> SignalsAnswer:
        """Return signals by what they are now: one whose time is over is `expired`, whether or not it was noticed."""
        wanted = SignalStatus(status) if status else None
        page, now = await cases.rebalancing.list_signals(
            cases.portfolio_id, wanted, before=read_cursor(cursor), limit=limit
        )
        views = [signal_view(signal, now) for signal in page.items]
        following = write_cursor("s", page.next_before)
        return SignalsAnswer(timestamp=now, signals=views, count=len(views), next_cursor=following)

    @post(
        "/signals/{signal_id:str}/acknowledge",
        status_code=200,
        summary="Claim a signal, once",
        opt=access(
            Scope.TRADE, problems=(NOT_FOUND, PROBLEMS[SignalClaimed], PROBLEMS[SignalOutdated], *WRITE_PROBLEMS)
        ),
    )
    async def claim_signal(self, request: HttpRequest, signal_id: SignalId, cases: Injected[UseCases]) -> SignalAnswer:
        """Claim a signal before carrying it out. It is given once, while its trade follows from the present plan, and
        not after a split of its asset: its quantity is in the units of before. A split after the claim leaves the
        quantity in the units of before, too: multiply it by the `ratio`, or let the claim run out. Where the asset was
        exchanged since, a booking of what it became carries the signal out too, and no other signal on that
        is given or claimed.

        The claim lasts as long as a signal does; book the trade with this `signal_id` meanwhile.
        """
        claimed = await cases.uncancelled(
            cases.rebalancing.acknowledge_signal(signal_id, owner=request.user.owner(None))
        )
        now = cases.clock.now()
        message = f"{claimed.action} {claimed.symbol} is yours"
        return SignalAnswer(timestamp=now, message=message, signal=signal_view(claimed, now))


def signal_view(signal: Signal, now: datetime) -> SignalView:
    """Return a signal with what it is at ``now``."""
    return view(SignalView, signal, signal.origin, signal_status=signal.status_at(now), trade_quantity=signal.quantity)


def _said(made: Generation) -> str:
    if made.withheld is not None:
        return f"Signals withheld: {made.withheld.detail}"
    return f"{counted(made.created, 'signal')} created, {len(made.signals)} open"
