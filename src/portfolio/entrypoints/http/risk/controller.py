"""The risk of what is held."""

from __future__ import annotations

from litestar import Controller, Response, get

from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.application.rebalancing.planning import plan_of
from portfolio.application.risk.concentration import sectors_of
from portfolio.application.risk.state import DEFAULT_DAYS
from portfolio.application.risk.volatility import asset_volatilities_of
from portfolio.entrypoints.http.risk.answers import (
    ConcentrationAnswer,
    CorrelationAnswer,
    PortfolioHealthAnswer,
    SectorsAnswer,
    TailAnswer,
    VolatilityAnswer,
)
from portfolio.entrypoints.http.risk.views import (
    answered,
    concentration_view,
    correlation_view,
    health_score_view,
    tail_view,
    volatility_view,
)
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import Days
from portfolio.entrypoints.http.shell.injection import Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.http.views import view


class RiskController(Controller):
    """Routes of risk."""

    path = "/risk"
    tags = ["risk"]

    @get("/concentration", summary="How much lies in how few positions", opt=access(Scope.READ))
    async def read_concentration(self, cases: Injected[UseCases]) -> Response[ConcentrationAnswer]:
        """Return the Herfindahl index, of the invested value and with cash, and what is over its limit.

        `recommended_action` is `reduce_concentration` where a position or a category is over its limit.
        """
        state = await cases.rebalancing.market()
        return await answered(
            state, lambda: ConcentrationAnswer(timestamp=state.at, concentration_analysis=concentration_view(state))
        )

    @get("/correlation-matrix", summary="How the assets move together", opt=access(Scope.READ))
    async def read_correlation(
        self, cases: Injected[UseCases], days: Days = DEFAULT_DAYS
    ) -> Response[CorrelationAnswer]:
        """Return the correlation of every pair held, over the last completed days.

        A pair with fewer than 20 common days is null. The average is of the pairs of positions of 1 % of the total
        value or more, stablecoins apart.
        """
        state = await cases.rebalancing.market(days)
        return await answered(state, lambda: CorrelationAnswer(timestamp=state.at, correlation=correlation_view(state)))

    @get("/volatility-analysis", summary="How much the portfolio moves, and what moves it", opt=access(Scope.READ))
    async def read_volatility(self, cases: Injected[UseCases], days: Days = DEFAULT_DAYS) -> Response[VolatilityAnswer]:
        """Return the volatility of the portfolio and of each asset over the last completed days, and its part."""
        state = await cases.rebalancing.market(days)

        def answer() -> VolatilityAnswer:
            return VolatilityAnswer(timestamp=state.at, volatility=volatility_view(state, asset_volatilities_of(state)))

        return await answered(state, answer)

    @get("/value-at-risk", summary="What a bad day costs", opt=access(Scope.READ))
    async def read_value_at_risk(self, cases: Injected[UseCases], days: Days = DAYS_PER_YEAR) -> Response[TailAnswer]:
        """Return value at risk and conditional value at risk of one day, of today's weights over past days.

        At least 30 days common to the assets are needed. The backtests say how often a day lost more than the days
        before it had said.
        """
        state = await cases.rebalancing.market(days)
        return await answered(state, lambda: TailAnswer(timestamp=state.at, value_at_risk=tail_view(state, days)))

    @get("/sector-allocation", summary="What is in which category", opt=access(Scope.READ))
    async def read_sectors(self, cases: Injected[UseCases]) -> Response[SectorsAnswer]:
        """Return the categories with their limits, and cash; allocations sum to 100."""
        state = await cases.rebalancing.market()
        return await answered(state, lambda: view(SectorsAnswer, state, timestamp=state.at, sectors=sectors_of(state)))

    @get("/portfolio-health", summary="The health score, and the way back to 70", opt=access(Scope.READ))
    async def read_portfolio_health(self, cases: Injected[UseCases]) -> Response[PortfolioHealthAnswer]:
        """Return the score, its deductions, which sum to 100 - score, and the least trades that lift it to 70.

        `recommendations` are those of the rebalancing plan.
        """
        state = await cases.rebalancing.plan()

        def answer() -> PortfolioHealthAnswer:
            health = health_score_view(state, plan_of(state).recommendations)
            return PortfolioHealthAnswer(timestamp=state.at, health=health)

        return await answered(state, answer)
