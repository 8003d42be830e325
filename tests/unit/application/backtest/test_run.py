"""A backtest from its start to its end: what there is, what is filled, what is written down, and how it goes on."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.analytics.optimisation.problem import Objective
from portfolio.application.backtest.decision import ByPolicy
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.request import BacktestRequest, FillAt, Kind, Start
from portfolio.application.backtest.result import result, trades
from portfolio.application.backtest.run import advance, check, start
from portfolio.application.backtest.state import BacktestState, Holdings
from portfolio.application.errors import BacktestOutOfRange, NotBacktestable
from portfolio.application.optimisation.records import Targets
from portfolio.domain.arithmetic import exact, total
from portfolio.domain.backtest.attribution import attribute
from portfolio.domain.rebalancing.policy import RebalancePolicy
from tests.support.backtests import held, named, panel_from, panel_of, request_of, walk

QUIET = RebalancePolicy(cash_trigger=Decimal(1))
FLAT = [100.0] * 60
IDLE = RebalancePolicy(
    position_limit=Decimal(1), momentum_limit=Decimal(1), pair_limit=Decimal(1), cash_trigger=Decimal(1)
)
"""A policy that never asks for anything."""


def run(request: BacktestRequest, panel: Panel, holdings: Holdings | None = None) -> BacktestState:
    """The state at the end."""
    return advance(start(request, panel, holdings), panel, request.last)


def lively(n_days: int = 120, seed: int = 4) -> tuple[Panel, BacktestRequest]:
    """Six assets of which one goes without a close for long, and rules that are often broken."""
    symbols = named(6)
    table = walk(n_days, 6, seed, volatility=0.07)
    table[60:85, 1] = np.nan
    weights = dict(zip(symbols, map(Decimal, ("0.3", "0.2", "0.1", "0.1", "0.1", "0.1")), strict=True))
    panel = panel_from(table, symbols)
    policy = RebalancePolicy(cash_trigger=Decimal("0.15"))
    request = request_of(panel, policy=policy, start=Start.WEIGHTS, weights=weights, slippage_bps=Decimal(7))
    return panel, request


@pytest.mark.parametrize("policy", [IDLE, RebalancePolicy()])
def test_closes_at_which_it_would_be_worth_1e20_end_it_with_the_day_and_the_amount(policy: RebalancePolicy) -> None:
    panel = panel_of({"A": [100.0] * 40 + [1e18] * 20})
    with pytest.raises(BacktestOutOfRange, match=r"^on 2024-02-10 it, .* would come to 2\.000e\+20 dollars, and"):
        run(request_of(panel, policy=policy), panel, held(A=200))
    # A hundred units of them are worth 1e20, which is too much to begin with, and a last digit less is not.
    with pytest.raises(BacktestOutOfRange, match=r"^on 2024-02-11 it, .* 1\.000e\+20 dollars"):
        start(request_of(panel, begins=41), panel, held(A=100))
    start(request_of(panel, begins=41), panel, held(A="99.999999999999999999"))


def test_weights_are_bought_at_the_first_close_without_costs() -> None:
    panel = panel_of({"A": FLAT, "B": [7.0] * 60})
    state = start(
        request_of(panel, start=Start.WEIGHTS, weights={"A": Decimal("0.2"), "B": Decimal("0.1"), "C": Decimal(0)}),
        panel,
    )
    assert state.main.own.quantities == {"A": 200, "B": Decimal("1428.571428571428571428")}
    assert state.main.own.cash == Decimal(70_000) + Decimal("1428.571428571428571428") * 0 + Decimal(
        "0.000000000000000004"
    )
    assert state.universe == ("A", "B")


def test_a_policy_has_nothing_to_do_with_cash_alone_and_says_so() -> None:
    panel = panel_of({"A": FLAT})
    request = request_of(panel, start=Start.CASH, initial_value=Decimal(500))
    state = run(request, panel)
    found = result(state, panel)
    assert {row.value for row in state.equity} == {Decimal(500)}
    assert (found.remarks, found.decisions) == (["nothing_held"], 29)
    assert found.costs.break_even_bps is None
    assert found.costs.turnover == 0


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"begins": 40, "ends": 39}, "from: has to be before to"),
        ({"begins": 30, "weights": {"A": Decimal(2)}}, "weights: have to sum to more than 0 and at most 1"),
        ({"begins": 30, "weights": {"A": Decimal(-1)}}, "weights: have to sum"),
        ({"begins": 30, "weights": {"A": Decimal(0)}}, "more than 0"),
        ({"begins": 30, "weights": {"Z": Decimal(1)}}, "no close on the first day of Z"),
        ({"begins": 30, "weights": {"N": Decimal(1)}}, "no close on the first day of N"),
        ({"begins": 30, "weights": {"A": Decimal(1)}, "kind": Kind.TARGETS}, "optimise: is needed"),
        ({"begins": 30, "start": Start.HOLDINGS}, "wants holdings"),
        ({"begins": 30, "start": Start.CASH, "initial_value": Decimal(0)}, "initial_value: has to be at least"),
        # Half a millionth is shown as 0 dollars.
        (
            {"begins": 30, "start": Start.CASH, "initial_value": Decimal("0.0000005")},
            "initial_value: has to be at least",
        ),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], why: str) -> None:
    panel = panel_of({"A": FLAT, "N": [None] * 60})
    with pytest.raises(NotBacktestable, match=why):
        start(request_of(panel, **{"start": Start.WEIGHTS} | given), panel)


@pytest.mark.parametrize(
    ("objective", "days", "least"), [("hrp", 59, 60), ("max_sharpe", 1, 60), ("inverse_volatility", 19, 20)]
)
def test_weights_that_could_never_be_decided_are_refused(objective: str, days: int, least: int) -> None:
    panel = panel_of({"A": FLAT})
    targets = Targets(objective=Objective(objective), symbols=("A",), days=days)
    request = request_of(panel, start=Start.CASH, kind=Kind.TARGETS, optimise=targets)
    with pytest.raises(NotBacktestable, match=f"{objective} needs {least} days of returns"):
        check(request, panel)
    for enough in (msgspec.structs.replace(targets, days=least), Targets(objective=Objective.EQUAL_WEIGHT, days=1)):
        there = msgspec.structs.replace(enough, symbols=("A",))
        check(msgspec.structs.replace(request, optimise=there), panel)


def test_days_without_closes_are_refused() -> None:
    panel, other = panel_of({"A": FLAT}), panel_of({"A": [1.0] * 61})
    with pytest.raises(NotBacktestable, match="closes from 2024-01-01 to 2024-02-29"):
        start(request_of(other, start=Start.CASH), panel)


def test_what_has_no_close_at_the_start_is_left_out_and_named() -> None:
    gone: list[float | None] = [5.0] * 23 + [None] * 37
    panel = panel_of({"A": FLAT, "GONE": gone, "LATE": [None] * 40 + [3.0] * 20})
    request = request_of(panel, policy=IDLE)
    state = run(request, panel, held(10, A=1, GONE=2, LATE=3, NEVER=4, NONE=0))
    found = result(state, panel)
    assert found.left_out == ("GONE", "LATE", "NEVER")
    assert found.remarks == ["hindsight", "left_out"]
    assert found.end_value == 110


def test_a_state_that_was_encoded_goes_on_to_the_same_bytes() -> None:
    panel, request = lively()
    whole = run(request, panel)
    state = start(request, panel)
    while not state.is_done:
        state = BacktestState.decode(advance(state, panel, state.next_day).encode())
    assert state.encode() == whole.encode()
    assert (whole.progress, len(whole.equity)) == (1.0, 90)
    assert len(whole.fills) > 10
    assert advance(whole, panel, request.last).encode() == whole.encode()


def test_the_state_that_is_gone_on_from_stays_as_it_was() -> None:
    panel, request = lively()
    state = advance(start(request, panel), panel, panel.day(90))
    before = state.encode()
    assert state.progress == pytest.approx(61 / 90)
    assert not state.is_done
    advance(state, panel, request.last)
    assert state.encode() == before


def test_a_request_comes_back_as_it_was_encoded() -> None:
    _, request = lively()
    assert BacktestRequest.decode(request.encode()) == request
    assert BacktestRequest.decode(request.encode()).encode() == request.encode()


@pytest.mark.unmeasured
@pytest.mark.parametrize("fill", FillAt)
def test_with_and_without_the_screen_everything_is_the_same(fill: FillAt) -> None:
    panel, request = lively()
    state = start(
        BacktestRequest(**{name: getattr(request, name) for name in request.__struct_fields__} | {"fill": fill}), panel
    )
    found = [
        advance(state, panel, request.last, decide=ByPolicy(request.policy, screens=screens)).encode()
        for screens in (True, False)
    ]
    assert found[0] == found[1]


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), trigger=st.sampled_from(["0.12", "0.3"]), limit=st.sampled_from(["0.15", "0.25"]))
def test_the_screen_changes_no_run(seed: int, trigger: str, limit: str) -> None:
    panel = panel_from(walk(48, 4, seed, volatility=0.05), named(4))
    policy = RebalancePolicy(cash_trigger=Decimal(trigger), position_limit=Decimal(limit))
    request = request_of(panel, policy=policy, start=Start.WEIGHTS, weights=dict.fromkeys(named(4), Decimal("0.2")))
    state = start(request, panel)
    exactly = advance(state, panel, request.last, decide=ByPolicy(policy, screens=False))
    assert advance(state, panel, request.last).encode() == exactly.encode()


@pytest.mark.parametrize("seed", range(3))
@exact
def test_the_difference_to_doing_nothing_is_attributed_to_the_last_digit(seed: int) -> None:
    panel, request = lively(seed=seed)
    state = run(request, panel)
    marks = panel.marks_on(panel.place(request.last))
    parts = attribute(state.fills, state.write_downs, marks)
    assert len(parts) > 1
    assert len(state.write_downs) == 1
    assert total(part.total for part in parts) == state.main.own.value(marks) - state.main.idle.value(marks)
    found = result(state, panel)
    assert total(row.total for row in found.attribution) + found.rounding == found.difference
    assert found.end_value == state.equity[-1].value
    assert found.end_value - state.equity[-1].do_nothing == pytest.approx(found.difference, abs=Decimal("1e-6"))


def test_without_a_close_the_next_day_nothing_is_filled_and_it_is_decided_anew() -> None:
    panel = panel_of({"A": [150.0] * 31 + [None, 120.0, 120.0], "B": [50.0] * 34})
    request = request_of(panel, policy=QUIET)
    state = run(request, panel, held(70_000, A=200, B=200))
    # Decided on day 30, dropped on 31 without a close; on 31 A cannot be traded; on 32 at 120 it is 23 % of the whole.
    assert trades(state) == []
    assert [row.value for row in state.equity[:3]] == [110_000, 110_000, 104_000]  # valued at its last close


def test_what_was_dropped_is_not_filled_on_a_later_day() -> None:
    panel = panel_of({"A": [150.0] * 31 + [None] + [150.0] * 10, "B": [50.0] * 42})
    state = run(request_of(panel, policy=QUIET, every_days=7), panel, held(70_000, A=200, B=200))
    # Decided on row 30 and dropped on 31; on row 37 it is decided again, and filled on 38.
    assert [(row.decided, row.filled) for row in trades(state)] == [(panel.day(37), panel.day(38))]


def test_after_seven_days_without_a_close_an_asset_is_written_down() -> None:
    closes: list[float | None] = [10.0] * 31 + [None] * 20 + [7.0] * 9
    panel = panel_of({"A": closes, "B": FLAT, "BTC": [50.0] * 30 + [None] * 3 + [60.0] * 27})
    request = request_of(panel, policy=QUIET, recovery_percent=Decimal(20))
    state = run(request, panel, held(1000, A=10, B=1))
    found = result(state, panel)
    values = [row.value for row in state.equity]
    assert values[:7] == [1200] * 7
    assert set(values[7:]) == {Decimal(1120)}  # on the seventh day 100 became 20, and no later close brings it back
    [row] = trades(state)
    assert (row.rule, row.symbol, row.quantity, row.price, row.value, row.fee) == (
        "write_down", "A", Decimal(10), Decimal(2), Decimal(20), Decimal(0),
    )  # fmt: skip
    assert row.decided == row.filled == panel.day(37)
    assert found.remarks == ["hindsight", "write_downs"]
    assert [(one.recovery_percent, one.value, one.do_nothing) for one in found.recoveries] == [
        (Decimal(0), Decimal(1100), Decimal(1100)),
        (Decimal(50), Decimal(1150), Decimal(1150)),
        (Decimal(100), Decimal(1200), Decimal(1200)),
    ]
    assert found.difference == found.costs.trades == 0
    assert found.btc is None


def test_the_recovery_that_was_asked_for_is_one_of_those_beside() -> None:
    closes: list[float | None] = [10.0] * 31 + [None] * 29
    panel = panel_of({"A": closes, "C": closes, "B": FLAT})
    state = run(request_of(panel, policy=IDLE), panel, held(0, A=10, B=1, C=1))
    assert [branch.recovery_percent for branch in state.aside] == [50, 100]
    assert [one.value for one in result(state, panel).recoveries] == [100, 155, 210]


def test_what_is_not_held_is_not_written_down() -> None:
    panel = panel_of({"A": FLAT, "B": [10.0] * 31 + [None] * 29})
    state = run(request_of(panel, policy=IDLE), panel, held(100, A=1))
    assert (state.write_downs, state.aside) == ([], [])


def test_an_asset_is_not_traded_before_its_thirty_first_close() -> None:
    panel = panel_of({"A": [None] * 20 + [100.0] * 40, "B": FLAT})
    state = run(request_of(panel, policy=QUIET), panel, held(0, A=1, B=1))
    # A is half of everything from the start; its 31st close is that of row 50.
    assert {row.decided for row in trades(state) if row.symbol == "B"} == {panel.day(30)}
    assert {row.decided for row in trades(state) if row.symbol == "A"} == {panel.day(50)}


def test_beside_it_stand_equal_weights_and_btc() -> None:
    rises = [100.0] * 31 + [200.0] * 29
    panel = panel_of({"A": rises, "BTC": FLAT, "USDC": [1.0] * 60}, {"USDC": "stablecoin"})
    request = request_of(panel, policy=RebalancePolicy(cash_trigger=Decimal(1), fee_bps=Decimal(0)))
    state = run(request, panel, held(1000, A=5, BTC=5, USDC=1000))
    first, last = state.equity[0], state.equity[-1]
    assert first.value == first.equal_weight == first.btc == 3000
    # 1,000 dollars of each at the first close; it is filled at 200 the next day: A has 5, BTC 15 by then for 2,500.
    assert last.do_nothing == 3500
    assert last.btc == 3000
    found = result(state, panel)
    assert found.btc is not None
    assert found.btc.total_return_percent == 0
    assert found.equal_weight.total_return == last.equal_weight - 3000


def test_the_liquidation_of_the_end_costs_slippage_and_fees() -> None:
    panel = panel_of({"A": FLAT})
    request = request_of(
        panel, policy=IDLE, start=Start.WEIGHTS, weights={"A": Decimal("0.2")}, slippage_bps=Decimal(50)
    )
    found = result(run(request, panel), panel)
    # 20,000 x (.005 + .001 x .995)
    assert (found.end_value, found.liquidation_cost) == (Decimal(100_000), Decimal("119.9"))
    assert found.remarks == []


def test_an_interval_needs_thirty_returns_and_values_above_zero() -> None:
    panel = panel_of({"A": [100.0] * 30 + [100.0 + day for day in range(40)], "B": [50.0] * 70})
    short = request_of(panel, policy=IDLE, ends=59)
    long = request_of(panel, policy=IDLE, ends=60)
    none, some = (result(run(one, panel, held(10, A=1, B=1)), panel) for one in (short, long))
    assert none.against_do_nothing is None
    assert some.against_do_nothing is not None
    assert some.against_do_nothing.low <= some.against_do_nothing.mean <= some.against_do_nothing.high
    assert result(run(long, panel, held(10, A=1, B=1)), panel) == some
    ruined = run(long, panel, held(-100, A=1, B="0.001"))
    ruined.equity[5] = ruined.equity[5].__class__(
        **{name: getattr(ruined.equity[5], name) for name in ruined.equity[5].__struct_fields__} | {"value": Decimal(0)}
    )
    found = result(ruined, panel)
    assert found.against_do_nothing is None
    assert found.figures.reasons["sharpe_ratio"] == "value_not_positive"


def test_marks_are_a_mapping_of_what_has_had_a_close() -> None:
    panel = panel_of({"A": [None, 5.0], "B": [1.5, None]})
    marks = panel.marks_on(0)
    assert (dict(marks), len(marks), "A" in marks) == ({"B": Decimal("1.5")}, 1, False)
    assert dict(panel.marks_on(1)) == {"A": 5, "B": Decimal("1.5")}
    assert panel.closes_on(1, ["A", "B", "C"]) == {"A": 5}
    assert panel.fingerprint != panel_of({"A": [None, 5.0], "B": [1.25, None]}).fingerprint


def test_closes_that_are_made_up_are_told() -> None:
    panel = replace(panel_of({"A": FLAT}), simulated=True)
    assert result(run(request_of(panel, policy=IDLE), panel, held(0, A=1)), panel).remarks == [
        "hindsight",
        "simulated_closes",
    ]
