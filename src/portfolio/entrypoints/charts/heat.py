"""A heat map as a table: cells with their text, and the class that colours them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from portfolio.entrypoints.charts.units import PLAIN, Number, number

STRENGTHS: Final = 4
"""Classes go from ``heat-minus-4`` over ``heat-0`` to ``heat-plus-4``; ``heat-none`` has no value."""

_STEP: Final = 0.01
_LARGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class HeatCell:
    """A cell of the table: what stands in it, and its class."""

    text: str
    kind: str


def heat_cell(value: Number | None, most: Number) -> HeatCell:
    """Return a cell, the stronger coloured the nearer a value is to ``most``, either way; a dash without a value.

    Below a thousand all have two decimals, so that they stand below each other: more say nothing of a correlation of
    thirty days.
    """
    drawn = number(value)
    text = "–" if drawn is None else PLAIN.text(drawn, _STEP if abs(drawn) < _LARGE else None)
    return HeatCell(text, heat_kind(value, float(most)))


def heat_kind(value: Number | None, most: Number) -> str:
    """Return the class of a value: blue above zero, orange below, and without a sign where it is near to zero."""
    drawn = number(value)
    if drawn is None:
        return "heat heat-none"
    strength = STRENGTHS if abs(drawn) >= most else round(abs(drawn) / float(most) * STRENGTHS)
    if not strength or not drawn:
        return "heat heat-0"
    return f"heat heat-{'plus' if drawn > 0 else 'minus'}-{strength}"
