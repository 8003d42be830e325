"""The figures of the page of the optimiser, each with the numbers that it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.application.optimisation.records import ExpectedFigures, Optimised
from portfolio.domain.arithmetic import exact, total
from portfolio.entrypoints.http.optimisation.answers import OptimisationView
from portfolio.entrypoints.http.pages.frame.figures import About, Figure, FigureOf, Term, last_days
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.shell.numbers import cents, ratio


class _Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What figures of a year are made of: mean and deviation of a day, and the return above the risk-free rate."""

    mean: Decimal | None
    deviation: Decimal | None
    excess: Decimal | None

    @classmethod
    @exact
    def of(cls, found: ExpectedFigures) -> _Terms:
        annual, deviation, sharpe = found.annual_return.value, found.volatility.value, found.sharpe.value
        days = Decimal(DAYS_PER_YEAR)
        return cls(
            mean=None if annual is None else annual / days,
            deviation=None if deviation is None else deviation / days.sqrt(),
            excess=None if sharpe is None or deviation is None else sharpe * deviation,
        )


FIGURES: Final[Mapping[str, About]] = {
    "expected": ("What may be expected of these weights", Kind.RATIO, "Of the days looked at."),
    "expected_return": ("Return a year", Kind.FRACTION,
                        "The mean daily return of these weights, times 365. It is the least sure of these figures."),
    "expected_volatility": (
        "Volatility a year", Kind.FRACTION,
        "The standard deviation of a day by the estimator's covariance, times the square root of 365."),
    "expected_sharpe": ("Sharpe ratio", Kind.RATIO, "The return above the risk-free rate, over the volatility."),
    "expected_cvar": ("CVaR of a day", Kind.FRACTION,
                      "The mean loss of the days that are worse than the confidence asked for, by history."),
    "turnover_percent": ("Turnover", Kind.PERCENT, "The value of all trades, in percent of today's total value."),
    "estimated_cost": ("Estimated cost", Kind.COST, "The value of all trades, times the fee of the policy."),
}  # fmt: skip


def promised(figure: FigureOf, view: OptimisationView, found: ExpectedFigures | None) -> Sequence[Figure]:
    """Return what the weights promise; one figure that says why, where the days are too few."""
    expected, days = view.expected, last_days(view.honesty.observations)
    if expected is None or found is None:
        return [figure("expected", None, reason=view.reasons.get("expected"))]
    terms = _Terms.of(found)
    of_return = [
        Term("Mean of a day", ratio(terms.mean), Kind.FRACTION),
        Term("Days a year", DAYS_PER_YEAR, Kind.COUNT, "x"),
    ]
    of_volatility = [
        Term("Volatility of a day", ratio(terms.deviation), Kind.FRACTION),
        Term("Days a year", DAYS_PER_YEAR, Kind.COUNT, "x √"),
    ]
    of_sharpe = [
        Term("Return above the risk-free rate", ratio(terms.excess), Kind.FRACTION),
        Term("Volatility a year", expected.volatility.value, Kind.FRACTION, "/"),
    ]
    of_tail = [Term("Confidence", view.confidence, Kind.CONFIDENCE)]
    return [
        figure("expected_return", expected.annual_return.value, terms=of_return, period=days),
        figure("expected_volatility", expected.volatility.value, terms=of_volatility, period=days),
        figure("expected_sharpe", expected.sharpe.value, terms=of_sharpe, reason="constant_series", period=days),
        figure("expected_cvar", expected.cvar.value, terms=of_tail, period=days),
    ]


def costs(figure: FigureOf, view: OptimisationView, found: Optimised) -> Sequence[Figure]:
    """Return what the plan trades, and what that costs."""
    traded = Term("Value of all trades", cents(total(trade.trade_value for trade in found.plan.trades)), Kind.MONEY)
    whole = Term("Total value", cents(found.state.view.total_value), Kind.MONEY, "/")
    return [
        figure("turnover_percent", view.plan.turnover_percent, terms=[traded, whole]),
        figure("estimated_cost", view.plan.estimated_cost, terms=[traded]),
    ]
