"""What every figure of a report means, and where its formula is from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec


class Definition(msgspec.Struct, frozen=True):
    """A term, what it is, and the source of its formula."""

    term: str
    text: str
    source: str = ""


DEFINITIONS: Final[Sequence[Definition]] = (
    Definition("Day", "A UTC date; crypto is traded every day, and a year has 365."),
    Definition(
        "Period",
        "The last completed days; it begins with the end of the day before the first of them. Today is not in it.",
    ),
    Definition("Net deposits", "Deposits less withdrawals, transfers of assets at their cost, in dollars."),
    Definition("Realized result", "Proceeds of what was sold less its cost basis, fees included; average cost."),
    Definition("Unrealized result", "Value of what is held less its cost basis, fees included."),
    Definition("Unreconciled", "What other programs wrote into the books' rows and nobody has accepted yet."),
    Definition(
        "Unit value", "Value of one unit. A deposit buys units at the value of its moment, a withdrawal sells them."
    ),
    Definition(
        "Return, time-weighted", "Growth of the unit value over the period.", "CFA Institute, GIPS Standards (2020)"
    ),
    Definition(
        "Return, money-weighted",
        "The rate at which all payments and the value at the end are worth what was there at the start (XIRR) "
        "over the period; of a year from 90 days on.",
        "CFA Institute, GIPS Standards (2020)",
    ),
    Definition("Annualized return", "Growth ^ (365 / days) - 1, from 90 days on."),
    Definition("Annualized volatility", "Sample standard deviation of daily returns x sqrt(365), from 30 returns on."),
    Definition(
        "Sharpe ratio",
        "Mean excess return / its standard deviation x sqrt(365). "
        "Its standard error: sqrt((1 + s x s / 2) / n) x sqrt(365), s of a day.",
        "Sharpe (1994); Lo (2002)",
    ),
    Definition(
        "Sortino ratio",
        "Mean excess return / root mean square of min(excess return, 0) x sqrt(365).",
        "Sortino and Price (1994)",
    ),
    Definition(
        "Drawdown",
        "Unit value / highest unit value so far - 1; the maximum drawdown is the least of them.",
        "Magdon-Ismail and Atiya (2004)",
    ),
    Definition("Calmar ratio", "Annualized return / -maximum drawdown.", "Young (1991)"),
    Definition("Beta", "Covariance with the benchmark's daily returns / variance of these.", "Sharpe (1964)"),
    Definition(
        "Up and down capture",
        "Geometric mean of the returns on the days on which the benchmark rose (fell) / that of the benchmark.",
        "Morningstar (2010)",
    ),
    Definition(
        "Month, year", "A period of its own: growth of the unit value from the end of the month before to its own."
    ),
    Definition(
        "Distribution",
        "Daily returns between bounds of one width, of which zero is one. Skewness and excess kurtosis are unbiased.",
        "Freedman and Diaconis (1981); Joanes and Gill (1998)",
    ),
    Definition(
        "Value at risk",
        "With k = (1 - c) n, the loss at place ceil(k) of the n losses, the worst first; conditional: the mean of k "
        "worst. Of these days: of the returns that were. At today's weights: of what is held now, over the same days, "
        "also by normal and Cornish-Fisher quantiles.",
        "Rockafellar and Uryasev (2002); Maillard (2012)",
    ),
    Definition(
        "Rolling figures", "Of the days that end with each day; volatility and Sharpe ratio from 30 returns on."
    ),
    Definition(
        "Contribution",
        "By how much the realized and unrealized result of a position grew, fees included; "
        "with other effects they sum to the result.",
    ),
    Definition("Weight", "Value of a position / total value, cash included."),
    Definition(
        "Part in the risk",
        "Weight x covariance with the portfolio / variance of the portfolio; the parts sum to 100 %.",
    ),
    Definition("Diversification ratio", "Weighted mean of the volatilities / volatility of the portfolio."),
    Definition(
        "Correlation",
        "Pearson's coefficient of daily returns on a pair's common days, 20 at least; "
        "the average is of positions of 1 % or more, stablecoins apart.",
    ),
    Definition("Fees", "As they were booked, in dollars; trades that were reversed are in no sum."),
    Definition("Win rate", "Closing trades with a gain / those with a gain or a loss, net of all fees."),
    Definition("Profit factor", "Sum of the gains / sum of the losses of closing trades."),
    Definition("Stale price", "Older than the newest thing known in these books by more than the service's limit."),
    Definition("Gap", "A day without a value: no line and no return goes over it."),
)
