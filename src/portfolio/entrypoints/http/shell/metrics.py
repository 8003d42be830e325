"""Figures for Prometheus. Labels are route templates, statuses and codes: nothing that a client can invent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from portfolio.application.ledger.booking_batch import BookingResult
from portfolio.application.ledger.records import BookingReply, Refusal
from portfolio.entrypoints.http.errors import kind_named, kind_of
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.log_writer import DROPPED
from portfolio.entrypoints.logs import EVENTS

# The framework adds the charset to texts.
CONTENT_TYPE = "text/plain; version=0.0.4"
UNMATCHED = "(unmatched)"
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counts what happens, and reads what stands when it is asked."""

    def __init__(self, cases: UseCases) -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "portfolio_http_request_duration_seconds",
            "Time from the request's first byte to the answer's last.",
            ("method", "route", "status"),
            registry=self._registry,
            buckets=BUCKETS,
        )
        self._served: dict[tuple[str, str, str], Histogram] = {}
        self._bookings = Counter(
            "portfolio_bookings",
            "Bookings by what became of them; replays apart.",
            ("result",),
            registry=self._registry,
        )
        self._lag = Histogram(
            "portfolio_event_loop_lag_seconds",
            "How late the event loop came to what was due, looked at 20 times a second.",
            registry=self._registry,
            buckets=BUCKETS,
        )
        self._longest_lag = 0.0
        longest = Gauge(
            "portfolio_event_loop_lag_max_seconds",
            "The longest lag of the event loop since these figures were last read.",
            registry=self._registry,
        )
        longest.set_function(self._take_longest_lag)
        waiting = Gauge("portfolio_bookings_waiting", "Bookings that wait or are at work.", registry=self._registry)
        waiting.set_function(lambda: cases.booking.waiting)
        self._registry.register(_Standing(cases))

    def served(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        served = (method if method in METHODS else "other", route, str(status))
        if (histogram := self._served.get(served)) is None:
            histogram = self._served[served] = self._requests.labels(*served)
        histogram.observe(seconds)

    def lagged(self, seconds: float) -> None:
        """Count how late the event loop was."""
        self._lag.observe(seconds)
        self._longest_lag = max(self._longest_lag, seconds)

    def booked(self, results: Sequence[BookingResult]) -> None:
        """Count what became of bookings."""
        for result in results:
            self._bookings.labels(_result(result)).inc()

    def expose(self) -> bytes:
        """Return all figures in the text format."""
        return generate_latest(self._registry)

    def _take_longest_lag(self) -> float:
        longest, self._longest_lag = self._longest_lag, 0.0
        return longest


class _Standing(Collector):
    """Figures that are read where they stand: prices, books, logged events."""

    def __init__(self, cases: UseCases) -> None:
        self._cases = cases

    def collect(self) -> Iterable[Metric]:
        yield from self._prices()
        yield from self._books()
        events = CounterMetricFamily("portfolio_events", "Events logged, by name.", labels=["event"])
        for event, count in sorted(EVENTS.items()):
            events.add_metric([event], count)
        yield events
        dropped = CounterMetricFamily("portfolio_log_lines_dropped", "Log lines lost.", labels=["destination"])
        for destination, count in sorted(DROPPED.items()):
            dropped.add_metric([destination], count)
        yield dropped

    def _prices(self) -> Iterable[Metric]:
        report, snapshot = self._cases.refresh.last_report, self._cases.snapshots.last
        quarantined = self._cases.refresh.quarantined_in(snapshot.portfolio) if snapshot else {}
        symbols = GaugeMetricFamily("portfolio_prices", "Symbols by result of the last refresh.", labels=["result"])
        for result, count in (
            ("refreshed", len(report.refreshed) if report else 0),
            ("failed", len(report.failed) if report else 0),
            ("quarantined", len(quarantined)),
        ):
            symbols.add_metric([result], count)
        yield symbols
        yield CounterMetricFamily(
            "portfolio_prices_quarantined", "Quotes ever held back.", value=self._cases.refresh.quarantined_total
        )

    def _books(self) -> Iterable[Metric]:
        snapshot = self._cases.snapshots.last
        if snapshot is None:
            return
        now, portfolio = self._cases.clock.now(), snapshot.portfolio
        ages = [(now - p.mark.at).total_seconds() for p in portfolio.open_positions if p.mark]
        yield GaugeMetricFamily(
            "portfolio_oldest_price_age_seconds", "Age of the oldest price in use.", value=max(ages, default=0.0)
        )
        yield GaugeMetricFamily("portfolio_positions", "Open positions.", value=len(portfolio.open_positions))
        yield GaugeMetricFamily("portfolio_ledger_revision", "Entries in the books.", value=snapshot.revisions.ledger)
        yield GaugeMetricFamily(
            "portfolio_unreconciled",
            "Whether other programs moved rows.",
            value=1.0 if snapshot.portfolio.has_unreconciled else 0.0,
        )


def _result(result: BookingResult) -> str:
    if not isinstance(result, BookingReply):
        return kind_of(result).slug
    if result.replayed:
        return "replayed"
    outcome = result.outcome.result
    return kind_named(outcome.error).slug if isinstance(outcome, Refusal) else "booked"
