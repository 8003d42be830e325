"""Many backtests of one start: which policies, what is kept of each, and what they say together."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest

from portfolio.analytics.backtest.overfitting import best_by_chance, variance
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.request import BacktestRequest, FillAt, Start, Sweep, WalkForward
from portfolio.application.backtest.result import result
from portfolio.application.backtest.run import advance, start
from portfolio.application.backtest.state import BacktestState
from portfolio.application.backtest.sweeping.trials import Trial, stability_of, sweep_result
from portfolio.application.backtest.sweeping.variants import FACTORS, JOINT_DRAWS, Variant, around, swept
from portfolio.application.backtest.sweeping.walk_forward import following, handed_on, training, windows
from portfolio.application.errors import NotBacktestable
from portfolio.domain.days import DAY
from portfolio.domain.rebalancing.policy import RebalancePolicy
from tests.support.backtests import held, named, panel_from, request_of, trial_of, walk, walk_forward

LIMITS = (Decimal("0.15"), Decimal("0.2"), Decimal("0.3"))
POLICY = RebalancePolicy(cash_trigger=Decimal("0.15"))


def market(n_days: int = 130, seed: int = 12) -> Panel:
    """Four lively assets."""
    return panel_from(walk(n_days, 4, seed, volatility=0.06), named(4))


def wants(panel: Panel, **given: Any) -> BacktestRequest:
    """A start that the policy has something to say about."""
    weights = dict(zip(named(4), map(Decimal, ("0.4", "0.2", "0.1", "0.1")), strict=True))
    usual: dict[str, Any] = {"policy": POLICY, "start": Start.WEIGHTS, "weights": weights}
    return request_of(panel, **usual | given)


def of_limits(request: BacktestRequest) -> list[Variant]:
    return swept(Sweep(grid={"position_limit": LIMITS}), request.policy)


def test_a_grid_is_every_combination_that_can_be_in_order() -> None:
    grid = {"cash_trigger": (Decimal("0.2"), Decimal("0.05")), "position_limit": (Decimal("0.1"), Decimal("0.2"))}
    found = swept(Sweep(grid=grid), POLICY)
    # A trigger of 5 % is under the target of 10 %.
    assert [dict(one.settings) for one in found] == [
        {"cash_trigger": Decimal("0.2"), "position_limit": Decimal("0.1")},
        {"cash_trigger": Decimal("0.2"), "position_limit": Decimal("0.2")},
    ]
    assert [one.policy.position_limit for one in found] == [Decimal("0.1"), Decimal("0.2")]
    assert {one.policy.fee_bps for one in found} == {POLICY.fee_bps}


def test_samples_are_some_of_the_grid_the_same_for_a_seed() -> None:
    many = tuple(Decimal(n) / 1000 for n in range(1, 101))
    grid = {"position_limit": many, "category_limit": many}
    first, again, other = (swept(Sweep(grid=grid, samples=20, seed=seed), POLICY) for seed in (1, 1, 2))
    assert len({tuple(one.settings.values()) for one in first}) == 20
    assert first == again != other
    assert len(swept(Sweep(grid={"position_limit": LIMITS}, samples=9), POLICY)) == 3


def test_what_no_sweep_can_be_is_refused() -> None:
    many = tuple(Decimal(n) / 1000 for n in range(1, 101))
    wrong: list[tuple[dict[str, tuple[Decimal, ...]], str]] = [
        ({"position_limit": many, "category_limit": many}, "10000 policies are more than 1000"),
        ({"priorities": LIMITS}, "priorities is no number"),
        ({"cash_trigger": (Decimal(0),)}, "no policy"),
        (
            {"position_limit": (Decimal("0.2"), Decimal(25))},
            "position_limit has to be above 0 and at most 1.*: 25 is not",
        ),
        ({"position_limit": (Decimal("0.2"), Decimal("0.20"))}, "position_limit has a value twice"),
        (dict.fromkeys(list(POLICY.to_mapping())[:13], many), "more policies than can be drawn from"),
    ]
    for grid, why in wrong:
        with pytest.raises(NotBacktestable, match=why):
            swept(Sweep(grid=grid), POLICY)


def test_around_a_policy_each_setting_is_moved_alone_and_then_all_together() -> None:
    found = around(POLICY, 5)
    alone, joint = ([one for one in found if (one.setting is None) is together] for together in (False, True))
    assert len(joint) == JOINT_DRAWS
    assert [one.factor for one in alone if one.setting == "position_limit"] == list(FACTORS)
    assert next(one for one in alone if one.setting == "position_limit").policy.position_limit == Decimal("0.1875")
    # A momentum threshold below zero is moved too; 125 % of a pair correlation of .7 is still one.
    assert {one.setting for one in alone} == {n for n, v in POLICY.to_mapping().items() if isinstance(v, Decimal)}
    assert all(len(one.settings) == 13 for one in joint)
    for one in joint:
        for name, value in one.settings.items():
            assert Decimal("0.75") <= value / getattr(POLICY, name) <= Decimal("1.25")
    assert around(POLICY, 5) == found != around(POLICY, 6)


def test_a_policy_at_its_bounds_has_fewer_neighbours() -> None:
    edge = RebalancePolicy(
        position_limit=Decimal(1), category_limit=Decimal(1), cash_trigger=Decimal(1), fee_bps=Decimal(0)
    )
    found = around(edge, 1)
    assert [one.factor for one in found if one.setting == "position_limit"] == [Decimal("0.75"), Decimal("0.9")]
    assert not [one for one in found if one.setting == "fee_bps"]
    shares = ("position_limit", "momentum_limit", "category_limit", "pair_correlation", "pair_limit", "cash_trigger")
    close_to_one = {"sell_down_share": Decimal("0.999"), "pair_floor": Decimal("0.99"), "cash_target": Decimal("0.99")}
    full = RebalancePolicy.from_mapping({**dict.fromkeys(shares, Decimal(1)), **close_to_one})
    assert len([one for one in around(full, 1) if one.setting is None]) < JOINT_DRAWS


@pytest.mark.parametrize("fill", FillAt)
def test_a_trial_is_the_backtest_of_its_policy(fill: FillAt) -> None:
    panel = market()
    request = wants(panel, sweep=Sweep(grid={"position_limit": LIMITS}), fill=fill, slippage_bps=Decimal(50))
    variant = of_limits(request)[0]
    trial = trial_of(request, variant, panel, None)
    own = msgspec.structs.replace(request, policy=variant.policy, sweep=None)
    state = advance(start(own, panel), panel, own.last)
    found = result(state, panel)
    assert (trial.end_value, trial.difference, trial.trades) == (found.end_value, found.difference, found.costs.trades)
    assert (trial.sharpe_ratio, trial.max_drawdown) == (found.figures.sharpe_ratio, found.figures.max_drawdown)
    assert (trial.turnover, trial.cost_drag) == (found.costs.turnover, found.costs.cost_drag)
    assert trial.settings == {"position_limit": LIMITS[0]}
    assert trial.returns is not None
    assert trial.returns.observations == 99
    assert trial.sharpe_ratio == pytest.approx(Decimal(trial.returns.sharpe * 365**0.5))
    assert msgspec.json.decode(msgspec.json.encode(trial), type=Trial) == trial


def less(sharpe_ratio: Decimal | None, volatility: Decimal | None) -> float:
    """A Sharpe ratio of a year, over a rate of 5 %: as the deviation is what it was, it is less by the rate of a day,
    times 365, over the volatility of a year.
    """
    assert sharpe_ratio is not None
    assert volatility is not None
    return float(float(sharpe_ratio) - 365 * (1.05 ** (1 / 365) - 1) / float(volatility))


@pytest.mark.unmeasured
def test_every_sharpe_ratio_is_over_the_risk_free_rate() -> None:
    panel = market()
    request = wants(panel)
    own, dear = (
        result(advance(start(one, panel), panel, one.last), panel) for one in (request, request.at(Decimal("0.05")))
    )
    for name in ("figures", "do_nothing", "equal_weight"):
        free, over = getattr(own, name), getattr(dear, name)
        assert float(over.sharpe_ratio) == pytest.approx(less(free.sharpe_ratio, free.annualized_volatility), abs=1e-9)
        assert over.sortino_ratio < free.sortino_ratio
        assert over.annualized_volatility == free.annualized_volatility
    assert dear.end_value == own.end_value  # the policy decides as it does
    for variant in of_limits(request):
        trial = trial_of(request.at(Decimal("0.05")), variant, panel, None)
        assert trial.returns is not None
        assert trial.sharpe_ratio is not None
        # what a sweep says of chance is of the same ratio
        assert trial.returns.sharpe * 365**0.5 == pytest.approx(float(trial.sharpe_ratio), abs=1e-9)
        assert sum(trial.returns.sums) == pytest.approx(
            sum((trial_of(request, variant, panel, None).returns or trial.returns).sums)
            - 16 * trial.returns.block_days * (1.05 ** (1 / 365) - 1)
        )


def test_the_days_after_a_choice_are_over_the_risk_free_rate_too() -> None:
    panel = market(145)
    request = msgspec.structs.replace(wants(panel), walk_forward=WalkForward(train_days=66, test_days=30))
    variants = of_limits(request)[:1]
    free = walk_forward(request, variants, panel, None)
    over = walk_forward(request.at(Decimal("0.05")), variants, panel, None)
    for name in ("figures", "do_nothing"):
        before, after = getattr(free, name), getattr(over, name)
        wanted = less(before.sharpe_ratio, before.annualized_volatility)
        assert float(after.sharpe_ratio) == pytest.approx(wanted, abs=1e-9)
    assert over.folds[0].train_sharpe_ratio != free.folds[0].train_sharpe_ratio


def test_the_best_of_a_sweep_stands_beside_what_chance_does() -> None:
    panel = market()
    request = wants(panel)
    trials = [trial_of(request, variant, panel, None) for variant in of_limits(request)]
    sharpes = [one.returns.sharpe for one in trials if one.returns is not None]
    alone, among_many = sweep_result(trials), sweep_result(trials, earlier=[0.2, -0.2] * 50)
    assert alone.highest is not None
    assert alone.highest.returns is not None
    assert alone.highest.returns.sharpe == max(sharpes)
    assert alone.trials == 3
    assert alone.best_by_chance == pytest.approx(Decimal(best_by_chance(variance(sharpes), 3) * 365**0.5))
    assert alone.probability_of_overfitting is not None
    assert among_many.trials == 103
    assert alone.deflated_sharpe_ratio is not None
    assert among_many.deflated_sharpe_ratio is not None
    assert among_many.deflated_sharpe_ratio < alone.deflated_sharpe_ratio
    assert alone.beat_do_nothing == sum(one.difference > 0 for one in trials) / Decimal(3).quantize(Decimal("1e-12"))


def test_of_few_days_or_one_trial_less_is_said() -> None:
    panel = market(60)
    request = wants(panel)
    [*short] = (trial_of(request, variant, panel, None) for variant in of_limits(request))
    found = sweep_result(short)
    assert (found.highest, found.deflated_sharpe_ratio, found.trials) == (None, None, 3)
    longer = market()
    one = sweep_result([trial_of(wants(longer), of_limits(request)[0], longer, None)])
    assert (one.probability_of_overfitting, one.best_by_chance) == (None, Decimal(0))


def test_moments_that_do_not_go_together_leave_the_deflated_ratio_out() -> None:
    panel = market()
    trial = trial_of(wants(panel), of_limits(wants(panel))[0], panel, None)
    assert trial.returns is not None
    odd = msgspec.structs.replace(trial, returns=replace(trial.returns, sharpe=1.0, skewness=3.0, kurtosis=3.0))
    assert sweep_result([odd]).deflated_sharpe_ratio is None


@pytest.mark.unmeasured
def test_stability_tells_each_setting_alone_and_the_spread_of_all_together() -> None:
    panel = market()
    request = wants(panel)
    some = [one for one in around(POLICY, 1) if one.setting == "position_limit" or one.setting is None][:7]
    trials = [trial_of(request, variant, panel, None) for variant in some]
    found = stability_of(trials)
    assert [(one.setting, one.factor) for one in found.alone] == [("position_limit", factor) for factor in FACTORS]
    ends = sorted(one.end_value for one in trials[4:])
    assert (found.joint[0], found.joint[2], found.joint[4]) == tuple(ends)  # the least, the median, the greatest
    assert found.joint_draws == 3
    assert found.joint_beat_do_nothing is not None
    assert stability_of(trials[:4]).joint_beat_do_nothing is None
    assert stability_of(trials[:5]).joint == []


def test_windows_follow_each_other_to_the_end() -> None:
    request = wants(market(), begins=30, ends=129, walk_forward=WalkForward(train_days=50, test_days=20))
    day = request.first.toordinal()
    found = windows(request)
    days = [(window.train_first, window.test_first, window.test_last) for window in found]
    assert [tuple(one.toordinal() - day for one in each) for each in days] == [(0, 50, 70), (20, 70, 90), (40, 90, 99)]
    assert all(window.train_last == window.test_first for window in found)
    with pytest.raises(NotBacktestable, match="99 days there are too few"):
        windows(msgspec.structs.replace(request, walk_forward=WalkForward(train_days=99)))
    assert windows(wants(market())) == []


@pytest.mark.unmeasured
@pytest.mark.parametrize("from_holdings", [False, True])
def test_what_is_chosen_on_the_past_goes_on_with_what_there_is(from_holdings: bool) -> None:
    panel = market(145)
    holdings = held(20_000, A00=100, A01=50) if from_holdings else None
    request = wants(panel, **({"start": Start.HOLDINGS} if from_holdings else {}))
    request = msgspec.structs.replace(request, walk_forward=WalkForward(train_days=66, test_days=30))
    variants = of_limits(request)[1:]
    found = walk_forward(request, variants, panel, holdings)
    assert len(found.folds) == 2
    for fold in found.folds[:1]:
        own = training(request, fold.window)
        trials = [trial_of(own, variant, panel, holdings) for variant in variants]
        assert fold.train_sharpe_ratio == max(one.sharpe_ratio for one in trials if one.sharpe_ratio is not None)
    assert found.figures.observations == found.do_nothing.observations == 48
    growth = Decimal(1)
    for fold in found.folds:
        assert fold.test_return_percent is not None
        growth *= 1 + fold.test_return_percent / 100
    assert found.figures.total_return_percent == pytest.approx(100 * (growth - 1), abs=Decimal("1e-4"))
    assert found.against_do_nothing is not None


@pytest.mark.unmeasured
@pytest.mark.parametrize("fill", FillAt)
@pytest.mark.parametrize("test_days", [1, 7])
def test_on_the_day_between_two_windows_one_policy_decides(fill: FillAt, test_days: int) -> None:
    panel = market(71)
    walk = WalkForward(train_days=20, test_days=test_days)
    request = wants(panel, fill=fill, every_days=2, walk_forward=walk, slippage_bps=Decimal(50))
    variants = of_limits(request)
    states: list[BacktestState] = []
    for place, window in enumerate(windows(request)):
        left = handed_on(states, panel, window)
        asked = following(request, variants[place % 2], window, left)
        states.append(advance(start(asked, panel, left), panel, asked.last))
    fills = [(fill.decided, place) for place, state in enumerate(states) for fill in state.fills]
    assert len(dict(fills)) == len(set(fills))
    assert sum(state.decisions for state in states) == sum(
        len(range(0, (window.test_last - window.test_first).days + (fill is FillAt.SAME_CLOSE and last), 2))
        for window, last in zip(windows(request), [False] * (len(states) - 1) + [True], strict=True)
    )
    found = walk_forward(request, variants, panel, None)
    growth = Decimal(1)
    for fold in found.folds:
        assert fold.test_return_percent is not None
        growth *= 1 + fold.test_return_percent / 100
    assert found.figures.total_return_percent == pytest.approx(100 * (growth - 1), abs=Decimal("1e-4"))
    assert found.figures.observations == 20


@pytest.mark.parametrize("fill", FillAt)
@pytest.mark.parametrize("test_days", [1, 7])
def test_one_policy_chosen_again_and_again_is_the_backtest_of_it(fill: FillAt, test_days: int) -> None:
    panel = market(85)
    walk = WalkForward(train_days=20, test_days=test_days)
    request = wants(panel, fill=fill, walk_forward=walk, slippage_bps=Decimal(50))
    variants, days = of_limits(request)[:1], windows(request)
    found = walk_forward(request, variants, panel, None)
    alone = msgspec.structs.replace(
        request, first=days[0].test_first, policy=variants[0].policy, sweep=None, walk_forward=None
    )
    state = advance(start(alone, panel), panel, alone.last)
    of_it = result(state, panel)
    assert (found.figures, found.do_nothing) == (of_it.figures, of_it.do_nothing)
    assert found.against_do_nothing == of_it.against_do_nothing
    # Of each window: what there is before anything is traded in it, 100,000 at first, and what before the next one.
    befores = [Decimal(100_000)]
    for window in days[1:]:
        held_then = advance(start(alone, panel), panel, window.test_first - DAY * (fill is FillAt.SAME_CLOSE))
        befores.append(held_then.main.own.value(panel.marks_on(panel.place(window.test_first))))
    befores.append(of_it.end_value)
    for fold, (before, after) in zip(found.folds, pairwise(befores), strict=True):
        assert fold.test_return_percent == pytest.approx(100 * (after / before - 1), abs=Decimal("1e-6"))


@pytest.mark.parametrize("fill", FillAt)
def test_what_is_written_down_on_the_day_between_two_windows_is_in_the_later_one(fill: FillAt) -> None:
    table = walk(85, 4, 12, volatility=0.06)
    table[65:, 3] = np.nan  # windows meet on the rows 50, 57, 64, 71: that is the seventh day without a close of A03
    panel = panel_from(table, named(4))
    request = wants(panel, fill=fill, recovery_percent=Decimal(50))
    of_windows = msgspec.structs.replace(request, walk_forward=WalkForward(train_days=20, test_days=7))
    found = walk_forward(of_windows, of_limits(request)[:1], panel, None)
    alone = msgspec.structs.replace(request, first=panel.day(50), policy=of_limits(request)[0].policy)
    state = advance(start(alone, panel), panel, alone.last)
    assert [one.day for one in state.write_downs] == [panel.day(71)]
    assert found.figures == result(state, panel).figures


@pytest.mark.parametrize("fill", FillAt)
def test_what_is_traded_on_the_first_day_is_in_each_figure(fill: FillAt) -> None:
    panel = market()
    request = wants(panel, fill=fill, slippage_bps=Decimal(50))
    state = advance(start(request, panel), panel, request.last)
    found, last = result(state, panel), state.equity[-1]
    assert found.start_value == 100_000
    for figures, end in ((found.figures, last.value), (found.equal_weight, last.equal_weight)):
        assert figures.total_return == end - 100_000
        assert figures.total_return_percent == pytest.approx((end - 100_000) / 1000, abs=Decimal("1e-6"))
    # The mean daily log return, times 365, of 99 days: both begin with the same.
    for interval, end in ((found.against_do_nothing, last.do_nothing), (found.against_equal_weight, last.equal_weight)):
        assert interval is not None
        assert float(interval.mean) == pytest.approx(math.log(last.value / end) * 365 / 99, abs=1e-9)
