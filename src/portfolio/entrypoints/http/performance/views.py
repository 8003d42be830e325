"""Performance, as answers show it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from portfolio.application.performance.period import Performance
from portfolio.domain.money import Money
from portfolio.entrypoints.http.performance.answers import PerformanceView, PeriodView
from portfolio.entrypoints.http.shell.numbers import number, ratio


def performance_view(performance: Performance) -> PerformanceView:
    """Return the figures of the last completed days."""
    view = PerformanceView(**shown(performance, PerformanceView))
    if view.first_day is None:
        view.reasons["first_day"] = view.reasons["last_day"] = "no_history"
    return view


def shown(performance: Performance, view: type[PeriodView]) -> dict[str, Any]:
    """Return the fields of ``view`` that are of the performance; money and percentages keep all their digits."""
    figures = {name: getattr(performance, name) for name in view.__struct_fields__ if hasattr(performance, name)}
    for name, value in figures.items():
        if isinstance(value, Money) or (value is not None and name.endswith("_percent")):
            figures[name] = number(value)
        elif isinstance(value, Decimal):
            figures[name] = ratio(value)
    figures["reasons"] = {name: why for name, why in performance.reasons.items() if name in figures}
    return figures
