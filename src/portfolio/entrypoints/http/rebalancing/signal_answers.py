"""The bodies of answers about signals, and their query."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from litestar.params import QueryParameter
from msgspec import Meta

from portfolio.entrypoints.http.risk.limit_answers import RecommendationView
from portfolio.entrypoints.http.shell.bodies import cursor_query
from portfolio.entrypoints.http.shell.responses import Answer, Cursor, Moment

Status = Literal["open", "acknowledged", "executed", "expired", "superseded"]
StatusQuery = Annotated[Status | None, QueryParameter(description="What the signals are now; by default all.")]
SignalsCursor = Annotated[str | None, cursor_query("s")]


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
