"""Backtests from the command line, on the books of the demonstration."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.demo import demo_copy
from tests.support.services.service import ServiceProcess


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
