"""The service of one portfolio, put together: its use cases, its loops, its start and its stop."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import structlog

from portfolio.application.announcer import Listener
from portfolio.application.operations.comparison import CompareBooks
from portfolio.application.operations.health import ReadHealth, Refresher
from portfolio.application.prices.exchange_rules import FetchExchangeRules
from portfolio.application.stream.broadcast import Broadcast, Sources
from portfolio.application.stream.changes import Changes
from portfolio.application.stream.entries import ReadEntries
from portfolio.application.stream.limits import StreamLimits
from portfolio.application.stream.news import News
from portfolio.application.stream.records import DEFAULT_PACE, Pace
from portfolio.application.stream.states import States
from portfolio.entrypoints.assembly.adapters import Adapters
from portfolio.entrypoints.assembly.foundation import GRACE_SHARE, Foundation
from portfolio.entrypoints.assembly.ledger import ImportParts, LedgerParts
from portfolio.entrypoints.assembly.performance import PerformanceParts
from portfolio.entrypoints.assembly.prices import PriceParts
from portfolio.entrypoints.assembly.rebalancing import BacktestParts, RebalancingParts
from portfolio.entrypoints.backtest_loop import BacktestLoop
from portfolio.entrypoints.comparison_loop import ComparisonLoop
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.http.stream.writer import MessageWriter
from portfolio.entrypoints.lifecycle import Lifecycle
from portfolio.entrypoints.price_loop import PriceLoop, Schedule
from portfolio.entrypoints.rules_loop import RulesLoop
from portfolio.settings import Settings

_log = structlog.get_logger(__name__)

# How many days are made final again once a day: what an exchange away, or a service that was stopped, left behind.
DAYS_MENDED: Final = 8


class Assembly:
    """The parts of one portfolio's service, by topic, each on those before it; what they share is made once."""

    def __init__(
        self,
        adapters: Adapters,
        settings: Settings,
        *,
        portfolio_id: int,
        listeners: Sequence[Listener] = (),
        pace: Pace = DEFAULT_PACE,
    ) -> None:
        base = self._base = Foundation(adapters, settings, portfolio_id, pace)
        self.ledger, self.imports, self.prices = LedgerParts(base), ImportParts(base), PriceParts(base)
        self.performance = PerformanceParts(base, self.ledger, self.prices)
        self.rebalancing = RebalancingParts(base, self.ledger, self.prices)
        self.backtests = BacktestParts(base, self.rebalancing.market, self.prices)
        entries, snapshots = self.performance.entries, self.ledger.snapshots
        self._compare = CompareBooks(adapters.ledger, entries, snapshots, adapters.clock)
        kept = entries, self.ledger.journal, self.prices.joins
        base.listeners += [*(one.take_notice for one in kept), *listeners, snapshots.take_notice]

    def use_cases(self, refresher: Refresher) -> UseCases:
        """Return the use cases of the routes; ``refresher`` is the periodic price task that health reports on."""
        base, of = self._base, self._base.of
        health = self._health(refresher)
        stream = self._stream(News(self.rebalancing.list_signals, health, base.portfolio_id, base.pace))
        base.listeners.append(stream.take_notice)
        return UseCases(
            portfolio_id=base.portfolio_id,
            ledger=self.ledger,
            imports=self.imports,
            prices=self.prices,
            performance=self.performance,
            rebalancing=self.rebalancing,
            backtests=self.backtests,
            lookups=of.lookups,
            health=health,
            stream=stream,
            read_entries=ReadEntries(self.ledger.snapshots, stream.blocks),
            clock=of.clock,
            categories=of.categories,
            max_price_age=base.max_price_age,
            read_deadline_seconds=base.read_seconds,
        )

    def price_loop(self) -> PriceLoop:
        """Return the task that refreshes prices while this instance holds the lease."""
        of, settings, prices = self._base.of, self._base.settings, self.prices
        schedule = Schedule(
            interval_seconds=settings.refresh_seconds,
            retention_days=settings.tick_retention_days,
            least_interval=of.least_interval_seconds,
        )
        make_final = partial(self.performance.make_final, self._base.portfolio_id, DAYS_MENDED)
        return PriceLoop(prices.refresh, prices.lease, of.prices, of.clock, schedule, make_final=make_final)

    def lifecycle(self, use_cases: UseCases, loop: PriceLoop) -> Lifecycle:
        """Return the start and the stop of the service, which fetches the closes of what is booked."""
        of, at_once = self._base.of, self._base.settings.compute_workers
        ledger, prices, by_basis = self.ledger, self.prices, self.performance.by_basis
        self._base.listeners.append(prices.fetch_closes.take_notice)
        fetch_rules = FetchExchangeRules(of.rules, of.exchange_rules, of.clock)
        # Long computations that go on without a request.
        computing = by_basis.restated.shadows, by_basis.recorded.shadows, self.rebalancing.read_scorecard
        return Lifecycle(
            check=of.probe.ping,
            open_books=ledger.open_books,
            health=use_cases.health,
            price_loop=loop,
            comparing=ComparisonLoop(self._compare, self.performance.usual.prepare),
            fetching_rules=RulesLoop(fetch_rules, prices.lease, prices.exchange_rules.forget),
            backtests=BacktestLoop(self.backtests.compute, of.backtests, of.clock, at_once=at_once),
            finish=(
                use_cases.stream.stop,
                self.performance.restate_days.stop,
                ledger.journal.stop,
                *(one.stop for one in computing),
                use_cases.uncancelled.close,
                ledger.booking.close,
            ),
            close=(prices.fetch_closes.close, prices.refresh.close, *of.close),
            grace_seconds=self._base.seconds(GRACE_SHARE),
        )

    def _health(self, refresher: Refresher) -> ReadHealth:
        of, ledger = self._base.of, self.ledger
        return ReadHealth(
            of.probe,
            ledger.snapshots,
            ledger.booking,
            self.prices.refresh,
            refresher,
            of.feed,
            self._compare,
            of.clock,
            max_price_age=self._base.max_price_age,
        )

    def _stream(self, news: News) -> Broadcast:
        of, settings, pace = self._base.of, self._base.settings, self._base.pace
        changes = Changes(self._base.max_price_age, of.categories)
        sources = Sources(
            portfolio_id=self._base.portfolio_id,
            clock=of.clock,
            snapshots=self.ledger.snapshots,
            lookups=of.lookups,
            states=States(self.rebalancing.market, self.performance.recent, of.clock, pace, changes),
            news=news,
        )
        writer = MessageWriter(pace, is_simulated=settings.is_simulated)
        limits = StreamLimits(settings.streams, settings.streams_per_key)
        return Broadcast(sources, writer, limits, note_failed_stream, pace)


def note_failed_stream(error: Exception) -> None:
    """Log that the books could not be followed; it is tried again."""
    _log.error("stream.failed", exc_info=error)
