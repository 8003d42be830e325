"""Figures for Prometheus. Labels are route templates, statuses and codes: nothing that a client can invent."""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import Final, Literal, TypeAlias, get_args

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

from portfolio.application.ledger.cash import CashReply
from portfolio.application.ledger.cash_records import RefusedCashEntry
from portfolio.application.ledger.happenings.records import EventReply
from portfolio.application.ledger.records import BookingReply, Refusal
from portfolio.entrypoints.http.errors import BOOKING_PROBLEMS, INTERNAL, OUTCOME_UNKNOWN, kind_named, kind_of

# The framework adds the charset to texts.
CONTENT_TYPE = "text/plain; version=0.0.4"
UNMATCHED = "(unmatched)"
# Of whom was not let in, whatever he asked for: else any stranger could have a histogram for each route and status.
REFUSED = "(refused)"
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
# When a figure was made would be a figure of its own in this format.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's, without types
BookedKind: TypeAlias = Literal["trade", "event", "cash_transaction"]
Booked: TypeAlias = BookingReply | EventReply | CashReply | BaseException
_RESULTS: Final = ("booked", "replayed", *(problem.slug for problem in (*BOOKING_PROBLEMS, INTERNAL)))
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
            "Bookings by kind and by what became of them; replays apart.",
            ("kind", "result"),
            registry=self._registry,
        )
        # Each from the start: of a count that appears with its first 1, Prometheus sees no increase.
        for labels in product(get_args(BookedKind), _RESULTS):
            self._bookings.labels(*labels)
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

    @contextmanager
    def counting(self, kind: BookedKind, wishes: int = 1) -> Iterator[list[Booked]]:
        """Count what became of so many bookings: what is put into the list, or the error that ends them all."""
        results: list[Booked] = []
        try:
            yield results
        except BaseException as error:  # the deadline's too
            results = [error] * wishes
            raise
        finally:
            for result, count in Tally(map(_result, results[:wishes])).items():
                self._bookings.labels(kind, result).inc(count)

    def expose(self) -> bytes:
        """Return all figures in the text format."""
        return generate_latest(self._registry)

    def _take_longest_lag(self) -> float:
        longest, self._longest_lag = self._longest_lag, 0.0
        return longest


def _result(result: Booked) -> str:
    """Return what became of a booking; of one whose request ended before it nobody knows."""
    if isinstance(result, asyncio.CancelledError):
        return OUTCOME_UNKNOWN.slug
    if isinstance(result, BaseException):
        return kind_of(result).slug
    if result.replayed:
        return "replayed"
    if isinstance(result, BookingReply):
        decided: object = result.outcome.result
    else:
        kept = result.event if isinstance(result, EventReply) else result.transaction
        decided = kept.refusal if isinstance(kept, RefusedCashEntry) else kept
    return kind_named(decided.error).slug if isinstance(decided, Refusal) else "booked"
