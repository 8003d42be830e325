"""Performance, as answers show it."""

from __future__ import annotations

from portfolio.application.performance.period import Performance
from portfolio.entrypoints.http.performance.answers import PerformanceView
from portfolio.entrypoints.http.shell.numbers import number_or_null, ratio


def performance_view(performance: Performance) -> PerformanceView:
    """Return the figures of a period."""
    return PerformanceView(
        total_return=number_or_null(performance.total_return),
        total_return_percent=number_or_null(performance.total_return_percent),
        daily_return=number_or_null(performance.daily_return),
        daily_return_percent=number_or_null(performance.daily_return_percent),
        win_rate=ratio(performance.win_rate),
        profit_factor=ratio(performance.profit_factor),
        sharpe_ratio=ratio(performance.sharpe_ratio),
        sortino_ratio=ratio(performance.sortino_ratio),
        annualized_return=ratio(performance.annualized_return),
        annualized_volatility=ratio(performance.annualized_volatility),
        max_drawdown=ratio(performance.max_drawdown),
        max_drawdown_peak=performance.max_drawdown_peak,
        max_drawdown_trough=performance.max_drawdown_trough,
        max_drawdown_recovery=performance.max_drawdown_recovery,
        calmar_ratio=ratio(performance.calmar_ratio),
        num_trades=performance.num_trades,
        period_days=performance.period_days,
        days_covered=performance.days_covered,
        observations=performance.observations,
        first_day=performance.first_day,
        last_day=performance.last_day,
        as_of=performance.as_of,
        stale=performance.stale,
        convention=performance.convention,
        reasons=_performance_reasons(performance),
    )


def _performance_reasons(performance: Performance) -> dict[str, str]:
    reasons = dict(performance.reasons)
    if performance.first_day is None:
        reasons["first_day"] = reasons["last_day"] = "no_history"
    return reasons
