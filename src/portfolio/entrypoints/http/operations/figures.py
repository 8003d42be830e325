"""Figures for Prometheus that are read when they are asked for: the books, the prices, the service's health."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from portfolio import __version__
from portfolio.application.ledger.snapshots import Snapshot
from portfolio.application.operations.comparison import Agreement
from portfolio.application.operations.health import DatabaseCondition, Health, PriceHealth
from portfolio.application.prices.sources import SourceCondition
from portfolio.application.prices.valuation import Valuation
from portfolio.domain.money import Money
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.log_writer import DROPPED
from portfolio.entrypoints.logs import EVENTS

STATES: Final = tuple(SourceCondition)


class ServiceCollector(Collector):
    """What the service knows of itself now."""

    def __init__(self, cases: UseCases) -> None:
        self._cases = cases
        self._health: Health | None = None

    async def look(self) -> None:
        """Ask the database how it does, and bring the last snapshot up to date where it answers."""
        self._health = await self._cases.health()

    def collect(self) -> Iterable[Metric]:
        """Yield the figures, as of the last look."""
        health, snapshot = self._health, self._cases.ledger.snapshots.last
        if health is not None:
            yield from _service(health)
            yield from _sources(health.prices)
            age = health.prices.oldest_age_seconds or 0
            yield _gauge("portfolio_oldest_price_age_seconds", "Age of the oldest price in use.", age)
        yield from self._prices()
        if snapshot is not None:
            yield from self._books(snapshot)
        yield from _logged()
        queue = self._cases.ledger.booking
        yield _gauge("portfolio_bookings_waiting", "Bookings that wait or are at work.", queue.waiting)
        yield _gauge("portfolio_bookings_waiting_limit", "How many may wait.", queue.max_waiting)
        yield from self._stream()

    def _stream(self) -> Iterable[Metric]:
        limits, counts = self._cases.stream.limits, self._cases.stream.counts
        yield _gauge("portfolio_streams", "Streams that are open.", limits.open.total())
        yield _gauge("portfolio_streams_limit", "How many may be open.", limits.most)
        yield CounterMetricFamily("portfolio_streams_opened", "Streams ever opened.", value=counts.opened)
        yield _counted("type", "portfolio_stream_messages", "Messages sent, by type.", counts.messages)
        yield _counted("reason", "portfolio_stream_goodbyes", "Streams ended from here.", counts.goodbyes)
        yield _counted("reason", "portfolio_stream_resets", "Positions that were none of these books.", counts.resets)

    def _prices(self) -> Iterable[Metric]:
        refresh, snapshot = self._cases.prices.refresh, self._cases.ledger.snapshots.last
        report = refresh.last_report
        quarantined = refresh.quarantined_in(snapshot.portfolio) if snapshot else {}
        by_result = {
            "refreshed": len(report.refreshed) if report else 0,
            "failed": len(report.failed) if report else 0,
            "quarantined": len(quarantined),
        }
        yield _by("result", "portfolio_prices", "Symbols by result of the last refresh.", by_result)
        yield CounterMetricFamily(
            "portfolio_prices_quarantined", "Quotes ever held back.", value=refresh.quarantined_total
        )

    def _books(self, snapshot: Snapshot) -> Iterable[Metric]:
        now, portfolio = self._cases.clock.now(), snapshot.portfolio
        yield _gauge("portfolio_positions", "Open positions.", len(portfolio.open_positions))
        yield _gauge("portfolio_ledger_revision", "Entries in the books.", snapshot.revisions.ledger)
        yield _gauge(
            "portfolio_unreconciled",
            "Whether other programs moved rows.",
            bool(portfolio.has_unreconciled or portfolio.foreign_rows),
        )
        yield from _amounts(self._cases.rebalancing.market.valued(snapshot, now))


def _service(health: Health) -> Iterable[Metric]:
    database = health.database
    info = {"version": __version__, "schema": database.schema_revision or ""}
    yield _labelled("portfolio_build_info", "The version that runs, and the schema that the database has.", info)
    yield _gauge("portfolio_ready", "Whether a booking could be committed.", health.can_book)
    yield _gauge("portfolio_database_up", "Whether the database answers.", database.condition is DatabaseCondition.UP)
    if database.latency_ms is not None:
        yield _gauge("portfolio_database_probe_seconds", "Time of a short question.", database.latency_ms / 1000)
    if database.refused_bookings is not None:
        yield _gauge("portfolio_refused_bookings", "Refusals that an override could book.", database.refused_bookings)
    found = {status.value: float(health.comparison.status is status) for status in Agreement}
    yield _by("status", "portfolio_books_comparison", "How the rows compare with all entries, 1 for what is.", found)
    unreadable = len(database.unreadable_rows)
    yield _gauge("portfolio_unreadable_rows", "Rows left out because nothing can be made of them.", unreadable)
    yield _gauge("portfolio_leader", "Whether this instance refreshes prices.", health.leader)
    yield _gauge("portfolio_refresh_interval_seconds", "Time between two refresh cycles.", health.interval_seconds)
    if health.last_cycle_age_seconds is not None:
        age = health.last_cycle_age_seconds
        yield _gauge("portfolio_refresh_age_seconds", "Time since this instance's last refresh cycle.", age)


def _sources(prices: PriceHealth) -> Iterable[Metric]:
    states = GaugeMetricFamily("portfolio_source_state", "How a price source does.", labels=["source", "state"])
    answers = GaugeMetricFamily(
        "portfolio_source_last_answer_timestamp_seconds", "When a price source last answered.", labels=["source"]
    )
    for name, source in sorted(prices.sources.items()):
        for state in STATES:
            states.add_metric([name, state.value], source.state is state)
        if source.last_success is not None:
            answers.add_metric([name], source.last_success.timestamp())
    yield states
    yield answers


def _amounts(valuation: Valuation) -> Iterable[Metric]:
    """Yield amounts, in dollars, and the share of the positions' value with a live price; 1 where nothing is held."""
    portfolio = valuation.portfolio
    amounts: Mapping[str, tuple[str, Money]] = {
        "portfolio_value_usd": ("Cash and positions.", valuation.total_value),
        "portfolio_cash_usd": ("Cash.", portfolio.cash),
        "portfolio_invested_usd": ("Market value of the positions.", valuation.invested),
        "portfolio_cost_basis_usd": ("Cost of the positions.", valuation.cost_basis),
        "portfolio_net_deposits_usd": (
            "Deposits less withdrawals, transfers of assets at their cost.",
            portfolio.net_deposits,
        ),
        "portfolio_realized_pnl_usd": ("Result of sales and events.", portfolio.realized_pnl),
        "portfolio_unrealized_pnl_usd": ("Result of what is held.", valuation.unrealized_pnl),
        "portfolio_fees_paid_usd": ("Fees ever paid.", portfolio.fees_paid),
        "portfolio_unreconciled_usd": ("Value of what other programs moved.", valuation.unreconciled),
    }
    for name, (said, amount) in amounts.items():
        yield _gauge(name, said, float(amount.value))
    fresh = valuation.freshness.percent
    share = 1.0 if fresh is None else float(fresh) / 100
    yield _gauge("portfolio_live_price_share_ratio", "Share of the positions' value with a live price.", share)


def _logged() -> Iterable[Metric]:
    for label, name, said, counts in (
        ("event", "portfolio_events", "Events logged, by name.", EVENTS),
        ("destination", "portfolio_log_lines_dropped", "Log lines lost.", DROPPED),
    ):
        yield _counted(label, name, said, counts)


def _gauge(name: str, said: str, value: float) -> Metric:
    return GaugeMetricFamily(name, said, value=value)


def _by(label: str, name: str, said: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, said, labels=[label])
    for labelled, value in values.items():
        family.add_metric([labelled], value)
    return family


def _counted(label: str, name: str, said: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, said, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family


def _labelled(name: str, said: str, labels: Mapping[str, str]) -> Metric:
    family = GaugeMetricFamily(name, said, labels=list(labels))
    family.add_metric(list(labels.values()), 1.0)
    return family
