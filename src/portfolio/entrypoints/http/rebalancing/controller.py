"""Rebalancing: what the policy asks for, and what something else would do."""

from __future__ import annotations

from functools import partial
from typing import Final

from litestar import Response, get, post

from portfolio.application.rebalancing.planning import PlannedState, Projection
from portfolio.application.risk.metrics import measured
from portfolio.application.risk.state import MarketState
from portfolio.domain.errors import InsufficientCash, InsufficientQuantity, InvalidAmount, InvalidPolicy
from portfolio.entrypoints.http.errors import PROBLEMS
from portfolio.entrypoints.http.portfolio.reads import newest_snapshot, read_market
from portfolio.entrypoints.http.rebalancing import examples
from portfolio.entrypoints.http.rebalancing.answers import AnalysisAnswer, RecommendationsAnswer, WhatIfAnswer
from portfolio.entrypoints.http.rebalancing.requests import WhatIfBody, imagined_trades, policy_changes
from portfolio.entrypoints.http.rebalancing.views import analysis_view, high_priority, unresolved_view, what_if_view
from portfolio.entrypoints.http.risk.limit_views import recommendation_view
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import read_body
from portfolio.entrypoints.http.shell.operation import declares
from portfolio.entrypoints.http.shell.responses import answer, encode, encoded
from portfolio.entrypoints.http.shell.use_cases import HttpRequest, use_cases_of

TAG: Final = "rebalancing"


@get(
    "/rebalance/analysis",
    opt=declares(
        scope=Scope.READ,
        summary="The portfolio as the policy sees it, and the plan",
        tag=TAG,
        answer=AnalysisAnswer,
        example=examples.ANALYSIS,
    ),
)
async def read_analysis(request: HttpRequest) -> Response[bytes]:
    """Return health, concentration, the trades that the policy asks for, and the same figures after them.

    What the plan could not resolve is named, with the reason. With the database away it is of the last state seen, and
    `stale`.
    """
    cases = use_cases_of(request)
    planned = await cases.plan.of(await read_market(cases))
    return encoded(await measured(partial(_encode_analysis, planned=planned), planned.state))


@get(
    "/rebalance/recommendations",
    opt=declares(
        scope=Scope.READ,
        summary="The trades that the policy asks for",
        tag=TAG,
        answer=RecommendationsAnswer,
        example=examples.RECOMMENDATIONS,
    ),
)
async def read_recommendations(request: HttpRequest) -> Response[bytes]:
    """Return the plan's trades, one a symbol: by priority, then the largest, then by symbol.

    Carried out, they ask for nothing more. With the database away they are of the last state seen, and `stale`.
    """
    cases = use_cases_of(request)
    planned = await cases.plan.of(await read_market(cases))
    state, plan = planned.state, planned.plan
    content = RecommendationsAnswer(
        timestamp=state.at,
        recommendations=[recommendation_view(trade) for trade in plan.recommendations],
        total_recommendations=len(plan.recommendations),
        high_priority=high_priority(plan.recommendations),
        unresolved=[unresolved_view(item) for item in plan.unresolved],
        policy_id=state.policy.id,
        stale=state.stale,
        as_of=state.as_of,
        revision=state.snapshot.revisions.ledger,
    )
    return answer(content)


@post(
    "/rebalance/what-if",
    status_code=200,
    opt=declares(
        scope=Scope.READ,
        summary="What trades, or another policy, would make of the portfolio",
        tag=TAG,
        body=WhatIfBody,
        body_examples=examples.QUESTIONS,
        answer=WhatIfAnswer,
        example=examples.WHAT_IF,
        problems=tuple(
            PROBLEMS[error] for error in (InvalidAmount, InvalidPolicy, InsufficientQuantity, InsufficientCash)
        ),
    ),
)
async def ask_what_if(request: HttpRequest) -> Response[bytes]:
    """Project trades, one after the other, or without any the plan; nothing is stored.

    Positions stay valued at their prices, whatever a trade's own price is. `policy` changes single settings for this
    answer alone: current and projected figures, and the plans, are held to what it makes of the policy.
    """
    cases = use_cases_of(request)
    body = await read_body(request, WhatIfBody)
    trades, changes = imagined_trades(body.trades), policy_changes(body.policy)
    projection = await cases.what_if(await newest_snapshot(cases), trades, changes=changes)
    return encoded(await measured(partial(_encode_what_if, projection=projection), projection.state))


# What the views show has average correlations in it, and lists as long as the portfolio: not the event loop's work.
def _encode_analysis(state: MarketState, *, planned: PlannedState) -> bytes:
    return encode(AnalysisAnswer(timestamp=state.at, analysis=analysis_view(planned)))


def _encode_what_if(state: MarketState, *, projection: Projection) -> bytes:
    return encode(WhatIfAnswer(timestamp=state.at, what_if=what_if_view(projection)))
