"""What the routes carry out: filled by the composition root, one instance an application."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from portfolio.application.clock import Clock
from portfolio.application.ledger.booking_queue import BookingQueue
from portfolio.application.ledger.cash import MoveCashInOrOut
from portfolio.application.ledger.ports import Ledger, Lookups
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.ledger.snapshots import Snapshots
from portfolio.application.operations.health import ReadHealth
from portfolio.application.performance.period import ReadPerformance
from portfolio.application.performance.timeframes import ReadTimeframes
from portfolio.application.prices.refresh import RefreshPrices
from portfolio.application.rebalancing.planning import ReadPlan, WhatIf
from portfolio.application.rebalancing.pretrade import CheckTrade
from portfolio.application.rebalancing.signals import AcknowledgeSignal, GenerateSignals, ListSignals
from portfolio.application.risk.state import ReadMarket
from portfolio.domain.categories import Categories
from portfolio.entrypoints.http.shell.uncancelled import Uncancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """The application's verbs, the portfolio that they are for, and look-ups."""

    portfolio_id: int
    ledger: Ledger
    lookups: Lookups
    booking: BookingQueue
    move_cash: MoveCashInOrOut
    reverse: ReverseTrade
    snapshots: Snapshots
    performance: ReadPerformance
    timeframes: ReadTimeframes
    refresh: RefreshPrices
    health: ReadHealth
    market: ReadMarket
    plan: ReadPlan
    what_if: WhatIf
    check_trade: CheckTrade
    generate_signals: GenerateSignals
    acknowledge_signal: AcknowledgeSignal
    list_signals: ListSignals
    clock: Clock
    categories: Categories = field(default_factory=Categories)
    max_price_age: timedelta = timedelta(seconds=300)
    read_deadline_seconds: float = 5.0
    uncancelled: Uncancelled = field(default_factory=Uncancelled)
