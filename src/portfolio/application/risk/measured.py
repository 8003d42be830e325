"""A statistic as an exact number, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Container, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from portfolio.analytics.decimals import statistic
from portfolio.analytics.estimate import Estimate, Undefined
from portfolio.application.risk.concentration import NO_TOTAL_VALUE
from portfolio.application.risk.state import MarketState, figure
from portfolio.domain.arithmetic import HUNDRED, exact, total

HISTORY_UNAVAILABLE: Final = "history_unavailable"
OUT_OF_RANGE: Final = "out_of_range"

_FROM_HISTORY = {
    Undefined.TOO_FEW_OBSERVATIONS, Undefined.NO_COMMON_DAYS, Undefined.TOO_FEW_COMMON_DAYS, Undefined.MISSING_CLOSE,
}  # fmt: skip


class Measured(msgspec.Struct, frozen=True):
    """A statistic as an exact number of 12 decimals, or None and why."""

    value: Decimal | None
    reason: str | None = None

    @exact
    def times(self, factor: Decimal) -> Measured:
        """Return the product, undefined for the same reason."""
        return self if self.value is None else Measured(self.value * factor)


class Excluded(msgspec.Struct, frozen=True):
    """An asset that figures are made without, and why."""

    symbol: str
    reason: str


def measured_of(state: MarketState, estimate: Estimate) -> Measured:
    """Return a statistic as an exact number, or why there is none."""
    value = None if estimate.value is None else statistic(estimate.value)
    return Measured(value, why_weighed(state, estimate.reason) if value is None else None)


def covered_percent(state: MarketState, weight: float) -> Measured:
    """Return how much of the total value figures are made of, in percent; without a total value there is none."""
    if state.view.total_value <= 0:
        return Measured(None, NO_TOTAL_VALUE)
    return Measured(statistic(weight * 100))


@exact
def share_without(state: MarketState, left_out: Container[str]) -> Decimal | None:
    """Return the share of the value of what is held that is not left out, in percent, sizes whatever their sign."""
    whole = _size_of(state)
    lost = total(abs(holding.value) for holding in state.view.held if holding.symbol in left_out)
    return (whole - lost) * HUNDRED / whole if whole else None


@figure
@exact
def _size_of(state: MarketState) -> Decimal:
    """Return the value of what is held, sizes whatever their sign."""
    return total(abs(holding.value) for holding in state.view.held)


def why_weighed(state: MarketState, reason: Undefined | None) -> str:
    """Return why a figure of the weights is undefined: without a total value there are none."""
    if reason is Undefined.NO_POSITIONS and state.view.total_value <= 0 and state.view.held:
        return NO_TOTAL_VALUE
    return why_undefined(state, reason)


def why_undefined(state: MarketState, reason: Undefined | None) -> str:
    """Return the reason, or that the closes could not be read; where nothing is lacking, the value is too large."""
    if reason is None:
        return OUT_OF_RANGE
    unread = not state.closes.is_current and not state.closes.is_known
    return HISTORY_UNAVAILABLE if unread and reason in _FROM_HISTORY else reason.value


def excluded_of(state: MarketState, symbols: Sequence[str], reasons: Sequence[Undefined | None]) -> list[Excluded]:
    """Return the assets that there is a reason against."""
    pairs = zip(symbols, reasons, strict=True)
    return [Excluded(symbol, why_undefined(state, reason)) for symbol, reason in pairs if reason is not None]
