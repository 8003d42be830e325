"""What is answered about bookings, trades and cash."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from portfolio.entrypoints.http.shell.numbers import Number, Percent
from portfolio.entrypoints.http.shell.responses import Answer, Cursor, Moment, Problem, Reasons, SymbolCode


# There may be 10,000, and none is part of a circle: garbage is not looked for in them.
class PositionView(msgspec.Struct, kw_only=True, gc=False):
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


class BookingRisk(msgspec.Struct, kw_only=True):
    """The position's weight right after the booking."""

    allocation_percent: Percent | None
    over_concentrated: bool


class BookingAnswer(Answer, kw_only=True):
    """A booking that is in the books; ``timestamp`` is when it was decided, in a replay too."""

    message: str
    trade_id: int
    quantity: Number
    reported_quantity: Number | None
    position: PositionView
    cash_balance: Number
    realized_pnl: Number
    risk: BookingRisk
    replayed: bool
    possible_duplicate_of: int | None
    remarks_changed: str | None


class BatchItem(msgspec.Struct, kw_only=True):
    """What became of one booking of a batch: an answer or a problem, with the status it would have had alone."""

    index: int
    status: Literal["booked", "refused", "unreadable"]
    http_status: int
    replayed: bool
    booking: BookingAnswer | None
    problem: Problem | None


class BatchAnswer(Answer, kw_only=True):
    """What became of a batch, in its order."""

    results: list[BatchItem]
    booked: int
    refused: int
    unreadable: int


class OutcomeView(msgspec.Struct, kw_only=True):
    """What became of a booking, as kept."""

    status: Literal["booked", "refused"]
    http_status: int
    owner: str
    client_trade_id: str | None
    symbol: SymbolCode
    side: Literal["BUY", "SELL"]
    quantity: Number
    reported_quantity: Number | None
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
    symbol: SymbolCode
    side: Literal["BUY", "SELL"]
    quantity: Number
    reported_quantity: Number | None
    price: Number
    notional: Number
    fees: Number
    cash_delta: Number
    cost_basis_sold: Number
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
    group: str | None
    reverses: int | None
    reversed_by: int | None
    revision: int


class TradeAnswer(Answer, kw_only=True):
    """One booked trade."""

    trade: TradeView


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


CashKind = Literal[
    "deposit",
    "withdrawal",
    "baseline",
    "adjustment",
    "rebuild",
    "restatement",
    "transfer_in",
    "transfer_out",
    "income",
    "swap",
    "exchange",
    "split",
    "loss",
    "interest",
    "charge",
]


class LegView(msgspec.Struct, kw_only=True):
    """What an entry moves of one asset: its quantity, its cost with fees and without, and what it brought."""

    symbol: SymbolCode
    quantity_delta: Number
    basis_delta: Number
    asset_delta: Number
    realized_delta: Number


Legs = Annotated[
    list[LegView] | None,
    Meta(description="What it moved, asset by asset; null for a baseline, an adjustment and a rebuild."),
]


class EventTermsView(msgspec.Struct, kw_only=True):
    """What an entry says that is of an event.

    `flow_value` is the market value of what came from outside, below zero of what left.
    """

    effective_at: Moment
    label: str | None
    group: str | None
    ratio: Number | None
    flow_value: Number
    is_basis_assumed: bool
    reverses_revision: int | None


class CashTransactionView(msgspec.Struct, kw_only=True):
    """An entry of the ledger that is no trade.

    A baseline is what was there before the books were opened; an adjustment books what other programs wrote;
    a rebuild moves nothing, and says in its note which rows were made anew of the entries; a restatement moves the cost
    of a position and what it realized by the same. All others are events, of which `event` says more. The legs of a
    swap are its two trades, which are entries of the same group.
    """

    id: int
    kind: CashKind
    amount: Number
    cash_delta: Number
    owner: str
    client_transaction_id: str | None
    note: str | None
    legs: Legs
    event: EventTermsView | None
    moved_at: Moment
    revision: int


class CashTransactionAnswer(Answer, kw_only=True):
    """A cash transaction; ``timestamp`` is when it was decided, in a replay too."""

    message: str
    transaction: CashTransactionView
    cash_balance: Number
    net_deposits: Number
    replayed: bool


class CashTransactionsAnswer(Answer, kw_only=True):
    """Cash transactions, newest first."""

    transactions: list[CashTransactionView]
    count: int
    next_cursor: Cursor
