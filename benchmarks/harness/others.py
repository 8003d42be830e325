"""Other libraries at the same work, in the environment of the oracles: ``python -m benchmarks.harness.others FOLDER``.

A line on the standard input names a library; the answer is the seconds that it took. The folder has what was asked:
``trades.json`` as the oracles' questions are, and ``weights.json`` with the returns and limits of each decision.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from skfolio import RiskMeasure
from skfolio.optimization import MeanRisk

from tests.oracles.backtests import closes_of, replayed_by_bt, run_by_vectorbt


def weights_by_skfolio(decision: dict[str, Any]) -> Any:
    """The least variance of the same returns within the same limits."""
    returns = pd.DataFrame(decision["returns"]).add_prefix("A")
    limits = [f"{' + '.join(f'A{place}' for place in members)} <= {most}" for members, most in decision["limits"]]
    model = MeanRisk(
        risk_measure=RiskMeasure.VARIANCE,
        min_weights=0,
        max_weights=None,
        budget=decision["invested"],
        linear_constraints=limits,
        solver="CLARABEL",
    )
    return model.fit(returns).weights_


def main() -> None:
    """Answer until nothing more is asked."""
    folder = Path(sys.argv[1])
    trades, decisions = (json.loads((folder / name).read_text()) for name in ("trades.json", "weights.json"))
    _, closes = closes_of(trades)
    works: dict[str, Callable[[], Any]] = {
        "vectorbt": lambda: run_by_vectorbt(trades, closes),
        "bt": lambda: replayed_by_bt(trades, closes),
        "skfolio": lambda: [weights_by_skfolio(one) for one in decisions],
    }
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        before = time.perf_counter()
        works[line.strip()]()
        print(json.dumps(time.perf_counter() - before), flush=True)


if __name__ == "__main__":
    main()
