"""What wants a person, on the first page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from portfolio.application.operations.health import Health
from portfolio.domain.decimal_text import counted
from portfolio.domain.rebalancing.summary import Summary
from portfolio.entrypoints.http.pages.frame.filters import Value
from portfolio.entrypoints.http.pages.frame.formats import Kind, shown
from portfolio.entrypoints.http.pages.words import RULES, subject_of


class Severity(StrEnum):
    """How serious an alert is, in a word."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that wants a person: how serious, what it is, where more is said, and an amount where there is one."""

    name: str
    severity: Severity
    text: str
    path: str
    value: Value = None
    kind: Kind = Kind.MONEY


def alerts_of(health: Health, summary: Summary) -> Iterator[Alert]:
    """Yield what wants a person, the most serious first: broken limits before all else."""
    for over in summary.over:
        shares = f"{shown(over.allocation, Kind.PERCENT)} of at most {shown(over.limit_allocation, Kind.PERCENT)}"
        text = f"Over the {RULES[over.rule.value]}: {subject_of(over.name.subject)}, {shares}"
        yield Alert(name="limit", severity=Severity.HIGH, text=text, path="/pages/rebalancing")
    books, operations = health.database, "/pages/operations"
    if health.unreconciled_lines:
        moved = f"Other programs moved {counted(len(health.unreconciled_lines), 'row')}"
        yield Alert(name="unreconciled", severity=Severity.HIGH, text=moved, path=operations, value=health.unreconciled)
    if refused := books.refused_bookings:
        text = f"{counted(refused, 'booking')} refused"
        yield Alert(name="refused", severity=Severity.MEDIUM, text=text, path="/pages/trades#refused")
    if unreadable := len(books.unreadable_rows):
        text = f"{counted(unreadable, 'row')} unreadable"
        yield Alert(name="unreadable", severity=Severity.MEDIUM, text=text, path=operations)
    if quarantined := health.prices.quarantined:
        text = f"Prices in quarantine: {', '.join(quarantined)}"
        yield Alert(name="quarantined", severity=Severity.LOW, text=text, path=operations)
