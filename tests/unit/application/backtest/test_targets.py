"""Weights of an optimiser as what decides: reached at the next close, every so many days."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from portfolio.analytics.optimisation.problem import Chosen, Estimator, Objective, Problem, TurnoverTooSmall
from portfolio.application.backtest.decision import TARGETS, Solve
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.request import Kind, Start
from portfolio.application.backtest.result import result, trades
from portfolio.application.backtest.run import advance, start
from portfolio.application.backtest.state import BacktestState, Holdings
from portfolio.application.errors import NotBacktestable
from portfolio.application.optimisation.records import Targets
from portfolio.domain.rebalancing.policy import RebalancePolicy
from tests.support.backtests import held, named, panel_from, panel_of, request_of, walk
from tests.support.fakes.compute import chosen_here
from tests.support.optimisation import FOUR, MEANS, uncorrelated

WIDE = RebalancePolicy(
    volatility_threshold=Decimal(999),
    position_limit=Decimal(1),
    momentum_limit=Decimal(1),
    pair_limit=Decimal(1),
    cash_target=Decimal(0),
    fee_bps=Decimal(0),
)
"""No limit that matters, no cash, no fees."""


def run(
    panel: Panel,
    targets: Targets,
    *,
    solve: Solve = chosen_here,
    holdings: Holdings | None = None,
    **given: Any,
) -> BacktestState:
    """From cash, with an optimiser."""
    usual: dict[str, Any] = {"kind": Kind.TARGETS, "optimise": targets, "policy": WIDE, "start": Start.CASH}
    request = request_of(panel, **usual | given)
    return advance(start(request, panel, holdings), panel, request.last, solve=solve)


def test_weights_are_bought_from_cash_every_thirty_days() -> None:
    flat = [100.0] * 100
    panel = panel_of({"A": flat, "B": [50.0] * 40 + [100.0] * 60})
    targets = Targets(objective=Objective.EQUAL_WEIGHT, symbols=("A", "B"), days=30)
    state = run(panel, targets)
    assert [(row.decided, row.symbol, row.side.value) for row in trades(state)] == [
        (panel.day(30), "A", "BUY"),
        (panel.day(30), "B", "BUY"),
        (panel.day(60), "B", "SELL"),  # doubled on day 40: 50,000 and 100,000 become 75,000 each
        (panel.day(60), "A", "BUY"),
    ]
    assert {row.rule for row in trades(state)} == {TARGETS}
    assert (state.decisions, state.decisions_skipped) == (3, 0)
    assert [float(quantity * 100) for quantity in state.main.own.quantities.values()] == pytest.approx([75_000] * 2)


def test_minimum_variance_prefers_what_moves_less() -> None:
    table = walk(130, 3, 6, common=0.1)
    table[:, 0] = 100 * (table[:, 0] / table[0, 0]) ** 0.2
    panel = panel_from(np.round(table, 6), named(3))
    state = run(panel, Targets(objective=Objective.MIN_VARIANCE, symbols=tuple(named(3)), days=90), begins=91)
    marks = panel.marks_on(panel.place(state.request.last))
    worth = {symbol: quantity * marks[symbol] for symbol, quantity in state.main.own.quantities.items()}
    assert max(worth, key=lambda symbol: worth[symbol]) == "A00"


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        # mean / variance: .02/.04 : .03/.09 : .05/.16 : .06/.36
        ("0", [24 / 63, 16 / 63, 15 / 63, 8 / 63]),
        # 3.65 % a year are 1 basis point of the 2, 3, 5 and 6 a day: .01/.04 : .02/.09 : .04/.16 : .05/.36
        ("0.0365", [9 / 31, 8 / 31, 9 / 31, 5 / 31]),
    ],
)
def test_the_greatest_sharpe_ratio_is_over_the_risk_free_rate(rate: str, expected: list[float]) -> None:
    growth = np.cumprod(np.vstack([np.ones(4), 1 + uncorrelated(MEANS)]), axis=0)
    panel = panel_from(np.vstack([growth, growth[-1:]]), FOUR)
    targets = Targets(
        objective=Objective.MAX_SHARPE, estimator=Estimator.SAMPLE, symbols=FOUR, days=64, cash_percent=Decimal(0)
    )
    request = request_of(
        panel, kind=Kind.TARGETS, optimise=targets, policy=WIDE, start=Start.CASH, begins=64, every_days=90
    ).at(Decimal(rate))
    state = advance(start(request, panel), panel, request.last, solve=chosen_here)
    worth = {row.symbol: float(row.value) for row in trades(state)}
    assert [worth[symbol] / 100_000 for symbol in FOUR] == pytest.approx(expected, abs=1e-6)


def test_what_is_held_is_optimised_where_no_assets_are_named() -> None:
    panel = panel_of({"A": [100.0] * 62, "B": [50.0] * 62, "C": [1.0] * 62})
    state = run(
        panel,
        Targets(objective=Objective.EQUAL_WEIGHT),
        start=Start.HOLDINGS,
        holdings=held(0, A=3, B=2),
        every_days=90,
    )
    assert state.universe == ("A", "B")
    assert [float(quantity) for quantity in state.main.own.quantities.values()] == pytest.approx([2, 4])


def test_an_asset_joins_when_it_has_days_enough_in_common_with_the_others() -> None:
    table = walk(160, 2, 7)
    table[:50, 1] = np.nan
    panel = panel_from(table, named(2))
    for objective, joins in ((Objective.INVERSE_VOLATILITY, 80), (Objective.MIN_VARIANCE, 110)):
        targets = Targets(objective=objective, symbols=tuple(named(2)), days=90)
        state = run(panel, targets, begins=65, every_days=5)
        first = min(row.decided for row in trades(state) if row.symbol == "A01")
        # 31 closes on row 80; 60 returns on row 110.
        assert first == panel.day(joins)
        assert state.decisions_skipped == 0


def test_without_days_enough_no_decision_is_made_and_that_is_told() -> None:
    panel = panel_from(walk(70, 2, 7), named(2))
    state = run(panel, Targets(objective=Objective.MIN_VARIANCE, symbols=tuple(named(2))), every_days=10)
    # Rows 30, 40 and 50 have under 60 returns; row 60 has them.
    assert (state.decisions, state.decisions_skipped) == (4, 3)
    assert result(state, panel).remarks == ["decisions_skipped"]


def test_an_optimiser_without_an_answer_leaves_everything_as_it_is() -> None:
    panel = panel_of({"A": [100.0] * 40, "B": [50.0] * 40})

    def stays(problem: Problem) -> Chosen:
        return Chosen(weights=[float(one) for one in problem.bounds.current], stays=True)

    def refuses(problem: Problem) -> Chosen:
        raise TurnoverTooSmall(0.5)

    targets = Targets(objective=Objective.EQUAL_WEIGHT, symbols=("A", "B"))
    for solve in (stays, refuses):
        state = run(panel, targets, solve=solve)
        assert (state.fills, state.decisions_skipped) == ([], 1)


def test_costs_of_more_than_there_is_leave_everything_as_it_is() -> None:
    panel = panel_of({"A": [100.0] * 40, "B": [50.0] * 40})
    dear = RebalancePolicy(position_limit=Decimal(1), fee_bps=Decimal(1000), cash_target=Decimal(0))
    # 1,000 of A for borrowed money: a tenth of the 990 sold is more than the 10 that are one's own.
    state = run(
        panel,
        Targets(objective=Objective.EQUAL_WEIGHT, symbols=("B",)),
        policy=dear,
        start=Start.HOLDINGS,
        holdings=held(-990, A=10),
        every_days=90,
    )
    assert state.fills == []


def test_a_short_position_is_not_among_the_weights() -> None:
    panel = panel_of({"A": [100.0] * 40, "B": [50.0] * 40})
    state = run(
        panel,
        Targets(objective=Objective.EQUAL_WEIGHT, symbols=("A", "B")),
        start=Start.HOLDINGS,
        holdings=held(1000, B=-1),
        every_days=90,
    )
    assert {row.symbol for row in trades(state)} == {"A"}
    assert state.main.own.quantities["B"] == -1


def test_an_asset_without_any_closes_is_refused_by_name() -> None:
    panel = panel_of({"A": [100.0] * 40, "Y": [None] * 40})
    for lacking in ("Y", "Z"):
        with pytest.raises(NotBacktestable, match=f"no closes of {lacking}"):
            run(panel, Targets(objective=Objective.EQUAL_WEIGHT, symbols=("A", lacking)))
