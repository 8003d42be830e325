"""What the routes carry out: filled by the composition root, one instance an application."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from portfolio.application.backtest.jobs.asking import AskBacktest
from portfolio.application.backtest.jobs.cancelling import CancelBacktest
from portfolio.application.backtest.jobs.computing import ComputeBacktests
from portfolio.application.backtest.jobs.ports import Backtests
from portfolio.application.backtest.jobs.reading import ReadBacktest
from portfolio.application.clock import Clock
from portfolio.application.exports.reading import ReadExports
from portfolio.application.history.past import ReadPastBooks
from portfolio.application.history.past_performance import ReadPastPerformance
from portfolio.application.history.reading import ReadByBasis, ReadUsual
from portfolio.application.history.recent import RecentPerformance
from portfolio.application.history.restatement import RestateBooks
from portfolio.application.imports.kept.looking import BookPreview, LookAtImport
from portfolio.application.imports.kept.ports import Imports
from portfolio.application.imports.kept.reversal import ReverseImport
from portfolio.application.ledger.booking_queue import BookingQueue
from portfolio.application.ledger.cash import MoveCashInOrOut
from portfolio.application.ledger.happenings.booking import BookEvents
from portfolio.application.ledger.happenings.reversal import ReverseEvent
from portfolio.application.ledger.lots.picking import PickLots
from portfolio.application.ledger.lots.reading import ReadLots
from portfolio.application.ledger.ports import Ledger, Lookups
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.ledger.snapshots import Snapshots
from portfolio.application.operations.health import ReadHealth
from portfolio.application.optimisation.optimise import Optimise
from portfolio.application.performance.period import ReadPerformance
from portfolio.application.prices.position_history import ReadPositionHistory
from portfolio.application.prices.refresh import RefreshPrices
from portfolio.application.rebalancing.planning import ReadPlan, WhatIf
from portfolio.application.rebalancing.pretrade import CheckTrade
from portfolio.application.rebalancing.scorecard import ReadScorecard
from portfolio.application.rebalancing.signals import AcknowledgeSignal, GenerateSignals, ListSignals
from portfolio.application.risk.state import ReadMarket
from portfolio.application.stream.broadcast import Broadcast
from portfolio.application.stream.entries import ReadEntries
from portfolio.application.uncancelled import Uncancelled
from portfolio.domain.categories import Categories


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """The application's verbs, the portfolio that they are for, and look-ups."""

    portfolio_id: int
    ledger: Ledger
    lookups: Lookups
    booking: BookingQueue
    move_cash: MoveCashInOrOut
    reverse: ReverseTrade
    book_events: BookEvents
    reverse_event: ReverseEvent
    pick_lots: PickLots
    read_lots: ReadLots
    past_books: ReadPastBooks
    by_basis: ReadByBasis
    usual: ReadUsual
    past: ReadPastPerformance
    restate: RestateBooks
    exports: ReadExports
    snapshots: Snapshots
    performance: ReadPerformance
    recent_performance: RecentPerformance
    position_history: ReadPositionHistory
    refresh: RefreshPrices
    health: ReadHealth
    market: ReadMarket
    plan: ReadPlan
    what_if: WhatIf
    check_trade: CheckTrade
    optimise: Optimise
    backtests: Backtests
    ask_backtest: AskBacktest
    read_backtest: ReadBacktest
    cancel_backtest: CancelBacktest
    compute_backtests: ComputeBacktests
    generate_signals: GenerateSignals
    acknowledge_signal: AcknowledgeSignal
    list_signals: ListSignals
    read_scorecard: ReadScorecard
    stream: Broadcast
    read_entries: ReadEntries
    imports: Imports
    look_at_import: LookAtImport
    book_preview: BookPreview
    reverse_import: ReverseImport
    clock: Clock
    categories: Categories = field(default_factory=Categories)
    max_price_age: timedelta = timedelta(seconds=300)
    read_deadline_seconds: float = 5.0
    uncancelled: Uncancelled = field(default_factory=Uncancelled)
