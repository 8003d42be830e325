"""``portfolio backtest show | cancel``: what they print of a backtest that the service was asked for."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner, Result

from portfolio.application.errors import NotFound
from portfolio.entrypoints.cli.commands import commands
from portfolio.settings import Settings

REQUEST = {"kind": "policy", "from": "2025-01-01", "to": "2025-06-30", "start": "cash"}
RESULT = {
    "end_value": 103_996.239135,
    "difference": -3.760865,
    "attribution": [{"rule": "concentration_risk", "total": -3.760865, "trades": 1}],
    "remarks": ["hindsight", "same_close"],
    "joined_history": [],
    "unjoined_history": [],
    "left_out": [],
}
DONE = {"id": "bt-1", "state": "done", "progress": 1, "error": None, "request": REQUEST, "result": RESULT}


class Root:
    """A composition root with one backtest."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.found, self.cancelled = found, False

    async def stored_backtest(self, settings: Settings, job_id: str, *, cancels: bool) -> bytes:
        assert isinstance(settings, Settings)
        if job_id != self.found["id"]:
            raise NotFound("backtest", job_id)
        self.cancelled = cancels
        return json.dumps({"status": "success", "backtest": self.found}).encode()


def run(root: Root, *words: str) -> Result:
    """What the command prints."""
    return CliRunner().invoke(commands, ["backtest", *words], obj=root)


def test_what_came_of_it_is_printed_for_people() -> None:
    root = Root(DONE)
    shown = run(root, "show", "bt-1")
    assert (shown.exit_code, root.cancelled) == (0, False)
    assert shown.output.splitlines() == [
        "bt-1 is done, 100 % computed",
        "policy from 2025-01-01 to 2025-06-30, start cash",
        "worth 103,996.24 dollars at the end, -3.76 beside doing nothing",
        "  concentration_risk                 -3.76  in 1 trades",
        "keep in mind: hindsight, same_close",
    ]


def test_across_what_closes_are_joined_is_printed_and_across_what_not() -> None:
    renamed = {"symbol": "POL", "from_symbol": "MATIC", "ratio": 1, "on": "2025-02-03"}
    split = {"symbol": "SHIB", "from_symbol": "SHIB", "ratio": 1000, "on": "2025-02-04", "reason": "no_jump"}
    found = RESULT | {"joined_history": [renamed], "unjoined_history": [split]}
    assert run(Root({**DONE, "result": found}), "show", "bt-1").output.splitlines()[-2:] == [
        "closes are joined across MATIC becoming POL on 2025-02-03",
        "closes are not joined (no jump) across the split of SHIB on 2025-02-04",
    ]


def test_what_has_not_ended_and_what_failed_say_so() -> None:
    running = {**DONE, "state": "running", "progress": 0.25, "result": None}
    assert run(Root(running), "show", "bt-1").output.startswith("bt-1 is running, 25 % computed\n")
    failed = {**running, "state": "failed", "error": "no closes of A"}
    assert run(Root(failed), "show", "bt-1").output.startswith("bt-1 is failed: no closes of A\n")
    plain = {**DONE, "result": {**RESULT, "remarks": []}}
    assert "keep in mind" not in run(Root(plain), "show", "bt-1").output
    partly = {**DONE, "result": {**RESULT, "left_out": ["ETH", "SOL"]}}
    assert run(Root(partly), "show", "bt-1").output.endswith("left out, without a close when it began: ETH, SOL\n")


def test_the_answer_of_the_route_is_printed_for_programs() -> None:
    assert json.loads(run(Root(DONE), "show", "bt-1", "--json").output)["backtest"] == DONE


SWEPT = {
    "trials": 12,
    "highest": {"settings": {"position_limit": 0.2}, "sharpe_ratio": 1.5},
    "best_by_chance": 1.25,
    "deflated_sharpe_ratio": 0.6,
    "probability_of_overfitting": 0.25,
    "beat_do_nothing": 0.5,
}
STABLE = {"alone": [], "joint": [1, 2, 3, 4, 5_000], "joint_draws": 100, "joint_beat_do_nothing": None}
FOLD = {
    "window": {"test_first": "2025-03-01", "test_last": "2025-06-30"},
    "settings": {"position_limit": 0.2},
    "test_return_percent": -1.5,
}
WALKED = {
    "folds": [FOLD, {**FOLD, "test_return_percent": None}],
    "figures": {"total_return_percent": 1},
    "do_nothing": {"total_return_percent": 2},
}


def test_the_highest_of_a_sweep_is_never_printed_alone() -> None:
    found = {**RESULT, "remarks": [], "sweep": SWEPT, "stability": STABLE, "walk_forward": WALKED}
    assert run(Root({**DONE, "result": found}), "show", "bt-1").output.splitlines()[4:] == [
        "50.0 % of the policies of the sweep did better than doing nothing",
        "  the highest Sharpe ratio, 1.50, is of position_limit=0.2",
        "  of 12 trials on these closes the best has 1.25 by chance alone;",
        "  60.0 % likely is the true one above that (deflated Sharpe ratio)",
        "  probability of backtest overfitting: 25.0 %",
        "with all settings off, 100 times: 1.00, 2.00, 3.00, 4.00, 5,000.00 (least, quartiles, greatest)",
        "  an unknown part of these did better than doing nothing",
        "chosen on the past alone:",
        "  position_limit=0.2 on 2025-03-01 to 2025-06-30 brought -1.50 %",
        "  position_limit=0.2 on 2025-03-01 to 2025-06-30, and nothing was left",
        "  together 1.00 %, doing nothing 2.00 %",
    ]


def test_of_few_days_or_policies_less_of_a_sweep_is_printed() -> None:
    few = {**SWEPT, "highest": None}
    one = {**SWEPT, "probability_of_overfitting": None}
    none = {**STABLE, "joint": []}
    short = {**WALKED, "folds": [], "figures": {"total_return_percent": None}}
    shown = [
        run(Root({**DONE, "result": {**RESULT, **found}}), "show", "bt-1").output
        for found in ({"sweep": few}, {"sweep": one, "stability": none, "walk_forward": short})
    ]
    assert "12 trials on these closes, none with a Sharpe ratio: that takes 64 returns" in shown[0]
    assert "highest" not in shown[0]
    assert "overfitting" not in shown[1]
    assert "with all settings" not in shown[1]
    assert "together" not in shown[1]


def test_cancel_cancels() -> None:
    root = Root({**DONE, "state": "cancelled", "progress": 0.5, "result": None})
    assert run(root, "cancel", "bt-1").output.startswith("bt-1 is cancelled, 50 % computed\n")
    assert root.cancelled


def test_what_is_not_there_is_said() -> None:
    shown = run(Root(DONE), "show", "bt-2")
    assert shown.exit_code == 3
    assert "there is no backtest bt-2" in shown.output
