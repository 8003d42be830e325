"""The page of the optimiser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

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
from portfolio.entrypoints.http.pages.optimiser.content import OptimiserContent, Problem, found_content
from portfolio.entrypoints.http.pages.optimiser.form import OWN_LIMITS, OptimiserForm
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected

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
        market: Injected[ReadMarket],
        optimise: Injected[Optimise],
    ) -> Template:
        """Return the form, and the weights that it asks for, computed once: the page does not follow the prices."""
        asked = await _asked(form, market, optimise)
        if asked.found is None:
            reading = await pages.reading()
            content = OptimiserContent(form=form, mistakes=asked.mistakes, problem=asked.problem)
        else:
            state = asked.found.state
            reading = pages.readings.at(state.snapshot, state.at)
            shown = await measured(partial(found_content, found=asked.found), state)
            content = OptimiserContent(form=form, found=shown)
        return pages.page(request, "optimiser.html", "Optimiser", reading, is_still=True, content=content)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What came of what was asked: weights, or what is wrong with a field, or why there are none."""

    found: Optimised | None = None
    mistakes: Mapping[str, str] = field(default_factory=dict)
    problem: Problem | None = None


async def _asked(form: OptimiserForm, market: ReadMarket, optimise: Optimise) -> _Asked:
    wanted, mistakes = form.read()
    if wanted is None:
        return _Asked(mistakes=mistakes)
    try:
        return _Asked(found=await optimise(await market.newest(), wanted))
    except InvalidPolicy as error:
        return _Asked(mistakes={OWN_LIMITS: f"{error.field} {error.reason}"})
    except TurnoverBoundTooLow as error:
        return _Asked(mistakes={"max_turnover_percent": str(error)})
    except (NotOptimisable, ClosesPending, NotInstalled, ComputationFailed) as error:
        return _Asked(
            problem=Problem(title=kind_of(error).title, detail=str(error), asks_less=isinstance(error, TooFewDays))
        )
