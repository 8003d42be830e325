"""The parts of performance: the days of the books, recorded and restated, and what is measured by them."""

from __future__ import annotations

from typing import Final

from portfolio.application.backtest.shadows import ReadShadows
from portfolio.application.exports.reading import ReadExports
from portfolio.application.history.past import ReadPastBooks
from portfolio.application.history.past_performance import ReadPastPerformance
from portfolio.application.history.reading import Measures, ReadByBasis, ReadRestated, ReadUsual, RestatedPositions
from portfolio.application.history.recent import RecentPerformance
from portfolio.application.history.restatement import RestateBooks
from portfolio.application.history.restating import RestateDays
from portfolio.application.performance.benchmark import ReadBenchmark
from portfolio.application.performance.days.ledger_days import LedgerDays
from portfolio.application.performance.final_days import MakeFinal
from portfolio.application.performance.history import ReadHistory, ReadsHistory
from portfolio.application.performance.period import ReadPerformance
from portfolio.application.performance.ports import DayPositionsStore
from portfolio.application.performance.series.daily import ReadSeries
from portfolio.application.performance.tags.reading import ReadTaggedResults, TagSources
from portfolio.application.performance.timeframes import ReadTimeframes
from portfolio.domain.days import day_of
from portfolio.entrypoints.assembly.foundation import Foundation
from portfolio.entrypoints.assembly.ledger import LedgerParts
from portfolio.entrypoints.assembly.prices import PriceParts

# For how long the closes of days that are made final are asked for, while prices wait to be refreshed.
FETCH_SECONDS: Final = 20.0


class PerformanceParts:
    """The entries by day, and the reads of performance: on both bases, on the usual one, and as of past moments."""

    def __init__(self, base: Foundation, ledger: LedgerParts, prices: PriceParts) -> None:
        of, settings, snapshots, journal = base.of, base.settings, ledger.snapshots, ledger.journal
        self._base, self._ledger, self._prices = base, ledger, prices
        self.entries = LedgerDays(of.ledger, of.lookups, journal.offer, patience_seconds=base.read_seconds)
        self.make_final = MakeFinal(
            of.ledger,
            self.entries,
            of.days,
            of.prices,
            of.closes,
            of.clock,
            benchmark=settings.benchmark_symbol,
            most_seconds=FETCH_SECONDS,
        )
        self.restate_days = RestateDays(journal, of.prices)
        self.restate = RestateBooks(of.ledger, journal, of.clock, base.announce)
        self.past_books = ReadPastBooks(journal, snapshots, of.prices, of.clock)
        benchmark, rate = ReadBenchmark(prices.joined, settings.benchmark_symbol), settings.risk_free_rate
        recorded = ReadHistory(of.days, self.entries, snapshots, benchmark, of.clock, risk_free_rate=rate)
        restated = ReadRestated(self.restate_days, snapshots, benchmark, of.clock, risk_free_rate=rate)
        positions = RestatedPositions(self.restate_days, snapshots, of.clock)
        sources = TagSources(snapshots=snapshots, journal=journal, prices=of.prices, reasons=of.signals)
        self.by_basis = ReadByBasis(
            recorded=self._measures(recorded, of.days, sources, by_effect=False),
            restated=self._measures(restated, positions, sources, by_effect=True),
        )
        self.past = ReadPastPerformance(restated, positions, sources, prices.closes, lambda: day_of(of.clock.now()))
        self.usual = ReadUsual(by_basis=self.by_basis, restate=self.restate_days, snapshots=snapshots, clock=of.clock)
        self.recent = RecentPerformance(self.usual, of.clock, base.read_seconds, self.usual.basis)
        self.exports = ReadExports(
            of.lookups,
            snapshots,
            ledger.read_lots,
            self.past_books,
            self.by_basis,
            self.past,
            of.prices,
            of.clock,
            benchmark=settings.benchmark_symbol,
        )

    def _measures(
        self, history: ReadsHistory, days: DayPositionsStore, sources: TagSources, *, by_effect: bool
    ) -> Measures:
        of, snapshots, prices = self._base.of, self._ledger.snapshots, self._prices
        performance = ReadPerformance(history, snapshots)
        return Measures(
            performance=performance,
            series=ReadSeries(history, snapshots, prices.closes),
            timeframes=ReadTimeframes(performance, days),
            attribution=ReadTaggedResults(sources, history, days, by_effect=by_effect),
            shadows=ReadShadows(history, snapshots, prices.follow, categories=of.categories, policy=of.policy),
        )
