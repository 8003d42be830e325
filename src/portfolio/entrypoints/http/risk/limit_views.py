"""Concentration and broken limits, as answers of several topics show them."""

from __future__ import annotations

from portfolio.application.risk.concentration import NO_TOTAL_VALUE, concentration_reasons
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.summary import OverLimit, Summary
from portfolio.entrypoints.http.risk.limit_answers import OverCategoryView, OverLimitView
from portfolio.entrypoints.http.views import S, view


def over_limits(figures: Summary) -> dict[str, object]:
    """Return what is over the limits of positions and categories, and what to do about it."""
    positions = [over for over in figures.over if over.rule is Reason.CONCENTRATION_RISK]
    categories = [over for over in figures.over if over.category is not None]
    return {
        "over_concentrated_positions": [
            _excess(OverLimitView, over, symbol=over.name.subject[0]) for over in positions
        ],
        "over_concentrated_categories": [_excess(OverCategoryView, over) for over in categories],
        "recommended_action": "reduce_concentration" if positions or categories else "maintain",
    }


def figure_reasons(figures: Summary) -> dict[str, str]:
    """Return why figures are null: those of concentration too, under their own names."""
    reasons = concentration_reasons(figures)
    if figures.cash_allocation is None:
        reasons["cash_allocation"] = NO_TOTAL_VALUE
    if figures.health.score is None:
        reasons["portfolio_health_score"] = NO_TOTAL_VALUE
    return reasons


def _excess(kind: type[S], over: OverLimit, **given: object) -> S:
    return view(kind, over, current_allocation=over.allocation, **given)
