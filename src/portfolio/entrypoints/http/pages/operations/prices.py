"""The prices and their sources, as the page of operations shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from portfolio.entrypoints.http.operations.answers import HealthAnswer
from portfolio.entrypoints.http.pages.frame.figures import Figure
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.operations.facts import Fact, figures_here

SOURCES: Final = {
    "never answered": "It has not answered yet.",
    "answering": "The breaker is closed: it is asked in each cycle.",
    "failing": "The breaker is closed: it is asked in each cycle, and did not answer the last time.",
    "resting": "The breaker is open: after failures it is not asked for a while.",
    "off": "It refuses this machine: it is not asked until a restart.",
}


def sources_of(health: HealthAnswer) -> Sequence[Mapping[str, Any]]:
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


def price_facts(health: HealthAnswer) -> Sequence[Fact]:
    """Return who refreshes the prices, and of what they are not to be believed."""
    refresher, prices = health.refresher, health.prices
    leads = "this instance" if refresher.leader else "not this instance: another one, or none"
    told = (
        ("Stale", prices.stale_symbols),
        ("Without a price", prices.missing_symbols),
        ("In quarantine", prices.quarantined_symbols),
    )
    suspect = [Fact(label, _listed(symbols), is_bad=bool(symbols)) for label, symbols in told]
    return [Fact("Price leader", leads), *suspect]


def price_figures(health: HealthAnswer, quarantined_total: int) -> Sequence[Figure]:
    """Return how old the prices are."""
    prices, refresher = health.prices, health.refresher
    return [
        Figure(
            "fresh_share_percent",
            "Value with a live price",
            prices.fresh_share_percent,
            Kind.PERCENT,
            "The share of the value of what is held whose price is not stale and not missing.",
            "sizes count whatever their sign; what has no price counts at its cost",
            health.timestamp,
            reason="nothing_held",
        ),
        *figures_here(health.timestamp, (
            ("oldest_price_age_seconds", "Age of the oldest price, s", prices.oldest_age_seconds,
             "Now less the time of the oldest price in use.", "no_price"),
            ("refresh_interval_seconds", "Time between refresh cycles, s", refresher.interval_seconds,
             "The setting, or more where the exchanges' limits need it for what is held."),
            ("refresh_age_seconds", "Last refresh cycle, s ago", refresher.last_tick_age_seconds,
             "Since a refresh cycle of this instance last went through.", "no_cycle_here"),
            ("quarantined_total", "Prices ever held back", quarantined_total,
             "Wild prices that waited for another source or time to confirm them, since the start of this instance."),
        )),
    ]  # fmt: skip


def _listed(symbols: Sequence[str]) -> str:
    most = 30
    rest = f" and {len(symbols) - most} more" if len(symbols) > most else ""
    return ", ".join(symbols[:most]) + rest or "none"
