"""Measure the service against its floors: ``python -m benchmarks [--rows reads,booking] [--quick] [--json PATH]``.

``--beside VERSION`` measures another version of the service too, a checkout or a revision: a round of this one, a round
of that one. Each has floors of its own, so that a ratio is of one moment.

A miss is a finding, and printed as one; the exit status is only for what could not be measured.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks import (
    analyses,
    backtests,
    bookings,
    fresh_reads,
    growth,
    histories,
    imports,
    lag,
    others,
    process,
    reads,
    refresh,
    stream,
    sweeps,
    verification,
)
from benchmarks.harness.alternation import alternate
from benchmarks.harness.beside import program_of
from benchmarks.harness.report import Report
from benchmarks.harness.rows import Row
from benchmarks.harness.stage import Stage, stage

GROUPS: dict[str, Callable[[Stage], Sequence[Row]]] = {
    "reads": reads.few,
    "reads-1000": reads.many,
    "fresh-reads": fresh_reads.fresh_reads,
    "booking": bookings.alone,
    "bookings": bookings.at_once,
    "batch": bookings.batch,
    "pages": reads.pages,
    "refresh": refresh.refresh,
    "correlation": analyses.correlation,
    "analysis": analyses.analysis,
    "backtests": backtests.backtests,
    "others": others.others,
    "sweeps": sweeps.sweeps,
    "history": histories.histories,
    "imports": imports.imports,
    "lag": lag.lag,
    "positions": growth.positions,
    "trades": growth.trades,
    "verification": verification.verification,
    "stream": stream.stream,
    "process": process.process,
}
RESULTS = Path(__file__).with_name("results") / "latest.json"


def main() -> int:
    """Measure what was asked for, print it and write it; return the exit status."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("--rows", default=",".join(GROUPS), help=f"of {', '.join(GROUPS)}")
    options.add_argument("--quick", action="store_true", help="few and short rounds: to see that it runs")
    options.add_argument("--beside", help="a checkout, or a revision, to be measured in the same run")
    options.add_argument("--json", type=Path, default=RESULTS, help="where the figures are written")
    chosen = options.parse_args()
    names = [name.strip() for name in chosen.rows.split(",")]
    unknown = sorted(set(names) - set(GROUPS))
    if unknown:
        options.error(f"no such rows: {', '.join(unknown)}")
    with ExitStack() as stack:
        program = stack.enter_context(program_of(chosen.beside)) if chosen.beside else None
        found = stack.enter_context(stage(is_quick=chosen.quick))
        stages = [found, found.beside(program)] if program else [found]
        report = Report.begin(found, beside=chosen.beside)
        for name in names:
            measure(stages, report, name)
    report.write(chosen.json)
    report.print_all()
    return 1 if report.failures else 0


def measure(stages: Sequence[Stage], report: Report, name: str) -> None:
    """Add the rows of a group to the report, or why there are none."""
    own, *other = alternate([partial(GROUPS[name], stage) for stage in stages])
    beside: dict[str, Row] = {}
    for found in other:
        if isinstance(found, Exception):
            _fail(report, f"{name} of {report.beside}", found)
        else:
            beside = {row.work: row for row in found}
    if isinstance(own, Exception):
        _fail(report, name, own)
        return
    for row in own:
        report.add(name, row, beside.get(row.work))


def _fail(report: Report, name: str, error: Exception) -> None:
    traceback.print_exception(error, file=sys.stderr)
    report.fail(name, f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    sys.exit(main())
