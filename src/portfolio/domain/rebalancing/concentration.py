"""How concentrated a portfolio is."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from portfolio.domain.arithmetic import ONE, exact, total
from portfolio.domain.level import Level, level_of

_HIGH = Decimal("0.25")
_MEDIUM = Decimal("0.15")


@exact
def herfindahl(values: Iterable[Decimal], whole: Decimal) -> Decimal | None:
    """Return the Herfindahl-Hirschman index: the sum of the squared shares of ``whole``, in (0, 1].

    >>> herfindahl([Decimal(3), Decimal(1)], Decimal(4))
    Decimal('0.625')

    None where it is undefined: ``whole`` not above zero, or a value below zero (a short position, or borrowed cash).
    """
    amounts = list(values)
    if whole <= 0 or any(amount < 0 for amount in amounts):
        return None
    return total(amount * amount for amount in amounts) / (whole * whole)


@exact
def effective_positions(hhi: Decimal | None) -> Decimal | None:
    """Return how many positions of equal size would be as concentrated: 1 / HHI; None where that is undefined."""
    return ONE / hhi if hhi else None


def concentration_level(hhi: Decimal | None) -> Level | None:
    """Return high above an index of 0.25, medium above 0.15, else low; None where the index is undefined."""
    return level_of(hhi, medium_above=_MEDIUM, high_above=_HIGH)
