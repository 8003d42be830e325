"""The page of risk."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.response import Template

from portfolio.application.risk.metrics import measured
from portfolio.application.risk.state import MarketState
from portfolio.domain.decimal_text import plain
from portfolio.domain.rebalancing.health import TARGET_SCORE
from portfolio.entrypoints.http.pages.frame.page import PageController, Pages
from portfolio.entrypoints.http.pages.risk.limits import (
    concentration_figures,
    health_content,
    limits_chart,
    sectors_chart,
)
from portfolio.entrypoints.http.pages.risk.moves import moves_content, together_content
from portfolio.entrypoints.http.pages.risk.tails import tail_content
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases


class RiskPageController(PageController):
    """The route of the risk as people look at it."""

    @get("/pages/risk")
    async def read_risk(self, request: HttpRequest, pages: Injected[Pages], cases: Injected[UseCases]) -> Template:
        """Return the risk of what is held, at today's weights."""
        state = await cases.rebalancing.market()
        content = await measured(_content, state)
        reading = pages.readings.at(state.snapshot, state.at)
        return pages.page(request, "risk.html", "Risk", reading, content=content)


def _content(state: MarketState) -> dict[str, Any]:
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
