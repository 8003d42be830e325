"""Measure the service against its floors: ``python -m benchmarks [--rows reads,booking] [--quick] [--json PATH]``.

A miss is a finding, and printed as one; the exit status is only for what could not be measured.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import analyses, bookings, growth, lag, process, reads, refresh
from benchmarks.report import Report
from benchmarks.rows import Row
from benchmarks.stage import Stage, stage

GROUPS: dict[str, Callable[[Stage], Sequence[Row]]] = {
    "reads": reads.few,
    "reads-1000": reads.many,
    "booking": bookings.alone,
    "bookings": bookings.at_once,
    "batch": bookings.batch,
    "refresh": refresh.refresh,
    "correlation": analyses.correlation,
    "analysis": analyses.analysis,
    "lag": lag.lag,
    "positions": growth.positions,
    "trades": growth.trades,
    "process": process.process,
}
RESULTS = Path(__file__).with_name("results") / "latest.json"


def main() -> int:
    """Measure what was asked for, print it and write it; return the exit status."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("--rows", default=",".join(GROUPS), help=f"of {', '.join(GROUPS)}")
    options.add_argument("--quick", action="store_true", help="few and short rounds: to see that it runs")
    options.add_argument("--json", type=Path, default=RESULTS, help="where the figures are written")
    chosen = options.parse_args()
    names = [name.strip() for name in chosen.rows.split(",")]
    unknown = sorted(set(names) - set(GROUPS))
    if unknown:
        options.error(f"no such rows: {', '.join(unknown)}")
    with stage(is_quick=chosen.quick) as found:
        report = Report.begin(found)
        for name in names:
            measure(found, report, name)
    report.write(chosen.json)
    report.print_all()
    return 1 if report.failures else 0


def measure(found: Stage, report: Report, name: str) -> None:
    """Add the rows of a group to the report, or why there are none."""
    try:
        for row in GROUPS[name](found):
            report.add(name, row)
    except Exception as error:  # noqa: BLE001  # whatever it is, the other rows are measured all the same
        traceback.print_exc(file=sys.stderr)
        report.fail(name, f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    sys.exit(main())
