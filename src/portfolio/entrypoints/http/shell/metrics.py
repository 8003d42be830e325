"""Figures for Prometheus. Labels are route templates, statuses and codes: nothing that a client can invent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.registry import Collector

from portfolio.application.ledger.booking_batch import BookingResult
from portfolio.application.ledger.records import BookingReply, Refusal
from portfolio.entrypoints.http.errors import BOOKING_PROBLEMS, INTERNAL, OUTCOME_UNKNOWN, kind_named, kind_of

# The framework adds the charset to texts.
CONTENT_TYPE = "text/plain; version=0.0.4"
UNMATCHED = "(unmatched)"
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
# When a figure was made would be a figure of its own in this format.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's, without types
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counts what happens; ``figures`` are read when they are asked for."""

    def __init__(self, figures: Collector) -> None:
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
        # Each from the start: of a count that appears with its first 1, Prometheus sees no increase.
        for result in ("booked", "replayed", *(kind.slug for kind in (*BOOKING_PROBLEMS, INTERNAL))):
            self._bookings.labels(result)
        self._lag = Histogram(
            "portfolio_event_loop_lag_seconds",
            "How late the event loop came to what was due, looked at 20 times a second.",
            registry=self._registry,
            buckets=BUCKETS,
        )
        self._told = Histogram(
            "portfolio_stream_lag_seconds",
            "Time from when an entry was booked until those who listen were told of it.",
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
        self._registry.register(figures)
        ProcessCollector(registry=self._registry)

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

    def told(self, seconds: float) -> None:
        """Count how long it took until those who listen were told of an entry."""
        self._told.observe(max(seconds, 0.0))

    def booked(self, results: Sequence[BookingResult | BaseException]) -> None:
        """Count what became of bookings; of those whose request ended before them nobody knows."""
        for result in results:
            self._bookings.labels(_result(result)).inc()

    def expose(self) -> bytes:
        """Return all figures in the text format."""
        return generate_latest(self._registry)

    def _take_longest_lag(self) -> float:
        longest, self._longest_lag = self._longest_lag, 0.0
        return longest


def _result(result: BookingResult | BaseException) -> str:
    if isinstance(result, asyncio.CancelledError):
        return OUTCOME_UNKNOWN.slug
    if not isinstance(result, BookingReply):
        return kind_of(result).slug
    if result.replayed:
        return "replayed"
    outcome = result.outcome.result
    return kind_named(outcome.error).slug if isinstance(outcome, Refusal) else "booked"
