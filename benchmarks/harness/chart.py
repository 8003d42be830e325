"""The picture of how the costs grow: ``python -m benchmarks.harness.chart <figures.json> <picture.svg>``."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT, LEFT, TOP, GAP = 430, 300, 64, 56, 90
COLOURS = ("#1b6ca8", "#d1495b", "#66a182")
TEXT = 'font-family="sans-serif" font-size="12"'


def picture(panels: Mapping[str, Mapping[str, Points]]) -> str:
    """Return an SVG with a panel each, in which both axes are logarithmic: work to the right, milliseconds upwards."""
    total = LEFT + len(panels) * (WIDTH + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {TOP + HEIGHT + 60}">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for place, (title, series) in enumerate(panels.items()):
        parts += _panel(title, series, LEFT + place * (WIDTH + GAP))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(title: str, series: Mapping[str, Points], left: float) -> list[str]:
    sizes, costs = ([point[axis] for points in series.values() for point in points] for axis in (0, 1))
    across, up = _decades(sizes), _decades(costs)

    def x(size: float) -> float:
        return left + WIDTH * (math.log10(size) - across[0]) / (len(across) - 1)

    def y(cost: float) -> float:
        return TOP + HEIGHT * (1 - (math.log10(cost) - up[0]) / (len(up) - 1))

    parts = [f'<text x="{left}" y="20" font-weight="bold" {TEXT}>{escape(title)}</text>']
    for decade in across:
        at = x(10**decade)
        parts.append(f'<line x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{TOP + HEIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{at:.1f}" y="{TOP + HEIGHT + 18}" text-anchor="middle" {TEXT}>{10**decade:,.0f}</text>')
    for decade in up:
        at = y(10**decade)
        parts.append(f'<line x1="{left}" y1="{at:.1f}" x2="{left + WIDTH}" y2="{at:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{at + 4:.1f}" text-anchor="end" {TEXT}>{10.0**decade:g} ms</text>')
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        line = " ".join(f"{x(size):.1f},{y(cost):.1f}" for size, cost in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x(size):.1f}" cy="{y(cost):.1f}" r="3" fill="{colour}"/>' for size, cost in points]
        place = f'x="{left + 8}" y="{TOP + 16 + 16 * number}"'
        parts.append(f'<text {place} fill="{colour}" {TEXT}>{escape(name)}</text>')
    return parts


def _decades(values: Sequence[float]) -> range:
    """Return the powers of ten that enclose the values: two at least."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return range(low, max(high, low + 1) + 1)


def main() -> None:
    """Draw the series of a run's figures."""
    rows = json.loads(Path(sys.argv[1]).read_text())["rows"]
    panels: dict[str, dict[str, Points]] = {"by positions held": {}, "by trades booked before": {}}
    for title, group in zip(panels, ("positions", "trades"), strict=True):
        for row in rows:
            if row["group"] == group:
                panels[title] |= {name.partition(" (")[0]: points for name, points in row["series"].items()}
    Path(sys.argv[2]).write_text(picture({title: series for title, series in panels.items() if series}))


if __name__ == "__main__":
    main()
