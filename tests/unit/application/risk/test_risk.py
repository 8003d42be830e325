"""Risk reports of states that no ordinary booking leads to."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.analytics.closes import assets_in, history_of
from portfolio.analytics.statistics import asset_statistics
from portfolio.application.ledger.records import Revisions
from portfolio.application.ledger.snapshots import Snapshot
from portfolio.application.prices.closes import Closes
from portfolio.application.prices.valuation import value_portfolio
from portfolio.application.risk.concentration import apportioned, concentration_reasons, sectors_of
from portfolio.application.risk.correlation import average_covered_percent, correlation_of
from portfolio.application.risk.measured import Measured
from portfolio.application.risk.metrics import measured, risk_metrics_of
from portfolio.application.risk.state import MarketState, summary_of
from portfolio.application.risk.value_at_risk import value_at_risk_of
from portfolio.application.risk.volatility import asset_volatilities_of, volatility_level, volatility_of
from portfolio.domain.categories import Categories
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.level import Level
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.view import Holding, MarketView
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import NOON
from tests.unit.application.risk.test_state import BTC as BITCOIN
from tests.unit.application.risk.test_state import MAX_AGE, ZIGZAG, World, held
from tests.unit.examples import money, units


def state_of(values: dict[str, str], cash: str, *, returns: float = 0.01) -> MarketState:
    """A state of holdings worth so much, whose prices swing by ``returns`` every other day for 40 days."""
    swings = np.where(np.arange(41) % 2, 1.0 + returns, 1.0)
    table = np.repeat(swings[:, None], len(values), axis=1)
    history = history_of(table, sorted(values), NOON.date())
    portfolio = Portfolio(id=1)
    statistics = asset_statistics(history, 40)
    holdings = [
        Holding(symbol=symbol, quantity=Decimal(value), value=Decimal(value), price=Decimal(1))
        for symbol, value in values.items()
    ]
    return MarketState(
        snapshot=Snapshot(portfolio=portfolio, revisions=Revisions(ledger=1, prices=1), as_of=NOON, checked_at=0),
        valuation=value_portfolio(portfolio, now=NOON, max_age=MAX_AGE, categories=Categories()),
        view=MarketView.of(holdings, Decimal(cash), statistics.correlations),
        policy=RebalancePolicy(),
        lookback_days=40,
        closes=Closes(
            history=history, version=1, is_current=True, is_known=True, simulated_history=False, mixed_history=[]
        ),
        statistics=statistics,
        at=NOON,
    )


SHORT = {"A": "100", "S": "-50"}


def test_a_short_position_leaves_no_index_and_the_rest_defined() -> None:
    state = state_of(SHORT, "1000")
    assert concentration_reasons(summary_of(state)) == dict.fromkeys(
        ("hhi", "effective_positions", "concentration_level", "hhi_with_cash"), "short_position"
    )
    assert (
        sum(sector.allocation_percent for sector in sectors_of(state) if sector.allocation_percent is not None) == 100
    )
    assert volatility_of(state).portfolio_volatility.value is not None


def test_borrowed_cash_leaves_no_index_with_cash() -> None:
    assert concentration_reasons(summary_of(state_of({"A": "100"}, "-10"))) == {"hhi_with_cash": "negative_cash"}


@pytest.mark.parametrize("cash", ["-100", "-250"])
def test_without_a_total_value_every_share_is_undefined(cash: str) -> None:
    state = state_of({"A": "40", "B": "60"}, cash)
    why = "no_total_value"
    assert concentration_reasons(summary_of(state)) == {"hhi_with_cash": why}
    assert all(sector.reasons["allocation_percent"] == why and not sector.over_limit for sector in sectors_of(state))
    moves = volatility_of(state)
    assert {moves.portfolio_volatility.reason, moves.portfolio_heat.reason, moves.diversification_ratio.reason} == {why}
    assert asset_volatilities_of(state)[0].reasons == dict.fromkeys(
        ("risk_contribution", "risk_contribution_percent", "allocation_percent"), why
    )
    assert moves.covered_percent.value is None
    assert correlation_of(state).average_correlation.reason == why
    tail = value_at_risk_of(state, 40)
    assert tail.confidence_95.historical.value_at_risk.reason == why
    assert summary_of(state).health.score is None
    metrics = risk_metrics_of(state)
    assert metrics.health_score == Measured(None, why)
    for name in ("hhi", "average_correlation", "portfolio_volatility", "portfolio_heat", "value_at_risk_95"):
        figure = getattr(metrics, name)
        assert (figure.value is None) == (figure.reason is not None), name
    assert (metrics.concentration_level is None) == ("concentration_level" in metrics.reasons)


def test_residues_beside_cash_have_contributions_that_are_not_taken_for_constant() -> None:
    # Each is a billionth of a thousandth of the portfolio, and half of all that moves.
    state = state_of({"A": "0.0000001", "B": "0.0000001"}, "100000")
    assert volatility_of(state).portfolio_volatility == Measured(Decimal("0E-12"))
    assert [asset.risk_contribution_percent for asset in asset_volatilities_of(state)] == [Decimal(50), Decimal(50)]
    assert all(not asset.reasons for asset in asset_volatilities_of(state))
    tail = value_at_risk_of(state, 40).confidence_95
    assert (tail.normal.value_at_risk.reason, tail.normal.value_at_risk.value) == (None, Decimal("0E-12"))


def test_a_figure_beyond_all_bounds_is_out_of_range() -> None:
    # A price that rises 1e25-fold in a day, and falls back.
    state = state_of({"A": "100"}, "0", returns=1e25)
    moves = volatility_of(state)
    assert (moves.portfolio_volatility.value, moves.portfolio_volatility.reason) == (None, "out_of_range")
    assert asset_volatilities_of(state)[0].daily_volatility is None
    assert asset_volatilities_of(state)[0].reasons["daily_volatility"] == "out_of_range"
    assert asset_volatilities_of(state)[0].reasons["level"] == "out_of_range"


@given(st.lists(st.integers(-1000, 10**9), min_size=1, max_size=30).filter(lambda parts: sum(parts) > 0))
def test_percentages_sum_to_100_and_none_is_off_by_a_millionth(parts: list[int]) -> None:
    percents = [Decimal(part) * 100 / sum(parts) for part in parts]
    rounded = apportioned([*percents[:-1], 100 - sum(percents[:-1], Decimal(0))])
    assert sum(rounded) == 100
    pairs = zip(rounded, percents, strict=True)
    assert all(abs(one - other) <= Decimal("0.000001") for one, other in pairs)
    assert all(percent == percent.quantize(Decimal("0.000001")) for percent in rounded)


def test_what_is_rounded_away_goes_to_those_that_lost_most() -> None:
    third = Decimal(100) / 3
    assert apportioned([third, third, 100 - 2 * third]) == [
        Decimal("33.333333"), Decimal("33.333333"), Decimal("33.333334"),
    ]  # fmt: skip
    assert apportioned([]) == []


async def test_metrics_are_made_again_when_what_they_are_made_of_is_another() -> None:
    world = World(held(BITCOIN))
    await world.closes(BITCOIN, *ZIGZAG)

    async def metrics() -> object:
        return await measured(risk_metrics_of, await world.market())

    first = await metrics()
    assert await metrics() is first
    world.clock.advance(301)
    stale = await metrics()
    assert stale is not first
    world.prices.away = True
    await world.refresh()
    unsure = await metrics()
    assert unsure == first
    world.prices.away = False
    sure = await metrics()
    assert sure is not unsure
    world.ledger.away = True
    away = await metrics()
    assert await metrics() is away
    assert assets_in(np.array([[np.nan, 1.0]])) == [False, True]


async def test_many_assets_are_measured_in_a_thread() -> None:
    world = World(*(held(Symbol(f"S{number:02}")) for number in range(21)))
    metrics = await measured(risk_metrics_of, await world.market())
    # 21 equal positions: 21 x (1/21)^2 = 1/21
    assert metrics.hhi.value is not None
    assert round(metrics.hhi.value, 12) == Decimal("0.047619047619")


@pytest.mark.parametrize(("young", "is_covered"), [("10", True), ("11", False)])
async def test_a_figure_made_of_under_90_percent_of_the_value_is_undefined(young: str, is_covered: bool) -> None:
    world = World(held(BITCOIN, "1", str(100 - int(young))), held(Symbol("NEW"), "1", young))
    await world.closes(BITCOIN, *ZIGZAG)
    metrics = risk_metrics_of(await world.market())
    assert metrics.covered_percent["portfolio_volatility"] == 100 - int(young)
    assert metrics.covered_percent["hhi"] == 100
    for figure in (metrics.portfolio_volatility, metrics.portfolio_heat):
        assert figure.reason == (None if is_covered else "too_little_covered")
        assert (figure.value is not None) is is_covered


async def test_without_a_price_for_90_percent_of_the_value_concentration_is_undefined_too() -> None:
    unpriced = Position(symbol=Symbol("NEW"), quantity=units(1), cost_basis=money(20))
    metrics = risk_metrics_of(await World(held(BITCOIN, "1", "100"), unpriced).market())
    assert (metrics.hhi.reason, metrics.health_score.reason) == ("too_little_covered", "too_little_covered")
    assert (metrics.concentration_level, metrics.reasons) == (None, {"concentration_level": "too_little_covered"})


async def test_the_average_correlation_covers_the_positions_that_it_counts() -> None:
    world = World(held(BITCOIN, "1", "100"), held(Symbol("ETH"), "1", "100"), held(Symbol("NEW"), "1", "50"))
    await world.closes(BITCOIN, *ZIGZAG)
    await world.closes(Symbol("ETH"), *ZIGZAG)
    metrics = risk_metrics_of(await world.market())
    assert metrics.covered_percent["average_correlation"] == 80
    assert metrics.average_correlation.reason == "too_little_covered"


@pytest.mark.parametrize(
    ("annualized", "level"),
    [
        ("0", Level.LOW),
        ("0.400000000000", Level.LOW),
        ("0.400000000001", Level.MEDIUM),
        ("0.800000000000", Level.MEDIUM),
        ("0.800000000001", Level.HIGH),
    ],
)
def test_a_level_begins_above_its_bound(annualized: str, level: Level) -> None:
    assert volatility_level(Decimal(annualized)) is level


def test_no_figure_has_no_level() -> None:
    assert volatility_level(None) is None


def test_positions_that_are_worth_nothing_have_no_share_that_is_covered() -> None:
    assert average_covered_percent(state_of({"A": "0", "B": "0"}, "0")) is None
