"""Performance, as answers show it."""

from __future__ import annotations

from portfolio.application.performance.period import Performance
from portfolio.application.performance.series.daily import DailySeries
from portfolio.application.performance.timeframes import Timeframe
from portfolio.entrypoints.http.performance.answers import HistoryView, PerformanceView, TimeframeView
from portfolio.entrypoints.http.views import view


def performance_view(performance: Performance) -> PerformanceView:
    """Return the figures of a period."""
    reasons = dict(performance.reasons)
    if performance.first_day is None:
        reasons["first_day"] = reasons["last_day"] = "no_history"
    return view(PerformanceView, performance, reasons=reasons)


def timeframe_view(frame: Timeframe) -> TimeframeView:
    """Return the figures of one timeframe."""
    measured, found = frame.performance, frame.attribution
    reasons = {name: why for name, why in measured.reasons.items() if name in TimeframeView.__struct_fields__}
    if frame.unattributed is not None:
        reasons |= dict.fromkeys(("contributions", "other_effects"), frame.unattributed)
    if frame.start is None:
        reasons["start"] = "no_history"
    return view(
        TimeframeView,
        frame,
        measured,
        contributions=found.contributions if found else None,
        other_effects=found.other if found else None,
        reasons=reasons,
    )


def history_view(series: DailySeries) -> HistoryView:
    """Return the days of a period, one by one."""
    return view(HistoryView, series, series.history.benchmark)
