"""The bodies of answers about backtests."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from litestar.params import PathParameter, QueryParameter
from msgspec import Meta

from portfolio.entrypoints.http.backtest.requests import FillName, KindName, StartName
from portfolio.entrypoints.http.backtest.result_answers import BacktestResultView, TrialRowView
from portfolio.entrypoints.http.optimisation.requests import EstimatorName, ObjectiveName
from portfolio.entrypoints.http.rebalancing.answers import PolicyView
from portfolio.entrypoints.http.shell.bodies import cursor_query
from portfolio.entrypoints.http.shell.numbers import Dollars, Number
from portfolio.entrypoints.http.shell.responses import Answer, Cursor, Moment, SymbolCode

BacktestId = Annotated[str, PathParameter(description="The backtest's `id`.", max_length=128)]
BacktestsCursor = Annotated[str | None, cursor_query("b")]
FillsCursor = Annotated[str | None, cursor_query("f")]
TrialsCursor = Annotated[str | None, cursor_query("t")]
FillsLimit = Annotated[int, QueryParameter(ge=1, le=10_000, description="How many at most.")]


class TargetsView(msgspec.Struct, kw_only=True):
    """The weights that are to be reached."""

    objective: ObjectiveName
    estimator: EstimatorName
    half_life_days: Number
    days: int
    symbols: list[SymbolCode] | None
    cash_percent: Number | None
    max_turnover_percent: Number | None
    limits: Literal["policy", "hard"]
    confidence: Number


class SweepView(msgspec.Struct, kw_only=True):
    """The policies that are compared."""

    grid: Annotated[dict[str, list[Number]], Meta(description="Values by setting of the policy.")]
    samples: int | None
    seed: int


class WalkForwardView(msgspec.Struct, kw_only=True):
    """How settings are chosen on the past alone."""

    train_days: int
    test_days: int


class BacktestRequestView(msgspec.Struct, kw_only=True):
    """What was asked, complete: with every setting of the policy, and no default left open."""

    kind: KindName
    policy: PolicyView
    optimise: TargetsView | None
    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")
    start: StartName
    initial_value: Dollars
    weights: Annotated[dict[str, Number], Meta(description="By symbol, fractions of the value at the start.")]
    every_days: int
    fill: FillName
    fee_bps: Number
    slippage_bps: Number
    recovery_percent: Number
    seed: int
    sweep: SweepView | None
    stability: bool
    walk_forward: WalkForwardView | None
    risk_free_rate: Annotated[Number, Meta(description="What a year without risk brings: `RISK_FREE_RATE` then.")]


class BacktestJobView(msgspec.Struct, kw_only=True):
    """A backtest that was asked for, and what has become of it."""

    id: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    progress: Number
    request: BacktestRequestView
    fingerprint: str
    created_at: Moment
    finished_at: Moment | None
    error: str | None


class BacktestRunView(BacktestJobView, kw_only=True):
    """A backtest with its result, null until it is done."""

    result: BacktestResultView | None


class BacktestAnswer(Answer, kw_only=True):
    """One backtest."""

    backtest: BacktestRunView


class BacktestAskedAnswer(BacktestAnswer, kw_only=True):
    """The backtest that answers what was asked; with `replayed` it was there before."""

    message: str
    replayed: bool


class BacktestsAnswer(Answer, kw_only=True):
    """Backtests, newest first, without their results."""

    backtests: list[BacktestJobView]
    count: int
    next_cursor: Cursor


class EquityRowView(msgspec.Struct, kw_only=True):
    """The values at the end of a day."""

    day: date
    value: Dollars
    cash: Dollars
    do_nothing: Dollars
    equal_weight: Dollars
    btc: Dollars | None


class EquityAnswer(Answer, kw_only=True):
    """The value of each day, oldest first."""

    equity: list[EquityRowView]
    count: int


class SimulatedTradeView(msgspec.Struct, kw_only=True):
    """A trade of a backtest."""

    decided: date
    filled: date
    symbol: SymbolCode
    side: Literal["BUY", "SELL"]
    quantity: Number
    price: Number
    value: Dollars
    fee: Dollars
    slippage: Dollars
    rule: str


class SimulatedTradesAnswer(Answer, kw_only=True):
    """Trades, oldest first."""

    trades: list[SimulatedTradeView]
    count: int
    next_cursor: Cursor


class TrialsAnswer(Answer, kw_only=True):
    """The trials of a backtest, in the order in which they were run."""

    trials: list[TrialRowView]
    count: int
    next_cursor: Cursor
