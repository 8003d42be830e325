"""A portfolio before and after trades, and the trades themselves, as the page of rebalancing shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Raw
from msgspec.json import decode

from portfolio.domain.decimal_text import listed
from portfolio.entrypoints.charts import PERCENT, Bar, Frame, Tone, bar_chart
from portfolio.entrypoints.http.pages.frame.figures import Cell, Chart, Row
from portfolio.entrypoints.http.pages.frame.filters import MOST_NAMED, Value, exact_number, exact_text
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.frame.humanized import humanized
from portfolio.entrypoints.http.pages.words import OBSTACLES, RULES, named
from portfolio.entrypoints.http.rebalancing.answers import StandingView, UnresolvedView
from portfolio.entrypoints.http.risk.limit_answers import BrokenLimitView, RecommendationView


def before_after_rows(before: StandingView, after: StandingView) -> Sequence[Row]:
    """Return the figures of a portfolio now, and after trades."""
    pairs = list(zip(_figures(before), _figures(after), strict=True))
    return [[label, now, then] for (label, now), (_, then) in pairs]


def evidence_of(trades: Sequence[RecommendationView]) -> Sequence[Mapping[str, Any]]:
    """Return for each trade what each rule saw and wished: its change in dollars, and the figures behind it."""
    return [
        {
            "trade": f"{trade.action.lower()} {trade.symbol}",
            "rules": [
                {
                    "rule": RULES[one.rule],
                    "change": Cell(one.change, Kind.RESULT),
                    "figures": [(named(name), _figure(name, value)) for name, value in one.figures.items()],
                }
                for one in trade.evidence
            ],
        }
        for trade in trades
    ]


def shares_chart(trades: Sequence[RecommendationView]) -> Chart:
    """Return the shares of what is traded, now and after."""
    bars = [
        Bar(one.symbol, (exact_number(one.current_allocation), exact_number(one.target_allocation))) for one in trades
    ]
    frame = Frame("plan-chart", "Shares of what the plan trades", unit=PERCENT)
    return Chart.of(
        frame,
        bar_chart(frame, ("Share now", "Share after"), bars, (Tone.OWN, Tone.THIRD)),
        ("Trade", "Share now", "Share after"),
        [
            [
                f"{one.action.lower()} {one.symbol}",
                Cell(one.current_allocation, Kind.PERCENT),
                Cell(one.target_allocation, Kind.PERCENT),
            ]
            for one in trades
        ],
        "The share after counts on the total value after the costs of all trades.",
    )


def broken_rows(limits: Sequence[BrokenLimitView]) -> Sequence[Row]:
    """Return broken limits, with how much counts against each, the largest first."""
    return [
        [
            named(one.category) if one.category else " and ".join(one.symbols),
            RULES[one.rule],
            Cell(one.allocation, Kind.PERCENT),
            Cell(one.limit_allocation, Kind.PERCENT),
        ]
        for one in sorted(limits, key=lambda one: Decimal(exact_text(one.allocation)), reverse=True)
    ]


def unresolved_rows(found: Sequence[UnresolvedView]) -> Sequence[Row]:
    """Return what is left as it is, and why."""
    return [
        [
            named(one.category) if one.category else listed(one.symbols, MOST_NAMED),
            OBSTACLES[one.reason],
            RULES[one.limit] if one.limit else "none broken",
            humanized(one.detail),
        ]
        for one in found
    ]


def _figures(standing: StandingView) -> Sequence[tuple[str, Cell]]:
    concentration, why = standing.concentration_analysis, standing.reasons
    named: Sequence[tuple[str, str, Value, Kind]] = (
        ("Health score", "portfolio_health_score", standing.portfolio_health_score, Kind.NUMBER),
        ("Broken limits", "", len(standing.broken_limits), Kind.COUNT),
        ("Total value", "", standing.total_value, Kind.MONEY),
        ("Cash", "", standing.cash_balance, Kind.MONEY),
        ("Cash, share of the total value", "cash_allocation", standing.cash_allocation, Kind.PERCENT),
        ("Positions", "", standing.total_positions, Kind.COUNT),
        ("Herfindahl index (sum of squared shares)", "hhi", concentration.hhi, Kind.RATIO),
        ("The same with cash", "hhi_with_cash", concentration.hhi_with_cash, Kind.RATIO),
        ("Effective positions", "effective_positions", concentration.effective_positions, Kind.NUMBER),
        ("Average correlation", "average_correlation", standing.average_correlation, Kind.RATIO),
    )
    return [(label, Cell(value, kind, why.get(name))) for label, name, value, kind in named]


def _figure(name: str, value: Raw) -> str | Cell:
    if bytes(value).startswith(b'"'):
        return named(str(decode(value)))
    return Cell(value, Kind.PERCENT if name.endswith("_allocation") else Kind.RATIO)
