"""Filling event by event comes to what filling step by step does, whatever the portfolio and its limits."""

from collections.abc import Mapping
from decimal import Decimal, localcontext
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.domain.money import EXACT
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.strategies.filling import filled
from portfolio.domain.rebalancing.strategies.targets import Targets
from portfolio.domain.rebalancing.view import MarketView
from tests.support.rebalancing import asset, targets_of, view_of, views

NOTHING = Decimal(0)
PARTS = st.integers(1, 100).map(lambda part: Decimal(part) / 100)


@st.composite
def policies(draw: st.DrawFn) -> RebalancePolicy:
    """Limits of any size: those of pairs may be under those of positions, and those of categories under both."""
    return RebalancePolicy(
        position_limit=draw(PARTS), category_limit=draw(PARTS), pair_limit=draw(PARTS), pair_floor=NOTHING
    )


def step_by_step(targets: Targets, rates: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """What the rates come to: all grow up to the first limit of all, and then the others, without its assets."""
    limits, policy = targets.limits, targets.limits.policy
    room = policy.sell_down_share * targets.whole
    bounds: list[tuple[tuple[str, ...], Decimal]] = [
        ((symbol,), min(limits.positions[symbol].values()) * room) for symbol in rates
    ]
    bounds += [(members, policy.category_limit * room) for members in limits.categories.values()]
    pairs = combinations(limits.positions, 2)
    bounds += [(pair, policy.pair_limit * room) for pair in pairs if limits.correlation(pair) is not None]
    values, growing = dict(targets.values), dict(rates)
    money = targets.cash - policy.cash_target * targets.whole
    while growing and money > 0:
        steps = [(money / sum(growing.values()), tuple(growing))]
        for symbols, bound in bounds:
            if speed := sum(growing.get(symbol, NOTHING) for symbol in symbols):
                steps.append(((bound - sum(values[symbol] for symbol in symbols)) / speed, symbols))
        step, full = min(steps)
        step = max(step, NOTHING)
        for symbol, rate in growing.items():
            values[symbol] += rate * step
            money -= rate * step
        growing = {symbol: rate for symbol, rate in growing.items() if symbol not in full}
    return {symbol: values[symbol] for symbol in rates}


def test_what_its_category_stops_below_half_of_a_pair_is_in_no_pair() -> None:
    policy = RebalancePolicy(
        position_limit=Decimal("0.5"), category_limit=Decimal("0.15"), pair_limit=Decimal("0.4"), pair_floor=NOTHING
    )
    view = view_of(asset("A", "10", category="a"), asset("B", "0.1", category="b"), correlations={("A", "B"): "0.9"})
    # The fast one is full at 92 % of its category's 15 %, long before it would be at 92 % of the half of 40 %; the slow
    # one goes on past that level.
    rates = {"A": Decimal(10), "B": Decimal(1)}
    assert filled(targets_of(view, policy), rates) == {"A": Decimal(13_800), "B": Decimal(13_800)}


@pytest.mark.unmeasured
@settings(max_examples=200)
@given(view=views(least=1_000, most=1_000_000), policy=policies(), data=st.data())
def test_filling_event_by_event_comes_to_what_filling_step_by_step_does(
    view: MarketView, policy: RebalancePolicy, data: st.DataObject
) -> None:
    targets = targets_of(view, policy)
    candidates = [symbol for symbol in targets.limits.positions if data.draw(st.booleans())]
    rates = {symbol: Decimal(data.draw(st.integers(1, 50))) / 7 for symbol in candidates}
    with localcontext(EXACT):
        expected = step_by_step(targets, rates)
        found = filled(targets, rates)
        assert found.keys() == expected.keys()
        assert all(abs(found[symbol] - value) < Decimal("1e-50") for symbol, value in expected.items())
