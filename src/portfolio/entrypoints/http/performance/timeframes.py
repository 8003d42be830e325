"""Timeframes, as answers show them."""

from __future__ import annotations

from typing import Any

import msgspec

from portfolio.application.performance.daily_positions import Contribution
from portfolio.application.performance.timeframes import Timeframe
from portfolio.entrypoints.http.performance.timeframe_answers import ContributionView, TimeframeView
from portfolio.entrypoints.http.performance.views import performance_view
from portfolio.entrypoints.http.shell.numbers import number, number_or_null

_OWN = {"start", "end", "period_days", "contributions", "other_effects", "reasons"}
_FIGURES = tuple(name for name in TimeframeView.__struct_fields__ if name not in _OWN)


def timeframe_view(frame: Timeframe) -> TimeframeView:
    """Return the figures of one timeframe."""
    measured = msgspec.structs.asdict(performance_view(frame.performance))
    figures: dict[str, Any] = {name: measured[name] for name in _FIGURES}
    found = frame.attribution
    reasons = {name: why for name, why in frame.performance.reasons.items() if name in _FIGURES}
    if frame.unattributed is not None:
        reasons |= dict.fromkeys(("contributions", "other_effects"), frame.unattributed)
    if frame.start is None:
        reasons["start"] = "no_history"
    return TimeframeView(
        start=frame.start,
        end=frame.end,
        period_days=frame.performance.period_days,
        contributions=[_contribution(part) for part in found.contributions] if found else None,
        other_effects=number(found.other) if found else None,
        reasons=reasons,
        **figures,
    )


def _contribution(part: Contribution) -> ContributionView:
    return ContributionView(
        symbol=part.symbol.code,
        money=number_or_null(part.money),
        percent=number_or_null(part.percent),
        reasons=dict(part.reasons),
    )
