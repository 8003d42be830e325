"""The page of rebalancing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from litestar import Response, get
from litestar.di import NamedDependency, Provide
from litestar.response import Redirect, Template

from portfolio.application.rebalancing.planning import WhatIf
from portfolio.application.rebalancing.records import SignalStatus
from portfolio.application.risk.metrics import measured
from portfolio.application.risk.state import MarketState
from portfolio.domain.errors import DomainError, InvalidPolicy
from portfolio.entrypoints.http.pages.frame.page import Look, PageController, Pages, is_private
from portfolio.entrypoints.http.pages.frame.typed import messages
from portfolio.entrypoints.http.pages.rebalancing.content import (
    live_signals,
    plan_content,
    settings_of,
    what_if_content,
)
from portfolio.entrypoints.http.pages.rebalancing.form import WhatIfForm, line_of, placed
from portfolio.entrypoints.http.rebalancing.answers import PolicyView
from portfolio.entrypoints.http.rebalancing.views import policy_view
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases

PATH: Final = "/pages/rebalancing"
SIGNALS_SHOWN: Final = 100
OPEN, ACKNOWLEDGED = SignalStatus.OPEN, SignalStatus.ACKNOWLEDGED


class RebalancingPageController(PageController):
    """The route of the plan as people look at it, and of what they imagine; nothing is stored."""

    dependencies = {"form": Provide(WhatIfForm, sync_to_thread=False)}

    @get(PATH)
    async def read_rebalancing(
        self, request: HttpRequest, pages: Injected[Pages], form: NamedDependency[WhatIfForm], cases: Injected[UseCases]
    ) -> Template | Response[None]:
        """Return the plan, what the form asks, and the live signals.

        In privacy mode imagined trades are left out, of the address too: they are amounts.
        """
        if form.trades and is_private(request):
            return Redirect(PATH + form.without_trades, status_code=303)
        state = await cases.rebalancing.plan()
        planned = await measured(plan_content, state)
        policy = policy_view(state.policy)
        imagined, mistakes = await _imagined(form, cases.rebalancing.what_if, state, policy)
        reading = pages.readings.at(state.snapshot, state.at)
        look = Look(reading, cases.read_deadline_seconds)
        listed = partial(cases.rebalancing.list_signals, cases.portfolio_id, limit=SIGNALS_SHOWN)
        opened, claimed = [await look(partial(listed, status)) for status in (OPEN, ACKNOWLEDGED)]
        content = {
            "plan": planned,
            "form": form,
            "mistakes": mistakes,
            "what_if": imagined,
            "signals": live_signals(opened, claimed) if opened and claimed else None,
            "has_more_signals": any(one and one[0].next_before is not None for one in (opened, claimed)),
            "settings": settings_of(policy),
        }
        return pages.page(request, "rebalancing.html", "Rebalancing", reading, content=content)


async def _imagined(
    form: WhatIfForm, what_if: WhatIf, state: MarketState, policy: PolicyView
) -> tuple[Mapping[str, Any] | None, Mapping[str, str]]:
    """Return what the form asks, or what is wrong with it, by the name of the field; nothing of an empty form."""
    trades, changes, errors = form.read()
    if errors or not form.is_asked:
        return None, messages(errors)
    try:
        projection = await what_if(state.snapshot, trades, changes=changes)
    except DomainError as error:
        return None, {_field_of(error): _said(error, form)}
    return await measured(lambda _: what_if_content(projection, policy), projection.state), {}


def _field_of(error: DomainError) -> str:
    return "policy" if isinstance(error, InvalidPolicy) else "trades"


def _said(error: DomainError, form: WhatIfForm) -> str:
    """Return what is wrong with what was asked, with the line where that is known."""
    if isinstance(error, InvalidPolicy):
        return f"{error.field} {error.reason}"
    place, _ = placed(getattr(error, "field", None) or "")
    return str(error) if place is None else f"line {line_of(form, place)}: {error}"
