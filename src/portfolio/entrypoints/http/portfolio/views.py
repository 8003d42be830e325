"""The application's values as the bodies of answers."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from portfolio.application.ledger.snapshots import Snapshot
from portfolio.application.performance.period import Performance
from portfolio.application.prices.valuation import Valuation
from portfolio.application.risk.metrics import RiskMetrics
from portfolio.domain.ledger.units import is_mostly_withdrawn
from portfolio.entrypoints.http.ledger.answers import PositionView
from portfolio.entrypoints.http.performance.views import performance_view
from portfolio.entrypoints.http.portfolio.answers import MEASURED, PortfolioView, TotalsView
from portfolio.entrypoints.http.views import view


def portfolio_view(
    valuation: Valuation,
    snapshot: Snapshot,
    positions: list[PositionView],
    performance: Performance | None,
    risk: RiskMetrics,
) -> PortfolioView:
    """Return the whole portfolio at its prices."""
    return view(
        PortfolioView,
        valuation,
        valuation.portfolio,
        snapshot,
        positions=positions,
        performance_metrics=performance_view(performance) if performance else None,
        risk_metrics=risk,
        **_sums(valuation, snapshot, performance),
    )


def totals_view(valuation: Valuation, snapshot: Snapshot, performance: Performance | None) -> Struct:
    """Return the sums of the portfolio, digit by digit those of ``portfolio_view``."""
    sums = _sums(valuation, snapshot, performance)
    sums["reasons"] = {name: why for name, why in sums["reasons"].items() if name not in MEASURED}
    return view(TotalsView, valuation, valuation.portfolio, snapshot, **sums)


def _sums(valuation: Valuation, snapshot: Snapshot, performance: Performance | None) -> dict[str, Any]:
    portfolio = valuation.portfolio
    reasons = _portfolio_reasons(valuation, snapshot, performance)
    return {
        "cash_balance": portfolio.cash,
        "invested_amount": valuation.invested,
        "total_pnl_percent": None if "total_pnl_percent" in reasons else valuation.total_pnl_percent,
        "num_positions": len(valuation.positions),
        "fresh_share_percent": valuation.freshness.percent,
        "stale": is_stale(valuation, snapshot),
        "revision": snapshot.revisions.ledger,
        "last_updated": portfolio.updated_at or snapshot.as_of,
        "reasons": reasons,
    }


def is_stale(valuation: Valuation, snapshot: Snapshot) -> bool:
    """Return whether the answer is from before the database went away, or under 95 % of the value has a live price."""
    return snapshot.database_away or valuation.is_stale


def _portfolio_reasons(valuation: Valuation, snapshot: Snapshot, performance: Performance | None) -> dict[str, str]:
    reasons = {}
    if valuation.total_pnl_percent is None:
        reasons["total_pnl_percent"] = "no_net_deposits"
    elif performance is not None and is_mostly_withdrawn(performance.deposits, valuation.portfolio.net_deposits):
        reasons["total_pnl_percent"] = "net_deposits_too_small"
    if valuation.priced_share_percent is None:
        reasons["priced_share_percent"] = "nothing_held"
    if valuation.freshness.percent is None:
        reasons["fresh_share_percent"] = "nothing_held"
    if performance is None:
        reasons["performance_metrics"] = "database_away" if snapshot.database_away else "history_unavailable"
    return reasons
