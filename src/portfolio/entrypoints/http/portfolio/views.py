"""The application's values as the bodies of answers."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from portfolio.application.ledger.snapshots import Snapshot
from portfolio.application.performance.period import Performance
from portfolio.application.prices.valuation import Valuation
from portfolio.application.risk.metrics import RiskMetrics
from portfolio.domain.money import EXACT
from portfolio.entrypoints.http.ledger.answers import PositionView
from portfolio.entrypoints.http.performance.views import performance_view
from portfolio.entrypoints.http.portfolio.answers import PortfolioView, RiskMetricsView
from portfolio.entrypoints.http.shell.numbers import number, number_or_null
from portfolio.entrypoints.http.views import view

LEAST_SHARE_OF_DEPOSITS: Final = Decimal("0.1")


def portfolio_view(
    valuation: Valuation,
    snapshot: Snapshot,
    positions: list[PositionView],
    performance: Performance | None,
    risk: RiskMetrics,
) -> PortfolioView:
    """Return the whole portfolio at its prices."""
    portfolio = valuation.portfolio
    reasons = _portfolio_reasons(valuation, snapshot, performance)
    is_told = "total_pnl_percent" not in reasons
    return PortfolioView(
        total_value=number(valuation.total_value),
        cash_balance=number(portfolio.cash),
        invested_amount=number(valuation.invested),
        cost_basis=number(valuation.cost_basis),
        unrealized_pnl=number(valuation.unrealized_pnl),
        realized_pnl=number(portfolio.realized_pnl),
        total_pnl=number(valuation.total_pnl),
        total_pnl_percent=number_or_null(valuation.total_pnl_percent) if is_told else None,
        fees_paid=number(portfolio.fees_paid),
        net_deposits=number(portfolio.net_deposits),
        unreconciled=number(valuation.unreconciled),
        num_positions=len(valuation.positions),
        positions=positions,
        performance_metrics=performance_view(performance) if performance else None,
        risk_metrics=view(RiskMetricsView, risk),
        priced_share_percent=number_or_null(valuation.priced_share_percent),
        fresh_share_percent=number_or_null(valuation.freshness.percent),
        stale=is_stale(valuation, snapshot),
        as_of=snapshot.as_of,
        revision=snapshot.revisions.ledger,
        last_updated=portfolio.updated_at or snapshot.as_of,
        reasons=reasons,
    )


def is_stale(valuation: Valuation, snapshot: Snapshot) -> bool:
    """Return whether the answer is from before the database went away, or under 95 % of the value has a live price."""
    return snapshot.database_away or valuation.is_stale


def _is_mostly_withdrawn(valuation: Valuation, performance: Performance) -> bool:
    """Return whether net deposits are under a tenth of all deposits: nothing is told in percent of so small a rest."""
    least = EXACT.multiply(performance.deposits.value, LEAST_SHARE_OF_DEPOSITS)
    return valuation.portfolio.net_deposits.value < least


def _portfolio_reasons(valuation: Valuation, snapshot: Snapshot, performance: Performance | None) -> dict[str, str]:
    reasons = {}
    if valuation.total_pnl_percent is None:
        reasons["total_pnl_percent"] = "no_net_deposits"
    elif performance is not None and _is_mostly_withdrawn(valuation, performance):
        reasons["total_pnl_percent"] = "net_deposits_too_small"
    if valuation.priced_share_percent is None:
        reasons["priced_share_percent"] = "nothing_held"
    if valuation.freshness.percent is None:
        reasons["fresh_share_percent"] = "nothing_held"
    if performance is None:
        reasons["performance_metrics"] = "database_away" if snapshot.database_away else "history_unavailable"
    return reasons
