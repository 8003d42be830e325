"""Backtests from the command line, on the books of the demonstration: the same as those that the service computes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.support.demo import STILL, demo_copy
from tests.support.services.service import ServiceProcess
from tests.support.services.waiting import until

TRIAL: Final = ("settings", "end_value", "difference", "trades", "turnover", "sharpe_ratio", "max_drawdown")


@pytest.fixture(scope="module")
def service(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> ServiceProcess:
    """The commands on the demonstration's books; nothing is served."""
    folder = tmp_path_factory.mktemp("backtest")
    return ServiceProcess(demo_copy(demo_file, folder), folder)


def test_weights_of_a_solver_are_followed_over_the_stored_closes(service: ServiceProcess) -> None:
    today = datetime.now(UTC).date()
    first, last = today - timedelta(days=150), today - timedelta(days=58)
    words = ("--from", str(first), "--to", str(last), "--objective", "min_variance", "--json")
    done = service.command("backtest", "run", *words)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found["equity"]) == 93
    assert {trade["rule"] for trade in found["trades"]} == {"targets"}
    assert (found["result"]["decisions"], found["result"]["decisions_skipped"]) == (4, 0)
    assert found["result"]["remarks"] == ["hindsight", "simulated_closes"]


def test_a_policy_file_is_proved_on_the_stored_closes(service: ServiceProcess, tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text("position_limit = 0.2\n")
    done = service.command("backtest", "lookahead", "--policy", str(file), "--cuts", "4", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["cuts"], found["changed"], found["closes"]) == (4, [], "stored")


async def test_a_job_and_the_command_come_to_the_same_digits(demo_file: Path, tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    first, last = str(today - timedelta(days=150)), str(today - timedelta(days=10))
    long = "0." + "3" * 30  # more digits than are kept
    grid = f'{{"position_limit": [0.15, {long}], "cash_trigger": [0.2]}}'
    body = (
        f'{{"from": "{first}", "to": "{last}", "start": "weights", "weights": {{"BTC": {long}, "DEMO": 0.4}},'
        f' "sweep": {{"grid": {grid}}}, "walk_forward": {{"train_days": 70, "test_days": 40}}}}'
    )
    words = ("--from", first, "--to", last, "--weight", f"BTC={long}", "--weight", "DEMO=0.4", "--json")
    with ServiceProcess(demo_copy(demo_file, tmp_path), tmp_path, settings=STILL) as service:
        place = _asked(service, body)
        await until(lambda: _of(service, place)["backtest"]["state"] == "done")
        made, sweep = _of(service, place)["backtest"]["result"], _of(service, f"{place}/sweep")["trials"]
        rows = [_of(service, f"{place}/{part}")[part] for part in ("equity", "trades")]
        run = _printed(service, "run", *words)
        swept = _printed(
            service, "sweep", *words, "--set", f"position_limit=0.15,{long}", "--set", "cash_trigger=0.2",
            "--walk-forward", "70/40",
        )  # fmt: skip
    assert rows == [run["equity"], run["trades"]]
    names = made.keys() & run["result"].keys()
    assert [_short(made[name]) for name in names] == [_short(run["result"][name]) for name in names]
    assert _short(made["walk_forward"]) == _short(swept["walk_forward"])
    assert [[_short(one[name]) for name in TRIAL] for one in sweep] == [
        [_short(one[name]) for name in TRIAL] for one in swept["trials"]
    ]


def _asked(service: ServiceProcess, body: str) -> str:
    answer = httpx.post(f"{service.url}/backtests", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 202, answer.text
    return answer.headers["Location"]


def _of(service: ServiceProcess, path: str) -> Any:
    return json.loads(httpx.get(service.url + path, timeout=30).text, parse_float=Decimal)


def _printed(service: ServiceProcess, *words: str) -> Any:
    done = service.command("backtest", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout, parse_float=Decimal)


def _short(found: object) -> object:
    """What is found, its numbers at the 12 digits that ratios have over HTTP."""
    if isinstance(found, Mapping):
        return {name: _short(value) for name, value in found.items() if value is not None}
    if isinstance(found, Sequence) and not isinstance(found, str):
        return [_short(value) for value in found]
    return Context(prec=12).create_decimal(found) if isinstance(found, Decimal) else found
