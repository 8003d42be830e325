"""Rebalancing: what the policy asks for, and what something else would do."""

from __future__ import annotations

from litestar import Controller, Response, get, post
from litestar.params import JSONBody

from portfolio.application.rebalancing.planning import plan_of
from portfolio.domain.errors import InsufficientCash, InsufficientQuantity, InvalidAmount, InvalidPolicy
from portfolio.entrypoints.http.errors import kinds_of
from portfolio.entrypoints.http.rebalancing.answers import AnalysisAnswer, RecommendationsAnswer, WhatIfAnswer
from portfolio.entrypoints.http.rebalancing.requests import WhatIfBody, imagined_trades, policy_changes
from portfolio.entrypoints.http.rebalancing.views import analysis_view, high_priority, what_if_view
from portfolio.entrypoints.http.risk.views import answered
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.injection import Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.http.views import view

_WHAT_IF_PROBLEMS = kinds_of(InvalidAmount, InvalidPolicy, InsufficientQuantity, InsufficientCash)


class RebalancingController(Controller):
    """Routes of plans."""

    path = "/rebalance"
    tags = ["rebalancing"]

    @get("/analysis", summary="The portfolio as the policy sees it, and the plan", opt=access(Scope.READ))
    async def read_analysis(self, cases: Injected[UseCases]) -> Response[AnalysisAnswer]:
        """Return health, concentration, the trades that the policy asks for, and the same figures after them.

        What the plan could not resolve is named, with the reason. With the database away it is of the last state seen,
        and `stale`.
        """
        state = await cases.rebalancing.plan()
        return await answered(state, lambda: AnalysisAnswer(timestamp=state.at, analysis=analysis_view(state)))

    @get("/recommendations", summary="The trades that the policy asks for", opt=access(Scope.READ))
    async def read_recommendations(self, cases: Injected[UseCases]) -> RecommendationsAnswer:
        """Return the plan's trades, one a symbol: sales before purchases, by priority, the largest first, by symbol.

        Carried out, they ask for nothing more. With the database away they are of the last state seen, and `stale`.
        """
        state = await cases.rebalancing.plan()
        found = plan_of(state)
        return view(
            RecommendationsAnswer,
            found,
            state,
            timestamp=state.at,
            total_recommendations=len(found.recommendations),
            high_priority=high_priority(found.recommendations),
            policy_id=state.policy.id,
        )

    @post(
        "/what-if",
        status_code=200,
        summary="What trades, or another policy, would make of the portfolio",
        opt=access(Scope.READ, problems=_WHAT_IF_PROBLEMS),
    )
    async def ask_what_if(self, data: JSONBody[WhatIfBody], cases: Injected[UseCases]) -> Response[WhatIfAnswer]:
        """Project trades, one after the other, or without any the plan; nothing is stored.

        Positions stay valued at their prices, whatever a trade's own price is. `policy` changes single settings for
        this answer alone: current and projected figures, and the plans, are held to what it makes of the policy.
        """
        trades, changes = imagined_trades(data.trades), policy_changes(data.policy)
        projection = await cases.rebalancing.what_if(await cases.rebalancing.market.newest(), trades, changes=changes)
        state = projection.state
        return await answered(state, lambda: WhatIfAnswer(timestamp=state.at, what_if=what_if_view(projection)))
