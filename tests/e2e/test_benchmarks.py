"""The benchmark's code runs, so that it is there when it is wanted; its figures mean nothing here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks.harness.alternation import alternate
from benchmarks.harness.rows import by_turns, ratio_row

ROOT = Path(__file__).parents[2]


# Without coverage, which nobody wants of a benchmark.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


def measured(folder: Path, *options: str, seconds: float) -> tuple[Any, str]:
    """What a quick run writes, and what it prints."""
    written = folder / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", *options, "--json", str(written)],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(written.read_text()), done.stdout


# So many rows: of a booking, beside its statements one by one and beside its messages; of two reads, each beside the
# handler behind the same layers and beside the naked one.
@pytest.mark.parametrize(
    "groups",
    [
        {"booking": 2, "bookings": 1, "backtests": 5, "history": 5},
        pytest.param({"reads": 4, "positions": 3, "verification": 1, "imports": 3}, marks=pytest.mark.faults_long),
    ],
    ids=", ".join,
)
def test_a_quick_run_measures_rows_prints_and_writes_them(tmp_path: Path, groups: dict[str, int]) -> None:
    found, printed = measured(tmp_path, "--rows", ",".join(groups), seconds=600)
    assert Counter(row["group"] for row in found["rows"]) == groups
    for row in found["rows"]:
        assert row["beside"] is None
        assert row["ratio"] > 0
        assert row["verdict"] in {"met", "MISS"}
        assert row["work"] in printed
    assert found["machine"]["flush_log_at_trx_commit"] == "1"


@pytest.mark.faults_long
def test_a_quick_run_measures_another_version_by_turns(tmp_path: Path) -> None:
    found, printed = measured(tmp_path, "--rows", "fresh-reads", "--beside", str(ROOT), seconds=300)
    [row] = found["rows"]
    assert row["beside"]["work"] == row["work"]
    assert len(row["beside"]["figures"]) == len(row["figures"])
    assert "times (" in printed


def test_two_sides_take_turns_and_one_that_fails_leaves_the_other_alone() -> None:
    order: list[str] = []

    def side(name: str, *, fails_in: int = 9) -> list[float]:
        def measure() -> float:
            if order.count(name) == fails_in:
                raise RuntimeError(name)
            order.append(name)
            return 1.0

        [figures] = by_turns(3, measure)
        return figures

    own, other = alternate([lambda: side("own"), lambda: side("other", fails_in=2)])
    assert own == [1.0, 1.0, 1.0]
    assert str(other) == "other"
    assert order == ["own", "other", "own", "other", "own", "own"]


def test_what_could_not_be_measured_is_no_success(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--rows", "nonsense"],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "nonsense" in done.stderr


def test_a_ratio_over_its_limit_is_a_miss_and_so_is_a_broken_promise() -> None:
    def verdict(figure: float, *, at_most: bool, broken: str = "") -> str:
        row = ratio_row(
            work="w",
            floor="f",
            unit="ms",
            floors=[1.0, 1.0, 1.0],
            figures=[figure, figure, 100.0],
            limit=2.0,
            at_most=at_most,
            broken=broken,
        )
        return row.verdict

    assert verdict(2.0, at_most=True) == "met"
    assert verdict(2.1, at_most=True) == "MISS"
    assert verdict(2.0, at_most=False) == "met"
    assert verdict(1.9, at_most=False) == "MISS"
    assert verdict(1.0, at_most=True, broken="a booking was lost") == "MISS"
