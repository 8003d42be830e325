"""What is answered about how the service is doing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from portfolio.entrypoints.http.shell.numbers import Number, Percent, Thousandths
from portfolio.entrypoints.http.shell.responses import Labelled


class DatabaseView(msgspec.Struct, kw_only=True):
    """The database, as a probe of this moment found it."""

    status: Literal["up", "away", "refusing", "schema_unknown", "books_not_open", "books_contradicted"]
    latency_ms: Thousandths | None
    schema_revision: str | None
    detail: str | None


class SourceView(msgspec.Struct, kw_only=True):
    """A price source: `resting` is not asked for a while, `off` is not asked until a restart."""

    state: Literal["never answered", "answering", "failing", "resting", "off"]
    last_error: str | None
    last_success: datetime | None


class PricesView(msgspec.Struct, kw_only=True):
    """The prices of what is held: counts, and the symbols they count."""

    last_refresh: datetime | None
    oldest_age_seconds: int | None
    fresh_share_percent: Percent | None
    stale: int
    missing: int
    quarantined: int
    stale_symbols: list[str]
    missing_symbols: list[str]
    quarantined_symbols: list[str]
    sources: dict[str, SourceView]


class RefresherView(msgspec.Struct, kw_only=True):
    """The periodic price task of this instance; one instance of several is the leader."""

    leader: bool
    interval_seconds: Thousandths
    last_tick_age_seconds: Thousandths | None


class UnreconciledView(msgspec.Struct, kw_only=True):
    """What other programs wrote into the shared rows: its value, and a line for each row moved."""

    value: Number
    rows: list[str]


class UnreadableRowsView(msgspec.Struct, kw_only=True):
    """Rows that nothing can be made of, left out of every answer: how many, and a line for each with the reason."""

    count: int
    rows: list[str]


class ComparisonView(msgspec.Struct, kw_only=True):
    """Whether the rows state what all entries add up to, by the newest comparison since the process started."""

    status: Literal["not_compared", "agree", "differ", "not_comparable"]
    revision: int | None
    compared_at: datetime | None
    detail: str | None


class HealthAnswer(Labelled, kw_only=True):
    """How the service is doing."""

    status: Literal["healthy", "degraded", "unhealthy"]
    timestamp: datetime
    service: str
    version: str
    database: DatabaseView
    comparison: ComparisonView
    prices: PricesView
    refresher: RefresherView
    unreconciled: UnreconciledView | None
    unreadable_rows: UnreadableRowsView
    refused_bookings: Annotated[
        int | None,
        Meta(
            description="Bookings, events and cash transactions that an override could book, and none has. "
            "The newest 10,000 refused bookings are looked at, and as many others."
        ),
    ]


class LivenessAnswer(Labelled, kw_only=True):
    """The process answers."""

    status: Literal["alive"] = "alive"
    timestamp: datetime


class ReadinessAnswer(Labelled, kw_only=True):
    """A booking could be committed now."""

    status: Literal["ready"] = "ready"
    timestamp: datetime
