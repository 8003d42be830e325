"""The figures of a period, each defined or with the reason why it is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from portfolio.analytics.decimals import DECIMALS, statistic
from portfolio.analytics.performance import (
    annualized_return,
    annualized_volatility,
    daily_returns,
    max_drawdown,
    sharpe_ratio,
    sortino_ratio,
)
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.trade_counts import TradeCounts
from portfolio.domain.money import EXACT, PERCENT_STEP, Money

LEAST_RETURNS: Final = 30
LEAST_DAYS_TO_ANNUALIZE: Final = 90

_RATIO_STEP = Decimal(1).scaleb(-DECIMALS)


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalDay:
    """A day that is over, with all that returns are made of."""

    day: date
    total_value: Money
    net_deposits: Money
    unit_value: Decimal


@dataclass(slots=True)
class Reasons:
    """Rounds figures, and collects the reason for each figure that is undefined."""

    noted: dict[str, str] = field(default_factory=dict)

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


@dataclass(frozen=True, slots=True)
class Change:
    """The gain: as money without deposits and withdrawals, and as a time-weighted percentage."""

    money: Money | None
    percent: Decimal | None


def period_change(finals: Sequence[FinalDay], reasons: Reasons) -> Change:
    """Return the change from the first to the last final day."""
    if len(finals) < 2:
        reasons.noted.update(dict.fromkeys(("total_return", "total_return_percent"), "no_history"))
        return Change(None, None)
    first, last = finals[0], finals[-1]
    return Change(
        (last.total_value - first.total_value) - (last.net_deposits - first.net_deposits),
        reasons.growth_percent("total_return_percent", first.unit_value, last.unit_value),
    )


def daily_change(portfolio: Portfolio, finals: Sequence[FinalDay], today: date, reasons: Reasons) -> Change:
    """Return the change from the end of yesterday to the portfolio as it is."""
    if not finals or finals[-1].day != today - timedelta(days=1):
        reasons.noted.update(dict.fromkeys(("daily_return", "daily_return_percent"), "no_value_yesterday"))
        return Change(None, None)
    yesterday, total = finals[-1], portfolio.total_value
    return Change(
        (total - yesterday.total_value) - (portfolio.net_deposits - yesterday.net_deposits),
        reasons.growth_percent("daily_return_percent", yesterday.unit_value, portfolio.units.value(total)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """The deepest fall of the unit value, and when."""

    depth: Decimal | None = None
    peak: date | None = None
    trough: date | None = None
    recovery: date | None = None


def deepest_fall(finals: Sequence[FinalDay], reasons: Reasons) -> Fall:
    """Return the maximum drawdown of the final days, the first one's value included."""
    dates = ("max_drawdown_peak", "max_drawdown_trough", "max_drawdown_recovery")
    drawdown = max_drawdown([float(f.unit_value) for f in finals]) if len(finals) > 1 else None
    depth = reasons.ratio("max_drawdown", drawdown.depth if drawdown else None, "no_history")
    if drawdown is None or not depth:
        reasons.noted.update(dict.fromkeys(dates, "no_drawdown" if drawdown else "no_history"))
        return Fall(depth=depth)
    if drawdown.recovery is None:
        reasons.noted["max_drawdown_recovery"] = "not_recovered"
    return Fall(
        depth=depth,
        peak=finals[drawdown.peak].day,
        trough=finals[drawdown.trough].day,
        recovery=None if drawdown.recovery is None else finals[drawdown.recovery].day,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """Return in relation to risk; ``observations`` is how many daily returns there were."""

    observations: int
    sharpe_ratio: Decimal | None
    sortino_ratio: Decimal | None
    annualized_volatility: Decimal | None
    annualized_return: Decimal | None
    calmar_ratio: Decimal | None


def risk_ratios(finals: Sequence[FinalDay], fall: Fall, reasons: Reasons) -> Risk:
    """Return the ratios of the final days; None where they are too few to say anything."""
    units = [float(f.unit_value) for f in finals]
    returns = daily_returns([f.day.toordinal() for f in finals], units)
    if returns.size < LEAST_RETURNS:
        names = ("sharpe_ratio", "sortino_ratio", "annualized_volatility")
        reasons.noted.update(dict.fromkeys(names, "too_few_observations"))
        sharpe = sortino = volatility = None
    else:
        sharpe = reasons.ratio("sharpe_ratio", sharpe_ratio(returns), "no_variation")
        sortino = reasons.ratio("sortino_ratio", sortino_ratio(returns), "no_losing_days")
        volatility = reasons.ratio("annualized_volatility", annualized_volatility(returns), "too_few_observations")
    days = days_covered(finals)
    long_enough = days >= LEAST_DAYS_TO_ANNUALIZE
    yearly = reasons.ratio(
        "annualized_return", annualized_return(units[-1] / units[0], days) if long_enough else None, "period_too_short"
    )
    return Risk(
        observations=int(returns.size),
        sharpe_ratio=sharpe,
        sortino_ratio=sortino,
        annualized_volatility=volatility,
        annualized_return=yearly,
        calmar_ratio=_calmar(yearly, fall, reasons),
    )


def days_covered(finals: Sequence[FinalDay]) -> int:
    """Return the days between the first and the last; 0 where there are fewer than two."""
    return (finals[-1].day - finals[0].day).days if finals else 0


def _calmar(yearly: Decimal | None, fall: Fall, reasons: Reasons) -> Decimal | None:
    """Return annualized return over maximum drawdown (Young, "Calmar Ratio", Futures 20, 1991)."""
    if yearly is None or fall.depth is None:
        reasons.noted["calmar_ratio"] = reasons.noted["annualized_return"]
        return None
    return reasons.quotient("calmar_ratio", yearly, -fall.depth, _RATIO_STEP, "no_drawdown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trading:
    """What the trades booked in a period brought."""

    trades: int
    win_rate: Decimal | None
    profit_factor: Decimal | None


def trading_results(before: TradeCounts, after: TradeCounts, reasons: Reasons) -> Trading:
    """Return the figures of the trades booked between two counts, net of all fees; zero is neither win nor loss.

    A trade that was booked before the period and reversed in it is missing from the difference: no count goes below
    zero for that.
    """
    wins, losses = max(after.wins - before.wins, 0), max(after.losses - before.losses, 0)
    profit = max(after.gross_profit - before.gross_profit, Money.zero())
    loss = max(after.gross_loss - before.gross_loss, Money.zero())
    closing = Decimal(wins + losses)
    no_loss = "no_losses" if closing else "no_closing_trades"
    return Trading(
        trades=max(after.trades - before.trades, 0),
        win_rate=reasons.quotient("win_rate", Decimal(wins), closing, _RATIO_STEP, "no_closing_trades"),
        profit_factor=reasons.quotient("profit_factor", profit.value, loss.value, _RATIO_STEP, no_loss),
    )
