"""A treemap: parts of a whole as areas, in groups; boxes of given areas are as square as may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from portfolio.entrypoints.charts.elements import PIXELS, SHOWN_FROM, counted, label, percent, short, text
from portfolio.entrypoints.charts.figure import Frame, Svg, drawn, empty
from portfolio.entrypoints.charts.units import Number, number

LEAST_SHARE: Final = 0.002
"""What is less of the whole is not drawn alone, but as one tile with its like."""

_LINE: Final = 15  # pixels
_CHARACTER, _CAPITAL, _WIDEST = 7, 9, 12  # pixels of one, at most on average
_BESIDE: Final = 8  # pixels left and right of a text
TONES: Final = 8


@dataclass(frozen=True, slots=True)
class Tile:
    """A part: its size, and a short text below its name. ``kind`` is one class more, as that of a heat map."""

    label: str
    value: Number
    note: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The parts of one category."""

    label: str
    tiles: Sequence[Tile]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the chart's own width."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class _Sized:
    """A group as it is drawn: its parts with their sizes, the largest first."""

    label: str
    tiles: Sequence[tuple[Tile, float]]
    size: float


def treemap(frame: Frame, groups: Sequence[Group]) -> Svg:
    """Return each part as an area in proportion to its value, beside the others of its group; the largest come first.

    A category has its own colour, but for those after the seven largest, which share one; its name is on each of its
    tiles that has room for it. What is not above zero has no area and is not drawn; what is below it is counted. Parts
    under 0.2 % of the whole are one tile in their group.
    """
    sized = sorted(filter(None, map(_sized, groups)), key=lambda group: -group.size)
    below = sum((number(tile.value) or 0) < 0 for group in groups for tile in group.tiles)
    missing = [f"{counted(below, 'part')} below zero {'is' if below == 1 else 'are'} not drawn."] if below else []
    if not sized:
        return empty(frame, "treemap", " ".join(("No data.", *missing)))
    whole = sum(group.size for group in sized)
    parts: list[str] = []
    boxes = squarified([group.size for group in sized], Box(0.0, 0.0, PIXELS, frame.height))
    tones = _tones(sized)
    for group, box in zip(sized, boxes, strict=True):
        tiles = _folded(group, LEAST_SHARE * whole)
        areas = squarified([size for _, size in tiles], box)
        for (tile, size), area in zip(tiles, areas, strict=True):
            title = f"{tile.label}: {frame.unit.text(size)}, {size / whole:.1%} of all, {group.label}"
            kind = f"chart-tile chart-tone-{tones[group.label]} {tile.kind}".strip()
            parts.append(_tile(kind, area, (tile.label, tile.note, group.label), title))
        parts.append(f'<rect class="chart-group"{_at(box)}/>')
    shares = ", ".join(f"{group.label} {group.size / whole:.1%}" for group in sized)
    words = f"{frame.unit.text(whole)} in {counted(len(sized), 'group')}: {shares}."
    return drawn(frame, "treemap", (words, *missing), parts)


def _tones(groups: Sequence[_Sized]) -> dict[str, int]:
    """Return the colour of each category, the largest by their names: it stays as long as they are the same ones."""
    names = [group.label for group in groups]
    own = sorted(names[: TONES - 1])
    return {name: own.index(name) if name in own else TONES - 1 for name in names}


def _sized(group: Group) -> _Sized | None:
    tiles = [(tile, size) for tile in group.tiles if (size := number(tile.value)) is not None and size > 0]
    tiles.sort(key=lambda one: -one[1])
    return _Sized(group.label, tiles, sum(size for _, size in tiles)) if tiles else None


def _folded(group: _Sized, least: float) -> list[tuple[Tile, float]]:
    """Return the parts of a group, the small ones as one."""
    large = [one for one in group.tiles if one[1] >= least]
    small = [size for _, size in group.tiles[len(large) :]]
    if small:
        large.append((Tile(f"{len(small):,} more", sum(small)), sum(small)))
    return sorted(large, key=lambda one: -one[1])


def _tile(kind: str, box: Box, lines: Sequence[str], title: str) -> str:
    """Return a part with as many lines of its text as have room, each from the width on at which it has."""
    shown = [line for line in lines if line][: int((box.height - 2) // _LINE)]
    words = "".join(
        label(line, x="4", y=13 + _LINE * place, kind=f"chart-label chart-from-{width}")
        for place, line in enumerate(shown)
        if (width := _shown_from(line, box)) is not None
    )
    return f'<svg{_at(box)}><title>{text(title)}</title><rect class="{kind}" width="100%" height="100%"/>{words}</svg>'


def _shown_from(line: str, box: Box) -> int | None:
    """Return the width of the chart from which on a line of text fits into a part; None where that is too wide."""
    pixels = sum(_WIDEST if one in "MW" else _CAPITAL if one.isupper() else _CHARACTER for one in line)
    needed = (pixels + _BESIDE) * PIXELS / box.width
    return next((width for width in SHOWN_FROM if width >= needed), None)


def _at(box: Box) -> str:
    across = f' x="{percent(box.x / PIXELS)}" y="{short(box.y)}" width="{percent(box.width / PIXELS)}"'
    return f'{across} height="{short(box.height)}"'


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
