"""Shadow portfolios: what would have become of the books by the rules alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from litestar import Controller, Response, get
from msgspec import Meta

from portfolio.application.backtest.records import SeriesFigures
from portfolio.application.backtest.shadow_run import Shadow
from portfolio.application.backtest.shadows import Shadows
from portfolio.application.performance.records import Basis, MeasuredDay
from portfolio.entrypoints.http.performance.answers import BasisName, Joined, Unjoined
from portfolio.entrypoints.http.performance.controller import BasisQuery
from portfolio.entrypoints.http.risk.answers import Simulated
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import Days
from portfolio.entrypoints.http.shell.injection import Injected
from portfolio.entrypoints.http.shell.numbers import Cents, Number, Percent, Ratio, number_or_null
from portfolio.entrypoints.http.shell.responses import Answer, Moment, Reasons, encoded_in_thread
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.http.views import S, view

ShadowName = Literal[
    "do_nothing", "policy", "concentration_risk", "high_volatility", "negative_momentum", "category_concentration",
    "high_correlation", "cash_deployment",
]  # fmt: skip
UnitValue = Annotated[Number | None, Meta(description="The value of a unit that was worth 1 at the beginning.")]
DEFAULT_DAYS = 90


class UnitFiguresView(msgspec.Struct, kw_only=True):
    """What became of the portfolio itself, by the definitions of `GET /performance`."""

    value: Cents
    total_return: Cents | None
    total_return_percent: Percent | None
    annualized_volatility: Ratio | None
    sharpe_ratio: Ratio | None
    max_drawdown: Ratio | None
    reasons: Reasons


class ShadowView(UnitFiguresView, kw_only=True):
    """What would have become of the same books: without a trade, by the whole policy, or by one of its rules alone."""

    name: ShadowName
    cash: Cents
    trades: int
    traded: Cents
    fees: Cents
    slippage: Cents


class ShadowDayView(msgspec.Struct, kw_only=True):
    """The end of a day: the value of a unit of the portfolio, which is null on a day that is not final, and of each
    shadow.
    """

    day: date
    actual: UnitValue
    do_nothing: UnitValue
    policy: UnitValue
    concentration_risk: UnitValue
    high_volatility: UnitValue
    negative_momentum: UnitValue
    category_concentration: UnitValue
    high_correlation: UnitValue
    cash_deployment: UnitValue


class ShadowsView(msgspec.Struct, kw_only=True):
    """The books of the end of `first_day`, and what became of them, and would have, by the end of `last_day`.

    Without shadows `reasons` says why.
    """

    first_day: date | None
    last_day: date | None
    actual: UnitFiguresView | None
    shadows: list[ShadowView]
    days: list[ShadowDayView]
    left_out: list[str]
    policy_id: str | None
    simulated_history: Simulated
    joined_history: Joined
    unjoined_history: Unjoined
    basis: BasisName
    convention: str
    stale: bool
    as_of: Moment
    reasons: Reasons


class ShadowsAnswer(Answer, kw_only=True):
    """The shadow portfolios."""

    shadows: ShadowsView


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
        _, reads = await cases.performance.by_basis(basis and Basis(basis))
        found = await reads.shadows(days)
        return await encoded_in_thread(lambda: ShadowsAnswer(timestamp=cases.clock.now(), shadows=shadows_view(found)))


def shadows_view(found: Shadows) -> ShadowsView:
    """Return shadow portfolios as answers have them."""
    return view(
        ShadowsView,
        found,
        actual=None if found.figures is None else _figures(UnitFiguresView, found.actual, found.figures),
        shadows=[_figures(ShadowView, shadow.days, shadow.figures, shadow) for shadow in found.shadows],
        days=list(_days(found)),
    )


def _figures(kind: type[S], days: Sequence[MeasuredDay], figures: SeriesFigures, *shadow: Shadow) -> S:
    reasons = {name: why for name, why in figures.reasons.items() if name in kind.__struct_fields__}
    return view(kind, *shadow, figures, value=days[-1].total_value, reasons=reasons)


def _days(found: Shadows) -> Iterator[ShadowDayView]:
    actual: Mapping[date, Decimal] = {day.day: day.unit_value for day in found.actual}
    for row in zip(*(shadow.days for shadow in found.shadows), strict=True):
        values = {shadow.name: day.unit_value for shadow, day in zip(found.shadows, row, strict=True)}
        written = {name: number_or_null(value) for name, value in values.items()}
        yield ShadowDayView(day=row[0].day, actual=number_or_null(actual.get(row[0].day)), **written)
