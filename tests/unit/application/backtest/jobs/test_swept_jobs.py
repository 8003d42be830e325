"""Sweeps as jobs: cut wherever, the same trials and the same words about them; among all trials on the same closes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
import pytest

from portfolio.adapters.compute.worker import choose
from portfolio.analytics.optimisation.problem import Objective
from portfolio.application.backtest.jobs.reading import ReadBacktest
from portfolio.application.backtest.jobs.records import Job, Outcome, Part
from portfolio.application.backtest.jobs.slices import ENGINE, Given, advanced, begun
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.request import BacktestRequest, Kind, Start, Sweep, WalkForward
from portfolio.application.backtest.sweeping.outcome import TrialOf, TrialRow, WholeResult
from portfolio.application.backtest.sweeping.runs import RunPlan, Runs
from portfolio.application.backtest.sweeping.trials import stability_of, sweep_result
from portfolio.application.backtest.sweeping.variants import around, swept
from portfolio.application.backtest.sweeping.walk_forward import WalkedForward
from portfolio.application.errors import NotBacktestable
from portfolio.application.optimisation.records import Targets
from portfolio.domain.rebalancing.policy import RebalancePolicy
from tests.support.backtests import held, named, panel_from, request_of, trial_of, walk, walk_forward
from tests.support.fakes.fake_backtests import FakeBacktests

AT = datetime(2026, 3, 1, tzinfo=UTC)
LIMITS = (Decimal("0.15"), Decimal("0.2"), Decimal("0.3"))
WEIGHTS = dict(zip(named(4), map(Decimal, ("0.4", "0.2", "0.1", "0.1")), strict=True))
SWEEP = Sweep(grid={"position_limit": LIMITS})
WALK = WalkForward(train_days=66, test_days=40)
PANEL = panel_from(walk(160, 4, 17, volatility=0.06), named(4))
"""The first window chooses the first of the limits, the second one the last."""


def wants(panel: Panel = PANEL, **given: Any) -> BacktestRequest:
    """A start that the policy has something to say about."""
    policy = RebalancePolicy(cash_trigger=Decimal("0.15"))
    usual: dict[str, Any] = {"policy": policy, "start": Start.WEIGHTS, "weights": WEIGHTS, "every_days": 20}
    return request_of(panel, **usual | given)


def cut(given: bytes, *, solve: Any = None) -> tuple[Outcome, list[Decimal]]:
    """What comes of slices that end after a step each, from bytes to bytes, and how far each came."""
    checkpoint: bytes | None = None
    seen = []
    while True:
        now = advanced(given, checkpoint, is_over=lambda: True, solve=solve)
        checkpoint = now.checkpoint
        assert Runs.resumed(checkpoint, ENGINE).encode() == checkpoint
        seen.append(now.progress)
        if now.outcome is not None:
            return now.outcome, seen


def whole(given: bytes, *, solve: Any = None) -> Outcome:
    """What comes of it in one slice."""
    now = advanced(given, None, is_over=lambda: False, solve=solve)
    assert now.outcome is not None
    return now.outcome


@cache
def of_all() -> tuple[BacktestRequest, Outcome]:
    """A request with everything in it, and what comes of it."""
    request = wants(sweep=SWEEP, stability=True, walk_forward=WALK)
    return request, whole(begun(request, PANEL, None))


def result_of(outcome: Outcome) -> WholeResult:
    """The result, read."""
    return msgspec.json.decode(outcome.result, type=WholeResult)


def read(found: WalkedForward) -> WalkedForward:
    """The same, having been written and read."""
    return msgspec.json.decode(msgspec.json.encode(found), type=WalkedForward)


def test_where_slices_end_makes_no_difference() -> None:
    request = wants(sweep=SWEEP, walk_forward=WALK)
    given = begun(request, PANEL, None)
    outcome, seen = cut(given)
    assert outcome == whole(given)
    assert seen == sorted(seen)
    # One's own, three of the sweep, and three and the chosen one in each of two windows, of 130, 67 and 41 or 25 days
    # at 32 a slice: 5 + 15 + 2 x 9 + 2 + 1.
    assert (len(seen), seen[-1]) == (41, Decimal(1))


@pytest.mark.unmeasured
def test_the_trials_are_those_of_a_sweep_on_the_command_line() -> None:
    request, outcome = of_all()
    rows = msgspec.json.decode(outcome.sweep, type=list[TrialRow])
    variants, beside = swept(SWEEP, request.policy), around(request.policy, request.seed)
    assert [row.of for row in rows] == [TrialOf.SWEEP] * 3 + [TrialOf.STABILITY] * len(beside)
    some = [*range(7), len(rows) - 1]
    trials = [trial_of(request, [*variants, *beside][place], PANEL, None) for place in some]
    names = [name for name in TrialRow.__struct_fields__ if name not in {"returns", "of"}]
    assert [[getattr(rows[place], name) for name in names] for place in some] == [
        [getattr(one, name) for name in names] for one in trials
    ]
    found = result_of(outcome)
    sharpes = [one.returns.sharpe for one in trials if one.returns is not None]
    # Its own policy was tried first, then those around it; those of the sweep are the last ones that are counted.
    assert found.sharpes[1:5] == sharpes[3:7]
    assert found.sharpes[-4:] == sharpes[-1:] + sharpes[:3]
    assert found.sweep == sweep_result(trials[:3], found.sharpes[: 1 + len(beside)])
    assert found.sweep is not None
    assert found.sweep.trials == len(found.sharpes) == 4 + len(beside)
    assert found.stability == stability_of(rows[3:])


def test_what_is_chosen_on_the_past_is_what_the_command_line_chooses() -> None:
    request, outcome = of_all()
    found = walk_forward(request, swept(SWEEP, request.policy), PANEL, None)
    assert len(found.folds) == 2
    assert result_of(outcome).walk_forward == read(found)


def test_without_a_sweep_nothing_of_it_is_said() -> None:
    outcome = whole(begun(wants(), PANEL, None))
    found = result_of(outcome)
    assert (found.sweep, found.stability, found.walk_forward) == (None, None, None)
    assert outcome.sweep == b"[]"
    assert len(found.sharpes) == 1, "its own policy is a trial among those of others"


def test_of_few_days_no_trial_is_counted() -> None:
    short = panel_from(walk(60, 4), named(4))
    found = result_of(whole(begun(wants(short, sweep=SWEEP), short, None)))
    assert (found.sharpes, found.sweep is not None) == ([], True)
    assert found.sweep is not None
    assert (found.sweep.trials, found.sweep.highest, found.sweep.deflated_sharpe_ratio) == (3, None, None)


@pytest.mark.unmeasured
def test_weights_to_reach_are_swept_too() -> None:
    targets = Targets(objective=Objective.EQUAL_WEIGHT, days=20, symbols=tuple(named(4)))
    request = wants(kind=Kind.TARGETS, optimise=targets, start=Start.CASH, weights={}, every_days=10)
    request = msgspec.structs.replace(request, sweep=SWEEP, walk_forward=WALK)
    given = begun(request, PANEL, None)
    outcome, _ = cut(given, solve=choose)
    assert outcome == whole(given, solve=choose)
    assert result_of(outcome).walk_forward is not None


def test_what_no_sweep_can_be_is_refused_before_it_is_kept() -> None:
    many = tuple(Decimal(n) / 1_000 for n in range(1, 101))
    wrong = [
        (wants(sweep=Sweep(grid={"position_limit": many, "category_limit": many})), "more than 1000"),
        (wants(sweep=SWEEP, walk_forward=WalkForward(train_days=500)), "too few"),
        (
            wants(sweep=Sweep(grid={"position_limit": many}), walk_forward=WalkForward(train_days=1, test_days=1)),
            "128 windows x 100 policies are more than 10,000",
        ),
    ]
    for request, why in wrong:
        with pytest.raises(NotBacktestable, match=why):
            begun(request, PANEL, None)


def test_a_window_that_cannot_begin_is_refused_before_it_is_kept() -> None:
    closes = PANEL.closes.copy()
    closes[70, 0] = float("nan")  # the second window chooses from here on
    gap = PANEL.with_closes(closes)
    with pytest.raises(NotBacktestable, match="no close on the first day of A00"):
        begun(wants(gap, sweep=SWEEP, walk_forward=WALK), gap, None)


ALL_IN = RebalancePolicy(position_limit=Decimal(1), category_limit=Decimal(1), cash_trigger=Decimal("0.99"))


def without_the_first_asset_from(row: int) -> tuple[BacktestRequest, Panel]:
    """A walk that keeps all it has in one asset, which is worth nothing a week after that row."""
    closes = walk(130, 4, 12, volatility=0.01)
    closes[row:, 0] = float("nan")
    panel = panel_from(closes, named(4))
    windows = WalkForward(train_days=40, test_days=10)
    alike = Sweep(grid={"dust_value": (Decimal(10), Decimal(20))})
    given = {"policy": ALL_IN, "recovery_percent": Decimal(0), "sweep": alike, "walk_forward": windows}
    return wants(panel, start=Start.HOLDINGS, weights={}, ends=109, **given), panel


def test_windows_after_all_is_lost_begin_with_nothing_and_say_so() -> None:
    request, panel = without_the_first_asset_from(75)  # the second window begins on row 80, and loses all on 81
    found = result_of(whole(begun(request, panel, held(0, A00=100)))).walk_forward
    assert found is not None
    assert [fold.test_return_percent is None for fold in found.folds] == [False, True, True, True]
    assert found.figures.reasons["total_return_percent"] == "value_not_positive"
    assert found.figures.total_return == found.do_nothing.total_return  # what was there on the first day


def test_where_nothing_is_left_before_the_first_choice_it_is_refused_before_it_is_kept() -> None:
    request, panel = without_the_first_asset_from(
        62
    )  # it is worth nothing on row 69, and the first choice is on row 70
    with pytest.raises(NotBacktestable, match="at the start, on 2024-03-11, is worth nothing"):
        begun(request, panel, held(0, A00=100))


def test_a_walk_from_holdings_goes_on_with_what_is_left() -> None:
    request = wants(start=Start.HOLDINGS, weights={}, sweep=SWEEP, walk_forward=WALK)
    holdings = held(20_000, A00=100, A01=50)
    found = walk_forward(request, swept(SWEEP, request.policy), PANEL, holdings)
    assert result_of(whole(begun(request, PANEL, holdings))).walk_forward == read(found)


async def stored(store: FakeBacktests, number: int, outcome: Outcome, closes: str = "c") -> str:
    """The id of a job that is done."""
    job = Job(id=f"bt-{number}", portfolio_id=1, fingerprint=str(number), closes=closes, request="{}", created_at=AT)
    await store.add(job, b"", most_waiting=100)
    taken = await store.take("a", 60)
    assert taken is not None
    await store.finish(taken.lease, outcome, AT)
    return job.id


@pytest.mark.parametrize("kept", [{}, {"engine": "5"}, {"engine": ENGINE}])
async def test_what_was_not_computed_by_the_rules_of_now_says_so(kept: dict[str, str]) -> None:
    plain, store = whole(begun(wants(seed=3), PANEL, None)), FakeBacktests()
    said = {name: value for name, value in json.loads(plain.result).items() if name != "engine"} | kept
    job = await stored(store, 1, replace(plain, result=json.dumps(said).encode()))
    found = (await ReadBacktest(store)(job))[1]
    assert found is not None
    assert ("earlier_rules" in found.remarks) is (kept != {"engine": ENGINE})


async def test_a_sweep_is_read_among_all_trials_on_its_closes() -> None:
    request, outcome = of_all()
    plain, store = whole(begun(wants(seed=3), PANEL, None)), FakeBacktests()
    first = await stored(store, 1, outcome)
    alone = (await ReadBacktest(store)(first))[1]
    assert alone == result_of(outcome)
    for number in range(2, 12):
        await stored(store, number, replace(plain, result=json.dumps({"sharpes": [0.2, -0.2]}).encode()))
    await stored(store, 12, plain, closes="others")
    among = (await ReadBacktest(store)(first))[1]
    assert among is not None
    assert alone is not None
    assert alone.sweep is not None
    assert among.sweep is not None
    assert among.sweep.trials == alone.sweep.trials + 20
    # As if they had been counted at once.
    trials = [trial_of(request, variant, PANEL, None) for variant in swept(SWEEP, request.policy)]
    own = alone.sharpes[: len(alone.sharpes) - 3]
    assert among.sweep == sweep_result(trials, [*own, *([0.2, -0.2] * 10)])
    assert among.sweep.deflated_sharpe_ratio is not None
    assert alone.sweep.deflated_sharpe_ratio is not None
    assert among.sweep.deflated_sharpe_ratio < alone.sweep.deflated_sharpe_ratio
    # One without a sweep says nothing of others; of few days, nothing more than how many there are.
    assert (await ReadBacktest(store)("bt-12"))[1] == result_of(plain)
    short = panel_from(walk(60, 4), named(4))
    await stored(store, 13, whole(begun(wants(short, sweep=SWEEP), short, None)))
    few = (await ReadBacktest(store)("bt-13"))[1]
    assert few is not None
    assert few.sweep is not None
    assert (few.sweep.trials, few.sweep.highest) == (3 + 20 + len(alone.sharpes), None)
    assert len(await ReadBacktest(store).rows(first, Part.SWEEP, list[TrialRow])) == len(alone.sharpes) - 1


def test_the_plan_knows_its_runs() -> None:
    request, _ = of_all()
    plan = RunPlan.of(request, Given.decode(begun(request, PANEL, None)).panel(), None)
    assert (len(plan.swept), len(plan.windows)) == (3, 2)
    assert plan.count == 1 + 3 + len(plan.around) + 2 * (3 + 1)
