"""The bodies of successes, field by field as the contract has them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from portfolio.entrypoints.http.numbers import Number
from portfolio.entrypoints.http.responses import Labelled, Problem

Reasons = Annotated[dict[str, str], Meta(description="Why a field beside it is null, as a code.")]
Moment = Annotated[datetime, Meta(description="UTC, ISO 8601, ending in Z.")]
Percent = Annotated[Number, Meta(description="A percentage, 6 decimals.")]
Cursor = Annotated[str | None, Meta(description="Send it as `cursor` for the next page; null at the end.")]


class Answer(Labelled, kw_only=True):
    """What every success has."""

    status: Literal["success"] = "success"
    timestamp: Moment


class PositionView(msgspec.Struct, kw_only=True):
    """A position at its price."""

    symbol: str
    quantity: Number
    avg_entry_price: Number | None
    break_even_price: Number | None
    current_price: Number | None
    market_value: Number
    cost_basis: Number
    unrealized_pnl: Number
    unrealized_pnl_percent: Percent | None
    realized_pnl: Number
    allocation_percent: Percent | None
    category: str
    price_source: str | None
    price_age_seconds: int | None
    price_status: Literal["live", "stale", "missing"]
    last_updated: Moment | None
    reasons: Reasons


class RiskMetricsView(msgspec.Struct, kw_only=True):
    """The portfolio's risk in a few figures; volatility is annualised, value at risk the historical one of a day."""

    health_score: Number | None
    hhi: Number | None
    concentration_level: str | None
    average_correlation: Number | None
    portfolio_volatility: Number | None
    portfolio_heat: Number | None
    value_at_risk_95: Number | None
    reasons: Reasons


class PerformanceView(msgspec.Struct, kw_only=True):
    """Results over the last completed days; conventions: crypto-365-v1."""

    total_return: Number | None
    total_return_percent: Percent | None
    daily_return: Number | None
    daily_return_percent: Percent | None
    win_rate: Number | None
    profit_factor: Number | None
    sharpe_ratio: Number | None
    sortino_ratio: Number | None
    annualized_return: Number | None
    annualized_volatility: Number | None
    max_drawdown: Number | None
    max_drawdown_peak: date | None
    max_drawdown_trough: date | None
    max_drawdown_recovery: date | None
    calmar_ratio: Number | None
    num_trades: int
    period_days: int
    days_covered: int
    observations: int
    first_day: date | None
    last_day: date | None
    as_of: Moment
    stale: bool
    convention: str
    reasons: Reasons


class PortfolioView(msgspec.Struct, kw_only=True):
    """The portfolio at its prices: total_value = net_deposits + realized_pnl + unrealized_pnl + drift."""

    total_value: Number
    cash_balance: Number
    invested_amount: Number
    cost_basis: Number
    unrealized_pnl: Number
    realized_pnl: Number
    total_pnl: Number
    total_pnl_percent: Percent | None
    fees_paid: Number
    net_deposits: Number
    drift: Number
    num_positions: int
    positions: list[PositionView]
    performance_metrics: PerformanceView | None
    risk_metrics: RiskMetricsView
    priced_share_percent: Percent | None
    stale: bool
    as_of: Moment
    revision: int
    last_updated: Moment
    reasons: Reasons


class PortfolioAnswer(Answer, kw_only=True):
    """The portfolio."""

    portfolio: PortfolioView


class PositionsAnswer(Answer, kw_only=True):
    """What is held, by symbol."""

    positions: list[PositionView]
    count: int
    stale: bool
    as_of: Moment


class PerformanceAnswer(Answer, kw_only=True):
    """The performance over a period."""

    performance: PerformanceView
    period_days: int


class PriceFailure(msgspec.Struct, kw_only=True):
    """A symbol whose price could not be refreshed."""

    symbol: str
    reason: str


class RefreshAnswer(Answer, kw_only=True):
    """What a refresh brought, and the portfolio after it."""

    message: str
    portfolio: PortfolioView
    refreshed: list[str]
    failed: list[PriceFailure]


class BookingRisk(msgspec.Struct, kw_only=True):
    """The position's weight right after the booking."""

    allocation_percent: Percent | None
    over_concentrated: bool


class BookingAnswer(Answer, kw_only=True):
    """A booking that is in the books; ``timestamp`` is when it was decided, in a replay too."""

    message: str
    trade_id: int
    position: PositionView
    cash_balance: Number
    realized_pnl: Number
    risk: BookingRisk
    replayed: bool
    possible_duplicate_of: int | None


class BatchItem(msgspec.Struct, kw_only=True):
    """What became of one booking of a batch: an answer or a problem, with the status it would have had alone."""

    index: int
    status: Literal["booked", "refused"]
    http_status: int
    replayed: bool
    booking: BookingAnswer | None
    problem: Problem | None


class BatchAnswer(Answer, kw_only=True):
    """What became of a batch, in its order."""

    results: list[BatchItem]
    booked: int
    refused: int


class OutcomeView(msgspec.Struct, kw_only=True):
    """What became of a booking, as kept."""

    status: Literal["booked", "refused"]
    http_status: int
    owner: str
    client_trade_id: str | None
    symbol: str
    side: Literal["BUY", "SELL"]
    quantity: Number
    price: Number
    net_amount: Number
    fees: Number
    engine: str | None
    decided_at: Moment
    trade_id: int | None
    possible_duplicate_of: int | None
    problem: Problem | None


class OutcomeAnswer(Answer, kw_only=True):
    """What became of one booking, and the reply that its key gets."""

    booking: OutcomeView
    reply: BookingAnswer | None


class OutcomesAnswer(Answer, kw_only=True):
    """Refused bookings, newest first."""

    bookings: list[OutcomeView]
    count: int
    next_cursor: Cursor


class TradeView(msgspec.Struct, kw_only=True):
    """One entry of the ledger."""

    id: int
    symbol: str
    side: Literal["BUY", "SELL"]
    quantity: Number
    price: Number
    asset_money: Number
    fees: Number
    cash_delta: Number
    basis_sold: Number
    realized_pnl: Number
    closes: bool
    executed_at: Moment
    booked_at: Moment
    owner: str
    engine: str | None
    client_trade_id: str | None
    signal_id: str | None
    recommendation_id: str | None
    confidence: Number | None
    notes: str | None
    reverses: int | None
    reversed_by: int | None
    revision: int


class TradesAnswer(Answer, kw_only=True):
    """Booked trades, newest first."""

    trades: list[TradeView]
    count: int
    next_cursor: Cursor


class ReversalAnswer(Answer, kw_only=True):
    """The opposite of a trade, as booked."""

    message: str
    trade_id: int
    reverses: int
    position: PositionView
    cash_balance: Number
    realized_pnl: Number
    replayed: bool


class MovementView(msgspec.Struct, kw_only=True):
    """A deposit or a withdrawal, as booked."""

    id: int
    kind: Literal["deposit", "withdrawal"]
    amount: Number
    owner: str
    client_movement_id: str | None
    note: str | None
    moved_at: Moment
    revision: int


class MovementAnswer(Answer, kw_only=True):
    """A cash movement; ``timestamp`` is when it was decided, in a replay too."""

    message: str
    movement: MovementView
    cash_balance: Number
    net_deposits: Number
    replayed: bool
