"""Timeframes, as answers show them."""

from __future__ import annotations

from portfolio.application.performance.daily_positions import Contribution
from portfolio.application.performance.timeframes import Timeframe
from portfolio.entrypoints.http.performance.timeframe_answers import ContributionView, TimeframeView
from portfolio.entrypoints.http.performance.views import shown
from portfolio.entrypoints.http.shell.numbers import number, number_or_null


def timeframe_view(frame: Timeframe) -> TimeframeView:
    """Return the figures of one timeframe."""
    figures = shown(frame.performance, TimeframeView)
    reasons: dict[str, str] = figures["reasons"]
    found = frame.attribution
    if frame.unattributed is not None:
        reasons |= dict.fromkeys(("contributions", "other_effects"), frame.unattributed)
    if frame.start is None:
        reasons["start"] = "no_history"
    return TimeframeView(
        start=frame.start,
        end=frame.end,
        contributions=[_contribution(part) for part in found.contributions] if found else None,
        other_effects=number(found.other) if found else None,
        **figures,
    )


def _contribution(part: Contribution) -> ContributionView:
    return ContributionView(
        symbol=part.symbol.code,
        money=number_or_null(part.money),
        percent=number_or_null(part.percent),
        reasons=dict(part.reasons),
    )
