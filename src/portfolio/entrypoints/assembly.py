"""The service, put together from whatever adapters it is given."""

from __future__ import annotations

import math
import os
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final, Protocol

import structlog

from portfolio.application.announcer import Announcer, Event, Listener
from portfolio.application.clock import Clock
from portfolio.application.ledger.booking import BookTrades
from portfolio.application.ledger.booking_queue import BookingQueue
from portfolio.application.ledger.cash import MoveCashInOrOut
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.ports import Ledger, Lookups
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.ledger.snapshots import Snapshots
from portfolio.application.operations.health import ReadHealth
from portfolio.application.operations.ports import Probe
from portfolio.application.performance.period import ReadPerformance
from portfolio.application.performance.ports import Days
from portfolio.application.performance.timeframes import ReadTimeframes
from portfolio.application.prices.closes import ReadCloses
from portfolio.application.prices.ports import CrossCheck, Leases, PriceFeed, PriceStore
from portfolio.application.prices.refresh import RefreshPrices
from portfolio.application.rebalancing.planning import ReadPlan, WhatIf
from portfolio.application.rebalancing.ports import Signals
from portfolio.application.rebalancing.pretrade import CheckTrade
from portfolio.application.rebalancing.signal_execution import MarkExecuted
from portfolio.application.rebalancing.signal_rules import SignalRules
from portfolio.application.rebalancing.signals import AcknowledgeSignal, GenerateSignals, ListSignals, LockedPlan
from portfolio.application.risk.state import ReadMarket
from portfolio.domain.categories import Categories
from portfolio.domain.money import Money
from portfolio.domain.prices.quarantine import QuoteRules
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.entrypoints.http.app import PortfolioApp, create_app
from portfolio.entrypoints.http.ledger.requests import MOST_BOOKINGS
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.kept_lease import KeptLease
from portfolio.entrypoints.lifecycle import Lifecycle, Step
from portfolio.entrypoints.price_loop import PriceLoop, Schedule
from portfolio.settings import Settings

_log = structlog.get_logger(__name__)

# Shares of a request's deadline; what the database may take of it is said by its adapter.
PATIENCE_SHARE: Final = 0.3  # in which a booking's turn has to come
READ_SHARE: Final = 0.25  # after which a read is answered from what was seen last
CLOSES_SHARE: Final = 0.2  # the same for the price history
PLAN_SHARE: Final = 0.3  # for the plan that signals are made of
GRACE_SHARE: Final = 0.5  # for each step of a stop, once every request has been answered
# What a slow database still books. More than it can book within the deadline need not wait.
BOOKINGS_A_SECOND: Final = 500


class CheckedFeed(PriceFeed, CrossCheck, Protocol):
    """A feed that can also ask another source for a second opinion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """What the adapters give: the ports, and how to check and close what is behind them."""

    clock: Clock
    ledger: Ledger
    lookups: Lookups
    probe: Probe
    prices: PriceStore
    days: Days
    leases: Leases
    signals: Signals
    feed: CheckedFeed
    categories: Categories
    policy: RebalancePolicy
    schema_revision: str
    check_schema: Step
    least_interval_seconds: Callable[[int], float]
    close: Sequence[Step]


@dataclass(frozen=True, slots=True, kw_only=True)
class InMemory:
    """What is kept in memory of one portfolio: its newest state, the bookings that wait, the quotes in quarantine."""

    snapshots: Snapshots
    booking: BookingQueue
    refresh: RefreshPrices


def _in_memory(rim: Adapters, settings: Settings, portfolio_id: int, announcer: Announcer) -> InMemory:
    rules, deadline_seconds = settings.booking_rules, settings.request_deadline_seconds
    book_trades = BookTrades(rim.ledger, rim.clock, rules, within=[MarkExecuted(rim.signals)], announce=announcer)
    return InMemory(
        snapshots=Snapshots(rim.ledger, rim.clock, portfolio_id),
        booking=BookingQueue(
            book_trades,
            portfolio_id,
            max_waiting=max(MOST_BOOKINGS, math.ceil(BOOKINGS_A_SECOND * deadline_seconds)),
            patience_seconds=PATIENCE_SHARE * deadline_seconds,
        ),
        refresh=RefreshPrices(
            rim.ledger,
            rim.prices,
            rim.feed,
            rim.clock,
            portfolio_id,
            cross_check=rim.feed,
            rules=QuoteRules(max_age=timedelta(seconds=settings.price_max_age_seconds)),
            announce=announcer,
        ),
    )


def assemble(  # shape: the wiring, all in one place
    rim: Adapters, settings: Settings, *, portfolio_id: int, listeners: Sequence[Listener] = ()
) -> PortfolioApp:
    """Return the application: its use cases on the ports, its price loop, its start and its stop."""
    clock, ledger, rules = rim.clock, rim.ledger, settings.booking_rules
    max_price_age = timedelta(seconds=settings.price_max_age_seconds)
    deadline_seconds = settings.request_deadline_seconds
    announcer = Announcer(note_failed_listener, listeners)
    kept = _in_memory(rim, settings, portfolio_id, announcer)
    snapshots, queue, refresh = kept.snapshots, kept.booking, kept.refresh
    loop = PriceLoop(
        refresh,
        # Two containers may share a host name and a process id.
        KeptLease(rim.leases, clock, holder=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"),
        rim.prices,
        clock,
        Schedule(
            interval_seconds=settings.refresh_seconds,
            retention_days=settings.tick_retention_days,
            least_interval=rim.least_interval_seconds,
        ),
    )
    market = ReadMarket(
        snapshots,
        ReadCloses(
            rim.prices,
            clock,
            prefers_simulated=settings.is_simulated,
            deadline_seconds=CLOSES_SHARE * deadline_seconds,
        ),
        clock,
        categories=rim.categories,
        policy=rim.policy,
        max_price_age=max_price_age,
    )
    plan = ReadPlan(market)
    lifetime = timedelta(seconds=settings.signal_ttl_seconds)
    signal_rules = SignalRules(ttl=lifetime, max_price_age=max_price_age, plan_seconds=PLAN_SHARE * deadline_seconds)
    locked_plan = LockedPlan(
        ledger, rim.signals, plan, clock, signal_rules, portfolio_id=portfolio_id, announce=announcer
    )
    read_seconds = READ_SHARE * deadline_seconds
    performance = ReadPerformance(rim.days, snapshots, clock, deadline_seconds=read_seconds)
    use_cases = UseCases(
        portfolio_id=portfolio_id,
        ledger=ledger,
        lookups=rim.lookups,
        booking=queue,
        move_cash=MoveCashInOrOut(ledger, clock, rules, announce=announcer),
        reverse=ReverseTrade(ledger, clock, rules, announce=announcer),
        snapshots=snapshots,
        performance=performance,
        timeframes=ReadTimeframes(rim.days, snapshots, performance, clock, deadline_seconds=read_seconds),
        refresh=refresh,
        health=ReadHealth(
            rim.probe,
            snapshots,
            refresh,
            loop,
            rim.feed,
            clock,
            max_price_age=max_price_age,
            schema_revision=rim.schema_revision,
        ),
        market=market,
        plan=plan,
        what_if=WhatIf(market, rules),
        check_trade=CheckTrade(market, rules),
        generate_signals=GenerateSignals(locked_plan),
        acknowledge_signal=AcknowledgeSignal(locked_plan),
        list_signals=ListSignals(rim.signals, clock),
        clock=clock,
        categories=rim.categories,
        max_price_age=max_price_age,
        read_deadline_seconds=read_seconds,
    )
    lifecycle = Lifecycle(
        check=rim.check_schema,
        open_books=partial(OpenBooks(ledger, clock, Money(settings.initial_cash), announcer), portfolio_id),
        price_loop=loop,
        finish=(use_cases.uncancelled.close, queue.close),
        close=(refresh.close, *rim.close),
        grace_seconds=GRACE_SHARE * deadline_seconds,
    )
    return create_app(use_cases, settings, on_startup=[lifecycle.start], on_shutdown=[lifecycle.stop])


def note_failed_listener(event: Event, error: Exception) -> None:
    """Log that a listener failed on an event; what the event tells of is committed all the same."""
    _log.error("event.listener_failed", event_type=type(event).__name__, exc_info=error)
