"""The figures of a period, each defined or with the reason why it is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from portfolio.analytics.decimals import DECIMALS, statistic
from portfolio.analytics.performance import (
    annualized_return,
    annualized_volatility,
    daily_returns,
    max_drawdown,
    sharpe_ratio,
    sortino_ratio,
)
from portfolio.application.performance.records import MeasuredDay
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.trade_counts import TradeCounts
from portfolio.domain.money import EXACT, PERCENT_STEP, Money

LEAST_RETURNS: Final = 30
LEAST_DAYS_TO_ANNUALIZE: Final = 90

# The fields of ``Performance``, some of them.
Figures = dict[str, Any]

_RATIO_STEP = Decimal(1).scaleb(-DECIMALS)


@dataclass(slots=True)
class Reasons:
    """Rounds figures, and collects the reason for each figure that is undefined."""

    noted: dict[str, str] = field(default_factory=dict)

    def undefined(self, names: Iterable[str], why: str) -> Figures:
        """Return these figures as None, because of ``why``."""
        self.noted.update(dict.fromkeys(names, why))
        return dict.fromkeys(names)

    def ratio(self, name: str, value: float | None, why: str) -> Decimal | None:
        """Return ``value`` at 12 decimals; None, because of ``why``, where there is none."""
        exact = None if value is None else statistic(value)
        if exact is None:
            self.noted[name] = why if value is None else "out_of_range"
        return exact

    def quotient(self, name: str, part: Decimal, whole: Decimal, step: Decimal, why: str) -> Decimal | None:
        """Return ``part / whole`` at ``step``, half even; None, because of ``why``, where the whole is zero."""
        value = EXACT.divide(part, whole) if whole else None
        if value is None or value.adjusted() >= 20:
            self.noted[name] = why if value is None else "out_of_range"
            return None
        return value.quantize(step, context=EXACT)

    def growth_percent(self, name: str, start: Decimal, end: Decimal) -> Decimal | None:
        """Return by how much ``end`` is more than ``start``, in percent of it."""
        gain = EXACT.multiply(EXACT.subtract(end, start), Decimal(100))
        return self.quotient(name, gain, start, PERCENT_STEP, "no_history")


def period_change(finals: Sequence[MeasuredDay], reasons: Reasons) -> Figures:
    """Return the gain from the first to the last final day: without deposits and withdrawals, and time-weighted."""
    if len(finals) < 2:
        return reasons.undefined(("total_return", "total_return_percent"), "no_history")
    first, last = finals[0], finals[-1]
    return {
        "total_return": (last.total_value - first.total_value) - (last.net_deposits - first.net_deposits),
        "total_return_percent": reasons.growth_percent("total_return_percent", first.unit_value, last.unit_value),
    }


def daily_change(portfolio: Portfolio, finals: Sequence[MeasuredDay], today: date, reasons: Reasons) -> Figures:
    """Return the gain from the end of yesterday to the portfolio as it is."""
    if not finals or finals[-1].day != today - timedelta(days=1):
        return reasons.undefined(("daily_return", "daily_return_percent"), "no_value_yesterday")
    yesterday, total = finals[-1], portfolio.total_value
    unit_value = portfolio.units.value(total)
    return {
        "daily_return": (total - yesterday.total_value) - (portfolio.net_deposits - yesterday.net_deposits),
        "daily_return_percent": reasons.growth_percent("daily_return_percent", yesterday.unit_value, unit_value),
    }


def deepest_fall(finals: Sequence[MeasuredDay], reasons: Reasons) -> Figures:
    """Return the maximum drawdown of the final days, the first one's value included, and when it was."""
    dates = ("max_drawdown_peak", "max_drawdown_trough", "max_drawdown_recovery")
    drawdown = max_drawdown([float(f.unit_value) for f in finals]) if len(finals) > 1 else None
    depth = reasons.ratio("max_drawdown", drawdown.depth if drawdown else None, "no_history")
    if drawdown is None or not depth:
        return {"max_drawdown": depth, **reasons.undefined(dates, "no_drawdown" if drawdown else "no_history")}
    places = (drawdown.peak, drawdown.trough, drawdown.recovery)
    if drawdown.recovery is None:
        reasons.noted["max_drawdown_recovery"] = "not_recovered"
    days = (None if place is None else finals[place].day for place in places)
    return {"max_drawdown": depth, **dict(zip(dates, days, strict=True))}


def risk_ratios(finals: Sequence[MeasuredDay], max_drawdown: Decimal | None, reasons: Reasons) -> Figures:
    """Return the ratios of the final days; None where they are too few to say anything."""
    units = [float(f.unit_value) for f in finals]
    returns = daily_returns([f.day.toordinal() for f in finals], units)
    days = days_covered(finals)
    growth = annualized_return(units[-1] / units[0], days) if days >= LEAST_DAYS_TO_ANNUALIZE else None
    yearly = reasons.ratio("annualized_return", growth, "period_too_short")
    figures = {
        "observations": int(returns.size),
        "annualized_return": yearly,
        "calmar_ratio": _calmar(yearly, max_drawdown, reasons),
    }
    if returns.size < LEAST_RETURNS:
        names = ("sharpe_ratio", "sortino_ratio", "annualized_volatility")
        return figures | reasons.undefined(names, "too_few_observations")
    return figures | {
        "sharpe_ratio": reasons.ratio("sharpe_ratio", sharpe_ratio(returns), "no_variation"),
        "sortino_ratio": reasons.ratio("sortino_ratio", sortino_ratio(returns), "no_losing_days"),
        "annualized_volatility": reasons.ratio(
            "annualized_volatility", annualized_volatility(returns), "too_few_observations"
        ),
    }


def days_covered(finals: Sequence[MeasuredDay]) -> int:
    """Return the days between the first and the last; 0 where there are fewer than two."""
    return (finals[-1].day - finals[0].day).days if finals else 0


def _calmar(yearly: Decimal | None, max_drawdown: Decimal | None, reasons: Reasons) -> Decimal | None:
    """Return annualized return over maximum drawdown (Young, "Calmar Ratio", Futures 20, 1991)."""
    if yearly is None or max_drawdown is None:
        reasons.noted["calmar_ratio"] = reasons.noted["annualized_return"]
        return None
    return reasons.quotient("calmar_ratio", yearly, -max_drawdown, _RATIO_STEP, "no_drawdown")


def trading_results(before: TradeCounts, after: TradeCounts, reasons: Reasons) -> Figures:
    """Return the figures of the trades booked between two counts, net of all fees; zero is neither win nor loss.

    A trade that was booked before the period and reversed in it is missing from the difference: no count goes below
    zero for that.
    """
    wins, losses = max(after.wins - before.wins, 0), max(after.losses - before.losses, 0)
    profit = max(after.gross_profit - before.gross_profit, Money.zero())
    loss = max(after.gross_loss - before.gross_loss, Money.zero())
    closing = Decimal(wins + losses)
    no_loss = "no_losses" if closing else "no_closing_trades"
    return {
        "num_trades": max(after.trades - before.trades, 0),
        "win_rate": reasons.quotient("win_rate", Decimal(wins), closing, _RATIO_STEP, "no_closing_trades"),
        "profit_factor": reasons.quotient("profit_factor", profit.value, loss.value, _RATIO_STEP, no_loss),
    }
