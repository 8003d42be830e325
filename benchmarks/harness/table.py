"""The table of a run for the documents: ``python -m benchmarks.harness.table <figures.json> ...`` prints Markdown."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HEAD = "| work | floor | figure | ratio | least - most | target | |\n|---|---|---|---|---|---|---|"


def line(row: Mapping[str, Any]) -> str:
    """Return a row of a run's figures as one of a Markdown table; a miss is bold."""
    floor, figure = (f"{_number(row[name])} {row['unit']}" for name in ("floor", "figure"))
    spread = f"{row['ratio_least']:.2f} - {row['ratio_most']:.2f}"
    missed = " ".join(["**missed**", row["broken"]]).rstrip()
    verdict = {"met": "met", "MISS": missed, "-": ""}[row["verdict"]]
    return f"| {row['work']} | {floor} | {figure} | {row['ratio']:.2f} | {spread} | {row['target']} | {verdict} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"


def main() -> None:
    """Print the rows of the runs whose figures are named, in their order."""
    print(HEAD)
    for path in sys.argv[1:]:
        for row in json.loads(Path(path).read_text())["rows"]:
            print(line(row))


if __name__ == "__main__":
    main()
