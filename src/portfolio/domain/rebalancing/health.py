"""The health score, with what was deducted and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from portfolio.domain.arithmetic import HUNDRED, ONE, ZERO, exact, total
from portfolio.domain.decimal_text import plain
from portfolio.domain.rebalancing.limits import LimitName, Limits, share_of
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.view import Holding, MarketView

TARGET_SCORE = Decimal(70)
POSITION_POINTS = Decimal(15)
CATEGORY_POINTS = Decimal(10)
CORRELATION_POINTS = Decimal(30)

_TENTH = Decimal("0.1")
_STATISTIC = Decimal(1).scaleb(-12)
_SMALLEST_SHARE = Decimal("0.01")


class Factor(StrEnum):
    """What a deduction is for; ``floor`` gives back what would take the score below zero."""

    POSITION = "position_over_limit"
    CATEGORY = "category_over_limit"
    CORRELATION = "average_correlation"
    FLOOR = "floor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deduction:
    """Points taken off the score; ``subject`` is the symbol or category, None where it is the whole portfolio."""

    factor: Factor
    points: Decimal
    detail: str
    subject: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthScore:
    """A score of 0 to 100 in tenths, and deductions that sum to exactly ``100 - score``.

    The score is None, without deductions, where the total value is not above zero although something is held or owed:
    shares of it are undefined.
    """

    score: Decimal | None
    average_correlation: Decimal | None
    deductions: Sequence[Deduction] = ()

    @property
    def is_healthy(self) -> bool | None:
        """Return whether the score is 70 or more; None where there is no score."""
        return None if self.score is None else self.score >= TARGET_SCORE


@exact
def assess(limits: Limits, broken: Iterable[LimitName], average: Decimal | None) -> HealthScore:
    """Return the health of the limits' view: 100, less 15 for each position over the position limit, 10 for each
    category over the category limit and 30 x the average correlation cut to 0..1, not below 0, rounded half even to
    0.1.
    """
    view = limits.view
    whole = view.total_value
    if whole <= 0:
        is_empty = not whole and not view.held
        return HealthScore(score=HUNDRED if is_empty else None, average_correlation=None)
    deductions = [
        _deduction(name, limits, share_of(name, limits, view.values) * HUNDRED / whole)
        for name in broken
        if name.reason in {Reason.CONCENTRATION_RISK, Reason.CATEGORY_CONCENTRATION}
    ]
    left = HUNDRED - total(deduction.points for deduction in deductions)
    if average is not None:
        # What is left is a whole number: to round these points is to round the score, and the rows add up.
        exact_points = CORRELATION_POINTS * min(max(average, ZERO), ONE)
        points = exact_points.quantize(_TENTH, rounding=ROUND_HALF_EVEN)
        if points:
            detail = f"the average correlation is {plain(average)}, and 1 would take {CORRELATION_POINTS} points"
            deductions.append(Deduction(factor=Factor.CORRELATION, points=points, detail=detail))
            left -= points
    if left < 0:
        deductions.append(Deduction(factor=Factor.FLOOR, points=left, detail="the score is not below 0"))
        left = ZERO
    return HealthScore(score=left, average_correlation=average, deductions=tuple(deductions))


@exact
def correlated_positions(view: MarketView, policy: RebalancePolicy) -> list[Holding]:
    """Return the positions whose correlations count: of 1 % of the total value or more, no stablecoins, by symbol."""
    smallest, stable = _SMALLEST_SHARE * view.total_value, policy.stable_categories
    return [holding for holding in view.held if holding.value >= smallest and holding.category not in stable]


@exact
def average_correlation(view: MarketView, policy: RebalancePolicy) -> Decimal | None:
    """Return the mean of the defined correlations between the positions whose correlations count, at 12 decimals, half
    even; None where there is no such pair.
    """
    symbols = [holding.symbol for holding in correlated_positions(view, policy)]
    whole, count = view.correlations.of(symbols).summed()
    return (whole / count).quantize(_STATISTIC, rounding=ROUND_HALF_EVEN) if count else None


def _deduction(name: LimitName, limits: Limits, allocation: Decimal) -> Deduction:
    subject = name.subject[0]
    percent = plain(allocation.quantize(Decimal("0.000001"), rounding=ROUND_HALF_EVEN))
    if name.reason is Reason.CONCENTRATION_RISK:
        limit = plain(limits.policy.position_limit * HUNDRED)
        factor, points, kind = Factor.POSITION, POSITION_POINTS, "position"
    else:
        limit = plain(limits.policy.category_limit * HUNDRED)
        factor, points, kind = Factor.CATEGORY, CATEGORY_POINTS, "category"
    detail = f"{subject} is {percent} % of the total value, over the {kind} limit of {limit} %"
    return Deduction(factor=factor, points=points, detail=detail, subject=subject)
