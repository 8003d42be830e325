"""The largest positions: how they correlate, what part of the risk is theirs, and what figures are made of."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from portfolio.application.risk.correlation import average_of, correlation_of, largest_correlations_of
from portfolio.application.risk.measured import Measured
from portfolio.application.risk.state import summary_of
from portfolio.application.risk.terms import (
    a_day,
    cash_square_of,
    correlation_terms_of,
    heat_parts_of,
    hhi_parts_of,
    own_volatility,
)
from portfolio.application.risk.value_at_risk import value_at_risk_of
from portfolio.application.risk.volatility import asset_volatilities_of, risk_shares_of, volatility_of
from portfolio.domain.symbol import Symbol
from tests.unit.application.risk.test_risk import SHORT, state_of
from tests.unit.application.risk.test_state import BTC, ETH, YESTERDAY, ZIGZAG, World, held

DOT, NEW = Symbol("DOT"), Symbol("NEW")
RISING = [100 + n + n % 5 for n in range(31)]


async def world_of_four() -> World:
    """BTC and ETH swing alike, DOT in its own way; NEW has no past. ETH is the largest, then DOT, NEW, BTC."""
    world = World(held(BTC, "1"), held(ETH, "4"), held(DOT, "3"), held(NEW, "2"))
    await world.closes(BTC, *ZIGZAG)
    await world.closes(ETH, *ZIGZAG)
    await world.closes(DOT, *RISING)
    return world


async def test_the_coefficients_of_the_largest_are_those_of_all() -> None:
    state = await (await world_of_four()).market()
    everything, largest = correlation_of(state), largest_correlations_of(state, 30)
    assert (largest.symbols, largest.left_out) == (["ETH", "DOT", "NEW", "BTC"], 0)
    for row, one in zip(everything.matrix, everything.symbols, strict=True):
        for value, other in zip(row, everything.symbols, strict=True):
            assert largest.between(one, other) == (None if value is None else Decimal(repr(value)))
            assert (largest.reason(one, other) is None) is (value is not None)
    assert largest.reason("BTC", "NEW") == "too_few_observations"
    assert largest.reason("NEW", "NEW") == "too_few_observations"


async def test_only_so_many_are_there_and_it_says_how_many_are_not() -> None:
    state = await (await world_of_four()).market()
    largest = largest_correlations_of(state, 2)
    assert (largest.symbols, largest.left_out) == (["ETH", "DOT"], 2)
    assert largest is largest_correlations_of(state, 2)


async def test_a_pair_with_too_few_common_days_says_so() -> None:
    world = World(held(BTC, "1"), held(ETH, "4"), held(DOT, "3"))
    await world.closes(BTC, *ZIGZAG)
    # 20 returns each, the first 20 and the last 20 of 30: 10 in common.
    await world.closes(ETH, *ZIGZAG[:21], until=YESTERDAY - timedelta(days=10))
    await world.closes(DOT, *ZIGZAG[:21])
    largest = largest_correlations_of(await world.market(), 30)
    assert largest.reason("ETH", "DOT") == "too_few_common_days"
    assert (largest.excluded, largest.reason("DOT", "DOT")) == ({}, None)


async def test_the_parts_of_the_largest_and_of_the_others_sum_to_everything() -> None:
    state = await (await world_of_four()).market()
    shares = risk_shares_of(state, 2)
    assert [asset.symbol for asset in shares.undefined] == ["NEW"]
    assert (len(shares.largest), shares.others) == (2, 1)
    assert shares.others_risk_percent is not None
    assert shares.others_allocation_percent is not None
    parts = [asset.risk_contribution_percent or Decimal(0) for asset in shares.largest]
    assert sum(parts) + shares.others_risk_percent == 100
    weights = {asset.symbol: asset.allocation_percent or Decimal(0) for asset in asset_volatilities_of(state)}
    assert sum(weights[asset.symbol] for asset in shares.largest) + shares.others_allocation_percent == (
        sum(weights.values()) - weights["NEW"]
    )


async def test_where_all_are_shown_there_are_no_others() -> None:
    shares = risk_shares_of(await (await world_of_four()).market(), 30)
    assert (shares.others, shares.others_risk_percent, shares.others_allocation_percent) == (0, None, None)
    assert shares.largest[0].symbol == "ETH"


def test_without_a_total_value_no_part_is_defined() -> None:
    state = state_of({"A": "40", "B": "60"}, "-100")
    shares = risk_shares_of(state, 2)
    assert (shares.largest, [asset.symbol for asset in shares.undefined]) == ([], ["A", "B"])
    assert summary_of(state).uses == ()
    assert volatility_of(state).portfolio_volatility.value is None


@pytest.mark.parametrize("most", [1, 2])
def test_a_short_position_is_as_large_as_its_size(most: int) -> None:
    largest = largest_correlations_of(state_of(SHORT, "1000"), most)
    assert largest.symbols == ["A", "S"][:most]


# ------------------------------------------------------------------------------------------------ terms of the formulas


async def test_the_terms_of_each_formula_sum_to_its_figure() -> None:
    state = await (await world_of_four()).market()
    hhi = hhi_parts_of(state, 2)
    # 1, 2, 3 and 4 of 10: 0.16 + 0.09 + (0.04 + 0.01) = 0.3
    assert hhi is not None
    assert ([(s, float(part)) for s, part in hhi.largest], hhi.others, float(hhi.rest)) == (
        [("ETH", 0.16), ("DOT", 0.09)], 2, 0.05,
    )  # fmt: skip
    # 1,000 of cash beside 1,000 of positions: 0.5^2
    assert cash_square_of(state) == Decimal("0.25")
    moves = volatility_of(state)
    heat = moves.portfolio_heat.value
    assert heat is not None
    parts = heat_parts_of(state, heat, 1)
    assert sum(part for _, part in parts.largest) + parts.rest == heat
    everything = heat_parts_of(state, heat, 3)
    assert (everything.others, float(everything.rest)) == (0, 0.0)
    assert sum(part for _, part in everything.largest) == pytest.approx(heat, abs=Decimal("1e-11"))
    summed, count = correlation_terms_of(state)
    average = average_of(state).value
    assert average is not None
    assert (round(summed / count, 12), count) == (average, 3)


async def test_a_volatility_is_that_of_a_day_and_its_own_times_the_ratio() -> None:
    moves = volatility_of(await (await world_of_four()).market())
    annualized, ratio = moves.portfolio_volatility, moves.diversification_ratio
    daily, own = a_day(annualized), own_volatility(ratio, annualized)
    assert annualized.value is not None
    assert ratio.value is not None
    assert daily is not None
    assert own is not None
    assert float(daily) == pytest.approx(float(annualized.value) / 365**0.5)
    assert float(own) == pytest.approx(float(ratio.value) * float(annualized.value))
    nothing = Measured(None, "no_positions")
    assert (a_day(nothing), own_volatility(nothing, annualized), own_volatility(ratio, nothing)) == (None,) * 3


def test_an_index_that_is_undefined_has_no_parts() -> None:
    assert hhi_parts_of(state_of(SHORT, "1000"), 5) is None
    assert cash_square_of(state_of(SHORT, "1000")) is None


async def test_value_at_risk_names_its_place_among_the_losses_and_their_moments() -> None:
    state = state_of({"A": "400", "B": "600"}, "1000")
    tail = value_at_risk_of(state, 40)
    at_95, at_99 = tail.confidence_95, tail.confidence_99
    # Of 40 days the worst 2, and 0.4: the first of them.
    assert [(float(one.tail_days), one.place) for one in (at_95, at_99)] == [(2, 2), (0.4, 1)]
    assert round(at_95.normal_quantile, 6) == Decimal("1.644854")
    assert tail.moments is not None
    losses = [0.5 * (0.01 if n % 2 == 0 else 1 / 1.01 - 1) * -1 for n in range(40)]
    assert float(tail.moments.mean or 0) == pytest.approx(float(np.mean(losses)), abs=1e-12)
    assert float(tail.moments.deviation or 0) == pytest.approx(float(np.std(losses, ddof=1)), abs=1e-12)
    assert value_at_risk_of(state_of({"A": "400"}, "0", returns=0.0), 40).moments is None
