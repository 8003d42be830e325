"""The figures of the page of the optimiser, each with the numbers that it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.application.optimisation.records import ExpectedFigures, Optimised
from portfolio.domain.arithmetic import exact, total
from portfolio.entrypoints.http.optimisation.answers import ExpectedView, OptimisationView
from portfolio.entrypoints.http.pages.frame.figures import Figure, FigureOf, Term
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.shell.numbers import cents, ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
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


def promised(figure: FigureOf, view: OptimisationView, found: ExpectedFigures | None) -> Sequence[Figure]:
    """Return what the weights promise; one figure that says why, where the days are too few."""
    days, reason = view.honesty.observations, view.reasons.get("expected")
    if view.expected is None or found is None:
        return [
            figure(
                "expected",
                "What may be expected of these weights",
                None,
                Kind.RATIO,
                "Of the days looked at.",
                reason=reason,
            )
        ]
    risk, means = _of_risk(figure, view.expected, found, view), _of_means(figure, view.expected, found, days)
    return [means[0], risk[0], means[1], risk[1]]


def _of_means(figure: FigureOf, expected: ExpectedView, found: ExpectedFigures, days: int) -> Sequence[Figure]:
    terms = _Terms.of(found)
    return [
        figure(
            "expected_return",
            "Return a year",
            expected.annual_return.value,
            Kind.FRACTION,
            "The mean daily return of these weights, times 365. It is the least sure of these figures.",
            terms=[
                Term(label="Mean of a day", value=ratio(terms.mean), kind=Kind.FRACTION),
                Term(sign="x", label="Days a year", value=DAYS_PER_YEAR, kind=Kind.COUNT),
            ],
            days=days,
        ),
        figure(
            "expected_sharpe",
            "Sharpe ratio",
            expected.sharpe.value,
            Kind.RATIO,
            "The return above the risk-free rate, over the volatility.",
            terms=[
                Term(label="Return above the risk-free rate", value=ratio(terms.excess), kind=Kind.FRACTION),
                Term(sign="/", label="Volatility a year", value=expected.volatility.value, kind=Kind.FRACTION),
            ],
            reason="constant_series",
            days=days,
        ),
    ]


def _of_risk(
    figure: FigureOf, expected: ExpectedView, found: ExpectedFigures, view: OptimisationView
) -> Sequence[Figure]:
    days = view.honesty.observations
    return [
        figure(
            "expected_volatility",
            "Volatility a year",
            expected.volatility.value,
            Kind.FRACTION,
            "The standard deviation of a day by the estimator's covariance, times the square root of 365.",
            terms=[
                Term(label="Volatility of a day", value=ratio(_Terms.of(found).deviation), kind=Kind.FRACTION),
                Term(sign="x √", label="Days a year", value=DAYS_PER_YEAR, kind=Kind.COUNT),
            ],
            days=days,
        ),
        figure(
            "expected_cvar",
            "CVaR of a day",
            expected.cvar.value,
            Kind.FRACTION,
            "The mean loss of the days that are worse than the confidence asked for, by history.",
            terms=[Term(label="Confidence", value=view.confidence, kind=Kind.CONFIDENCE)],
            days=days,
        ),
    ]


def costs(figure: FigureOf, view: OptimisationView, found: Optimised) -> Sequence[Figure]:
    """Return what the plan trades, and what that costs."""
    traded = cents(total(trade.trade_value for trade in found.plan.trades))
    return [
        figure(
            "turnover_percent",
            "Turnover",
            view.plan.turnover_percent,
            Kind.PERCENT,
            "The value of all trades, in percent of today's total value.",
            terms=[
                Term(label="Value of all trades", value=traded, kind=Kind.MONEY),
                Term(sign="/", label="Total value", value=cents(found.state.view.total_value), kind=Kind.MONEY),
            ],
        ),
        figure(
            "estimated_cost",
            "Estimated cost",
            view.plan.estimated_cost,
            Kind.COST,
            "The value of all trades, times the fee of the policy.",
            terms=[Term(label="Value of all trades", value=traded, kind=Kind.MONEY)],
        ),
    ]
