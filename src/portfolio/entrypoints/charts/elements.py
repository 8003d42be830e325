"""The elements that charts are drawn with, and text that cannot break out of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Final

PIXELS: Final = 720
"""The width that a chart is drawn for; shown narrower or wider, its lines are stretched, and its text is not."""

FINENESS: Final = 10
"""Units of a path's coordinates a pixel."""

SHOWN_FROM: Final = (280, 300, 340, 370, 400, 520, 640, 760, 900, 1_240)
"""Widths of the chart in pixels from which on a text may be shown, for what it stands on is stretched and it is not."""

UNKNOWN: Final = "unknown"

# Of a chart that has one row for each item: its words, its bar, and what is between one row and the next, in pixels.
WORDS: Final = 18
BAR: Final = 12
BETWEEN: Final = 8
LEGEND: Final = 24
_CHARACTER: Final = 6.3  # pixels of one in these words, on average
_SHORT: Final = 6  # characters of a day, as "30 Sep"; a month with its year has more

# Said so, and not as all but what XML has, it is compiled in a tenth of the time (0.4 ms).
_NOT_IN_XML: Final = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def text(value: str) -> str:
    """Return text that is safe in an element and in a quoted attribute, also as XML."""
    return escape(_NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", value))


def label(words: str, *, x: str, y: float, kind: str = "chart-label", anchor: str = "start") -> str:
    """Return text at a place."""
    anchored = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="{kind}" x="{x}" y="{short(y)}"{anchored}>{text(words)}</text>'


def rectangle(kind: str, across: tuple[float, float], down: tuple[float, float]) -> str:
    """Return a rectangle: ``across`` from one fraction of the width to another, ``down`` from one pixel to another."""
    left, right = sorted(across)
    return (
        f'<rect class="{kind}" x="{percent(left)}" y="{short(down[0])}" '
        f'width="{percent(right - left)}" height="{short(down[1] - down[0])}"/>'
    )


def row_words(name: str, value: str, y: float, more: str = "") -> Iterator[str]:
    """Yield the words of a row at ``y``: its name on the left, and on the right what there is to say; ``more`` of it,
    and the end of a long name, where the chart is wide enough for all.
    """
    room = max(int(SHOWN_FROM[0] / _CHARACTER) - len(value) - 1, _SHORT)
    words = text(name[:room]) + _from_width(name[room:], len(name) + len(value) + 1)
    yield f'<text class="chart-name" x="0" y="{short(y + 13)}">{words}</text>'
    words = text(value) + _from_width(more, len(name) + len(value) + len(more) + 1)
    yield f'<text class="chart-value" x="100%" y="{short(y + 13)}" text-anchor="end">{words}</text>'


def _from_width(words: str, characters: int) -> str:
    """Return words that are shown where the chart is wide enough for so many characters; three dots where none is."""
    if not words:
        return ""
    width = next((width for width in SHOWN_FROM if width >= characters * _CHARACTER), None)
    return "…" if width is None else f'<tspan class="chart-from-{width}">{text(words)}</tspan>'


def line_down(kind: str, fraction: float, top: float, bottom: float) -> str:
    """Return a line downwards, at a fraction of the width."""
    x = percent(fraction)
    return f'<line class="{kind}" x1="{x}" x2="{x}" y1="{short(top)}" y2="{short(bottom)}"/>'


def legend(entries: Iterable[tuple[str, str, str]]) -> str:
    """Return the line that names what is drawn: class, the sign that stands for it, and its name."""
    spans = [f'class="{kind}">{text(sign)}</tspan><tspan> {text(name)}</tspan>' for kind, sign, name in entries]
    together = '<tspan dx="1em" '.join(spans)
    return f'<text class="chart-legend" x="0" y="14"><tspan {together}</text>' if spans else ""


def percent(fraction: float) -> str:
    """Return a fraction of the width as an attribute has it, as ``12.5%``."""
    return f"{short(fraction * 100)}%"


def short(value: float) -> str:
    """Return a coordinate to two decimals, without zeros that say nothing."""
    written = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if written == "-0" else written


def counted(count: int, thing: str) -> str:
    """Return ``1 gap``, ``2 gaps``."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def plot(top: int, height: int, paths: Iterable[str]) -> str:
    """Return the paths in a picture of their own, which is stretched to the width of the chart."""
    return (
        f'<svg class="chart-plot" x="0" y="{top}" width="100%" height="{height}" '
        f'viewBox="0 0 {PIXELS * FINENESS} {height * FINENESS}" preserveAspectRatio="none">{"".join(paths)}</svg>'
    )


def across_at(kind: str, y: float) -> str:
    """Return a line from the left to the right."""
    return f'<line class="{kind}" x1="0" x2="100%" y1="{short(y)}" y2="{short(y)}"/>'


def below(words: str, fraction: float, height: int) -> str:
    """Return the label of a place on the lower edge, which does not reach over the sides of the chart.

    Near a side it stands nearer to the next one: where the chart is narrow there is no room for it.
    """
    anchor = "start" if fraction < 0.06 else "end" if fraction > 0.94 else "middle"
    if len(words) > _SHORT:
        kind = "" if 0.1 <= fraction <= 0.9 else " chart-from-520"
    else:
        kind = "" if anchor == "middle" or fraction in {0, 1} else " chart-from-340"
    return label(words, x=percent(fraction), y=height - 6, kind=f"chart-label{kind}", anchor=anchor)
