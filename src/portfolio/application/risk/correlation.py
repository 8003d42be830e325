"""How what is held moves together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import combinations

import msgspec

from portfolio.analytics.estimate import Undefined
from portfolio.application.risk.concentration import NO_TOTAL_VALUE
from portfolio.application.risk.measured import Excluded, Measured, excluded_of, why_undefined
from portfolio.application.risk.state import MarketState, figure, summary_of
from portfolio.domain.arithmetic import HUNDRED, ONE, exact, total
from portfolio.domain.rebalancing.health import correlated_positions
from portfolio.domain.rebalancing.view import Pair, pair_of


class HighPair(msgspec.Struct, frozen=True, kw_only=True):
    """Two assets that move together more than the policy likes."""

    symbols: tuple[str, str]
    correlation: Decimal
    common_days: int


class UndefinedPair(msgspec.Struct, frozen=True):
    """Two assets whose correlation is undefined although neither is excluded, and why."""

    symbols: tuple[str, str]
    reason: str


class CorrelationReport(msgspec.Struct, frozen=True, kw_only=True):
    """How what is held moves together. ``matrix`` is by ``symbols``, None where undefined, and else
    the float whose shortest text is the coefficient at 12 decimals.

    ``high_pairs`` are those over the policy's bound, no stablecoin among them, the highest first.
    """

    symbols: Sequence[str]
    matrix: Sequence[Sequence[float | None]]
    average_correlation: Measured
    high_pairs: Sequence[HighPair]
    excluded: Sequence[Excluded]
    undefined_pairs: Sequence[UndefinedPair]


class LargestCorrelations(msgspec.Struct, frozen=True, kw_only=True):
    """The correlations of the largest positions: ``symbols``, the largest first, and the coefficients by ordered pair,
    of an asset with itself too.

    ``excluded`` has the reason of each asset without any, ``undefined`` that of each other pair without one.
    ``left_out`` is how many smaller positions there are.
    """

    symbols: Sequence[str]
    coefficients: Mapping[Pair, Decimal]
    excluded: Mapping[str, str]
    undefined: Mapping[Pair, str]
    left_out: int

    def between(self, one: str, other: str) -> Decimal | None:
        """Return the coefficient of two assets; None where it is undefined."""
        return self.coefficients.get(pair_of(one, other))

    def reason(self, one: str, other: str) -> str | None:
        """Return why two assets have no coefficient; None where they have one."""
        if self.between(one, other) is not None:
            return None
        return self.excluded.get(one) or self.excluded.get(other) or self.undefined[pair_of(one, other)]


@figure
def correlation_of(state: MarketState) -> CorrelationReport:
    """Return the correlations of what is held, over the state's lookback."""
    related, symbols = state.statistics.correlations.correlation, state.statistics.history.symbols
    place = {symbol: number for number, symbol in enumerate(symbols)}
    risky = {h.symbol for h in state.view.held if h.category not in state.policy.stable_categories}
    high = [
        HighPair(symbols=pair, correlation=value, common_days=int(related.common_days[place[pair[0]], place[pair[1]]]))
        for pair, value in state.view.correlations.above(state.policy.pair_correlation).items()
        if risky.issuperset(pair)
    ]
    return CorrelationReport(
        symbols=symbols,
        matrix=state.statistics.correlations.rows(),
        average_correlation=average_of(state),
        high_pairs=sorted(high, key=lambda pair: (-pair.correlation, pair.symbols)),
        excluded=excluded_of(state, symbols, related.excluded),
        undefined_pairs=[
            UndefinedPair((symbols[one], symbols[other]), why_undefined(state, reason))
            for one, other, reason in related.undefined_pairs()
        ],
    )


def largest_correlations_of(state: MarketState, most: int) -> LargestCorrelations:
    """Return the correlations of the ``most`` largest positions, sizes whatever their sign."""
    return state.figures.once(("largest_correlations", most), lambda: _largest_correlations(state, most))


def _largest_correlations(state: MarketState, most: int) -> LargestCorrelations:
    by_size = sorted(state.view.held, key=lambda holding: (-abs(holding.value), holding.symbol))
    largest = [holding.symbol for holding in by_size[:most]]
    pairs, symbols = state.statistics.correlations.of(largest), sorted(largest)
    related = pairs.correlation
    return LargestCorrelations(
        symbols=largest,
        coefficients={
            **{pair: value for pair in combinations(symbols, 2) if (value := pairs.get(pair)) is not None},
            **{
                (symbols[place], symbols[place]): ONE
                for place, row in enumerate(pairs.rows())
                if row[place] is not None
            },
        },
        excluded={found.symbol: found.reason for found in excluded_of(state, symbols, related.excluded)},
        undefined={
            (symbols[one], symbols[other]): why_undefined(state, reason)
            for one, other, reason in related.undefined_pairs()
        },
        left_out=len(by_size) - len(largest),
    )


@figure
@exact
def average_of(state: MarketState) -> Measured:
    """Return the average correlation: the one that health counts."""
    if state.view.total_value <= 0 and state.view.held:
        return Measured(None, NO_TOTAL_VALUE)
    average = summary_of(state).average_correlation
    if average is not None:
        return Measured(average)
    counted = correlated_positions(state.view, state.policy)
    reason = Undefined.TOO_FEW_POSITIONS if state.view.held else Undefined.NO_POSITIONS
    if len(counted) > 1:
        reason = Undefined.TOO_FEW_OBSERVATIONS
    return Measured(None, why_undefined(state, reason))


@figure
@exact
def average_covered_percent(state: MarketState) -> Decimal | None:
    """Return the share of the value of the positions which the average correlation counts that have a coefficient, in
    percent; None of fewer than two, and where they are worth nothing.
    """
    counted = correlated_positions(state.view, state.policy)
    if len(counted) < 2:
        return None
    related = state.statistics.correlations.of([holding.symbol for holding in counted]).correlation
    kept = (holding.value for holding, why in zip(counted, related.excluded, strict=True) if why is None)
    whole = total(holding.value for holding in counted)
    return total(kept) * HUNDRED / whole if whole else None
