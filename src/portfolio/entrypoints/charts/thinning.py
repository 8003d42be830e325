"""At most two points a pixel: the least and the greatest value of each, and gaps stay gaps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import TypeAlias

Point: TypeAlias = tuple[float, float, int]
"""A time, the value at it, and the number of the run it belongs to: between two runs is a gap."""

_VALUE = itemgetter(1)


def runs(points: Iterable[tuple[float, float | None]], farthest: float) -> list[Point]:
    """Return the points that have a value. A gap is where one has none, or the next is farther than ``farthest``."""
    found: list[Point] = []
    run, before, is_gap = 0, None, False
    for x, y in points:
        if y is None:
            is_gap = True
            continue
        if before is not None and (is_gap or x - before > farthest):
            run += 1
        found.append((x, y, run))
        before, is_gap = x, False
    return found


def thinned(points: Sequence[Point], first: float, last: float, pixels: int) -> list[Point]:
    """Return at most two points of each pixel between two times: its least and its greatest, in the order of time.

    A pixel of one or two points keeps them. Points are in the order of time.
    """
    a_day = pixels * (1 - 1e-12) / (last - first) if last > first else 0.0  # ``last`` itself is in the last pixel
    columns = [int((x - first) * a_day) for x, _, _ in points]
    edges = [place for place, (before, after) in enumerate(pairwise(columns), 1) if before != after]
    kept: list[Point] = []
    for start, end in pairwise([0, *edges, len(points)]):
        together = points[start:end]
        if len(together) > 2:
            least, greatest = min(together, key=_VALUE), max(together, key=_VALUE)
            together = sorted({least, greatest})
        kept += together
    return kept
