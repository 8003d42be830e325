"""Values the portfolio, position by position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from portfolio.domain.categories import Categories
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.money import Money, percent_of
from portfolio.domain.prices.freshness import Freshness, freshness_of


class PriceStatus(StrEnum):
    """Whether a position's price can be believed today."""

    LIVE = "live"
    STALE = "stale"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionValue:
    """A position at its price. Percentages have 6 decimals; None where undefined."""

    position: Position
    allocation_percent: Decimal | None
    category: str
    price_status: PriceStatus
    price_age_seconds: int | None

    @property
    def unrealized_pnl_percent(self) -> Decimal | None:
        """Return the unrealized result in percent of the cost basis."""
        return percent_of(self.position.unrealized_pnl, self.position.cost_basis)


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """A portfolio at its prices: the sums of the accounting identity, and the open positions by symbol."""

    portfolio: Portfolio
    at: datetime
    positions: Sequence[PositionValue]
    freshness: Freshness
    total_value: Money
    invested: Money
    cost_basis: Money
    unrealized_pnl: Money
    total_pnl: Money
    total_pnl_percent: Decimal | None
    priced_share_percent: Decimal | None
    unreconciled: Money

    @property
    def statuses(self) -> tuple[PriceStatus, ...]:
        """Return what may be believed of each position's price."""
        return tuple(value.price_status for value in self.positions)

    @property
    def is_stale(self) -> bool:
        """Return whether under 95 % of the value of what is held has a live price."""
        return not self.freshness.is_enough


def value_portfolio(portfolio: Portfolio, *, now: datetime, max_age: timedelta, categories: Categories) -> Valuation:
    """Return the portfolio valued at its marks; a price older than ``max_age`` is stale."""
    invested, cost_basis = portfolio.invested, portfolio.cost_basis
    total = portfolio.cash + invested
    unrealized = invested - cost_basis
    values = [
        value_position(p, percent_of(p.market_value, total), now, max_age, categories) for p in portfolio.open_positions
    ]
    priced = invested
    for value in values:
        if value.price_status is PriceStatus.MISSING:
            priced = priced - value.position.market_value
    total_pnl = portfolio.realized_pnl + unrealized
    return Valuation(
        portfolio=portfolio,
        at=now,
        positions=values,
        freshness=freshness_of(portfolio.open_positions, now, max_age, trusts_assumed_rates=True),
        total_value=total,
        invested=invested,
        cost_basis=cost_basis,
        unrealized_pnl=unrealized,
        total_pnl=total_pnl,
        total_pnl_percent=percent_of(total_pnl, portfolio.net_deposits),
        priced_share_percent=percent_of(priced, invested),
        unreconciled=portfolio.cash + cost_basis - portfolio.net_deposits - portfolio.realized_pnl,
    )


def aged(valuation: Valuation, *, now: datetime, max_age: timedelta) -> Valuation:
    """Return the valuation at another moment: only ages and statuses of prices change with time."""
    if now == valuation.at:
        return valuation
    values = []
    for value in valuation.positions:
        status, age = _age_of(value.position, now, max_age)
        values.append(replace(value, price_status=status, price_age_seconds=age))
    freshness = valuation.freshness
    if [value.price_status for value in values] != list(valuation.statuses):
        freshness = freshness_of(valuation.portfolio.open_positions, now, max_age, trusts_assumed_rates=True)
    return replace(valuation, at=now, positions=values, freshness=freshness)


def value_position(
    position: Position, allocation_percent: Decimal | None, now: datetime, max_age: timedelta, categories: Categories
) -> PositionValue:
    """Return one position valued at its mark, with its share of the portfolio."""
    status, age_seconds = _age_of(position, now, max_age)
    return PositionValue(
        position=position,
        allocation_percent=allocation_percent,
        category=categories.of(position.symbol),
        price_status=status,
        price_age_seconds=age_seconds,
    )


def _age_of(position: Position, now: datetime, max_age: timedelta) -> tuple[PriceStatus, int | None]:
    mark = position.mark
    if mark is None:
        return PriceStatus.MISSING, None
    status = PriceStatus.LIVE if mark.is_live(now, max_age) else PriceStatus.STALE
    return status, int(max(now - mark.at, timedelta(0)).total_seconds())
