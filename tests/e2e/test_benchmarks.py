"""The benchmark's code runs, so that it is there when it is wanted; its figures mean nothing here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.rows import ratio_row

ROOT = Path(__file__).parents[2]


def test_a_quick_run_measures_a_row_prints_it_and_writes_it(tmp_path: Path) -> None:
    written = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--rows", "booking", "--json", str(written)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(written.read_text())
    assert len(found["rows"]) == 2  # beside its statements one by one, and beside its messages
    for row in found["rows"]:
        assert row["group"] == "booking"
        assert row["ratio"] > 0
        assert row["verdict"] in {"met", "MISS"}
        assert row["work"] in done.stdout
    assert found["machine"]["flush_log_at_trx_commit"] == "1"


def test_what_could_not_be_measured_is_no_success(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--rows", "nonsense"],
        cwd=ROOT,
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
