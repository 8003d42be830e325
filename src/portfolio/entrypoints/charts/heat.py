"""A heat map as a table: cells with their text, and the class that colours them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from portfolio.entrypoints.charts.units import PLAIN, Number, Unit, number

STRENGTHS: Final = 4
"""Classes go from ``heat-minus-4`` over ``heat-0`` to ``heat-plus-4``; ``heat-none`` has no value."""


@dataclass(frozen=True, slots=True)
class HeatCell:
    """A cell of the table: what stands in it, its class, and the value as it was given."""

    text: str
    kind: str
    value: Number | None


def heat_map(
    rows: Sequence[Sequence[Number | None]], *, unit: Unit = PLAIN, most: Number | None = None, signed: bool = False
) -> list[list[HeatCell]]:
    """Return the cells of each row, the stronger coloured the nearer a value is to ``most``, either way.

    ``most`` is the greatest distance from zero of all values, if not given. A cell without a value shows a dash.
    """
    known = [abs(drawn) for row in rows for value in row if (drawn := number(value)) is not None]
    strongest = float(most) if most is not None else max(known, default=0.0)
    write = unit.signed if signed else unit.text
    return [
        [
            HeatCell("–" if number(value) is None else write(value or 0), heat_kind(value, strongest), value)
            for value in row
        ]
        for row in rows
    ]


def heat_kind(value: Number | None, most: Number) -> str:
    """Return the class of a value: blue above zero, orange below, and without a sign where it is near to zero."""
    drawn = number(value)
    if drawn is None:
        return "heat heat-none"
    strength = STRENGTHS if abs(drawn) >= most else round(abs(drawn) / float(most) * STRENGTHS)
    if not strength or not drawn:
        return "heat heat-0"
    return f"heat heat-{'plus' if drawn > 0 else 'minus'}-{strength}"
