"""The prices and their sources, as the page of operations shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from portfolio.entrypoints.http.operations.answers import HealthAnswer
from portfolio.entrypoints.http.pages.frame.figures import Figure
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.operations.facts import Fact, Here

SOURCES: Final = {
    "never answered": "It has not answered yet.",
    "answering": "The breaker is closed: it is asked in each cycle.",
    "failing": "The breaker is closed: it is asked in each cycle, and did not answer the last time.",
    "resting": "The breaker is open: after failures it is not asked for a while.",
    "off": "It refuses this machine: it is not asked until a restart.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A price source, and what its breaker does."""

    name: str
    state: str
    breaker: str
    last_error: str
    last_success: datetime | None
    is_bad: bool


def sources_of(health: HealthAnswer) -> Sequence[Source]:
    """Return the sources by name."""
    return [
        Source(
            name=name,
            state=source.state,
            breaker=SOURCES[source.state],
            last_error=source.last_error or "none",
            last_success=source.last_success,
            is_bad=source.state in {"failing", "resting", "off"},
        )
        for name, source in health.prices.sources.items()
    ]


def price_facts(health: HealthAnswer) -> Sequence[Fact]:
    """Return who refreshes the prices, and of what they are not to be believed."""
    refresher, prices = health.refresher, health.prices
    leads = "this instance" if refresher.leader else "not this instance: another one, or none"
    facts = [Fact(label="Price leader", words=leads)]
    for label, symbols in (
        ("Stale", prices.stale_symbols),
        ("Without a price", prices.missing_symbols),
        ("In quarantine", prices.quarantined_symbols),
    ):
        facts.append(Fact(label=label, words=_listed(symbols), is_bad=bool(symbols)))
    return facts


def price_figures(health: HealthAnswer, quarantined_total: int) -> Sequence[Figure]:
    """Return how old the prices are."""
    here, prices, refresher = Here(health.timestamp), health.prices, health.refresher
    return [
        _fresh_share(health),
        here.count(
            "oldest_price_age_seconds",
            "Age of the oldest price, s",
            prices.oldest_age_seconds,
            "Now less the time of the oldest price in use.",
            "no_price",
        ),
        here.measure(
            "refresh_interval_seconds",
            "Time between refresh cycles, s",
            refresher.interval_seconds,
            "The setting, or more where the exchanges' limits need it for what is held.",
        ),
        here.measure(
            "refresh_age_seconds",
            "Last refresh cycle, s ago",
            refresher.last_tick_age_seconds,
            "Since a refresh cycle of this instance last went through.",
            "no_cycle_here",
        ),
        here.count(
            "quarantined_total",
            "Prices ever held back",
            quarantined_total,
            "Wild prices that waited for another source or time to confirm them, since the start of this instance.",
        ),
    ]


def _fresh_share(health: HealthAnswer) -> Figure:
    return Figure(
        name="fresh_share_percent",
        label="Value with a live price",
        value=health.prices.fresh_share_percent,
        kind=Kind.PERCENT,
        formula="The share of the value of what is held whose price is not stale and not missing.",
        convention="sizes count whatever their sign; what has no price counts at its cost",
        as_of=health.timestamp,
        reason="nothing_held",
    )


def _listed(symbols: Sequence[str]) -> str:
    most = 30
    rest = f" and {len(symbols) - most} more" if len(symbols) > most else ""
    return ", ".join(symbols[:most]) + rest or "none"
