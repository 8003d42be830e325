"""The table: printed row by row as it is measured, and written as JSON."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Self

from benchmarks.harness.rows import Row
from benchmarks.harness.stage import Stage, fsync_ms

WORK, FIGURE = 72, 11
HEAD = (
    f"{'work':{WORK}} {'floor':>{FIGURE}} {'figure':>{FIGURE}} {'':3} {'ratio':>6} {'least - most':>15} {'target':>8}  "
)


@dataclass(kw_only=True)
class Report:
    """What was measured in a run, and on what."""

    began: datetime
    machine: dict[str, Any]
    beside: str | None = None
    rows: list[tuple[str, Row, Row | None]] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    crowding: list[float] = field(default_factory=list)

    @classmethod
    def begin(cls, stage: Stage, *, beside: str | None = None) -> Self:
        """Return an empty report that says what it is measured on, and print that; ``beside`` is the other version."""
        [[version]] = stage.server.execute("SELECT VERSION()")
        [[_, durable]] = stage.server.execute("SHOW VARIABLES LIKE 'innodb_flush_log_at_trx_commit'")
        machine = {
            "cores": os.cpu_count(),
            "machine": platform.machine(),
            "python": platform.python_version(),
            "database": str(version),
            "flush_log_at_trx_commit": str(durable),
            "fsync_ms": round(fsync_ms(stage.folder), 3),
            "load_before": os.getloadavg()[0],
            "quick": stage.is_quick,
        }
        print(" ".join(f"{name}={value}" for name, value in machine.items()))
        print(HEAD, flush=True)
        return cls(began=datetime.now(UTC), machine=machine, beside=beside)

    def add(self, group: str, row: Row, other: Row | None = None) -> None:
        """Take in a row, with the other version's where there is one, and print it."""
        self.rows.append((group, row, other))
        self.crowding.append(crowding())
        _print(row, [] if other is None else [f"{self.beside}: {_comparison(row, other)}"])

    def fail(self, group: str, reason: str) -> None:
        """Take in that a group could not be measured."""
        self.failures[group] = reason
        print(f"{group}: COULD NOT BE MEASURED: {reason}", flush=True)

    def print_all(self) -> None:
        """Print the rows once more, together, and the sum of it."""
        print(f"\n{HEAD}")
        for _, row, _ in self.rows:
            print(_line(row))
        missed = sum(row.is_met is False for _, row, _ in self.rows)
        met = sum(row.is_met is True for _, row, _ in self.rows)
        print(f"{met} met, {missed} missed, {len(self.failures)} could not be measured")
        if self.beside:
            print(f"\nbeside {self.beside}:")
            for _, row, other in self.rows:
                if other is not None:
                    print(f"{row.work:{WORK}} {_comparison(row, other)}")
        if self.crowding:
            print(f"a busy loop took {median(self.crowding):.2f} (at most {max(self.crowding):.2f}) times its own time")
        for group, reason in self.failures.items():
            print(f"{group}: COULD NOT BE MEASURED: {reason}")

    def write(self, path: Path) -> None:
        """Write all of it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        ended = datetime.now(UTC)
        content = {
            "began": self.began.isoformat(timespec="seconds"),
            "ended": ended.isoformat(timespec="seconds"),
            "machine": {**self.machine, "load_after": os.getloadavg()[0], "crowding": self.crowding},
            "beside": self.beside,
            "rows": [
                {"group": group, **row.as_json(), "beside": None if other is None else other.as_json()}
                for group, row, other in self.rows
            ],
            "could_not_be_measured": self.failures,
        }
        path.write_text(json.dumps(content, indent=2) + "\n")


def crowding(seconds: float = 0.2) -> float:
    """Return how many times its processor time a busy loop takes: 1 on a machine that does nothing else."""
    started, busy = time.perf_counter(), time.process_time()
    while time.perf_counter() - started < seconds:
        pass
    return (time.perf_counter() - started) / (time.process_time() - busy)


def _print(row: Row, more: Sequence[str]) -> None:
    print(_line(row))
    for note in (f"floor: {row.floor}", *row.notes, *more):
        print(f"    {note}")
    print(end="", flush=True)


def _line(row: Row) -> str:
    spread = f"{min(row.ratios):.2f} - {max(row.ratios):.2f}"
    broken = f": {row.broken}" if row.broken else ""
    floor, figure = (_figure(median(values)) for values in (row.floors, row.figures))
    return (
        f"{row.work:{WORK}} {floor:>{FIGURE}} {figure:>{FIGURE}} {row.unit:3} "
        f"{row.ratio:6.2f} {spread:>15} {row.target:>8}  {row.verdict}{broken}"
    )


def _comparison(row: Row, other: Row) -> str:
    """Return in words what this version does beside the other: round by round, as they took turns."""
    times = [own / theirs for own, theirs in zip(row.figures, other.figures, strict=True)]
    own, theirs = (_figure(median(one.figures)) for one in (row, other))
    return (
        f"{own} {row.unit} beside {theirs}: {median(times):.2f} times ({min(times):.2f} - {max(times):.2f}); "
        f"ratio to the floor {row.ratio:.2f} beside {other.ratio:.2f}"
    )


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.4g}"
