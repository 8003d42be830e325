"""Optimisation: weights for an objective."""

from __future__ import annotations

from litestar import Controller, Response, post
from litestar.params import JSONBody

from portfolio.application.errors import (
    ClosesPending,
    ComputationFailed,
    ComputationLate,
    NotInstalled,
    NotOptimisable,
    TooFewDays,
    TurnoverBoundTooLow,
)
from portfolio.domain.errors import InvalidPolicy
from portfolio.entrypoints.http.errors import PROBLEMS, FieldError, RequestError, kinds_of
from portfolio.entrypoints.http.optimisation.answers import OptimisationAnswer
from portfolio.entrypoints.http.optimisation.requests import OptimiseBody, optimisation_request
from portfolio.entrypoints.http.optimisation.views import optimisation_answer
from portfolio.entrypoints.http.risk.views import answered
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.injection import Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases

_PROBLEMS = kinds_of(
    InvalidPolicy,
    NotOptimisable,
    TooFewDays,
    TurnoverBoundTooLow,
    ClosesPending,
    NotInstalled,
    ComputationFailed,
    ComputationLate,
)


class OptimisationController(Controller):
    """The route of optimisation."""

    tags = ["optimisation"]

    @post(
        "/optimise",
        status_code=200,
        summary="Weights for an objective, and the plan that leads to them",
        opt=access(Scope.READ, problems=_PROBLEMS),
    )
    async def ask_optimisation(
        self, data: JSONBody[OptimiseBody], cases: Injected[UseCases]
    ) -> Response[OptimisationAnswer]:
        """Answer weights that keep to the limits, what they promise beside what is held and beside equal weights, how
        far that can be trusted, and the trades that lead to them; nothing is stored.

        Limits never give: where they leave less room than is to be invested, `shortfall` names them, and cash takes the
        rest. Where an objective has no solution, `fallback_chain` says why and what was done instead. Under 60 common
        days of returns only `equal_weight` and `inverse_volatility` are answered. With the database away it is of the
        last state seen, and `stale`.
        """
        try:
            found = await cases.rebalancing.optimise(
                await cases.rebalancing.market.newest(), optimisation_request(data)
            )
        except InvalidPolicy as error:
            field = FieldError(f"limits.{error.field}", error.reason)
            raise RequestError(PROBLEMS[InvalidPolicy], str(error), errors=[field]) from error
        return await answered(found.state, lambda: optimisation_answer(found))
