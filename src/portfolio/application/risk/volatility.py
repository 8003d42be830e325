"""How much what is held moves, and each asset's part in it, at today's weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from portfolio.analytics.decimals import to_decimals
from portfolio.analytics.volatility import Volatility, volatility
from portfolio.application.risk.concentration import NO_TOTAL_VALUE, apportioned
from portfolio.application.risk.measured import (
    Excluded,
    Measured,
    covered_percent,
    excluded_of,
    measured_of,
    why_weighed,
)
from portfolio.application.risk.state import MarketState, figure, weights_of
from portfolio.domain.arithmetic import HUNDRED, exact, total
from portfolio.domain.level import Level, level_of

_MEDIUM_ABOVE: Final = Decimal("0.4")
_HIGH_ABOVE: Final = Decimal("0.8")


class AssetVolatility(msgspec.Struct, frozen=True, kw_only=True):
    """One asset's volatility, and its part in the portfolio's: ``risk_contribution`` a fraction, its percentage with 6
    decimals. Undefined figures are None; ``reasons`` says why.
    """

    symbol: str
    daily_volatility: Decimal | None
    annualized_volatility: Decimal | None
    level: Level | None
    allocation_percent: Decimal | None
    risk_contribution: Decimal | None
    risk_contribution_percent: Decimal | None
    reasons: Mapping[str, str]


class VolatilityReport(msgspec.Struct, frozen=True, kw_only=True):
    """How much the portfolio moves; ``covered_percent`` is how much of the total value is in its figures."""

    portfolio_volatility: Measured
    diversification_ratio: Measured
    portfolio_heat: Measured
    excluded: Sequence[Excluded]
    common_days: int
    covered_percent: Measured


class RiskShares(msgspec.Struct, frozen=True, kw_only=True):
    """Weight beside risk contribution: ``largest`` are the assets that are largest by the one or the
    other, sizes whatever their sign.

    The ``others`` are the rest, summed: those with both figures; percentages, None where there are no others.
    ``undefined`` are the assets without a risk contribution.
    """

    largest: Sequence[AssetVolatility]
    others: int
    others_allocation_percent: Decimal | None
    others_risk_percent: Decimal | None
    undefined: Sequence[AssetVolatility]


@figure
def moves_of(state: MarketState) -> Volatility:
    """Return how much assets and portfolio move, before it is a report."""
    statistics = state.statistics
    return volatility(statistics.history.returns, weights_of(state), statistics.daily_volatilities)


@figure
def volatility_of(state: MarketState) -> VolatilityReport:
    """Return the volatility of the portfolio at today's weights, over the state's lookback."""
    measured = moves_of(state)
    return VolatilityReport(
        portfolio_volatility=measured_of(state, measured.portfolio),
        diversification_ratio=measured_of(state, measured.diversification_ratio),
        portfolio_heat=measured_of(state, measured.heat),
        excluded=excluded_of(state, state.statistics.history.symbols, measured.excluded),
        common_days=measured.common_days,
        covered_percent=covered_percent(state, measured.covered_weight),
    )


@figure
@exact
def asset_volatilities_of(state: MarketState) -> Sequence[AssetVolatility]:
    """Return each asset's volatility and its part in the portfolio's, by symbol; the parts' percentages sum to 100."""
    measured, whole = moves_of(state), state.view.total_value
    contributions = measured.contributions
    daily, parts = to_decimals(measured.daily.values), to_decimals(contributions.values)
    defined = [part for part in parts if part is not None]
    summed = total(defined)
    percents = iter(apportioned([part * HUNDRED / summed for part in defined]) if defined else ())
    assets = []
    for place, symbol in enumerate(state.statistics.history.symbols):
        annualized = state.statistics.volatilities.get(symbol)
        own, shared = measured.daily.reasons[place], contributions.reasons[place]
        lacking = {
            "daily_volatility": (daily[place], own),
            "annualized_volatility": (annualized, own),
            "level": (annualized, own),
            "risk_contribution": (parts[place], shared),
            "risk_contribution_percent": (parts[place], shared),
        }
        reasons = {name: why_weighed(state, reason) for name, (value, reason) in lacking.items() if value is None}
        if whole <= 0:
            reasons["allocation_percent"] = NO_TOTAL_VALUE
        assets.append(
            AssetVolatility(
                symbol=symbol,
                daily_volatility=daily[place],
                annualized_volatility=annualized,
                level=volatility_level(annualized),
                allocation_percent=state.view.holdings[symbol].value * HUNDRED / whole if whole > 0 else None,
                risk_contribution=parts[place],
                risk_contribution_percent=next(percents) if parts[place] is not None else None,
                reasons=reasons,
            )
        )
    return assets


@exact
def risk_shares_of(state: MarketState, most: int) -> RiskShares:
    """Return the ``most`` assets that are largest by weight or by their part in the risk, and the others together."""
    sized, undefined = [], []
    for asset in asset_volatilities_of(state):
        part, weight = asset.risk_contribution_percent, asset.allocation_percent
        if part is None or weight is None:
            undefined.append(asset)
        else:
            sized.append((part, weight, asset))
    sized.sort(key=lambda item: (-max(abs(float(item[0])), abs(float(item[1]))), item[2].symbol))
    rest = sized[most:]
    return RiskShares(
        largest=[asset for _, _, asset in sized[:most]],
        others=len(rest),
        others_allocation_percent=total(weight for _, weight, _ in rest) if rest else None,
        others_risk_percent=total(part for part, _, _ in rest) if rest else None,
        undefined=undefined,
    )


def volatility_level(annualized: Decimal | None) -> Level | None:
    """Return high above 80 % a year, medium above 40 %, else low; None for None.

    80 % is where the rebalancing policy by default begins to cap a position for its volatility; 40 % is half of it.
    Both are the house's own choice.
    """
    return level_of(annualized, medium_above=_MEDIUM_ABOVE, high_above=_HIGH_ABOVE)
