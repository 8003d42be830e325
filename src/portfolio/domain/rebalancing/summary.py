"""The figures of a view: the same before and after the trades of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from portfolio.domain.arithmetic import HUNDRED, exact
from portfolio.domain.rebalancing.concentration import (
    ConcentrationLevel,
    concentration_level,
    effective_positions,
    herfindahl,
)
from portfolio.domain.rebalancing.health import HealthScore, assess_under
from portfolio.domain.rebalancing.limits import LimitName, Limits, values_of
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.view import MarketView


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a view amounts to. Money is exact; None where a figure is undefined.

    ``hhi`` counts shares of the invested value, ``hhi_with_cash`` of the total value with cash as one of them.
    """

    total_value: Decimal
    cash: Decimal
    cash_allocation: Decimal | None
    num_positions: int
    hhi: Decimal | None
    hhi_with_cash: Decimal | None
    effective_positions: Decimal | None
    concentration_level: ConcentrationLevel | None
    health: HealthScore
    broken: Sequence[LimitName]

    @property
    def average_correlation(self) -> Decimal | None:
        """Return the mean correlation between positions that matter."""
        return self.health.average_correlation


@exact
def figures_of(view: MarketView, policy: RebalancePolicy) -> Summary:
    """Return the figures of ``view``."""
    return figures_under(Limits.of(view, policy, is_still=True), view)


@exact
def figures_under(limits: Limits, view: MarketView) -> Summary:
    """Return the figures of ``view`` under limits made already: of it, or of the view before its trades."""
    whole = view.total_value
    values = [holding.value for holding in view.held]
    hhi = herfindahl(values, view.invested)
    return Summary(
        total_value=whole,
        cash=view.cash,
        cash_allocation=view.cash * HUNDRED / whole if whole > 0 else None,
        num_positions=len(values),
        hhi=hhi,
        hhi_with_cash=herfindahl([*values, view.cash], whole),
        effective_positions=effective_positions(hhi),
        concentration_level=concentration_level(hhi),
        health=assess_under(limits, view),
        broken=tuple(limits.broken(values_of(view), whole)),
    )
