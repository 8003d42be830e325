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
from portfolio.application.operations.health import ReadHealth, Refresher
from portfolio.application.operations.ports import Probe
from portfolio.application.performance.benchmark import ReadBenchmark
from portfolio.application.performance.final_days import MakeFinal
from portfolio.application.performance.history import ReadHistory
from portfolio.application.performance.ledger_days import LedgerDays
from portfolio.application.performance.period import ReadPerformance
from portfolio.application.performance.ports import Days
from portfolio.application.performance.timeframes import ReadTimeframes
from portfolio.application.prices.closes import ReadCloses
from portfolio.application.prices.fetched_closes import FetchCloses
from portfolio.application.prices.ports import CloseFeed, CrossCheck, Leases, PriceFeed, PriceStore
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
FETCH_SHARE: Final = 0.3  # for closes that a check before a trade lacks
PLAN_SHARE: Final = 0.3  # for the plan that signals are made of
GRACE_SHARE: Final = 0.5  # for each step of a stop, once every request has been answered
# What a slow database still books. More than it can book within the deadline need not wait.
BOOKINGS_A_SECOND: Final = 500


class CheckedFeed(PriceFeed, CrossCheck, Protocol):
    """A feed that can also ask another source for a second opinion."""


# How many days are made final again once a day: what an exchange away, or a service that was stopped, left behind.
DAYS_MENDED = 8
# For how long their closes are asked for, while prices wait to be refreshed.
FETCH_SECONDS = 20.0


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
    closes: CloseFeed
    categories: Categories
    policy: RebalancePolicy
    least_interval_seconds: Callable[[int], float]
    close: Sequence[Step]


@dataclass(frozen=True, slots=True, kw_only=True)
class InMemory:
    """What is kept in memory of one portfolio.

    Its newest state, the bookings that wait, the quotes in quarantine, the entries by day.
    """

    snapshots: Snapshots
    booking: BookingQueue
    refresh: RefreshPrices
    entries: LedgerDays


def assemble(
    adapters: Adapters, settings: Settings, *, portfolio_id: int, listeners: Sequence[Listener] = ()
) -> PortfolioApp:
    """Return the application: its use cases on the ports, its price loop, its start and its stop."""
    parts = Assembly(adapters, settings, portfolio_id=portfolio_id, listeners=listeners)
    loop = parts.price_loop()
    use_cases = parts.use_cases(loop)
    lifecycle = parts.lifecycle(use_cases, loop)
    return create_app(use_cases, settings, on_startup=[lifecycle.start], on_shutdown=[lifecycle.stop])


class Assembly:  # shape: the parts of all topics are made here
    """Makes the parts of one portfolio's service, topic by topic; what they share is made once."""

    def __init__(
        self, adapters: Adapters, settings: Settings, *, portfolio_id: int, listeners: Sequence[Listener] = ()
    ) -> None:
        self._of = adapters
        self._settings = settings
        self._portfolio_id = portfolio_id
        self._deadline_seconds = settings.request_deadline_seconds
        self._read_seconds = READ_SHARE * settings.request_deadline_seconds
        self._max_price_age = timedelta(seconds=settings.price_max_age_seconds)
        entries = LedgerDays(adapters.ledger, adapters.lookups)
        self._announcer = Announcer(note_failed_listener, [entries.take_notice, *listeners])
        self._kept = InMemory(
            snapshots=Snapshots(adapters.ledger, adapters.clock, portfolio_id, deadline_seconds=self._read_seconds),
            booking=self._booking(),
            refresh=self._refresh(),
            entries=entries,
        )

    def use_cases(self, refresher: Refresher) -> UseCases:
        """Return the use cases of the routes; ``refresher`` is the periodic price task that health reports on."""
        of, kept, rules = self._of, self._kept, self._settings.booking_rules
        market, performance = self._market(), self._performance()
        plan = ReadPlan(market)
        locked_plan = self._locked_plan(plan)
        return UseCases(
            portfolio_id=self._portfolio_id,
            ledger=of.ledger,
            lookups=of.lookups,
            booking=kept.booking,
            move_cash=MoveCashInOrOut(of.ledger, of.clock, rules, announce=self._announcer),
            reverse=ReverseTrade(of.ledger, of.clock, rules, announce=self._announcer),
            snapshots=kept.snapshots,
            performance=performance,
            timeframes=ReadTimeframes(performance, of.days),
            refresh=kept.refresh,
            health=self._health(refresher),
            market=market,
            plan=plan,
            what_if=WhatIf(market, rules),
            check_trade=CheckTrade(market, self._fetch_closes(), rules),
            generate_signals=GenerateSignals(locked_plan),
            acknowledge_signal=AcknowledgeSignal(locked_plan),
            list_signals=ListSignals(of.signals, of.clock),
            clock=of.clock,
            categories=of.categories,
            max_price_age=self._max_price_age,
            read_deadline_seconds=self._read_seconds,
        )

    def price_loop(self) -> PriceLoop:
        """Return the task that refreshes prices while this instance holds the lease."""
        # Two containers may share a host name and a process id.
        holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        schedule = Schedule(
            interval_seconds=self._settings.refresh_seconds,
            retention_days=self._settings.tick_retention_days,
            least_interval=self._of.least_interval_seconds,
        )
        lease = KeptLease(self._of.leases, self._of.clock, holder=holder)
        make_final = partial(self._make_final(), self._portfolio_id, DAYS_MENDED)
        return PriceLoop(self._kept.refresh, lease, self._of.prices, self._of.clock, schedule, make_final=make_final)

    def lifecycle(self, use_cases: UseCases, loop: PriceLoop) -> Lifecycle:
        """Return the start and the stop of the service."""
        of = self._of
        open_books = OpenBooks(of.ledger, of.clock, Money(self._settings.initial_cash), self._announcer)
        return Lifecycle(
            check=of.probe.ping,
            open_books=partial(open_books, self._portfolio_id),
            price_loop=loop,
            finish=(use_cases.uncancelled.close, self._kept.booking.close),
            close=(self._kept.refresh.close, *of.close),
            grace_seconds=GRACE_SHARE * self._deadline_seconds,
        )

    def _booking(self) -> BookingQueue:
        of = self._of
        executed = MarkExecuted(of.signals)
        rules = self._settings.booking_rules
        return BookingQueue(
            BookTrades(of.ledger, of.clock, rules, within=[executed], announce=self._announcer),
            self._portfolio_id,
            max_waiting=max(MOST_BOOKINGS, math.ceil(BOOKINGS_A_SECOND * self._deadline_seconds)),
            patience_seconds=PATIENCE_SHARE * self._deadline_seconds,
        )

    def _refresh(self) -> RefreshPrices:
        of = self._of
        return RefreshPrices(
            of.ledger,
            of.prices,
            of.feed,
            of.clock,
            self._portfolio_id,
            cross_check=of.feed,
            rules=QuoteRules(max_age=self._max_price_age),
            announce=self._announcer,
        )

    def _fetch_closes(self) -> FetchCloses:
        of = self._of
        return FetchCloses(of.prices, of.closes, of.clock, FETCH_SHARE * self._deadline_seconds)

    def _closes(self) -> ReadCloses:
        return ReadCloses(
            self._of.prices,
            self._of.clock,
            prefers_simulated=self._settings.is_simulated,
            deadline_seconds=CLOSES_SHARE * self._deadline_seconds,
        )

    def _market(self) -> ReadMarket:
        of = self._of
        return ReadMarket(
            self._kept.snapshots,
            self._closes(),
            of.clock,
            categories=of.categories,
            policy=of.policy,
            max_price_age=self._max_price_age,
        )

    def _locked_plan(self, plan: ReadPlan) -> LockedPlan:
        of = self._of
        rules = SignalRules(
            ttl=timedelta(seconds=self._settings.signal_ttl_seconds),
            max_price_age=self._max_price_age,
            plan_seconds=PLAN_SHARE * self._deadline_seconds,
        )
        return LockedPlan(
            of.ledger,
            of.signals,
            plan,
            of.clock,
            rules,
            portfolio_id=self._portfolio_id,
            announce=self._announcer,
        )

    def _performance(self) -> ReadPerformance:
        of, snapshots = self._of, self._kept.snapshots
        rate = self._settings.risk_free_rate
        benchmark = ReadBenchmark(self._closes(), self._settings.benchmark_symbol)
        history = ReadHistory(of.days, self._kept.entries, snapshots, benchmark, of.clock, risk_free_rate=rate)
        return ReadPerformance(history, snapshots)

    def _make_final(self) -> MakeFinal:
        of = self._of
        return MakeFinal(
            of.ledger,
            self._kept.entries,
            of.days,
            of.prices,
            of.closes,
            of.clock,
            benchmark=self._settings.benchmark_symbol,
            most_seconds=FETCH_SECONDS,
        )

    def _health(self, refresher: Refresher) -> ReadHealth:
        of, kept = self._of, self._kept
        return ReadHealth(
            of.probe,
            kept.snapshots,
            kept.refresh,
            refresher,
            of.feed,
            of.clock,
            max_price_age=self._max_price_age,
        )


def note_failed_listener(event: Event, error: Exception) -> None:
    """Log that a listener failed on an event; what the event tells of is committed all the same."""
    _log.error("event.listener_failed", event_type=type(event).__name__, exc_info=error)
