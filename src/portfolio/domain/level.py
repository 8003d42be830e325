"""Levels: low, medium, high."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum


class Level(StrEnum):
    """How much of something there is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


def level_of(figure: Decimal | None, *, medium_above: Decimal, high_above: Decimal) -> Level | None:
    """Return the level of ``figure``, exactly at a bound the lower one; None for None.

    A level is a rule, so it compares exact decimals, never floats: noise in the last bit must not change it.
    """
    if figure is None:
        return None
    if figure > high_above:
        return Level.HIGH
    return Level.MEDIUM if figure > medium_above else Level.LOW
