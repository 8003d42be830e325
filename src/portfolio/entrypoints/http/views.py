"""The application's values as the bodies of answers."""

from __future__ import annotations

from copy import copy
from datetime import datetime

from portfolio.application.ledger.snapshots import Snapshot
from portfolio.application.performance.period import Performance
from portfolio.application.prices.valuation import PositionValue, PriceStatus, Valuation
from portfolio.application.risk.metrics import RiskMetrics
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.money import Price
from portfolio.entrypoints.http.answers import PerformanceView, PortfolioView, PositionView, RiskMetricsView
from portfolio.entrypoints.http.numbers import number, number_or_null, ratio


def position_view(value: PositionValue, *, updated_at: datetime | None = None) -> PositionView:
    """Return a position at its price; ``updated_at`` is for one that is not read back yet."""
    position, mark = value.position, value.position.mark
    break_even = position.break_even_price
    return PositionView(
        symbol=position.symbol.code,
        quantity=number(position.quantity),
        avg_entry_price=number_or_null(position.avg_entry_price),
        break_even_price=number_or_null(break_even),
        current_price=number_or_null(mark.price if mark else None),
        market_value=number(value.market_value),
        cost_basis=number(position.cost_basis),
        unrealized_pnl=number(value.unrealized_pnl),
        unrealized_pnl_percent=number_or_null(value.unrealized_pnl_percent),
        realized_pnl=number(position.realized_pnl),
        allocation_percent=number_or_null(value.allocation_percent),
        category=value.category,
        price_source=mark.source if mark else None,
        price_age_seconds=value.price_age_seconds,
        price_status=value.price_status.value,
        last_updated=updated_at or position.updated_at,
        reasons=_position_reasons(value, break_even),
    )


class PositionViews:
    """The views of a portfolio's positions, made once: while no status changes, ages alone are made anew."""

    def __init__(self) -> None:
        self._portfolio: Portfolio | None = None
        self._statuses: tuple[PriceStatus, ...] = ()
        self._views: list[PositionView] = []

    def __call__(self, valuation: Valuation) -> list[PositionView]:
        """Return the views of the open positions, by symbol."""
        statuses = valuation.statuses
        if self._portfolio is not valuation.portfolio or self._statuses != statuses:
            self._views = [position_view(value) for value in valuation.positions]
            self._portfolio, self._statuses = valuation.portfolio, statuses
        # Copies: an answer that is still in the making has the views of its own moment.
        views = list(map(copy, self._views))
        for view, value in zip(views, valuation.positions, strict=True):
            view.price_age_seconds = value.price_age_seconds
        return views


def portfolio_view(
    valuation: Valuation,
    snapshot: Snapshot,
    positions: list[PositionView],
    performance: Performance | None,
    risk: RiskMetrics,
) -> PortfolioView:
    """Return the whole portfolio at its prices."""
    portfolio = valuation.portfolio
    return PortfolioView(
        total_value=number(valuation.total_value),
        cash_balance=number(portfolio.cash),
        invested_amount=number(valuation.invested),
        cost_basis=number(valuation.cost_basis),
        unrealized_pnl=number(valuation.unrealized_pnl),
        realized_pnl=number(portfolio.realized_pnl),
        total_pnl=number(valuation.total_pnl),
        total_pnl_percent=number_or_null(valuation.total_pnl_percent),
        fees_paid=number(portfolio.fees_paid),
        net_deposits=number(portfolio.net_deposits),
        drift=number(valuation.drift),
        num_positions=len(valuation.positions),
        positions=positions,
        performance_metrics=performance_view(performance) if performance else None,
        risk_metrics=risk_metrics_view(risk),
        priced_share_percent=number_or_null(valuation.priced_share_percent),
        stale=is_stale(valuation, snapshot),
        as_of=snapshot.as_of,
        revision=snapshot.revisions.ledger,
        last_updated=portfolio.updated_at or snapshot.as_of,
        reasons=_portfolio_reasons(valuation, performance),
    )


def risk_metrics_view(metrics: RiskMetrics) -> RiskMetricsView:
    """Return the portfolio's risk in a few figures."""
    return RiskMetricsView(
        health_score=number_or_null(metrics.health_score),
        hhi=ratio(metrics.hhi),
        concentration_level=metrics.concentration_level.value if metrics.concentration_level else None,
        average_correlation=ratio(metrics.average_correlation),
        portfolio_volatility=ratio(metrics.portfolio_volatility),
        portfolio_heat=ratio(metrics.portfolio_heat),
        value_at_risk_95=ratio(metrics.value_at_risk_95),
        reasons=metrics.reasons,
    )


def performance_view(performance: Performance) -> PerformanceView:
    """Return the figures of a period."""
    return PerformanceView(
        total_return=number_or_null(performance.total_return),
        total_return_percent=number_or_null(performance.total_return_percent),
        daily_return=number_or_null(performance.daily_return),
        daily_return_percent=number_or_null(performance.daily_return_percent),
        win_rate=ratio(performance.win_rate),
        profit_factor=ratio(performance.profit_factor),
        sharpe_ratio=ratio(performance.sharpe_ratio),
        sortino_ratio=ratio(performance.sortino_ratio),
        annualized_return=ratio(performance.annualized_return),
        annualized_volatility=ratio(performance.annualized_volatility),
        max_drawdown=ratio(performance.max_drawdown),
        max_drawdown_peak=performance.max_drawdown_peak,
        max_drawdown_trough=performance.max_drawdown_trough,
        max_drawdown_recovery=performance.max_drawdown_recovery,
        calmar_ratio=ratio(performance.calmar_ratio),
        num_trades=performance.num_trades,
        period_days=performance.period_days,
        days_covered=performance.days_covered,
        observations=performance.observations,
        first_day=performance.first_day,
        last_day=performance.last_day,
        as_of=performance.as_of,
        stale=performance.stale,
        convention=performance.convention,
        reasons=_performance_reasons(performance),
    )


def is_stale(valuation: Valuation, snapshot: Snapshot) -> bool:
    """Return whether the answer is from before the database went away, or a price in it is not live."""
    return snapshot.database_away or bool(valuation.stale_symbols)


def _position_reasons(value: PositionValue, break_even: Price | None) -> dict[str, str]:
    position, reasons = value.position, {}
    if position.avg_entry_price is None:
        reasons["avg_entry_price"] = "cost_unknown" if position.is_open else "closed"
    if break_even is None:
        reasons["break_even_price"] = "cost_unknown" if position.is_open else "closed"
    if position.mark is None:
        reasons["current_price"] = reasons["price_source"] = reasons["price_age_seconds"] = "no_price"
    if value.unrealized_pnl_percent is None:
        reasons["unrealized_pnl_percent"] = "no_cost_basis"
    if value.allocation_percent is None:
        reasons["allocation_percent"] = "no_total_value"
    return reasons


def _performance_reasons(performance: Performance) -> dict[str, str]:
    reasons = dict(performance.reasons)
    if performance.first_day is None:
        reasons["first_day"] = reasons["last_day"] = "no_history"
    return reasons


def _portfolio_reasons(valuation: Valuation, performance: Performance | None) -> dict[str, str]:
    reasons = {}
    if valuation.total_pnl_percent is None:
        reasons["total_pnl_percent"] = "no_net_deposits"
    if valuation.priced_share_percent is None:
        reasons["priced_share_percent"] = "nothing_held"
    if performance is None:
        reasons["performance_metrics"] = "database_away"
    return reasons
