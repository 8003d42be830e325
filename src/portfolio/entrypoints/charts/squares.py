"""Boxes of given areas that fill a box and are as square as may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the chart's own width."""

    x: float
    y: float
    width: float
    height: float


def squarified(sizes: Sequence[float], box: Box) -> list[Box]:
    """Return a box for each size, of an area in proportion and as square as may be, in the order of ``sizes``.

    ``sizes`` are above zero, the largest first. Source: Bruls, Huizing, van Wijk, "Squarified Treemaps" (2000).
    """
    boxes: list[Box] = []
    scale = box.width * box.height / sum(sizes) if sizes else 0.0
    left, row = [size * scale for size in sizes], [0.0] * 0
    while left:
        side = min(box.width, box.height)
        if not row or _worst([*row, left[0]], side) <= _worst(row, side):
            row.append(left.pop(0))
            continue
        placed, box = _laid(row, box)
        boxes += placed
        row = []
    return boxes + (_laid(row, box)[0] if row else [])


def _worst(row: Sequence[float], side: float) -> float:
    """Return the greatest ratio of the sides of a row's boxes."""
    total = sum(row)
    return max(side * side * max(row) / (total * total), total * total / (side * side * min(row)))


def _laid(row: Sequence[float], box: Box) -> tuple[list[Box], Box]:
    """Return the boxes of a row along the shorter side, and the box that is left."""
    total, boxes, at = sum(row), [], 0.0
    if box.width >= box.height:
        thick = total / box.height
        for area in row:
            boxes.append(Box(box.x, box.y + at, thick, area / thick))
            at += area / thick
        return boxes, Box(box.x + thick, box.y, max(box.width - thick, 1e-9), box.height)
    thick = total / box.width
    for area in row:
        boxes.append(Box(box.x + at, box.y, area / thick, thick))
        at += area / thick
    return boxes, Box(box.x, box.y + thick, box.width, max(box.height - thick, 1e-9))
