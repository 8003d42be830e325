"""The screen: it passes over no day on which a rule could ask for a trade."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.analytics.backtest.screen import Screen, Thresholds
from portfolio.analytics.closes import history_of
from portfolio.analytics.estimate import Matrix, vector
from portfolio.analytics.returns import PriceHistory
from portfolio.analytics.statistics import asset_statistics
from portfolio.application.backtest.decision import thresholds_of
from portfolio.domain.rebalancing.plan import make_plan
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.summary import Summary
from portfolio.domain.rebalancing.view import Holding, MarketView
from tests.support.backtests import named, walk

DAY = date(2024, 1, 31)
CALM = RebalancePolicy(cash_trigger=Decimal(1))
STILL = np.full((31, 3), 10.0)


def history(table: Matrix) -> PriceHistory:
    return history_of(table.copy(), named(table.shape[1]), DAY)


def screened(shares: list[float], table: Matrix = STILL, *, policy: RebalancePolicy = CALM, **bounds: Any) -> bool:
    """Whether a rule may want something of these shares, in categories of their own."""
    thresholds: Thresholds = replace(thresholds_of(policy), **bounds)
    categories = ("one", "two", "three")[: len(shares)]
    return Screen(thresholds).may_trade(vector(shares), 1 - sum(shares), history(table), categories)


def test_small_calm_positions_want_nothing() -> None:
    assert not screened([0.2, 0.2, 0.2])


@pytest.mark.parametrize("share", [0.25, 0.2499999, 0.26])
def test_a_position_at_its_limit_or_a_hair_below_may_be_sold(share: float) -> None:
    assert screened([share, 0.1, 0.1])
    assert not screened([0.2499, 0.1, 0.1])


def test_a_category_counts_its_members_together_unless_it_has_no_limit() -> None:
    found = [
        Screen(thresholds_of(CALM)).may_trade(vector([0.21, 0.21]), 0.58, history(STILL[:, :2]), (name, name))
        for name in ("one", "other")
    ]
    assert found == [True, False]


def test_stablecoins_have_no_limit_of_their_own() -> None:
    may = Screen(thresholds_of(CALM)).may_trade(vector([0.6]), 0.4, history(STILL[:, :1]), ("stablecoin",))
    assert not may


def test_a_wild_asset_has_a_lower_limit() -> None:
    wild = STILL.copy()
    wild[::2, 0] = 11.0  # returns of +10 % and -9 %: 183 % a year, so 25 % x 80 / 183 = 10.9 %
    assert screened([0.12, 0.1, 0.1], wild, pair=1.0)
    assert not screened([0.10, 0.1, 0.1], wild, pair=1.0)


def test_a_falling_asset_has_a_lower_limit() -> None:
    falling = STILL.copy()
    falling[:, 0] = 10 * 0.97 ** np.arange(31)  # (0.97^14 - 1) / 0.5 = -0.69
    assert screened([0.09, 0.1, 0.1], falling)
    assert not screened([0.07, 0.1, 0.1], falling)


def test_idle_cash_buys_what_rises() -> None:
    rising = STILL.copy()
    rising[:, 0] = 10 * 1.001 ** np.arange(31)
    assert screened([0.1, 0.1, 0.1], rising, cash=0.3)
    assert not screened([0.0, 0.1, 0.1], rising * [1, 0.99, 0.99] ** np.arange(31)[:, None], cash=0.3)
    assert not screened([0.1, 0.1, 0.6], rising, cash=0.3, position=1.0, pair=1.0, category=1.0)


def test_a_correlated_pair_has_a_limit() -> None:
    table = walk(31, 3, 2)
    table[:, 1] = table[:, 0] * 2
    table[:, 2] = walk(31, 1, 9)[:, 0]
    assert screened([0.16, 0.16, 0.16], table, volatility=99.0, falling=1.0)
    assert not screened([0.16, 0.1, 0.16], table, volatility=99.0, falling=1.0)
    assert not screened([0.16, 0.16, 0.16], table, volatility=99.0, falling=1.0, floor=0.2)


def test_without_history_or_value_nothing_is_judged_that_is_not_known() -> None:
    assert not screened([0.2, 0.2, 0.2], STILL[:5])
    gap = STILL.copy()
    gap[7, 0] = np.nan
    assert not screened([0.2, 0.2, 0.2], gap)
    may = Screen(thresholds_of(CALM)).may_trade(vector([]), 0.0, history(STILL[:, :0]), ())
    assert not may


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    shares=st.lists(st.sampled_from([0.0, 0.03, 0.08, 0.1, 0.16, 0.2, 0.25, 0.3]), min_size=4, max_size=4),
    trigger=st.sampled_from(["0.15", "0.3", "1"]),
)
def test_whatever_the_rules_ask_for_was_not_passed_over(seed: int, shares: list[float], trigger: str) -> None:
    policy = RebalancePolicy(cash_trigger=Decimal(trigger))
    table, categories = walk(31, 4, seed, volatility=0.05), ("one", "one", "other", "stablecoin")
    past, cash = history(table), Decimal(20_000)
    statistics = asset_statistics(past, 30)
    assets = [
        Holding(
            symbol=symbol,
            quantity=(Decimal(str(share)) * 100_000 / Decimal(str(close))).quantize(Decimal("1e-18")),
            value=Decimal(str(share)) * 100_000,
            price=Decimal(str(close)),
            category=category,
            volatility=statistics.volatilities.get(symbol),
            momentum=statistics.momenta.get(symbol),
        )
        for symbol, share, close, category in zip(past.symbols, shares, table[-1].tolist(), categories, strict=True)
    ]
    plan = make_plan(Summary.of(MarketView.of(assets, cash, statistics.correlations), policy))
    worth = vector([float(asset.value) for asset in assets])
    may_trade = Screen(thresholds_of(policy)).may_trade(worth, float(cash), past, categories)
    assert may_trade or not plan.recommendations
