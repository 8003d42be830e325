"""No look-ahead: whatever the future is, decisions are the same; and one that cheats is caught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.analytics.backtest.futures import Future, with_future
from portfolio.analytics.optimisation.problem import Objective
from portfolio.application.backtest.decision import ByPolicy, ByTargets, Decide, Decision, Known
from portfolio.application.backtest.lookahead import CUTS, LookAhead, Recorder, look_ahead
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.request import BacktestRequest, FillAt, Kind, Start
from portfolio.application.backtest.run import advance, start
from portfolio.application.optimisation.records import Targets
from portfolio.domain.backtest.fills import Order
from portfolio.domain.ledger.trade import Side
from portfolio.domain.rebalancing.policy import RebalancePolicy
from tests.support.backtests import named, panel_from, request_of, walk
from tests.support.fakes.compute import chosen_here

pytestmark = pytest.mark.unmeasured

POLICY = RebalancePolicy(cash_trigger=Decimal("0.15"), pair_correlation=Decimal("0.5"))
SYMBOLS = named(6)


def closes_with_gaps(seed: int = 3, n_days: int = 57) -> Panel:
    """Six assets that move a lot, one of them with days without a close, one listed late."""
    table = walk(n_days, len(SYMBOLS), seed, volatility=0.06)
    table[40:43, 2] = np.nan
    table[:15, 5] = np.nan
    return panel_from(table, SYMBOLS, {"A00": "one", "A01": "one"})


def wants(panel: Panel, **given: Any) -> BacktestRequest:
    """Weights at the start that the policy has something to say about."""
    weights = dict(zip(SYMBOLS[:5], map(Decimal, ("0.4", "0.2", "0.1", "0.1", "0.1")), strict=True))
    usual: dict[str, Any] = {"policy": POLICY, "start": Start.WEIGHTS, "weights": weights}
    return request_of(panel, **usual | given)


def from_row_31(panel: Panel, **given: Any) -> BacktestRequest:
    """A request of 25 days with a decision, so that every one of them is a cut."""
    return wants(panel, begins=31, **given)


def proof(panel: Panel, request: BacktestRequest, decide_on: Callable[[Panel], Decide], cuts: int = CUTS) -> LookAhead:
    """What came out at the end."""
    *_, found = look_ahead(request, panel, None, decide_on, cuts=cuts)
    return found


def test_no_decision_of_the_policy_knows_the_future() -> None:
    panel = closes_with_gaps()
    found = proof(panel, from_row_31(panel), lambda _: ByPolicy(POLICY, screens=False))
    assert found.cuts == CUTS
    assert found.decisions == 3 * sum(range(1, CUTS + 1))  # one day after the other is a cut
    assert found.changed == ()


def test_nor_does_one_that_is_screened_and_filled_at_its_own_close() -> None:
    panel = closes_with_gaps()
    request = from_row_31(panel, fill=FillAt.SAME_CLOSE, every_days=4)
    found = proof(panel, request, lambda _: ByPolicy(POLICY))
    assert (found.cuts, found.changed) == (CUTS, ())


def test_no_decision_on_weights_knows_the_future() -> None:
    panel = closes_with_gaps()
    targets = Targets(objective=Objective.INVERSE_VOLATILITY, days=30, symbols=tuple(SYMBOLS))
    request = from_row_31(panel, kind=Kind.TARGETS, optimise=targets, every_days=12)
    found = proof(panel, request, lambda _: ByTargets(targets, POLICY, SYMBOLS, chosen_here))
    assert (found.cuts, found.changed) == (CUTS, ())


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    cut=st.integers(30, 55),
    future=st.sampled_from(Future),
    trigger=st.sampled_from(["0.15", "0.5"]),
    limit=st.sampled_from(["0.15", "0.3"]),
)
def test_no_decision_of_any_policy_knows_any_future(
    seed: int, cut: int, future: Future, trigger: str, limit: str
) -> None:
    policy = RebalancePolicy(cash_trigger=Decimal(trigger), position_limit=Decimal(limit))
    panel = closes_with_gaps(seed)
    other = panel.with_closes(with_future(panel.closes, cut, future, seed=seed))
    request = wants(panel, policy=policy, every_days=3)
    found = []
    for one in (panel, other):
        recorder = Recorder(ByPolicy(policy, screens=False))
        advance(start(request, one), one, panel.day(cut), decide=recorder)
        found.append(recorder.written)
    assert found[0] == found[1]
    assert len(found[0]) == (cut - 30) // 3 + 1


@dataclass(frozen=True)
class BuysWhatRises:
    """Cheats: it knows tomorrow's close."""

    panel: Panel
    days: int = 30
    symbols: tuple[str, ...] = ()

    def __call__(self, known: Known) -> Decision:
        place = self.panel.place(known.day)
        rises = self.panel.closes[place + 1, 0] > self.panel.closes[place, 0]
        order = Order(
            decided=known.day,
            symbol="A00",
            side=Side.BUY if rises else Side.SELL,
            quantity=Decimal(1),
            rule="cheats",
        )
        return Decision(orders=[order])


@dataclass(frozen=True)
class KnowsTheMean:
    """Cheats: it sells above the mean of all closes, those to come among them, as a scaler that was fitted to all."""

    panel: Panel
    days: int = 30
    symbols: tuple[str, ...] = ()

    def __call__(self, known: Known) -> Decision:
        price = self.panel.closes[self.panel.place(known.day), 0]
        above = Decimal(f"{price / np.nanmean(self.panel.closes[:, 0]):.9f}")
        order = Order(decided=known.day, symbol="A00", side=Side.SELL, quantity=above, rule="cheats")
        return Decision(orders=[order])


@dataclass(frozen=True)
class ADayAhead:
    """Cheats by one row: the live policy, on a look-back that ends tomorrow."""

    panel: Panel
    days: int = 30
    symbols: tuple[str, ...] = ()

    def __call__(self, known: Known) -> Decision:
        place = self.panel.place(known.day) + 1
        ahead = replace(known, history=self.panel.until(place, self.days, known.history.symbols))
        return ByPolicy(POLICY, screens=False)(ahead)


@pytest.mark.parametrize("cheat", [BuysWhatRises, KnowsTheMean, ADayAhead])
def test_one_that_cheats_is_caught(cheat: Callable[[Panel], Decide]) -> None:
    panel = closes_with_gaps()
    found = proof(panel, from_row_31(panel), cheat, cuts=5)
    assert found.cuts == 5
    assert len(found.changed) > 5
    assert {one.future for one in found.changed} >= {Future.NOISE}
    assert all(one.day <= one.cut for one in found.changed)


@pytest.mark.parametrize("every_days", [1, 7])
def test_days_before_the_look_back_change_no_decision(every_days: int) -> None:
    # 400 days before the first decision, or the 30 (31 closes) that the rules look back.
    table = walk(425, len(SYMBOLS), 5, volatility=0.06)
    long = panel_from(table, SYMBOLS)
    short = panel_from(table[400 - 30 :].copy(), SYMBOLS, first=long.day(400 - 30))
    found = []
    for panel, begins in ((long, 400), (short, 30)):
        request = wants(panel, begins=begins, every_days=every_days)
        recorder = Recorder(ByPolicy(POLICY, screens=False))
        advance(start(request, panel), panel, request.last, decide=recorder)
        found.append(recorder.written)
    assert found[0] == found[1]
    assert len({written for _, written in found[0]}) == len(found[0]) > 3
