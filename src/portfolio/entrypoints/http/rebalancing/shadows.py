"""Shadow portfolios: what would have become of the books by the rules alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

from litestar import Controller, Response, get

from portfolio.application.backtest.shadows import Shadows
from portfolio.application.performance.records import Basis
from portfolio.entrypoints.http.performance.controller import BasisQuery
from portfolio.entrypoints.http.rebalancing.shadow_answers import ShadowDayView, ShadowsAnswer, ShadowsView, ShadowView
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import Days
from portfolio.entrypoints.http.shell.injection import Injected
from portfolio.entrypoints.http.shell.numbers import number_or_null
from portfolio.entrypoints.http.shell.responses import encoded_in_thread
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.http.views import view

DEFAULT_DAYS = 90


class ShadowController(Controller):
    """The route of shadow portfolios."""

    path = "/shadows"
    tags = ["rebalancing"]

    @get(
        summary="What would have become of the portfolio without a trade, by the policy, and by each of its rules",
        opt=access(Scope.READ),
    )
    async def read_shadow_portfolios(
        self, cases: Injected[UseCases], days: Days = DEFAULT_DAYS, basis: BasisQuery = None
    ) -> Response[ShadowsAnswer]:
        """Return shadows that began with the books of so many completed days ago, and the portfolio beside them.

        A decision of a day sees its closes and those before; it is filled at the next close, with the policy's fee and
        10 basis points of slippage. Deposits and withdrawals go to the cash of each. Where nothing was held they begin
        on the first day on which something was. With the database away they are of the last days seen, and `stale`.
        """
        _, reads = await cases.by_basis(basis and Basis(basis))
        found = await reads.shadows(days)
        return await encoded_in_thread(lambda: ShadowsAnswer(timestamp=cases.clock.now(), shadows=shadows_view(found)))


def shadows_view(found: Shadows) -> ShadowsView:
    """Return shadow portfolios as answers have them."""
    return view(
        ShadowsView,
        found,
        actual=found.figures,
        shadows=[view(ShadowView, shadow, shadow.figures) for shadow in found.shadows],
        days=list(_days(found)),
    )


def _days(found: Shadows) -> Iterator[ShadowDayView]:
    actual: Mapping[date, Decimal] = {day.day: day.unit_value for day in found.actual}
    for row in zip(*(shadow.days for shadow in found.shadows), strict=True):
        values = {shadow.name: day.unit_value for shadow, day in zip(found.shadows, row, strict=True)}
        written = {name: number_or_null(value) for name, value in values.items()}
        yield ShadowDayView(day=row[0].day, actual=number_or_null(actual.get(row[0].day)), **written)
