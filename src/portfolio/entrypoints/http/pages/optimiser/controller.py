"""The page of the optimiser."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from litestar import get
from litestar.di import NamedDependency, Provide
from litestar.response import Template

from portfolio.application.errors import (
    ClosesPending,
    ComputationFailed,
    NotInstalled,
    NotOptimisable,
    TooFewDays,
    TurnoverBoundTooLow,
)
from portfolio.application.optimisation.optimise import Optimise
from portfolio.application.optimisation.records import Optimised
from portfolio.application.risk.metrics import measured
from portfolio.application.risk.state import ReadMarket
from portfolio.domain.errors import InvalidPolicy
from portfolio.entrypoints.http.errors import kind_of
from portfolio.entrypoints.http.pages.frame.page import PageController, Pages
from portfolio.entrypoints.http.pages.optimiser.content import found_content, optimiser_content
from portfolio.entrypoints.http.pages.optimiser.form import OWN_LIMITS, OptimiserForm
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases

PATH: Final = "/pages/optimiser"


class OptimiserPageController(PageController):
    """The route of the optimiser as people use it; nothing is stored."""

    dependencies = {"form": Provide(OptimiserForm, sync_to_thread=False)}

    @get(PATH)
    async def read_optimiser(
        self,
        request: HttpRequest,
        pages: Injected[Pages],
        form: NamedDependency[OptimiserForm],
        cases: Injected[UseCases],
    ) -> Template:
        """Return the form, and the weights that it asks for, computed once: the page does not follow the prices."""
        asked = await _asked(form, cases.rebalancing.market, cases.rebalancing.optimise)
        if isinstance(asked, Optimised):
            state = asked.state
            reading = pages.readings.at(state.snapshot, state.at)
            content = optimiser_content(form, found=await measured(partial(found_content, found=asked), state))
        else:
            reading, content = await pages.reading(), asked
        return pages.page(request, "optimiser.html", "Optimiser", reading, is_still=True, content=content)


async def _asked(form: OptimiserForm, market: ReadMarket, optimise: Optimise) -> Optimised | dict[str, Any]:
    """Return the weights that are asked for; where there are none, what the page shows instead."""
    wanted, mistakes = form.read()
    if wanted is None:
        return optimiser_content(form, mistakes=mistakes)
    try:
        return await optimise(await market.newest(), wanted)
    except InvalidPolicy as error:
        return optimiser_content(form, mistakes={OWN_LIMITS: f"{error.field} {error.reason}"})
    except TurnoverBoundTooLow as error:
        return optimiser_content(form, mistakes={"max_turnover_percent": str(error)})
    except (NotOptimisable, ClosesPending, NotInstalled, ComputationFailed) as error:
        is_short = isinstance(error, TooFewDays)
        problem = {"title": kind_of(error).title, "detail": str(error), "asks_less": is_short}
        return optimiser_content(form, problem=problem)
