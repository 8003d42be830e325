"""What the page of operations shows: the answer of the health of the service, and what this instance knows besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any, Final

import msgspec
from msgspec import Raw

from portfolio.application.ledger.snapshots import Snapshot
from portfolio.domain.decimal_text import listed
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.entrypoints.http.operations.answers import HealthAnswer
from portfolio.entrypoints.http.pages.frame.figures import About, Figure, FigureOf, Term
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.shell.numbers import number, thousandths
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.log_writer import DROPPED

SYMBOLS_SHOWN: Final = 30

SOURCES: Final = {
    "never answered": "It was not asked yet.",
    "answering": "The breaker is closed: it is asked in each cycle.",
    "failing": "The breaker is closed: it is asked in each cycle, and did not answer the last time.",
    "resting": "The breaker is open: after failures it is not asked for a while.",
    "off": "It refuses this machine: it is not asked until a restart.",
}
MEASURED_HERE: Final = "measured by this instance, whatever others do"
CONDITIONS: Final = {
    "healthy": "Healthy: the database takes bookings, and prices are live",
    "degraded": "Degraded: it answers, but the database is away, rows cannot be read, or prices are stale",
    "unhealthy": "Unhealthy: there is no state to serve, or the schema is of another version",
}
DATABASE: Final = {
    "up": "up: a booking could be committed now",
    "away": "away: nothing is booked, and the last state seen is shown",
    "refusing": "refusing: it answers, and refuses what a booking writes",
    "schema_unknown": "of a schema that this version does not run on",
    "books_not_open": "without opened books",
    "books_contradicted": "contradicting itself: the portfolio's row is not what the entries say",
}
COMPARISON: Final = {
    "not_compared": "not yet compared by this instance: whether the rows are what the entries add up to is not known",
    "agree": "the rows state what all entries add up to",
    "differ": "the rows do not state what all entries add up to, and are not believed",
    "not_comparable": "entries are missing: whether the rows are what all of them add up to cannot be known",
}


class Fact(msgspec.Struct, frozen=True):
    """Something that is no number: a word, or a sentence. ``is_bad`` is what somebody has to look at."""

    label: str
    words: str
    is_bad: bool = False
    may_have_amounts: bool = False


FIGURES: Final[Mapping[str, About]] = {
    "database_latency_ms": ("Time of a short question, ms", Kind.NUMBER,
                            "From a short question to the database until its answer."),
    "unreadable_rows": ("Unreadable rows", Kind.COUNT,
                        "Rows that nothing can be made of: they are left out of every page and answer."),
    "unreconciled": (
        "Unreconciled", Kind.RESULT,
        ("Cash and cost basis, less net deposits and realized result: what other programs wrote into the shared rows "
         "and no entry explains.")),
    "refused_bookings": (
        "Refused bookings", Kind.COUNT,
        ("Refused bookings, events and cash transactions that an override could book, and none has. The page of trades "
         "lists them. The newest 10,000 refused bookings are looked at, and as many others.")),
    "ledger_revision": ("Entries of the ledger", Kind.COUNT,
                        "Trades, deposits, withdrawals and what else was ever booked."),
    "fresh_share_percent": ("Value with a live price", Kind.PERCENT,
                            "The share of the value of what is held whose price is not stale and not missing."),
    "oldest_price_age_seconds": ("Age of the oldest price, s", Kind.COUNT,
                                 "Now less the time of the oldest price in use."),
    "refresh_interval_seconds": ("Time between refresh cycles, s", Kind.NUMBER,
                                 "The setting, or more where the exchanges' limits need it for what is held."),
    "refresh_age_seconds": ("Last refresh cycle, s ago", Kind.NUMBER,
                            "Since a refresh cycle of this instance last went through."),
    "quarantined_total": (
        "Prices ever held back", Kind.COUNT,
        "Wild prices that waited for another source or time to confirm them, since the start of this instance."),
}  # fmt: skip


def operations_content(health: HealthAnswer, cases: UseCases, recent_lags: Sequence[float]) -> dict[str, Any]:
    """Return what the page shows, topic by topic: the service in words and numbers.

    ``recent_lags`` are those of the event loop in the last minute, in seconds. ``failed`` are the prices that the last
    refresh did not get, None where there was none.
    """
    snapshot, report = cases.ledger.snapshots.last, cases.prices.refresh.last_report
    waiting = cases.prices.refresh.quarantined_in(snapshot.portfolio) if snapshot else {}
    return {
        "health": health,
        "service": _service(health),
        "service_figures": _service_figures(health, cases, recent_lags),
        "database": _database(health),
        "database_figures": _database_figures(health),
        "prices": _price_facts(health),
        "price_figures": _price_figures(health, cases.prices.refresh.quarantined_total),
        "sources": _sources_of(health),
        "quarantined": {symbol.code: str(suspect) for symbol, suspect in sorted(waiting.items())},
        "failed": None if report is None else {symbol.code: why for symbol, why in sorted(report.failed.items())},
        "books": _books(health),
        "books_figures": _books_figures(health, snapshot),
        "unknown": _unknown(health, has_report=report is not None),
    }


def _service(health: HealthAnswer) -> Sequence[Fact]:
    return [
        Fact("Condition", CONDITIONS[health.status], is_bad=health.status != "healthy"),
        Fact("Version", health.version),
    ]


def _service_figures(health: HealthAnswer, cases: UseCases, lags: Sequence[float]) -> Sequence[Figure]:
    booking, streams = cases.ledger.booking, cases.stream.limits
    about: Mapping[str, About] = {
        "loop_lag_longest": (
            "Longest lag of the event loop, ms", Kind.NUMBER,
            ("How late the loop came to what was due, looked at 20 times a second: the longest of the last "
             f"{len(lags)} looks, a minute at most. Every request waits as long.")),
        "loop_lag_median": ("Median lag of the event loop, ms", Kind.NUMBER,
                            f"The median of the same {len(lags)} looks."),
        "bookings_waiting": (
            "Bookings waiting", Kind.COUNT,
            f"Bookings that wait for their commit, or are at work; more than {booking.max_waiting} are refused."),
        "streams": ("Open streams", Kind.COUNT,
                    f"Programs and pages that follow this instance; more than {streams.most} are refused."),
        "log_lines_dropped": ("Log lines lost", Kind.COUNT,
                              "Log lines that no destination took, since the start of this instance."),
    }  # fmt: skip
    figure = FigureOf(about, MEASURED_HERE, health.timestamp)
    return [
        figure("loop_lag_longest", _milliseconds(max(lags, default=None)), reason="not_measured_yet"),
        figure("loop_lag_median", _milliseconds(median(lags) if lags else None), reason="not_measured_yet"),
        figure("bookings_waiting", booking.waiting),
        figure("streams", streams.open.total()),
        figure("log_lines_dropped", DROPPED.total()),
    ]


def _database(health: HealthAnswer) -> Sequence[Fact]:
    found = health.database
    is_of_another = found.status == "schema_unknown"
    facts = [
        Fact("Database", DATABASE[found.status], is_bad=found.status != "up"),
        Fact("Schema", found.schema_revision or "not known: it was not told", is_bad=is_of_another),
    ]
    if found.detail:
        facts.append(Fact("Why", found.detail, is_bad=True, may_have_amounts=True))
    return facts


def _database_figures(health: HealthAnswer) -> Sequence[Figure]:
    figure = FigureOf(FIGURES, MEASURED_HERE, health.timestamp)
    return [
        figure("database_latency_ms", health.database.latency_ms, reason="database_away"),
        figure("unreadable_rows", health.unreadable_rows.count),
    ]


def _books(health: HealthAnswer) -> Sequence[Fact]:
    found = health.comparison
    at = "" if found.compared_at is None else f", at entry {found.revision}, {found.compared_at:%Y-%m-%d %H:%M:%S} UTC"
    is_bad = found.status in {"differ", "not_comparable"}
    facts = [Fact("Rows and entries", COMPARISON[found.status] + at, is_bad=is_bad)]
    if found.detail:
        facts.append(Fact("What differs", found.detail, is_bad=True, may_have_amounts=True))
    return facts


def _books_figures(health: HealthAnswer, snapshot: Snapshot | None) -> Sequence[Figure]:
    figure, unreconciled = FigureOf(FIGURES, MEASURED_HERE, health.timestamp), health.unreconciled
    of_rows = FigureOf(FIGURES, "exact, of the rows as they are read", snapshot.as_of if snapshot else health.timestamp)
    terms = _unreconciled_terms(snapshot.portfolio) if snapshot and unreconciled else ()
    value = unreconciled.value if unreconciled else None
    revision = snapshot.revisions.ledger if snapshot else None
    return [
        of_rows("unreconciled", value, terms=terms, reason="out_of_range" if snapshot else "no_state_seen"),
        figure("refused_bookings", health.refused_bookings, reason="database_away"),
        figure("ledger_revision", revision, reason="no_state_seen"),
    ]


def _unreconciled_terms(portfolio: Portfolio) -> Sequence[Term]:
    return [
        Term("Cash", number(portfolio.cash), Kind.MONEY),
        Term("Cost basis", number(portfolio.cost_basis), Kind.COST, "+"),
        Term("Net deposits", number(portfolio.net_deposits), Kind.MONEY, "−"),
        Term("Realized result", number(portfolio.realized_pnl), Kind.RESULT, "−"),
    ]


def _sources_of(health: HealthAnswer) -> Sequence[Mapping[str, Any]]:
    """Return the sources by name, each with what its breaker does."""
    return [
        {
            "name": name,
            "state": source.state,
            "breaker": SOURCES[source.state],
            "last_error": source.last_error or "none",
            "last_success": source.last_success,
            "is_bad": source.state in {"failing", "resting", "off"},
        }
        for name, source in health.prices.sources.items()
    ]


def _price_facts(health: HealthAnswer) -> Sequence[Fact]:
    """Return who refreshes the prices, and of what they are not to be believed."""
    refresher, prices = health.refresher, health.prices
    leads = "this instance" if refresher.leader else "not this instance: another one, or none"
    told = (
        ("Stale", prices.stale_symbols),
        ("Without a price", prices.missing_symbols),
        ("In quarantine", prices.quarantined_symbols),
    )
    suspect = [Fact(label, listed(symbols, SYMBOLS_SHOWN) or "none", is_bad=bool(symbols)) for label, symbols in told]
    return [Fact("Price leader", leads), *suspect]


def _price_figures(health: HealthAnswer, quarantined_total: int) -> Sequence[Figure]:
    """Return how old the prices are."""
    prices, refresher, figure = health.prices, health.refresher, FigureOf(FIGURES, MEASURED_HERE, health.timestamp)
    of_value = replace(figure, convention="sizes count whatever their sign; what has no price counts at its cost")
    return [
        of_value("fresh_share_percent", prices.fresh_share_percent, reason="nothing_held"),
        figure("oldest_price_age_seconds", prices.oldest_age_seconds, reason="no_price"),
        figure("refresh_interval_seconds", refresher.interval_seconds),
        figure("refresh_age_seconds", refresher.last_tick_age_seconds, reason="no_cycle_here"),
        figure("quarantined_total", quarantined_total),
    ]


def _unknown(health: HealthAnswer, *, has_report: bool) -> Sequence[Fact]:
    """Return what cannot be known here, and why."""
    told = (
        (True, "Other instances", "Lag, streams, log and quarantine are this instance's own: ask each of the others."),
        (not health.refresher.leader, "Which instance leads",
         "The lease is another's, or nobody's: it names no address. The ages above show whether anybody refreshes."),
        (not has_report, "Which prices failed",
         "This instance has refreshed nothing yet: only the one that refreshes knows."),
        (health.database.latency_ms is None, "The database",
         "It did not answer now: counts of it are the last ones, or none."),
    )  # fmt: skip
    return [Fact(label, words) for is_unknown, label, words in told if is_unknown]


def _milliseconds(seconds: float | None) -> Raw | None:
    return None if seconds is None else thousandths(seconds * 1000)
