"""What rules compare of each asset and pair, as exact numbers: the one place where a statistic becomes a Decimal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.analytics.decimals import to_decimals
from portfolio.analytics.estimate import Estimates
from portfolio.analytics.momentum import momentum
from portfolio.analytics.pairs import PairMatrix
from portfolio.analytics.returns import PriceHistory
from portfolio.analytics.volatility import daily_volatility


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Statistics:
    """How assets moved over a lookback; weights do not matter here.

    ``history`` has a column for each asset, in the order of its symbols; ``daily_volatilities`` are in the same order.
    The mappings hold exact numbers, the defined ones only: ``volatilities``, annualized, and ``momenta`` by symbol,
    ``correlations`` by pair of symbols in order.
    """

    history: PriceHistory
    daily_volatilities: Estimates
    volatilities: Mapping[str, Decimal]
    momenta: Mapping[str, Decimal]
    correlations: PairMatrix


def asset_statistics(history: PriceHistory, n_days: int) -> Statistics:
    """Return the statistics of the last ``n_days``; momentum is of its own 14 days, however few those are.

    Args:
        history: columns in the order of their symbols, ascending; long enough for the momentum.
        n_days: the lookback, at most as long as the history.
    """
    recent, symbols = history.last(n_days), history.symbols
    assert list(symbols) == sorted(symbols)
    daily, moved = daily_volatility(recent.returns), momentum(history.closes)
    return Statistics(
        history=recent,
        daily_volatilities=daily,
        volatilities=_defined(symbols, to_decimals(daily.values * DAYS_PER_YEAR**0.5)),
        momenta=_defined(symbols, to_decimals(moved.values)),
        correlations=PairMatrix(symbols, recent.returns),
    )


def _defined(names: Sequence[str], values: Sequence[Decimal | None]) -> Mapping[str, Decimal]:
    return MappingProxyType({name: value for name, value in zip(names, values, strict=True) if value is not None})
