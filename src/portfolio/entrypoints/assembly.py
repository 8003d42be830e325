"""The service, put together from whatever adapters it is given."""

from __future__ import annotations

import math
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final, Protocol

import structlog

from portfolio.application.announcer import Announcer, Event, Listener
from portfolio.application.backtest.jobs.asking import AskBacktest
from portfolio.application.backtest.jobs.cancelling import CancelBacktest
from portfolio.application.backtest.jobs.computing import ComputeBacktests
from portfolio.application.backtest.jobs.ports import Backtests, ComputeKinds
from portfolio.application.backtest.jobs.reading import ReadBacktest
from portfolio.application.backtest.shadows import ReadShadows
from portfolio.application.clock import Clock
from portfolio.application.exports.reading import ReadExports
from portfolio.application.history.past import ReadPastBooks
from portfolio.application.history.past_performance import ReadPastPerformance
from portfolio.application.history.reading import (
    Measures,
    ReadByBasis,
    ReadRestated,
    ReadUsual,
    RestatedPositions,
)
from portfolio.application.history.recent import RecentPerformance
from portfolio.application.history.restatement import RestateBooks
from portfolio.application.history.restating import RestateDays
from portfolio.application.imports.kept.looking import BookPreview, Importing, LookAtImport
from portfolio.application.imports.kept.ports import Given, Imports
from portfolio.application.imports.kept.reversal import ReverseImport
from portfolio.application.ledger.booking import BookTrades
from portfolio.application.ledger.booking_queue import BookingQueue
from portfolio.application.ledger.cash import MoveCashInOrOut
from portfolio.application.ledger.happenings.booking import BookEvents
from portfolio.application.ledger.happenings.reversal import ReverseEvent
from portfolio.application.ledger.lots.journal import Journal
from portfolio.application.ledger.lots.picking import PickedSales, PickLots
from portfolio.application.ledger.lots.reading import ReadLots
from portfolio.application.ledger.opening import OpenBooks, Opening
from portfolio.application.ledger.ports import Ledger, Lookups
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.ledger.snapshots import Snapshots
from portfolio.application.operations.comparison import CompareBooks
from portfolio.application.operations.health import ReadHealth, Refresher
from portfolio.application.operations.ports import Probe
from portfolio.application.optimisation.optimise import Optimise
from portfolio.application.optimisation.ports import Compute
from portfolio.application.performance.benchmark import ReadBenchmark
from portfolio.application.performance.final_days import MakeFinal
from portfolio.application.performance.history import ReadHistory, ReadsHistory
from portfolio.application.performance.ledger_days import LedgerDays
from portfolio.application.performance.period import ReadPerformance
from portfolio.application.performance.ports import DayPositionsStore, Days
from portfolio.application.performance.series.daily import ReadSeries
from portfolio.application.performance.tags.reading import ReadTaggedResults, TagSources
from portfolio.application.performance.timeframes import ReadTimeframes
from portfolio.application.prices.closes import ReadCloses
from portfolio.application.prices.exchange_rules import FetchExchangeRules, ReadExchangeRules
from portfolio.application.prices.executions import SettleStalePrices
from portfolio.application.prices.fetched_closes import FetchCloses
from portfolio.application.prices.joined_closes import JoinedCloses
from portfolio.application.prices.joins import ReadJoins
from portfolio.application.prices.ports import (
    CloseFeed,
    CrossCheck,
    ExchangeRulesFeed,
    ExchangeRulesStore,
    Leases,
    PriceFeed,
    PriceStore,
)
from portfolio.application.prices.position_history import ReadPositionHistory
from portfolio.application.prices.refresh import RefreshPrices
from portfolio.application.rebalancing.planning import ReadPlan, WhatIf
from portfolio.application.rebalancing.ports import Signals
from portfolio.application.rebalancing.pretrade import CheckTrade
from portfolio.application.rebalancing.scorecard import ReadScorecard
from portfolio.application.rebalancing.signal_execution import MarkExecuted
from portfolio.application.rebalancing.signal_rules import SignalRules
from portfolio.application.rebalancing.signals import AcknowledgeSignal, GenerateSignals, ListSignals, LockedPlan
from portfolio.application.risk.state import ReadMarket
from portfolio.application.stream.broadcast import Broadcast, Sources
from portfolio.application.stream.changes import Changes
from portfolio.application.stream.entries import ReadEntries
from portfolio.application.stream.limits import StreamLimits
from portfolio.application.stream.news import News
from portfolio.application.stream.records import DEFAULT_PACE, Pace
from portfolio.application.stream.states import States
from portfolio.domain.categories import Categories
from portfolio.domain.money import Money
from portfolio.domain.prices.quarantine import QuoteRules
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.entrypoints.backtest_loop import BacktestLoop
from portfolio.entrypoints.comparison_loop import ComparisonLoop
from portfolio.entrypoints.http.app import PortfolioApp, create_app, served
from portfolio.entrypoints.http.ledger.requests import MOST_BOOKINGS
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.http.stream.writer import MessageWriter
from portfolio.entrypoints.kept_lease import KeptLease
from portfolio.entrypoints.lifecycle import Lifecycle, Step
from portfolio.entrypoints.price_loop import PriceLoop, Schedule
from portfolio.entrypoints.rules_loop import RulesLoop
from portfolio.settings import Settings

_log = structlog.get_logger(__name__)

# Shares of a request's deadline; what the database may take of it is said by its adapter.
PATIENCE_SHARE: Final = 0.3  # in which a booking's turn has to come
READ_SHARE: Final = 0.25  # after which a read is answered from what was seen last
CLOSES_SHARE: Final = 0.2  # the same for the price history
FETCH_SHARE: Final = 0.3  # for closes that a check before a trade lacks
PLAN_SHARE: Final = 0.3  # for the plan that signals are made of
ASK_SHARE: Final = 0.6  # for the closes of a backtest that is asked for
COMPUTE_SHARE: Final = 0.9  # for weights, all that goes before them included
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
    """What the adapters give: the ports, and how to check and close what is behind them.

    ``rules`` are the exchanges that are asked for their rules, by name, the one to trade at first. ``import_ledger`` is
    the same ledger on connections of its own, on which a unit of work may take longer than a request has.
    """

    clock: Clock
    ledger: Ledger
    lookups: Lookups
    probe: Probe
    prices: PriceStore
    days: Days
    leases: Leases
    signals: Signals
    exchange_rules: ExchangeRulesStore
    backtests: Backtests
    imports: Imports
    import_ledger: Ledger
    read_given: Given
    picked_sales: PickedSales
    feed: CheckedFeed
    closes: CloseFeed
    rules: Mapping[str, ExchangeRulesFeed]
    compute: Compute
    compute_slices: ComputeKinds
    categories: Categories
    policy: RebalancePolicy
    least_interval_seconds: Callable[[int], float]
    close: Sequence[Step]


@dataclass(frozen=True, slots=True, kw_only=True)
class InMemory:
    """What is kept in memory of one portfolio.

    Its newest state, the bookings that wait, the quotes in quarantine, the entries by day and, once somebody asks for
    lots, one by one, how the rows compare.
    """

    snapshots: Snapshots
    booking: BookingQueue
    refresh: RefreshPrices
    entries: LedgerDays
    journal: Journal
    restate: RestateDays
    compare: CompareBooks


def assemble(
    adapters: Adapters, settings: Settings, *, portfolio_id: int, listeners: Sequence[Listener] = ()
) -> PortfolioApp:
    """Return the application: its use cases on the ports, its price loop, its start and its stop."""
    parts = Assembly(adapters, settings, portfolio_id=portfolio_id, listeners=listeners)
    loop = parts.price_loop()
    use_cases = parts.use_cases(loop)
    lifecycle = parts.lifecycle(use_cases, loop)
    return create_app(served(use_cases, settings), on_startup=[lifecycle.start], on_shutdown=[lifecycle.stop])


class Assembly:  # shape: the parts of all topics are made here
    """Makes the parts of one portfolio's service, topic by topic; what they share is made once."""

    def __init__(
        self,
        adapters: Adapters,
        settings: Settings,
        *,
        portfolio_id: int,
        listeners: Sequence[Listener] = (),
        pace: Pace = DEFAULT_PACE,
    ) -> None:
        self._of, self._pace, self._settings = adapters, pace, settings
        self._portfolio_id = portfolio_id
        self._deadline_seconds = settings.request_deadline_seconds
        self._read_seconds = READ_SHARE * settings.request_deadline_seconds
        self._max_price_age = timedelta(seconds=settings.price_max_age_seconds)
        self._holder = _holder()
        self._lease = KeptLease(adapters.leases, adapters.clock, holder=self._holder)
        seconds = CLOSES_SHARE * self._deadline_seconds
        stored, sources = adapters.exchange_rules, list(adapters.rules)
        self._rules = ReadExchangeRules(stored, adapters.clock, sources, deadline_seconds=seconds)
        entries = LedgerDays(adapters.ledger, adapters.lookups, (journal := Journal(adapters.ledger)).offer)
        self._fetch_closes = FetchCloses(
            adapters.prices, adapters.closes, adapters.clock, FETCH_SHARE * self._deadline_seconds
        )
        joins = self._joins = ReadJoins(adapters.lookups, portfolio_id)
        self._listeners: list[Listener] = [entries.take_notice, journal.take_notice, joins.take_notice, *listeners]
        self._announcer = Announcer(note_failed_listener, self._listeners)
        settle = SettleStalePrices(adapters.prices, adapters.clock, self._max_price_age)
        deadline = self._read_seconds
        snapshots = Snapshots(adapters.ledger, adapters.clock, portfolio_id, deadline_seconds=deadline, settle=settle)
        self._kept = InMemory(
            snapshots=snapshots,
            booking=self._booking(),
            refresh=self._refresh(),
            entries=entries,
            journal=journal,
            restate=RestateDays(journal, adapters.prices),
            compare=CompareBooks(adapters.ledger, entries, snapshots, adapters.clock),
        )
        self._listeners.append(snapshots.take_notice)

    def use_cases(self, refresher: Refresher) -> UseCases:  # shape: a line for each use case
        """Return the use cases of the routes; ``refresher`` is the periodic price task that health reports on."""
        of, kept, rules = self._of, self._kept, self._settings.booking_rules
        market, closes = self._market(), self._closes()
        by_basis, usual, past = self._performance(closes)
        locked_plan = self._locked_plan(plan := ReadPlan(market))
        list_signals, health = ListSignals(of.signals, of.clock), self._health(refresher)
        recent = RecentPerformance(usual, of.clock, self._read_seconds)
        stream = self._stream(market, recent, News(list_signals, health, self._portfolio_id, self._pace))
        self._listeners.append(stream.take_notice)
        return UseCases(
            portfolio_id=self._portfolio_id,
            ledger=of.ledger,
            lookups=of.lookups,
            booking=kept.booking,
            move_cash=MoveCashInOrOut(of.ledger, of.clock, rules, announce=self._announcer),
            reverse=ReverseTrade(of.ledger, of.clock, rules, announce=self._announcer),
            read_lots=(lots := self._lots()),
            restate=RestateBooks(of.ledger, kept.journal, of.clock, self._announcer),
            past_books=(past_books := ReadPastBooks(kept.journal, kept.snapshots, of.prices, of.clock)),
            book_events=BookEvents(of.ledger, of.clock, rules, announce=self._announcer),
            pick_lots=PickLots(self._kept.journal, self._kept.snapshots, of.picked_sales, of.clock),
            reverse_event=ReverseEvent(of.ledger, of.clock, rules, announce=self._announcer),
            snapshots=kept.snapshots,
            performance=by_basis.recorded.performance,
            recent_performance=recent,
            by_basis=by_basis,
            usual=usual,
            past=past,
            exports=ReadExports(
                of.lookups,
                kept.snapshots,
                lots,
                past_books,
                by_basis,
                past,
                of.prices,
                of.clock,
                benchmark=self._settings.benchmark_symbol,
            ),
            position_history=ReadPositionHistory(closes, of.lookups, of.categories, self._max_price_age),
            refresh=kept.refresh,
            health=health,
            market=market,
            plan=plan,
            what_if=WhatIf(market, rules),
            check_trade=CheckTrade(market, self._fetch_closes, rules),
            optimise=self._optimise(market),
            backtests=of.backtests,
            ask_backtest=self._ask_backtest(market),
            read_backtest=ReadBacktest(of.backtests),
            cancel_backtest=CancelBacktest(of.backtests, computing := self._compute_backtests(), of.clock),
            compute_backtests=computing,
            generate_signals=GenerateSignals(locked_plan),
            acknowledge_signal=AcknowledgeSignal(locked_plan),
            list_signals=list_signals,
            read_scorecard=self._scorecard(closes),
            stream=stream,
            read_entries=ReadEntries(kept.snapshots, stream.blocks),
            imports=of.imports,
            look_at_import=LookAtImport(importing := self._importing()),
            book_preview=BookPreview(importing),
            reverse_import=ReverseImport(of.import_ledger, of.clock, rules, self._announcer),
            clock=of.clock,
            categories=of.categories,
            max_price_age=self._max_price_age,
            read_deadline_seconds=self._read_seconds,
        )

    def _importing(self) -> Importing:
        of = self._of
        return Importing(
            imports=of.imports,
            ledger=of.import_ledger,
            prices=of.prices,
            clock=of.clock,
            rules=self._settings.booking_rules,
            read_given=of.read_given,
            closes=of.closes,
            announce=self._announcer,
        )

    def price_loop(self) -> PriceLoop:
        """Return the task that refreshes prices while this instance holds the lease."""
        schedule = Schedule(
            interval_seconds=self._settings.refresh_seconds,
            retention_days=self._settings.tick_retention_days,
            least_interval=self._of.least_interval_seconds,
        )
        make_final = partial(self.make_final(), self._portfolio_id, DAYS_MENDED)
        return PriceLoop(
            self._kept.refresh, self._lease, self._of.prices, self._of.clock, schedule, make_final=make_final
        )

    def lifecycle(self, use_cases: UseCases, loop: PriceLoop) -> Lifecycle:
        """Return the start and the stop of the service, which fetches the closes of what is booked."""
        of = self._of
        self._listeners.append(self._fetch_closes.take_notice)
        return Lifecycle(
            check=of.probe.ping,
            open_books=self.open_books(),
            health=use_cases.health,
            price_loop=loop,
            comparing=ComparisonLoop(self._kept.compare, use_cases.usual.prepare),
            fetching_rules=RulesLoop(
                FetchExchangeRules(of.rules, of.exchange_rules, of.clock), self._lease, self._rules.forget
            ),
            backtests=BacktestLoop(
                use_cases.compute_backtests, of.backtests, of.clock, at_once=self._settings.compute_workers
            ),
            finish=(
                use_cases.stream.stop,
                *self._unfinished(use_cases),
                use_cases.uncancelled.close,
                self._kept.booking.close,
            ),
            close=(self._fetch_closes.close, self._kept.refresh.close, *of.close),
            grace_seconds=GRACE_SHARE * self._deadline_seconds,
        )

    def _unfinished(self, use_cases: UseCases) -> Sequence[Step]:
        """Return what ends long computations that go on without a request."""
        by_basis = use_cases.by_basis
        computing = by_basis.restated.shadows, by_basis.recorded.shadows, use_cases.read_scorecard
        return (self._kept.restate.stop, *(one.stop for one in computing))

    def open_books(self) -> Callable[[], Awaitable[Opening]]:
        """Return what opens the books where they are not open yet."""
        of = self._of
        open_books = OpenBooks(of.ledger, of.clock, Money(self._settings.initial_cash), self._announcer)
        return partial(open_books, self._portfolio_id)

    def make_final(self) -> MakeFinal:
        """Return what makes the days that are over final."""
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

    def _closes(self) -> ReadCloses:
        return ReadCloses(
            self._of.prices,
            self._of.clock,
            prefers_simulated=self._settings.is_simulated,
            deadline_seconds=CLOSES_SHARE * self._deadline_seconds,
        )

    def _joined(self, closes: ReadCloses, *, follows: bool = False) -> JoinedCloses:
        seconds = CLOSES_SHARE * self._deadline_seconds
        return JoinedCloses(closes, self._joins, deadline_seconds=seconds, follows=follows)

    def _market(self) -> ReadMarket:
        of = self._of
        return ReadMarket(
            self._kept.snapshots,
            self._joined(self._closes()),
            of.clock,
            categories=of.categories,
            policy=of.policy,
            max_price_age=self._max_price_age,
            rules=self._rules,
        )

    def _optimise(self, market: ReadMarket) -> Optimise:
        return Optimise(
            market,
            self._fetch_closes,
            self._of.compute,
            self._of.clock,
            seconds=COMPUTE_SHARE * self._deadline_seconds,
            risk_free_rate=self._settings.risk_free_rate,
        )

    def _ask_backtest(self, market: ReadMarket) -> AskBacktest:
        of = self._of
        seconds = ASK_SHARE * self._deadline_seconds
        return AskBacktest(
            of.backtests,
            of.compute_slices,
            market,
            self._fetch_closes,
            of.clock,
            portfolio_id=self._portfolio_id,
            seconds=seconds,
        )

    def _compute_backtests(self) -> ComputeBacktests:
        of = self._of
        return ComputeBacktests(of.backtests, of.compute_slices, of.clock, holder=self._holder)

    def _lots(self) -> ReadLots:
        kept, of, days = self._kept, self._of, self._settings.long_term_days
        return ReadLots(kept.journal, kept.snapshots, of.picked_sales, of.clock, long_term_days=days)

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

    def _scorecard(self, closes: ReadCloses) -> ReadScorecard:
        of, kept = self._of, self._kept
        joined = self._joined(closes)
        return ReadScorecard(of.signals, of.lookups, of.prices, joined, kept.snapshots, of.clock)

    def _history(self, closes: ReadCloses) -> ReadHistory:
        of, kept = self._of, self._kept
        rate = self._settings.risk_free_rate
        benchmark = ReadBenchmark(self._joined(closes), self._settings.benchmark_symbol)
        return ReadHistory(of.days, kept.entries, kept.snapshots, benchmark, of.clock, risk_free_rate=rate)

    def _performance(self, closes: ReadCloses) -> tuple[ReadByBasis, ReadUsual, ReadPastPerformance]:
        """Return the reads of performance: on both bases, on the usual one, and as of past moments."""
        of, kept = self._of, self._kept
        restate = kept.restate
        restated = ReadRestated(
            restate,
            kept.snapshots,
            ReadBenchmark(self._joined(closes), self._settings.benchmark_symbol),
            of.clock,
            risk_free_rate=self._settings.risk_free_rate,
        )
        positions = RestatedPositions(restate, kept.snapshots, of.clock)
        sources = TagSources(snapshots=kept.snapshots, journal=kept.journal, prices=of.prices, reasons=of.signals)
        by_basis = ReadByBasis(
            recorded=self._measures(self._history(closes), of.days, sources, closes),
            restated=self._measures(restated, positions, sources, closes, by_effect=True),
        )
        past = ReadPastPerformance(restated, positions, sources, closes, lambda: of.clock.now().date())
        return by_basis, ReadUsual(by_basis=by_basis, restate=restate, snapshots=kept.snapshots, clock=of.clock), past

    def _measures(
        self,
        history: ReadsHistory,
        days: DayPositionsStore,
        sources: TagSources,
        closes: ReadCloses,
        *,
        by_effect: bool = False,
    ) -> Measures:
        of, snapshots = self._of, self._kept.snapshots
        performance = ReadPerformance(history, snapshots)
        return Measures(
            performance=performance,
            series=ReadSeries(history, snapshots, closes),
            timeframes=ReadTimeframes(performance, days),
            attribution=ReadTaggedResults(sources, history, days, by_effect=by_effect),
            shadows=ReadShadows(
                history, snapshots, self._joined(closes, follows=True), categories=of.categories, policy=of.policy
            ),
        )

    def _stream(self, market: ReadMarket, recent: RecentPerformance, news: News) -> Broadcast:
        of, settings = self._of, self._settings
        sources = Sources(
            portfolio_id=self._portfolio_id,
            clock=of.clock,
            snapshots=self._kept.snapshots,
            lookups=of.lookups,
            states=States(market, recent, of.clock, self._pace, Changes(self._max_price_age, of.categories)),
            news=news,
        )
        writer = MessageWriter(self._pace, is_simulated=settings.is_simulated)
        limits = StreamLimits(settings.streams, settings.streams_per_key)
        return Broadcast(sources, writer, limits, note_failed_stream, self._pace)

    def _health(self, refresher: Refresher) -> ReadHealth:
        of, kept = self._of, self._kept
        return ReadHealth(
            of.probe,
            kept.snapshots,
            kept.booking,
            kept.refresh,
            refresher,
            of.feed,
            kept.compare,
            of.clock,
            max_price_age=self._max_price_age,
        )


def _holder() -> str:
    """Return a name for this instance; two containers may share a host name and a process id."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def note_failed_stream(error: Exception) -> None:
    """Log that the books could not be followed; it is tried again."""
    _log.error("stream.failed", exc_info=error)


def note_failed_listener(event: Event, error: Exception) -> None:
    """Log that a listener failed on an event; what the event tells of is committed all the same."""
    _log.error("event.listener_failed", event_type=type(event).__name__, exc_info=error)
