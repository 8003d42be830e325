"""Limits and recommended trades, as answers of several topics show them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Raw

from portfolio.application.risk.concentration import NO_TOTAL_VALUE, concentration_reasons
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.recommendation import Recommendation
from portfolio.domain.rebalancing.strategies.targets import Figure, Proposal
from portfolio.domain.rebalancing.summary import OverLimit, Summary
from portfolio.entrypoints.http.risk.limit_answers import (
    BrokenLimitView,
    ConcentrationView,
    EvidenceView,
    OverCategoryView,
    OverLimitView,
    RecommendationView,
)
from portfolio.entrypoints.http.shell.numbers import cents, number, percent, ratio
from portfolio.entrypoints.http.shell.responses import encode


def recommendation_view(trade: Recommendation) -> RecommendationView:
    """Return one trade of a plan."""
    return RecommendationView(
        symbol=trade.symbol,
        action=trade.action.value,
        reason=trade.reason.value,
        also=[reason.value for reason in trade.also],
        current_allocation=_percent(trade.current_allocation),
        target_allocation=_percent(trade.target_allocation),
        trade_value=_cents(trade.trade_value),
        trade_quantity=number(trade.trade_quantity),
        estimated_fee=_cents(trade.estimated_fee),
        priority=trade.priority.value,
        confidence=number(trade.confidence),
        evidence=[_evidence_view(proposal) for proposal in trade.proposals],
    )


def concentration_view(figures: Summary) -> ConcentrationView:
    """Return how concentrated a portfolio is, and what is over which limit."""
    positions = [limit for limit in figures.over if limit.name.reason is Reason.CONCENTRATION_RISK]
    categories = [limit for limit in figures.over if limit.category is not None]
    level = figures.concentration_level
    return ConcentrationView(
        hhi=ratio(figures.hhi),
        hhi_with_cash=ratio(figures.hhi_with_cash),
        effective_positions=ratio(figures.effective_positions),
        concentration_level=level.value if level else None,
        over_concentrated_positions=[
            OverLimitView(symbol=limit.name.subject[0], **_excess(limit)) for limit in positions
        ],
        over_concentrated_categories=[
            OverCategoryView(category=limit.name.subject[0], symbols=list(limit.symbols), **_excess(limit))
            for limit in categories
        ],
        num_positions=figures.num_positions,
        recommended_action="reduce_concentration" if positions or categories else "maintain",
    )


def broken_limit_view(over: OverLimit) -> BrokenLimitView:
    """Return one limit that is broken."""
    return BrokenLimitView(**broken_limit_fields(over))


def broken_limit_fields(over: OverLimit) -> dict[str, Any]:
    """Return what every view of a broken limit shows."""
    return {
        "rule": over.name.reason.value,
        "symbols": list(over.symbols),
        "category": over.category,
        "allocation": percent(over.allocation),
        "limit_allocation": percent(over.limit_allocation),
    }


def figure_reasons(figures: Summary) -> dict[str, str]:
    """Return why figures are null: those of concentration too, under their own names."""
    reasons = concentration_reasons(figures)
    if figures.cash_allocation is None:
        reasons["cash_allocation"] = NO_TOTAL_VALUE
    if figures.health.score is None:
        reasons["portfolio_health_score"] = NO_TOTAL_VALUE
    return reasons


def _excess(over: OverLimit) -> dict[str, Any]:
    return {
        "current_allocation": percent(over.allocation),
        "limit_allocation": percent(over.limit_allocation),
        "excess_allocation": percent(over.excess.excess_allocation),
        "excess_value": cents(over.excess.excess_value),
    }


def _evidence_view(proposal: Proposal) -> EvidenceView:
    figures = {name: _evidence(name, value) for name, value in proposal.evidence.items()}
    return EvidenceView(rule=proposal.reason.value, change=_cents(proposal.change), figures=figures)


def _evidence(name: str, value: Figure) -> Raw:
    if isinstance(value, str):
        return Raw(encode(value))
    written = percent(value) if name.endswith("_allocation") else ratio(value)
    assert written is not None
    return written


def _cents(value: Decimal) -> Raw:
    written = cents(value)
    assert written is not None
    return written


def _percent(value: Decimal) -> Raw:
    written = percent(value)
    assert written is not None
    return written
