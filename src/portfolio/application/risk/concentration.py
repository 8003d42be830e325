"""Concentration and sectors of the portfolio."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Final

import msgspec

from portfolio.application.risk.state import MarketState
from portfolio.domain.arithmetic import HUNDRED, exact, total
from portfolio.domain.money import PERCENT_STEP
from portfolio.domain.rebalancing.summary import Summary

CASH: Final = "cash"
NO_POSITIONS: Final = "no_positions"
NO_TOTAL_VALUE: Final = "no_total_value"
SHORT_POSITION: Final = "short_position"
NEGATIVE_CASH: Final = "negative_cash"
NO_LIMIT: Final = "no_limit"


def concentration_reasons(figures: Summary) -> dict[str, str]:
    """Return why figures of concentration are undefined: a part that is below zero, or nothing to have parts of."""
    reasons = {}
    if figures.hhi is None:
        why = SHORT_POSITION if figures.num_positions else NO_POSITIONS
        reasons.update(dict.fromkeys(("hhi", "effective_positions", "concentration_level"), why))
    if figures.hhi_with_cash is None:
        below = NEGATIVE_CASH if figures.cash < 0 else SHORT_POSITION
        reasons["hhi_with_cash"] = NO_TOTAL_VALUE if figures.total_value <= 0 else below
    return reasons


class Sector(msgspec.Struct, frozen=True, kw_only=True):
    """A category with what it is worth, or cash. Allocations are percentages of the total value with 6 decimals.

    ``limit_percent`` is None where the category has none, ``allocation_percent`` where the total value is not above
    zero.
    """

    category: str
    value: Decimal
    allocation_percent: Decimal | None
    limit_percent: Decimal | None
    over_limit: bool
    symbols: Sequence[str]

    @property
    def reasons(self) -> dict[str, str]:
        """Return why a field is None."""
        reasons = {} if self.allocation_percent is not None else {"allocation_percent": NO_TOTAL_VALUE}
        return reasons if self.limit_percent is not None else {**reasons, "limit_percent": NO_LIMIT}


@exact
def sectors_of(state: MarketState) -> list[Sector]:
    """Return the categories, the largest first, and cash at the end; the allocations sum to exactly 100."""
    view, policy, whole = state.view, state.policy, state.view.total_value
    members: dict[str, list[str]] = defaultdict(list)
    for holding in view.held:
        members[holding.category].append(holding.symbol)
    values = {name: total(view.holdings[symbol].value for symbol in held) for name, held in members.items()}
    names = sorted(values, key=lambda name: (-values[name], name))
    amounts = [*(values[name] for name in names), view.cash]
    allocations: Sequence[Decimal | None] = [None] * len(amounts)
    if whole > 0:
        allocations = apportioned([amount * HUNDRED / whole for amount in amounts])
    sectors = [
        Sector(
            category=name,
            value=values[name],
            allocation_percent=allocation,
            limit_percent=None if name in policy.uncapped_categories else policy.category_limit * HUNDRED,
            over_limit=name not in policy.uncapped_categories
            and whole > 0
            and values[name] > policy.category_limit * whole,
            symbols=members[name],
        )
        for name, allocation in zip(names, allocations, strict=False)
    ]
    cash = Sector(
        category=CASH,
        value=view.cash,
        allocation_percent=allocations[-1],
        limit_percent=None,
        over_limit=False,
        symbols=(),
    )
    return [*sectors, cash]


@exact
def apportioned(percents: Sequence[Decimal]) -> list[Decimal]:
    """Return percentages that sum to 100, rounded to 6 decimals such that they still do: each down, and the millionths
    that are left to those that lost most; a tie goes to the first.
    """
    floors = [percent.quantize(PERCENT_STEP, rounding=ROUND_FLOOR) for percent in percents]
    left = int((HUNDRED - total(floors)) / PERCENT_STEP)
    by_loss = sorted(range(len(percents)), key=lambda place: (floors[place] - percents[place], place))
    for place in by_loss[:left]:
        floors[place] += PERCENT_STEP
    return floors
