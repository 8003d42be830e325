"""The numbers in the formulas of risk figures: what each is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.analytics.decimals import STEP
from portfolio.application.risk.measured import Measured
from portfolio.application.risk.state import MarketState, summary_of
from portfolio.domain.arithmetic import ZERO, exact, total
from portfolio.domain.rebalancing.health import correlated_positions


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """A figure as the sum of its ``largest`` parts, by symbol, and of the ``rest``, which ``others`` assets add; at 12
    decimals.
    """

    largest: Sequence[tuple[str, Decimal]]
    others: int
    rest: Decimal


@exact
def hhi_parts_of(state: MarketState, most: int) -> Parts | None:
    """Return the squared shares of the invested value; None where the index is undefined."""
    figures = summary_of(state)
    if figures.hhi is None:
        return None
    squares = {holding.symbol: (holding.value / figures.view.invested) ** 2 for holding in figures.view.held}
    return _parts(squares, figures.hhi, most)


@exact
def cash_square_of(state: MarketState) -> Decimal | None:
    """Return the squared share of cash in the total value; None where the index with cash is undefined."""
    figures = summary_of(state)
    if figures.hhi_with_cash is None:
        return None
    return ((figures.cash / figures.total_value) ** 2).quantize(STEP)


@exact
def heat_parts_of(state: MarketState, heat: Decimal, most: int) -> Parts:
    """Return allocation x daily volatility of the assets that have one: they sum to ``heat``."""
    whole, root = state.view.total_value, Decimal(DAYS_PER_YEAR).sqrt()
    parts = {
        symbol: state.view.holdings[symbol].value / whole * annualized / root
        for symbol, annualized in state.statistics.volatilities.items()
        if state.view.holdings[symbol].is_held
    }
    return _parts(parts, heat, most)


@exact
def correlation_terms_of(state: MarketState) -> tuple[Decimal, int]:
    """Return the sum of the coefficients behind the average correlation, and how many there are."""
    counted = correlated_positions(state.view, state.policy)
    return state.view.correlations.of([holding.symbol for holding in counted]).summed()


@exact
def a_day(annualized: Measured) -> Decimal | None:
    """Return the volatility of one day: the annualized one / sqrt(365)."""
    if annualized.value is None:
        return None
    return (annualized.value / Decimal(DAYS_PER_YEAR).sqrt()).quantize(STEP)


@exact
def own_volatility(ratio: Measured, annualized: Measured) -> Decimal | None:
    """Return the weighted sum of the assets' own volatilities, of which the diversification ratio is a multiple."""
    if ratio.value is None or annualized.value is None:
        return None
    return (ratio.value * annualized.value).quantize(STEP)


def _parts(parts: Mapping[str, Decimal], whole: Decimal, most: int) -> Parts:
    by_size = sorted(parts, key=lambda symbol: (-abs(parts[symbol]), symbol))
    largest = [(symbol, parts[symbol].quantize(STEP)) for symbol in by_size[:most]]
    rest = whole.quantize(STEP) - total(part for _, part in largest)
    return Parts(largest=largest, others=len(by_size) - len(largest), rest=rest if len(by_size) > most else ZERO)
