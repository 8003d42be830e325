"""What the page of operations shows: the answer of the health of the service, and what this instance knows besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from portfolio.application.ledger.snapshots import Snapshot
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.entrypoints.http.operations.answers import HealthAnswer
from portfolio.entrypoints.http.pages.frame.figures import Figure, Term
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.operations.facts import Fact, Here
from portfolio.entrypoints.http.pages.operations.prices import Source, price_facts, price_figures, sources_of
from portfolio.entrypoints.http.shell.numbers import number
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.log_writer import DROPPED

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


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationsContent:
    """The service in words and numbers, topic by topic; ``failed`` are the prices that the last refresh did not get."""

    health: HealthAnswer
    service: Sequence[Fact]
    service_figures: Sequence[Figure]
    database: Sequence[Fact]
    database_figures: Sequence[Figure]
    prices: Sequence[Fact]
    price_figures: Sequence[Figure]
    sources: Sequence[Source]
    quarantined: Mapping[str, str]
    failed: Mapping[str, str] | None
    books: Sequence[Fact]
    books_figures: Sequence[Figure]
    unknown: Sequence[Fact]


def operations_content(health: HealthAnswer, cases: UseCases, recent_lags: Sequence[float]) -> OperationsContent:
    """Return what the page shows; ``recent_lags`` are those of the event loop in the last minute, in seconds."""
    snapshot, report = cases.snapshots.last, cases.refresh.last_report
    waiting = cases.refresh.quarantined_in(snapshot.portfolio) if snapshot else {}
    return OperationsContent(
        health=health,
        service=_service(health),
        service_figures=_service_figures(health, cases, recent_lags),
        database=_database(health),
        database_figures=_database_figures(health),
        prices=price_facts(health),
        price_figures=price_figures(health, cases.refresh.quarantined_total),
        sources=sources_of(health),
        quarantined={symbol.code: str(suspect) for symbol, suspect in sorted(waiting.items())},
        failed=None if report is None else {symbol.code: why for symbol, why in sorted(report.failed.items())},
        books=_books(health),
        books_figures=_books_figures(health, snapshot),
        unknown=_unknown(health, has_report=report is not None),
    )


def _service(health: HealthAnswer) -> Sequence[Fact]:
    return [
        Fact(label="Condition", words=CONDITIONS[health.status], is_bad=health.status != "healthy"),
        Fact(label="Version", words=health.version),
    ]


def _service_figures(health: HealthAnswer, cases: UseCases, lags: Sequence[float]) -> Sequence[Figure]:
    here, booking = Here(health.timestamp), cases.booking
    return [
        here.measure(
            "loop_lag_longest",
            "Longest lag of the event loop, ms",
            _milliseconds(max(lags, default=None)),
            f"How late the loop came to what was due, looked at 20 times a second: the longest of the last {len(lags)} "
            "looks, a minute at most. Every request waits as long.",
            "not_measured_yet",
        ),
        here.measure(
            "loop_lag_median",
            "Median lag of the event loop, ms",
            _milliseconds(median(lags) if lags else None),
            f"The median of the same {len(lags)} looks.",
            "not_measured_yet",
        ),
        here.count(
            "bookings_waiting",
            "Bookings waiting",
            booking.waiting,
            f"Bookings that wait for their commit, or are at work; more than {booking.max_waiting} are refused.",
        ),
        here.count(
            "streams",
            "Open streams",
            cases.stream.limits.open.total(),
            f"Programs and pages that follow this instance; more than {cases.stream.limits.most} are refused.",
        ),
        here.count(
            "log_lines_dropped",
            "Log lines lost",
            DROPPED.total(),
            "Log lines that no destination took, since the start of this instance.",
        ),
    ]


def _database(health: HealthAnswer) -> Sequence[Fact]:
    found = health.database
    facts = [
        Fact(label="Database", words=DATABASE[found.status], is_bad=found.status != "up"),
        Fact(
            label="Schema",
            words=found.schema_revision or "not known: it was not told",
            is_bad=found.status == "schema_unknown",
        ),
    ]
    if found.detail:
        facts.append(Fact(label="Why", words=found.detail, is_bad=True, may_have_amounts=True))
    return facts


def _database_figures(health: HealthAnswer) -> Sequence[Figure]:
    here = Here(health.timestamp)
    return [
        here.measure(
            "database_latency_ms",
            "Time of a short question, ms",
            health.database.latency_ms,
            "From a short question to the database until its answer.",
            "database_away",
        ),
        here.count(
            "unreadable_rows",
            "Unreadable rows",
            health.unreadable_rows.count,
            "Rows that nothing can be made of: they are left out of every page and answer.",
        ),
    ]


def _books(health: HealthAnswer) -> Sequence[Fact]:
    found = health.comparison
    at = "" if found.compared_at is None else f", at entry {found.revision}, {found.compared_at:%Y-%m-%d %H:%M:%S} UTC"
    is_bad = found.status in {"differ", "not_comparable"}
    facts = [Fact(label="Rows and entries", words=COMPARISON[found.status] + at, is_bad=is_bad)]
    if found.detail:
        facts.append(Fact(label="What differs", words=found.detail, is_bad=True, may_have_amounts=True))
    return facts


def _books_figures(health: HealthAnswer, snapshot: Snapshot | None) -> Sequence[Figure]:
    here, unreconciled = Here(health.timestamp), health.unreconciled
    return [
        Figure(
            name="unreconciled",
            label="Unreconciled",
            value=unreconciled.value if unreconciled else None,
            kind=Kind.RESULT,
            formula="Cash and cost basis, less net deposits and realized result: what other programs "
            "wrote into the shared rows and no entry explains.",
            convention="exact, of the rows as they are read",
            as_of=snapshot.as_of if snapshot else health.timestamp,
            terms=_unreconciled_terms(snapshot.portfolio) if snapshot and unreconciled else (),
            reason="no_state_seen",
        ),
        here.count(
            "refused_bookings",
            "Refused bookings",
            health.refused_bookings,
            "Refused bookings, events and cash transactions that an override could book, and none has. The page of "
            "trades lists them.",
            "database_away",
        ),
        here.count(
            "ledger_revision",
            "Entries of the ledger",
            snapshot.revisions.ledger if snapshot else None,
            "Trades, deposits, withdrawals and what else was ever booked.",
            "no_state_seen",
        ),
    ]


def _unreconciled_terms(portfolio: Portfolio) -> Sequence[Term]:
    terms = (
        ("", "Cash", portfolio.cash, Kind.MONEY),
        ("+", "Cost basis", portfolio.cost_basis, Kind.COST),
        ("−", "Net deposits", portfolio.net_deposits, Kind.MONEY),
        ("−", "Realized result", portfolio.realized_pnl, Kind.RESULT),
    )
    return [Term(sign=sign, label=label, value=number(amount), kind=kind) for sign, label, amount, kind in terms]


def _unknown(health: HealthAnswer, *, has_report: bool) -> Sequence[Fact]:
    """Return what cannot be known here, and why."""
    facts = [
        Fact(
            label="Other instances",
            words="Lag, streams, log and quarantine are this instance's own: ask each of the others.",
        )
    ]
    if not health.refresher.leader:
        facts.append(
            Fact(
                label="Which instance leads",
                words="The lease is another's, or nobody's: it names no address. The ages above show whether anybody "
                "refreshes.",
            )
        )
    if not has_report:
        facts.append(
            Fact(
                label="Which prices failed",
                words="This instance has refreshed nothing yet: only the one that refreshes knows.",
            )
        )
    if health.database.latency_ms is None:
        facts.append(
            Fact(label="The database", words="It did not answer now: counts of it are the last ones, or none.")
        )
    return facts


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
