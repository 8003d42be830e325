"""The page of a backtest with many runs: all of them, how the result hangs on settings, and what may be chance."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from portfolio.entrypoints.http.pages.backtests.multi_run import TRIALS_SHOWN
from tests.contract.http.backtest.test_swept_backtests import ASKED, DAYS, GRID, done, remember
from tests.contract.http.pages.test_backtests_page import page_of
from tests.contract.http.pages.test_risk_page import cells
from tests.support.histories import exact
from tests.support.html_pages import PRIVATE, Element
from tests.support.services.http_service import Service

SWEEP = {"sweep": {"grid": GRID}}
WALK = {"walk_forward": {"train_days": 40, "test_days": 30}}
LONGER = {"walk_forward": {"train_days": 66, "test_days": 20}}
SAYS = ("trials", "best_by_chance", "deflated_sharpe_ratio", "probability_of_overfitting", "beat_do_nothing")
TRIAL = {
    "position limit": "position_limit",
    "Value at the end": "end_value",
    "Difference": "difference",
    "Trades": "trades",
    "Turnover a year": "turnover",
    "Cost drag a year": "cost_drag",
    "Sharpe ratio": "sharpe_ratio",
    "Deepest fall": "max_drawdown",
}


def numbers(row: dict[str, Element], *columns: str) -> list[Decimal | None]:
    """The exact numbers of a row."""
    return [None if one is None else Decimal(one) for one in cells(row, *columns)]


async def trials_of(service: Service, found: Any) -> list[dict[str, Any]]:
    """The trials, as the API answers them, settings beside figures."""
    answer = exact(await service.http.get(f"/backtests/{found['id']}/sweep?limit=1000"))
    return [{**one["settings"], **one} for one in answer["trials"]]


async def test_every_trial_stands_in_the_order_it_was_run_and_what_they_say_beside(service: Service) -> None:
    await remember(service)
    found = await done(service, **SWEEP)
    sweep, page = found["result"]["sweep"], await page_of(service)
    rows = page.table("Policies of the sweep, in the order")
    trials = await trials_of(service, found)
    assert [row["Trial"].text for row in rows] == ["1", "2", "3"]
    assert [numbers(row, *TRIAL) for row in rows] == [[one[name] for name in TRIAL.values()] for one in trials]
    start = found["result"]["start_value"]
    shares = [round(one["difference"] * 100 / start, 6) for one in trials]
    assert [numbers(row, "Difference, in percent of the start") for row in rows] == [[one] for one in shares]
    said = [numbers(row, "Value")[0] for row in page.table("What all trials say together")]
    trials_seen, highest, *others = said
    assert [trials_seen, *others] == [sweep[name] for name in SAYS]
    assert highest == sweep["highest"]["sharpe_ratio"] is not None
    settings = f"position limit {sweep['highest']['settings']['position_limit'].normalize()}"
    assert f"The highest Sharpe ratio is that of: {settings}." in page.text
    assert ("is under 0.95" in page.text) == (sweep["deflated_sharpe_ratio"] < Decimal("0.95"))
    assert ("Choosing the best is worth nothing" in page.text) == (sweep["probability_of_overfitting"] >= 0.5)


@pytest.mark.unmeasured
async def test_of_many_trials_the_first_hundred_are_shown(service: Service) -> None:
    await remember(service)
    grid = {"position_limit": [str(Decimal(n) / 1000) for n in range(100, 100 + TRIALS_SHOWN + 5)]}
    found = await done(service, sweep={"grid": grid}, every_days=100)
    page = await page_of(service)
    assert len(page.table("Policies of the sweep")) == TRIALS_SHOWN
    assert f"5 more are answered by GET /backtests/{found['id']}/sweep" in page.text


async def test_a_short_sweep_says_what_it_cannot_say(service: Service) -> None:
    await remember(service)
    await done(service, **SWEEP, **{"from": "2025-05-01"})
    page = await page_of(service)
    assert "There are too few days, or trials, to tell" in page.text
    assert "The highest Sharpe ratio is that of" not in page.text
    value = page.table("What all trials say together")[3]["Value"]
    assert (value.exact, "there are too few daily returns" in value.text) == ([], True)


async def test_how_the_result_hangs_on_settings_is_an_interval_each(service: Service) -> None:
    await remember(service)
    found = await done(service, stability=True)
    stability, result = found["result"]["stability"], found["result"]
    page = await page_of(service)
    rows = page.table("Difference from doing nothing if settings are moved")
    assert [row["Setting"].text for row in rows] == list(
        dict.fromkeys(one["setting"].replace("_", " ") for one in stability["alone"])
    )
    by_factor = {(one["setting"], one["factor"]): one["difference"] for one in stability["alone"]}
    for row in rows:
        name = row["Setting"].text.replace(" ", "_")
        for factor in ("0.75", "0.9", "1", "1.1", "1.25"):
            difference = result["difference"] if factor == "1" else by_factor.get((name, Decimal(factor)))
            shown = numbers(row, f"{Decimal(factor) * 100:f} % of it".replace(".00", "").replace(".0", ""))[0]
            share = None if difference is None else round(difference * 100 / result["start_value"], 6)
            assert shown == share, (name, factor)
    # A trigger of 1 cannot be more, so there is no policy of 110 % of it.
    [trigger] = [row for row in rows if row["Setting"].text == "cash trigger"]
    assert "no policy may have that" in trigger["110 % of it"].text
    joint = [numbers(row, "Value")[0] for row in page.table("Values at the end, all settings moved")]
    assert joint == [*stability["joint"], stability["joint_beat_do_nothing"]]
    drawn = page.one("figure", data_chart="stability").text
    assert "position limit" in drawn
    assert "all together" in drawn
    assert "What overfitting says" not in page.text


async def test_the_folds_of_a_walk_forward_say_what_was_chosen_on_what(service: Service) -> None:
    await remember(service)
    found = (await done(service, **SWEEP, **WALK))["result"]["walk_forward"]
    page = await page_of(service)
    rows = page.table("Folds of the walk-forward")
    assert len(rows) == len(found["folds"]) == 2
    for row, fold in zip(rows, found["folds"], strict=True):
        window, limit = fold["window"], fold["settings"]["position_limit"].normalize()
        assert row["Chosen on (UTC)"].text == f"{window['train_first']} to {window['train_last']}"
        assert row["Looked at (UTC)"].text == f"{window['test_first']} to {window['test_last']}"
        assert row["Settings"].text == f"position limit {limit}"
        shown = numbers(row, "Sharpe ratio when chosen", "Return after")
        assert shown == [fold["train_sharpe_ratio"], fold["test_return_percent"]]
    figures = {row["Figure"].text: row for row in page.table("The days after the choices")}
    assert numbers(figures["Result"], "Chosen on the past", "Doing nothing") == [
        found["figures"]["total_return"],
        found["do_nothing"]["total_return"],
    ]
    [sure] = page.table("By how much the choices were better")
    interval = found["against_do_nothing"]
    assert numbers(sure, "A year", "From", "To") == [interval[name] for name in ("mean", "low", "high")]


async def test_a_walk_forward_of_few_days_says_nothing_of_how_sure_it_is(service: Service) -> None:
    await remember(service)
    await done(service, **SWEEP, walk_forward={"train_days": DAYS - 10, "test_days": 10})
    assert "Under 30 daily returns after the choices" in (await page_of(service)).text


async def test_a_private_page_has_no_money_of_many_runs_either(service: Service) -> None:
    await remember(service)
    found = await done(service, **SWEEP, **LONGER, stability=True)
    amounts = {str(one[name]) for one in await trials_of(service, found) for name in ("end_value", "difference")}
    amounts |= {str(one) for one in found["result"]["stability"]["joint"]}
    amounts = {one.lstrip("-") for one in amounts if len(one) > 6}
    assert len(amounts) > 20
    for headers in ({"Accept": "text/html"}, PRIVATE):
        body = (await service.http.get("/pages/backtests", headers=headers)).text
        assert bool({one for one in amounts if one in body}) is (headers is not PRIVATE)
    page = await page_of(service, headers=PRIVATE)
    assert set(page.table("Policies of the sweep")[0]).isdisjoint({"Value at the end", "Difference"})
    assert "%" in page.table("Values at the end, all settings moved at once, in percent")[0]["Value"].text


DIFFERENT: Sequence[tuple[dict[str, Any], str]] = (
    ({}, "BASE"),
    ({"weights": {"A": 0.25, "B": "0.50"}}, "A 0.25, B 0.5; cash trigger 1"),
    ({"policy": {"cash_trigger": 1, "fee_bps": 20}}, "BASE; fee 20 bp"),
    ({"fee_bps": 20}, "BASE; fee 20 bp"),
    ({"policy": {}}, "A 0.5, B 0.25"),
    ({"policy": {"stable_categories": []}}, "A 0.5, B 0.25; other stable categories"),
    (
        {"slippage_bps": 5, "recovery_percent": 50, "seed": 7, "initial_value": "5000.50"},
        "BASE; slippage 5 bp; write-downs bring 50 %; seed 7; $5000.5 at the start",
    ),
    (
        {"sweep": {"grid": {**GRID, "cash_target": [0.1, 0.2]}}, "stability": True, **WALK},
        "BASE; sweep of 6 over cash target, position limit; stability; walk-forward 40/30 days",
    ),
    (
        {"sweep": {"grid": {**GRID, "cash_target": [0.1, 0.2]}, "samples": 4}},
        "BASE; sweep of 4 over cash target, posit",
    ),
    (
        {
            "kind": "targets",
            "optimise": {
                "objective": "min_cvar",
                "estimator": "sample",
                "symbols": ["A", "B", "C", "D", "E", "F"],
                "days": 60,
                "confidence": "0.90",
                "cash_percent": 5,
                "max_turnover_percent": 50,
                "limits": "hard",
            },
        },
        "of A, B, C, D and 2 more; estimator sample; 60 days looked at; confidence 0.9; cash 5 %; turnover up to 50 %",
    ),
)


@pytest.mark.parametrize(("body", "differs"), DIFFERENT, ids=lambda one: str(one)[:50])
async def test_the_list_tells_jobs_apart_by_what_differs(service: Service, body: dict[str, Any], differs: str) -> None:
    await remember(service)
    answer = await service.http.post("/backtests", json={**ASKED, **body})
    assert answer.status_code == 202, answer.text
    page = await page_of(service)
    shown = page.table("Backtests, newest first")[0]["What differs"].text
    assert differs.replace("BASE", "A 0.5, B 0.25; cash trigger 1") in shown
    if "initial_value" in body:
        hidden = (await page_of(service, headers=PRIVATE)).table("Backtests, newest first")[0]["What differs"].text
        assert hidden.endswith("seed 7")


async def test_what_is_asked_as_usual_differs_in_nothing(service: Service) -> None:
    await remember(service)
    body = {name: ASKED[name] for name in ("from", "to")} | {"start": "cash"}
    assert (await service.http.post("/backtests", json=body)).status_code == 202
    [row] = (await page_of(service)).table("Backtests, newest first")
    assert row["What differs"].text == "nothing: the policy of now, at the usual costs"
