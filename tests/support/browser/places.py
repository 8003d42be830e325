"""The addresses of the pages."""

from __future__ import annotations

from typing import Final

OVERVIEW: Final = "/"
PAGES: Final = {
    "overview": OVERVIEW,
    "positions": "/pages/positions",
    "position": "/pages/positions/BTC",
    "performance": "/pages/performance",
    "risk": "/pages/risk",
    "rebalancing": "/pages/rebalancing",
    "optimiser": "/pages/optimiser?objective=min_variance",
    "scorecard": "/pages/scorecard",
    "backtests": "/pages/backtests",
    "activity": "/pages/activity",
    "lots": "/pages/lots",
    "trades": "/pages/trades",
    "import": "/pages/import",
    "operations": "/pages/operations",
}
