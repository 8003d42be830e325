"""What the page of risk shows."""

from __future__ import annotations

from typing import Any

from portfolio.application.risk.state import MarketState
from portfolio.domain.decimal_text import plain
from portfolio.domain.rebalancing.health import TARGET_SCORE
from portfolio.entrypoints.http.pages.risk.limits import (
    concentration_figures,
    health_content,
    limits_chart,
    sectors_chart,
)
from portfolio.entrypoints.http.pages.risk.moves import moves_content, together_content
from portfolio.entrypoints.http.pages.risk.tails import tail_content


def risk_content(state: MarketState) -> dict[str, Any]:
    """Return what the page shows of a state, part by part."""
    return {
        "is_empty": not state.view.held,
        "health": health_content(state),
        "limits": limits_chart(state),
        "concentration": concentration_figures(state),
        "moves": moves_content(state),
        "together": together_content(state),
        "tail": tail_content(state),
        "sectors": sectors_chart(state),
        "target": plain(TARGET_SCORE),
    }
