"""Whether forecasts came true as often as they said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from portfolio.domain.arithmetic import ONE, exact, total

LEAST_FORECASTS: Final = 30
"""Of fewer forecasts nothing is said: the interval of a hit rate would be half of all that it can be."""
_Z: Final = Decimal("1.959963984540054")  # the 97.5 % quantile of the normal distribution: an interval of 95 %


@dataclass(frozen=True, slots=True)
class Forecast:
    """That something will happen, with which probability, and whether it did.

    ``base_rate`` is how often it happens anyway, None where that is not known. All are fractions.
    """

    confidence: Decimal
    came_true: bool
    base_rate: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How forecasts came out. Rates are fractions, None of fewer than 30 forecasts.

    ``hit_rate`` is how many came true, between ``hit_rate_low`` and ``hit_rate_high`` with 95 % confidence (E. B.
    Wilson, Probable inference, JASA 22, 1927). ``brier_score`` is the mean square of confidence - outcome (G. W. Brier,
    Monthly Weather Review 78, 1950): 0 is perfect, 0.25 what always saying 0.5 gets. ``base_rate`` and
    ``base_brier_score`` are of the ``based`` forecasts whose base rate is known, and say what forecasting that rate
    would have got.
    """

    forecasts: int
    mean_confidence: Decimal | None = None
    hit_rate: Decimal | None = None
    hit_rate_low: Decimal | None = None
    hit_rate_high: Decimal | None = None
    brier_score: Decimal | None = None
    based: int = 0
    base_rate: Decimal | None = None
    base_brier_score: Decimal | None = None


@exact
def calibration_of(forecasts: Sequence[Forecast]) -> Calibration:
    """Return how these forecasts came out."""
    based = [(forecast.base_rate, forecast.came_true) for forecast in forecasts if forecast.base_rate is not None]
    base_rate, base_brier_score = _mean_and_score(based)
    confidence, brier_score = _mean_and_score([(forecast.confidence, forecast.came_true) for forecast in forecasts])
    if brier_score is None:
        return Calibration(forecasts=len(forecasts), based=len(based))
    hits = sum(forecast.came_true for forecast in forecasts)
    low, high = wilson_interval(hits, len(forecasts))
    return Calibration(
        forecasts=len(forecasts),
        mean_confidence=confidence,
        hit_rate=Decimal(hits) / len(forecasts),
        hit_rate_low=low,
        hit_rate_high=high,
        brier_score=brier_score,
        based=len(based),
        base_rate=base_rate,
        base_brier_score=base_brier_score,
    )


@exact
def wilson_interval(hits: int, of: int) -> tuple[Decimal, Decimal]:
    """Return between which rates the true one lies with 95 % confidence, where ``hits`` ``of`` so many came true.

    (p + z^2/2n +- z sqrt(p (1 - p) / n + z^2/4n^2)) / (1 + z^2/n)
    """
    count, rate, square = Decimal(of), Decimal(hits) / of, _Z * _Z
    middle = rate + square / (2 * count)
    half = _Z * (rate * (ONE - rate) / count + square / (4 * count * count)).sqrt()
    whole = ONE + square / count
    return (middle - half) / whole, (middle + half) / whole


def _mean_and_score(said: Sequence[tuple[Decimal, bool]]) -> tuple[Decimal | None, Decimal | None]:
    """Return the mean of what was said, and its Brier score; None of too few."""
    if len(said) < LEAST_FORECASTS:
        return None, None
    mean = total(probability for probability, _ in said) / len(said)
    return mean, total((probability - came_true) ** 2 for probability, came_true in said) / len(said)
