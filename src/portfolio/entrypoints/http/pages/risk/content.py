"""What the page of risk shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from portfolio.application.risk.state import MarketState
from portfolio.domain.decimal_text import plain
from portfolio.domain.rebalancing.health import TARGET_SCORE
from portfolio.entrypoints.http.pages.frame.figures import Chart, Figure
from portfolio.entrypoints.http.pages.risk.limits import (
    HealthContent,
    concentration_figures,
    health_content,
    limits_chart,
    sectors_chart,
)
from portfolio.entrypoints.http.pages.risk.moves import MovesContent, TogetherContent, moves_content, together_content
from portfolio.entrypoints.http.pages.risk.tails import TailContent, tail_content
from portfolio.entrypoints.http.pages.words import OBSTACLES, RULES


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskContent:
    """The risk of what is held, part by part."""

    is_empty: bool
    health: HealthContent
    limits: Chart
    concentration: Sequence[Figure]
    moves: MovesContent
    together: TogetherContent
    tail: TailContent
    sectors: Chart
    target: str = plain(TARGET_SCORE)
    rules: Mapping[str, str] = field(default_factory=lambda: RULES)
    obstacles: Mapping[str, str] = field(default_factory=lambda: OBSTACLES)


def risk_content(state: MarketState) -> RiskContent:
    """Return what the page shows of a state."""
    return RiskContent(
        is_empty=not state.view.held,
        health=health_content(state),
        limits=limits_chart(state),
        concentration=concentration_figures(state),
        moves=moves_content(state),
        together=together_content(state),
        tail=tail_content(state),
        sectors=sectors_chart(state),
    )
